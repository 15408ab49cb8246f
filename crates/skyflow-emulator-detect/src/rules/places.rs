use skyflow_types::DetectEntity;

use super::lexicon::{Case, Lexicon};
use super::shape::{LETTERS, Shape, Shapes, before, pattern};
use crate::words::places as lists;
use crate::{Finding, Passage, Recognizer};

const STREETS: &str = r"(?:Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Circle|Cir|Place|Pl|Square|Sq|Terrace|Ter|Trail|Trl|Parkway|Pkwy|Highway|Hwy|Way|Alley|Close|Crescent|Row|Walk|Loop|Broadway|STREET|AVENUE|ROAD|BOULEVARD|LANE|DRIVE|COURT|street|avenue|road|boulevard|lane)";
const UNITS: &str = r"(?:Apartment|Apt|Suite|Ste|Unit|Floor|Fl|Room|Rm|apt|suite|unit)";

/// Codes of states that are words, titles or companies too: they need a known city before or a postal code behind.
const CODES_THAT_ARE_WORDS: [&str; 14] =
    ["AL", "CO", "DC", "DE", "HI", "ID", "IN", "LA", "MA", "MD", "ME", "OH", "OK", "OR"];

/// Places: countries, states, cities, postal codes, addresses, coordinates.
#[derive(Debug)]
pub(super) struct Places {
    lexicon: Lexicon,
    shapes: Shapes,
    /// The groups of an address: street, city, state, postal code, country.
    address: regex::Regex,
}

pub(super) fn places() -> Places {
    let codes = lists::STATE_CODES.join("|");
    let is_word = |code: &&&str| CODES_THAT_ARE_WORDS.contains(*code);
    let clear =
        lists::STATE_CODES.iter().filter(|code| !is_word(code)).copied().collect::<Vec<_>>().join("|");
    let words = CODES_THAT_ARE_WORDS.join("|");
    let cities = lists::CITIES.iter().map(|city| titled(city)).collect::<Vec<_>>().join("|");
    // With a capital at each word, as in addresses.
    let states = lists::STATES.iter().map(|state| titled(state)).collect::<Vec<_>>().join("|");
    let word = format!("[A-Z\\x{{c0}}-\\x{{de}}][{LETTERS}.'’-]*");
    let direction = "(?:NE|NW|SE|SW|[NSEW]|North|South|East|West)";
    let house = format!(
        "[0-9]{{1,6}}[A-Za-z]?(?:[-/][0-9]{{1,4}})? (?:{direction}\\.? )?\
         (?:(?:{word}|[0-9]{{1,3}}(?:st|nd|rd|th)) ){{1,4}}{STREETS}(?-u:\\b)\\.?(?: {direction}(?-u:\\b))?"
    );
    let german = format!("{word}(?:straße|strasse|str\\.|gasse|weg|allee|platz) [0-9]{{1,4}}[a-z]?");
    let french = format!(
        "[0-9]{{1,4}},? (?:rue|avenue|boulevard|place) (?:(?:de|du|des|la|le|les) ){{0,2}}{word}(?:[ -]{word})?"
    );
    let unit = format!("{UNITS}\\.? ?#?[A-Za-z]?[0-9]{{1,5}}[A-Za-z]?|# ?[0-9]{{1,5}}[A-Za-z]?");
    let street =
        format!("(?:{house}|(?:P\\.? ?O\\.? ?|PO )Box [0-9]{{1,6}}|{german}|{french})(?:,? (?:{unit}))?");
    let zip =
        "[0-9]{5}(?:-[0-9]{4})?|[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}|[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]";
    let country = "USA|U\\.S\\.A\\.|US|UK|United States(?: of America)?|United Kingdom|Canada|Germany|France|Australia|India|Ireland|Deutschland";
    Places {
        lexicon: Lexicon::default()
            .with(&DetectEntity::LOCATION_COUNTRY, 0.85, Case::Capital, lists::COUNTRIES)
            .with(&DetectEntity::LOCATION_STATE, 0.84, Case::Capital, lists::STATES)
            .with(&DetectEntity::LOCATION_CITY, 0.83, Case::Capital, lists::CITIES),
        shapes: Shapes(vec![
            Shape::new(DetectEntity::LOCATION_ADDRESS_STREET, 0.9, &street),
            Shape::new(DetectEntity::LOCATION_COUNTRY, 0.85, "USA|U\\.S\\.A\\.|U\\.K\\.|U\\.S\\."),
            Shape::new(DetectEntity::LOCATION_COUNTRY, 0.8, "(?i-u:in|from|to|of) (?i-u:the )?(US|UK|UAE|Turkey|Chad|Jordan|Georgia|Cuba)"),
            Shape::new(DetectEntity::LOCATION_STATE, 0.85, &format!(", ({clear})(?: [0-9]{{5}}|[.,;)\\s]|$)")),
            Shape::new(DetectEntity::LOCATION_STATE, 0.85, &format!(", ({words}) [0-9]{{5}}")),
            Shape::new(DetectEntity::LOCATION_STATE, 0.85, &format!("(?:{cities}), ({words})(?-u:\\b)")),
            Shape::new(DetectEntity::LOCATION_CITY, 0.8, &format!("({word}(?: {word}){{0,2}}), (?:(?:{clear})(?-u:\\b)|(?:{words}) [0-9]{{5}}|(?:{states}))")),
            Shape::new(DetectEntity::LOCATION_CITY, 0.75, &format!("(?i-u:lives? in|living in|lived in|born in|resid(?:es?|ing) in|moved to|grew up in|city of|based in) ({word}(?: {word}){{0,1}})"))
                .checked(is_new_place),
            Shape::new(DetectEntity::LOCATION_ZIP, 0.92, &format!("(?:{codes}) ([0-9]{{5}}(?:-[0-9]{{4}})?)")).apart(),
            Shape::new(DetectEntity::LOCATION_ZIP, 0.9, "[0-9]{5}-[0-9]{4}").apart(),
            Shape::new(DetectEntity::LOCATION_ZIP, 0.92, &format!("{zip}|[0-9]{{4,6}}"))
                .cued("zip|zip ?codes?|postal ?codes?|post ?codes?|plz")
                .apart(),
            Shape::new(DetectEntity::LOCATION_ZIP, 0.88, "(?:[A-PR-UWYZ][A-HK-Y]?[0-9][0-9A-HJKMNP-Y]?) [0-9][ABD-HJLNP-UW-Z]{2}"),
            Shape::new(DetectEntity::LOCATION_ZIP, 0.85, "[ABCEGHJ-NPRSTVXY][0-9][A-Z] [0-9][A-Z][0-9]"),
            Shape::new(DetectEntity::LOCATION_COORDINATE, 0.93, r"[+-]?[0-9]{1,2}\.[0-9]{3,10},\s?[+-]?[0-9]{1,3}\.[0-9]{3,10}")
                .checked(is_coordinate)
                .apart(),
            Shape::new(DetectEntity::LOCATION_COORDINATE, 0.95, r#"[0-9]{1,2}(?:\.[0-9]{1,10})?°(?: ?[0-9]{1,2}(?:\.[0-9]+)?['′])?(?: ?[0-9]{1,2}(?:\.[0-9]+)?["″])? ?[NS],? ?[0-9]{1,3}(?:\.[0-9]{1,10})?°(?: ?[0-9]{1,2}(?:\.[0-9]+)?['′])?(?: ?[0-9]{1,2}(?:\.[0-9]+)?["″])? ?[EW]"#),
        ]),
        address: pattern(&format!(
            "({street})(?:,? ?\\r?\\n|, | )(?:({word}(?: {word}){{0,3}})(?:, ?| )(?:({codes}|{states})(?-u:\\b),? ?)?({zip})|({word}(?: {word}){{0,2}}), ({codes}|{states})(?-u:\\b)|({zip}) ({word}(?: {word}){{0,2}}))(?:(?:, ?|\\r?\\n)({country})(?-u:\\b))?"
        )),
    }
}

/// Writes a phrase with a capital at each word.
fn titled(phrase: &str) -> String {
    let words = phrase.split(' ').map(|word| {
        let mut letters = word.chars();
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join(" ").replace(" Of ", " of ")
}

/// Returns whether the text after "lives in" may be a city; a month or a pronoun is none.
fn is_new_place(text: &str) -> bool {
    ![
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
        "I",
        "The",
        "A",
    ]
    .contains(&text)
}

/// Tells whether two numbers are a latitude and a longitude.
fn is_coordinate(text: &str) -> bool {
    let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<f64>().ok()).map(f64::abs);
    let mut parts = text.split(',');
    number(parts.next()).is_some_and(|latitude| latitude <= 90.0)
        && number(parts.next()).is_some_and(|longitude| longitude <= 180.0)
}

impl Recognizer for Places {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let mut findings = self.lexicon.find(passage.text());
        findings.extend(self.shapes.recognize(passage));
        self.addresses(passage.text(), &mut findings);
        findings.iter_mut().for_each(|finding| without_stop(passage.text(), finding));
        findings
    }
}

impl Places {
    /// Finds whole addresses; their parts are findings of their own as well, which the whole one outweighs.
    fn addresses(&self, text: &str, findings: &mut Vec<Finding>) {
        const PARTS: [(usize, DetectEntity); 9] = [
            (1, DetectEntity::LOCATION_ADDRESS_STREET),
            (2, DetectEntity::LOCATION_CITY),
            (3, DetectEntity::LOCATION_STATE),
            (4, DetectEntity::LOCATION_ZIP),
            (5, DetectEntity::LOCATION_CITY),
            (6, DetectEntity::LOCATION_STATE),
            (7, DetectEntity::LOCATION_ZIP),
            (8, DetectEntity::LOCATION_CITY),
            (9, DetectEntity::LOCATION_COUNTRY),
        ];
        for groups in self.address.captures_iter(text) {
            let Some(whole) = groups.get(0) else { continue };
            // A number before the number of the house belongs to something else.
            if before(text, whole.start()).ends_with(|letter: char| letter.is_alphanumeric() || letter == '-')
            {
                continue;
            }
            let mut address = Finding::new(whole.range(), DetectEntity::LOCATION_ADDRESS, 0.95);
            for (place, entity) in PARTS {
                if let Some(part) = groups.get(place) {
                    address = address.label(entity.clone(), 0.7);
                    findings.push(Finding::new(part.range(), entity, 0.85));
                }
            }
            findings.push(address);
        }
    }
}

/// Takes the full stop off the end of a finding, but not off a country that is written with stops.
fn without_stop(text: &str, finding: &mut Finding) {
    let value = text.get(finding.range.clone()).unwrap_or_default();
    if finding.entity != DetectEntity::LOCATION_COUNTRY {
        finding.range.end -= value.len() - value.trim_end_matches(['.', '\'', '’', '-', ' ']).len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::{assert_finds, found};

    #[test]
    fn whole_addresses_are_found_with_their_parts() {
        for (text, expected) in [
            ("lives at 123 Main Street, Springfield, IL 62704.", "123 Main Street, Springfield, IL 62704"),
            (
                "1600 Pennsylvania Ave NW, Washington, DC 20500",
                "1600 Pennsylvania Ave NW, Washington, DC 20500",
            ),
            (
                "12 Oak St., Apt 4B, Portland, Oregon 97201, USA",
                "12 Oak St., Apt 4B, Portland, Oregon 97201, USA",
            ),
            ("10 Downing Street, London SW1A 2AA", "10 Downing Street, London SW1A 2AA"),
            ("Hauptstraße 5, 10115 Berlin", "Hauptstraße 5, 10115 Berlin"),
            ("🏠5 High Road\r\nSan Jose, CA 95113🏠", "5 High Road\r\nSan Jose, CA 95113"),
        ] {
            let found = found(&places(), text);
            assert!(
                found.contains(&("location_address".to_owned(), expected.to_owned())),
                "{text:?}: {found:?}"
            );
        }
        let findings = places().recognize(&Passage::new("123 Main Street, Springfield, IL 62704"));
        let whole = findings.iter().find(|finding| finding.entity == DetectEntity::LOCATION_ADDRESS).unwrap();
        let labels: Vec<_> = whole.labels.iter().map(|(entity, _)| entity.as_str()).collect();
        assert_eq!(labels, ["location_address_street", "location_city", "location_state", "location_zip"]);
    }

    #[test]
    fn parts_of_places_are_found_alone() {
        for (text, entity, expected) in [
            ("at 42 Elm Avenue.", "location_address_street", "42 Elm Avenue"),
            ("in South Africa", "location_country", "South Africa"),
            ("from the UK", "location_country", "UK"),
            ("in New York City", "location_city", "New York City"),
            ("in São Paulo\r\n", "location_city", "São Paulo"),
            ("she lives in Smallville", "location_city", "Smallville"),
            ("Portland, OR, is", "location_state", "OR"),
            ("Smallville, OR 97201", "location_city", "Smallville"),
            ("Reno, NV", "location_city", "Reno"),
            ("Reno, NV", "location_state", "NV"),
            ("all of Texas", "location_state", "Texas"),
            ("zip code 94107", "location_zip", "94107"),
            ("94107-1234", "location_zip", "94107-1234"),
            ("at SW1A 2AA now", "location_zip", "SW1A 2AA"),
            ("\u{200f}37.7749, -122.4194\u{200f}", "location_coordinate", "37.7749, -122.4194"),
            ("40°26′46″N 79°58′56″W", "location_coordinate", "40°26′46″N 79°58′56″W"),
        ] {
            let found = found(&places(), text);
            assert!(found.contains(&(entity.to_owned(), expected.to_owned())), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn ordinary_words_and_numbers_are_no_places() {
        for text in [
            "Yes, OK",
            "Dear Team, IN this case",
            "Rev. Zorb Quux, MD",
            "Falcon",
            "94107",
            "give us",
            "in or out",
            "OK",
            "99.9999, 999.9999",
            "turkey",
            "the street",
            "5 people walk",
        ] {
            assert_finds(&places(), text, &[]);
        }
    }
}
