use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// Holds a whole number of a request. JSON may write it with a fraction of zero, `300.0`, as some SDKs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WholeNumber(pub i64);

impl<'de> Deserialize<'de> for WholeNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Whole;

        impl Visitor<'_> for Whole {
            type Value = WholeNumber;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<WholeNumber, E> {
                Ok(WholeNumber(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<WholeNumber, E> {
                i64::try_from(number).map(WholeNumber).map_err(|_| E::custom("the number is too large"))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<WholeNumber, E> {
                // Above 2^53 a float does not tell which whole number was meant.
                const EXACT: f64 = 9_007_199_254_740_992.0;
                if number.fract() != 0.0 || number.abs() > EXACT {
                    return Err(E::custom("the number is not a whole number"));
                }
                #[expect(clippy::cast_possible_truncation, reason = "a whole number within 2^53")]
                Ok(WholeNumber(number as i64))
            }
        }

        deserializer.deserialize_any(Whole)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fraction_of_zero_is_a_whole_number() {
        for (json, number) in [("300.0", 300), ("300", 300), ("-1", -1), ("3e2", 300), ("0.0", 0)] {
            assert_eq!(serde_json::from_str::<WholeNumber>(json).unwrap(), WholeNumber(number), "{json}");
        }
        for json in ["10.5", "1e300", "18446744073709551615", "\"1\"", "true", "null"] {
            assert!(serde_json::from_str::<WholeNumber>(json).is_err(), "{json}");
        }
    }
}
