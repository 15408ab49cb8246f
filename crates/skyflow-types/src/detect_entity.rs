use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares the entities once: their constants, and the list of them all.
macro_rules! entities {
    ($($(#[$doc:meta])* $constant:ident = $wire:literal),+ $(,)?) => {
        impl DetectEntity {
            $($(#[$doc])* pub const $constant: Self = Self(Cow::Borrowed($wire));)+

            /// Every entity that Skyflow names, in the order of its API description.
            pub const ALL_KNOWN: &'static [Self] = &[$(Self::$constant),+];
        }
    };
}

/// Names a kind of sensitive data that Skyflow Detect finds, such as a name or a social security number.
///
/// The 70 that Skyflow names are constants here. Others are kept as they are, so that an entity which Skyflow adds
/// can be requested, and read from a response, before this crate knows it.
///
/// Requests write entities in lowercase (`credit_card`), responses in uppercase (`CREDIT_CARD`); here both are the
/// same entity.
///
/// ```
/// use skyflow_types::DetectEntity;
///
/// assert_eq!(DetectEntity::new("CREDIT_CARD"), DetectEntity::CREDIT_CARD);
/// assert_eq!(DetectEntity::CREDIT_CARD.as_str(), "credit_card");
/// assert_eq!(DetectEntity::new("loyalty_number").as_str(), "loyalty_number");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DetectEntity(Cow<'static, str>);

entities! {
    /// `account_number`
    ACCOUNT_NUMBER = "account_number",
    /// `age`
    AGE = "age",
    /// `all`: every entity.
    ALL = "all",
    /// `bank_account`
    BANK_ACCOUNT = "bank_account",
    /// `blood_type`
    BLOOD_TYPE = "blood_type",
    /// `condition`: a medical one.
    CONDITION = "condition",
    /// `corporate_action`
    CORPORATE_ACTION = "corporate_action",
    /// `credit_card`: its number.
    CREDIT_CARD = "credit_card",
    /// `credit_card_expiration`
    CREDIT_CARD_EXPIRATION = "credit_card_expiration",
    /// `cvv`
    CVV = "cvv",
    /// `date`
    DATE = "date",
    /// `date_interval`
    DATE_INTERVAL = "date_interval",
    /// `day`
    DAY = "day",
    /// `dob`: a date of birth.
    DOB = "dob",
    /// `dose`
    DOSE = "dose",
    /// `driver_license`
    DRIVER_LICENSE = "driver_license",
    /// `drug`
    DRUG = "drug",
    /// `duration`
    DURATION = "duration",
    /// `effect`
    EFFECT = "effect",
    /// `email_address`
    EMAIL_ADDRESS = "email_address",
    /// `event`
    EVENT = "event",
    /// `filename`
    FILENAME = "filename",
    /// `financial_metric`
    FINANCIAL_METRIC = "financial_metric",
    /// `gender`
    GENDER = "gender",
    /// `healthcare_number`
    HEALTHCARE_NUMBER = "healthcare_number",
    /// `injury`
    INJURY = "injury",
    /// `ip_address`
    IP_ADDRESS = "ip_address",
    /// `language`
    LANGUAGE = "language",
    /// `location`
    LOCATION = "location",
    /// `location_address`
    LOCATION_ADDRESS = "location_address",
    /// `location_address_street`
    LOCATION_ADDRESS_STREET = "location_address_street",
    /// `location_city`
    LOCATION_CITY = "location_city",
    /// `location_coordinate`
    LOCATION_COORDINATE = "location_coordinate",
    /// `location_country`
    LOCATION_COUNTRY = "location_country",
    /// `location_state`
    LOCATION_STATE = "location_state",
    /// `location_zip`
    LOCATION_ZIP = "location_zip",
    /// `marital_status`
    MARITAL_STATUS = "marital_status",
    /// `medical_code`
    MEDICAL_CODE = "medical_code",
    /// `medical_process`
    MEDICAL_PROCESS = "medical_process",
    /// `money`
    MONEY = "money",
    /// `month`
    MONTH = "month",
    /// `name`
    NAME = "name",
    /// `name_family`
    NAME_FAMILY = "name_family",
    /// `name_given`
    NAME_GIVEN = "name_given",
    /// `name_medical_professional`
    NAME_MEDICAL_PROFESSIONAL = "name_medical_professional",
    /// `numerical_pii`
    NUMERICAL_PII = "numerical_pii",
    /// `occupation`
    OCCUPATION = "occupation",
    /// `organization`
    ORGANIZATION = "organization",
    /// `organization_id`
    ORGANIZATION_ID = "organization_id",
    /// `organization_medical_facility`
    ORGANIZATION_MEDICAL_FACILITY = "organization_medical_facility",
    /// `origin`
    ORIGIN = "origin",
    /// `passport_number`
    PASSPORT_NUMBER = "passport_number",
    /// `password`
    PASSWORD = "password",
    /// `phone_number`
    PHONE_NUMBER = "phone_number",
    /// `physical_attribute`
    PHYSICAL_ATTRIBUTE = "physical_attribute",
    /// `political_affiliation`
    POLITICAL_AFFILIATION = "political_affiliation",
    /// `product`
    PRODUCT = "product",
    /// `project`
    PROJECT = "project",
    /// `religion`
    RELIGION = "religion",
    /// `routing_number`
    ROUTING_NUMBER = "routing_number",
    /// `sexuality`
    SEXUALITY = "sexuality",
    /// `ssn`: a social security number.
    SSN = "ssn",
    /// `statistics`
    STATISTICS = "statistics",
    /// `time`
    TIME = "time",
    /// `trend`
    TREND = "trend",
    /// `url`
    URL = "url",
    /// `username`
    USERNAME = "username",
    /// `vehicle_id`
    VEHICLE_ID = "vehicle_id",
    /// `year`
    YEAR = "year",
    /// `zodiac_sign`
    ZODIAC_SIGN = "zodiac_sign",
}

impl DetectEntity {
    /// Names an entity by its wire name, in uppercase or lowercase.
    pub fn new(name: impl AsRef<str>) -> Self {
        let name = name.as_ref().to_ascii_lowercase();
        match Self::ALL_KNOWN.iter().find(|known| known.as_str() == name) {
            Some(known) => known.clone(),
            None => Self(Cow::Owned(name)),
        }
    }

    /// Returns the name as requests write it: in lowercase.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as tokens and responses write it: in uppercase.
    pub fn to_uppercase(&self) -> String {
        self.0.to_ascii_uppercase()
    }

    /// Tells whether Skyflow's API description has the entity.
    pub fn is_known(&self) -> bool {
        Self::ALL_KNOWN.contains(self)
    }
}

impl From<&str> for DetectEntity {
    fn from(name: &str) -> Self {
        Self::new(name)
    }
}

impl From<String> for DetectEntity {
    fn from(name: String) -> Self {
        Self::new(name)
    }
}

impl fmt::Display for DetectEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for DetectEntity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for DetectEntity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DetectEntity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn seventy_entities_have_distinct_names() {
        let names: BTreeSet<_> = DetectEntity::ALL_KNOWN.iter().map(DetectEntity::as_str).collect();
        assert_eq!(names.len(), 70);
        assert!(names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')));
    }

    #[test]
    fn uppercase_and_lowercase_name_the_same_entity() {
        for entity in DetectEntity::ALL_KNOWN {
            assert_eq!(&DetectEntity::new(entity.to_uppercase()), entity);
        }
        let other: DetectEntity = serde_json::from_str("\"Loyalty_Number\"").unwrap();
        assert_eq!(serde_json::to_string(&other).unwrap(), "\"loyalty_number\"");
        assert!(!other.is_known());
    }
}
