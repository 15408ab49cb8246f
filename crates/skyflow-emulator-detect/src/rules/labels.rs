use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use skyflow_types::DetectEntity;

use super::cards::is_card;
use super::checksums::digits;
use crate::words::names::GIVEN;
use crate::{Finding, Passage, Recognizer};

const SCORE: f64 = 0.9;
/// Placeholders of unknown values, and summaries of a column.
const PLACEHOLDERS: [&str; 16] = [
    "-",
    "?",
    "n/a",
    "na",
    "nil",
    "no",
    "none",
    "null",
    "pending",
    "same as above",
    "subtotal",
    "tbd",
    "total",
    "unknown",
    "various",
    "yes",
];
/// How sure a value is that could be anything else: one that does not look like a name by itself.
const DOUBTFUL: f64 = 0.55;

/// Takes the whole text as what its label says it is: the header of its column, the name of its member or element.
#[derive(Debug)]
pub(super) struct Labels(HashMap<&'static str, (DetectEntity, Form)>);

/// What a text has to look like to be what its label says.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// A letter is in it, and no more than a few words.
    Words,
    /// Words that begin with capitals, or a given name: things have names and states too.
    Proper,
    /// A digit is in it, and no more than a few words.
    Number,
    /// A digit or a letter is in it.
    Text,
    /// Three or four digits.
    Code,
    /// A plausible age.
    Age,
    Card,
    Email,
    Address,
    /// Without white space inside.
    Word,
}

#[rustfmt::skip]
const LABELS: &[(DetectEntity, Form, &[&str])] = &[
    (DetectEntity::SSN, Form::Number, &["ssn", "socialsecuritynumber", "socialsecurity", "socialsecurityno", "ssnumber", "taxpayerid"]),
    (DetectEntity::CREDIT_CARD, Form::Card, &["cardnumber", "creditcard", "creditcardnumber", "ccnumber", "cardno", "pan", "debitcard", "debitcardnumber", "ccnum"]),
    (DetectEntity::CVV, Form::Code, &["cvv", "cvc", "cvv2", "cvc2", "csc", "securitycode", "cardverificationvalue", "cardcvv", "cardsecuritycode"]),
    (DetectEntity::CREDIT_CARD_EXPIRATION, Form::Number, &["expiry", "expirydate", "expiration", "expirationdate", "cardexpiry", "cardexpiration", "exp", "expdate", "cardexpirationdate", "validthru"]),
    (DetectEntity::NAME_GIVEN, Form::Words, &["firstname", "givenname", "fname", "forename", "middlename"]),
    (DetectEntity::NAME_FAMILY, Form::Words, &["lastname", "surname", "familyname", "lname", "maidenname"]),
    (DetectEntity::NAME, Form::Proper, &["name", "displayname", "author", "lastmodifiedby", "lasteditedby", "manager"]),
    (DetectEntity::NAME, Form::Words, &["fullname", "customername", "clientname", "patientname", "employeename", "patient", "personname", "contactname", "accountholder", "cardholder", "cardholdername", "nameoncard"]),
    (DetectEntity::NAME_MEDICAL_PROFESSIONAL, Form::Words, &["doctor", "physician", "doctorname", "physicianname", "surgeon", "providername"]),
    (DetectEntity::DOB, Form::Number, &["dob", "dateofbirth", "birthdate", "birthday", "birthdt"]),
    (DetectEntity::DATE, Form::Number, &["date", "startdate", "enddate", "hiredate", "admissiondate", "dischargedate", "visitdate", "orderdate"]),
    (DetectEntity::AGE, Form::Age, &["age", "patientage"]),
    (DetectEntity::LOCATION_ZIP, Form::Number, &["zip", "zipcode", "postalcode", "postcode", "plz"]),
    (DetectEntity::LOCATION_CITY, Form::Words, &["city", "town", "municipality"]),
    (DetectEntity::LOCATION_STATE, Form::Proper, &["state"]),
    (DetectEntity::LOCATION_STATE, Form::Words, &["province", "stateprovince"]),
    (DetectEntity::LOCATION_COUNTRY, Form::Words, &["country", "countryname", "countrycode", "countryofresidence", "birthcountry"]),
    (DetectEntity::LOCATION_ADDRESS, Form::Text, &["address", "homeaddress", "mailingaddress", "postaladdress", "billingaddress", "shippingaddress", "fulladdress"]),
    (DetectEntity::LOCATION_ADDRESS_STREET, Form::Text, &["street", "streetaddress", "addressline1", "address1", "addressline2", "address2", "street1", "streetname"]),
    (DetectEntity::LOCATION_COORDINATE, Form::Number, &["coordinates", "latitude", "longitude", "lat", "lng", "lon", "geolocation"]),
    (DetectEntity::PHONE_NUMBER, Form::Number, &["phone", "phonenumber", "telephone", "tel", "mobile", "mobilenumber", "mobilephone", "cell", "cellphone", "fax", "homephone", "workphone", "contactnumber", "phoneno"]),
    (DetectEntity::EMAIL_ADDRESS, Form::Email, &["email", "emailaddress", "mail", "contactemail", "useremail", "workemail"]),
    (DetectEntity::PASSWORD, Form::Word, &["password", "passwd", "pwd", "passphrase", "userpassword"]),
    (DetectEntity::USERNAME, Form::Word, &["username", "userid", "login", "loginname", "user", "handle", "screenname"]),
    (DetectEntity::BANK_ACCOUNT, Form::Number, &["iban", "bankaccount", "bankaccountnumber", "checkingaccount", "savingsaccount"]),
    (DetectEntity::ACCOUNT_NUMBER, Form::Number, &["accountnumber", "account", "accountno", "acctnumber", "acctno", "accountid", "membernumber", "memberid", "customernumber", "policynumber"]),
    (DetectEntity::ROUTING_NUMBER, Form::Number, &["routingnumber", "routing", "aba", "abanumber", "routingno"]),
    (DetectEntity::PASSPORT_NUMBER, Form::Number, &["passport", "passportnumber", "passportno"]),
    (DetectEntity::DRIVER_LICENSE, Form::Number, &["driverlicense", "driverslicense", "driverlicensenumber", "driverslicensenumber", "licensenumber", "drivinglicence", "dlnumber", "dl"]),
    (DetectEntity::VEHICLE_ID, Form::Number, &["vin", "vehicleid", "licenseplate", "platenumber", "vehicleidentificationnumber"]),
    (DetectEntity::ORGANIZATION_ID, Form::Number, &["ein", "fein", "taxid", "employeridentificationnumber", "vatnumber", "vatid"]),
    (DetectEntity::HEALTHCARE_NUMBER, Form::Number, &["mrn", "npi", "medicalrecordnumber", "patientid", "healthinsurancenumber", "insuranceid", "medicarenumber", "nhsnumber"]),
    (DetectEntity::MEDICAL_CODE, Form::Number, &["icd", "icd10", "icd10code", "icdcode", "diagnosiscode", "cptcode"]),
    (DetectEntity::BLOOD_TYPE, Form::Words, &["bloodtype", "bloodgroup"]),
    (DetectEntity::CONDITION, Form::Words, &["diagnosis", "condition", "illness", "disease"]),
    (DetectEntity::DRUG, Form::Words, &["drug", "medication", "medicine", "prescription"]),
    (DetectEntity::DOSE, Form::Number, &["dose", "dosage"]),
    (DetectEntity::GENDER, Form::Words, &["gender", "sex"]),
    (DetectEntity::MARITAL_STATUS, Form::Words, &["maritalstatus", "civilstatus"]),
    (DetectEntity::OCCUPATION, Form::Words, &["occupation", "jobtitle", "job", "profession"]),
    (DetectEntity::RELIGION, Form::Words, &["religion", "faith"]),
    (DetectEntity::ORIGIN, Form::Words, &["nationality", "ethnicity", "race", "origin", "citizenship"]),
    (DetectEntity::LANGUAGE, Form::Words, &["language", "preferredlanguage", "nativelanguage"]),
    (DetectEntity::SEXUALITY, Form::Words, &["sexuality", "sexualorientation"]),
    (DetectEntity::ZODIAC_SIGN, Form::Words, &["zodiacsign", "zodiac", "starsign"]),
    (DetectEntity::POLITICAL_AFFILIATION, Form::Words, &["politicalaffiliation", "politicalparty"]),
    (DetectEntity::IP_ADDRESS, Form::Address, &["ip", "ipaddress", "ipv4", "ipv6", "clientip", "remoteip", "ipaddr"]),
    (DetectEntity::URL, Form::Word, &["url", "website", "homepage", "link"]),
    (DetectEntity::FILENAME, Form::Text, &["filename", "file", "attachment"]),
    (DetectEntity::ORGANIZATION, Form::Words, &["company", "companyname", "organization", "organisation", "employer", "organizationname"]),
    (DetectEntity::ORGANIZATION_MEDICAL_FACILITY, Form::Words, &["hospital", "clinic", "facility", "hospitalname"]),
    (DetectEntity::MONEY, Form::Number, &["salary", "income", "amount", "balance", "price"]),
];

static VOCABULARY: LazyLock<Labels> = LazyLock::new(labels);

/// Tells whether a text by itself is a label of the vocabulary, such as `SSN` or `Date of birth:`.
pub(crate) fn is_known_label(text: &str) -> bool {
    let text = text.trim().trim_end_matches([':', '*', '?', ' ']);
    let is_plain = |letter: char| letter.is_alphanumeric() || " _-.'’#()".contains(letter);
    text.chars().all(is_plain) && VOCABULARY.of(text).is_some()
}

/// Tells whether a value may be what a label of the vocabulary says.
pub(crate) fn fits_label(label: &str, value: &str) -> bool {
    let value = value.trim();
    VOCABULARY.of(label).is_some_and(|(_, form)| {
        form.fits(value) && !is_placeholder(value) && !(form.is_for_anything() && VOCABULARY.is_label(value))
    })
}

/// Tells whether the values of a label may be labels themselves: occupations such as `doctor`.
pub(crate) fn names_labels(label: &str) -> bool {
    VOCABULARY.of(label).is_some_and(|(entity, _)| *entity == DetectEntity::OCCUPATION)
}

fn is_placeholder(value: &str) -> bool {
    PLACEHOLDERS.contains(&value.to_lowercase().as_str())
}

pub(super) fn labels() -> Labels {
    let all = LABELS
        .iter()
        .flat_map(|(entity, form, labels)| labels.iter().map(move |label| (*label, (entity.clone(), *form))));
    Labels(all.collect())
}

impl Labels {
    fn of(&self, label: &str) -> Option<&(DetectEntity, Form)> {
        // Of a path such as `customer.address/zip`, the last part says what it is.
        let last = label.rsplit(['.', '/', ':']).find(|part| !part.is_empty())?;
        let plain: String =
            last.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        // Of several, such as `phone2`, the number says which.
        let unnumbered = || self.0.get(plain.trim_end_matches(|letter: char| letter.is_ascii_digit()));
        self.0.get(plain.as_str()).or_else(unnumbered)
    }
}

impl Labels {
    fn is_label(&self, value: &str) -> bool {
        self.of(value).is_some() && !is_given_name(value)
    }
}

impl Recognizer for Labels {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let value = passage.text().trim();
        let Some((entity, form)) = self.of(passage.label()) else { return Vec::new() };
        // Under a label for anything, such as `name`, another label says what a value beside it is.
        if !form.fits(value) || is_placeholder(value) || (form.is_for_anything() && self.is_label(value)) {
            return Vec::new();
        }
        let start = passage.text().len() - passage.text().trim_start().len();
        let score = if is_sure(value) { SCORE } else { DOUBTFUL };
        let finding = Finding::new(start..start + value.len(), entity.clone(), score);
        vec![if [DetectEntity::NAME_GIVEN, DetectEntity::NAME_FAMILY].contains(entity) {
            finding.label(DetectEntity::NAME, score - 0.1)
        } else {
            finding
        }]
    }
}

impl Form {
    fn is_for_anything(self) -> bool {
        matches!(self, Self::Proper)
    }

    fn fits(self, value: &str) -> bool {
        let letter = value.chars().any(char::is_alphabetic);
        let digit = value.chars().any(|letter| letter.is_ascii_digit());
        let words = value.split_whitespace().count();
        match self {
            // More is not a field but a text, in which the other rules look for parts.
            Self::Words => letter && words <= 8 && !value.contains('@') && value.len() <= 160,
            Self::Proper => {
                Self::Words.fits(value) && (!value.split_whitespace().all(is_small) || is_given_name(value))
            }
            Self::Number => digit && words <= 6 && value.len() <= 60,
            Self::Text => (letter || digit) && words <= 20 && value.len() <= 300,
            Self::Code => matches!(value.len(), 3 | 4) && value.chars().all(|letter| letter.is_ascii_digit()),
            Self::Age => {
                value
                    .split_whitespace()
                    .next()
                    .and_then(|age| age.parse::<u8>().ok())
                    .is_some_and(|age| age < 130)
                    && words <= 3
            }
            // Test data has numbers with a wrong check digit, and under this label they are meant as cards.
            Self::Card => is_card(value) || ((12..=19).contains(&digits(value).count()) && !letter),
            Self::Email => {
                words == 1
                    && value.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
            }
            Self::Address => value.parse::<IpAddr>().is_ok(),
            Self::Word => words == 1 && value.len() <= 2048,
        }
    }
}

/// Returns whether a value is what its label says in any position: several words, or no word of a language.
fn is_sure(value: &str) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let is_mixed = digits > 0 && value.contains(char::is_alphabetic);
    value.contains(char::is_whitespace)
        || is_mixed
        || digits >= 6
        || value.contains('@')
        || is_given_name(value)
}

/// Tells whether the first letter of a word is a small one.
fn is_small(word: &str) -> bool {
    word.chars().find(|letter| letter.is_alphabetic()).is_some_and(char::is_lowercase)
}

/// Tells whether a word of a text is a given name that is hardly ever anything else.
fn is_given_name(text: &str) -> bool {
    text.split_whitespace().any(|word| GIVEN.contains(&word.to_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::found_in;

    #[test]
    fn labels_in_any_spelling_name_fitting_values() {
        for (label, text, entity, expected) in [
            ("ssn", "123456789", "ssn", "123456789"),
            ("Social Security Number", " 123 45 6789\r\n", "ssn", "123 45 6789"),
            ("cardNumber", "4111111111111112", "credit_card", "4111111111111112"),
            ("card_number", "4111-1111-1111-1111", "credit_card", "4111-1111-1111-1111"),
            ("first_name", "Will", "name_given", "Will"),
            ("lastName", "O'Neill", "name_family", "O'Neill"),
            ("name", "Quill Ossington", "name", "Quill Ossington"),
            ("name", "jane ossington", "name", "jane ossington"),
            ("name", "王小明", "name", "王小明"),
            ("name", "Zorblax", "name", "Zorblax"),
            ("state", "CA", "location_state", "CA"),
            ("FULL NAME", "🙂 王小明", "name", "🙂 王小明"),
            ("date-of-birth", "5/6/1990", "dob", "5/6/1990"),
            ("customer.address.zip", "94107", "location_zip", "94107"),
            ("CVV", "123", "cvv", "123"),
            ("iban", "DE1234", "bank_account", "DE1234"),
            ("e-mail", "a@b", "email_address", "a@b"),
            ("password", "hunter2", "password", "hunter2"),
            ("ip", "::1", "ip_address", "::1"),
            ("Age", "45", "age", "45"),
            ("Company", "شركة", "organization", "شركة"),
        ] {
            let found = found_in(&labels(), &Passage::new(text).labelled(label));
            assert_eq!(found, [(entity.to_owned(), expected.to_owned())], "{label}");
        }
    }

    #[test]
    fn a_text_that_does_not_fit_its_label_is_nothing() {
        for (label, text) in [
            ("cvv", "12345"),
            ("cvv", "abc"),
            ("ssn", "unknown"),
            ("first_name", "123"),
            ("age", "200"),
            ("email", "none"),
            ("ip", "999.1.1.1"),
            ("city", ""),
            ("name", "timeout"),
            ("name", "due amount"),
            ("company", "N/A"),
            ("address", "Same as above"),
            ("name", "Total"),
            ("name", "SSN"),
            ("name", "Date of birth"),
            ("author", "(anonymous)"),
            ("state", "active"),
            ("name", "This is a long sentence which says nothing about any name at all"),
            ("notes", "Jane"),
            ("", "Jane"),
        ] {
            assert_eq!(found_in(&labels(), &Passage::new(text).labelled(label)), [], "{label}: {text}");
        }
    }

    #[test]
    fn every_label_is_plain_and_says_one_thing() {
        let mut seen = std::collections::HashSet::new();
        for label in LABELS.iter().flat_map(|(_, _, labels)| *labels) {
            assert!(
                label.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit()),
                "{label}"
            );
            assert!(seen.insert(label), "{label} is there twice");
        }
    }
}
