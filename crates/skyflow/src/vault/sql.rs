//! Values in SQL: written so that none can leave its place.

use std::fmt;

use crate::Error;

/// A value for a `?` of a statement; made from strings, whole numbers, finite numbers and booleans.
#[derive(Clone, PartialEq)]
pub struct SqlValue(Literal);

#[derive(Clone, PartialEq)]
enum Literal {
    /// A number or a boolean, as it is written.
    Plain(String),
    Text(String),
    NotFinite,
}

/// Values are not shown.
impl fmt::Debug for SqlValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqlValue([REDACTED])")
    }
}

impl From<&str> for SqlValue {
    fn from(text: &str) -> Self {
        Self(Literal::Text(text.to_owned()))
    }
}

impl From<String> for SqlValue {
    fn from(text: String) -> Self {
        Self(Literal::Text(text))
    }
}

impl From<&String> for SqlValue {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<f64> for SqlValue {
    fn from(number: f64) -> Self {
        Self(if number.is_finite() { Literal::Plain(format!("{number:?}")) } else { Literal::NotFinite })
    }
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl From<$type> for SqlValue {
            fn from(value: $type) -> Self {
                Self(Literal::Plain(value.to_string()))
            }
        }
    )*};
}

plain!(bool, i8, i16, i32, i64, u8, u16, u32, u64);

impl SqlValue {
    fn write(&self, index: usize, statement: &mut String) -> Result<(), Error> {
        let refused = |problem| Err(Error::invalid(format!("values[{index}]"), problem));
        match &self.0 {
            Literal::NotFinite => return refused("must be a finite number"),
            Literal::Text(text) if text.contains('\0') => {
                return refused("must not contain a zero character");
            }
            Literal::Plain(text) => statement.push_str(text),
            Literal::Text(text) => {
                statement.push('\'');
                statement.push_str(&text.replace('\'', "''"));
                statement.push('\'');
            }
        }
        Ok(())
    }
}

/// Puts the values in the places of the `?` outside of quotes and comments.
pub(super) fn bound(query: &str, values: &[SqlValue]) -> Result<String, Error> {
    let mut statement = String::with_capacity(query.len());
    let mut values = values.iter().enumerate();
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '?' => {
                let Some((index, value)) = values.next() else {
                    return Err(Error::invalid("values", "are fewer than the statement has places for"));
                };
                value.write(index, &mut statement)?;
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            '\'' | '"' | '`' => quoted(rest, c),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => c.len_utf8(),
        };
        let (part, after) = rest.split_at_checked(taken).unwrap_or((rest, ""));
        statement.push_str(part);
        rest = after;
    }
    match values.next() {
        Some(_) => Err(Error::invalid("values", "are more than the statement has places for")),
        None => Ok(statement),
    }
}

/// Returns the length of a quoted part; a doubled quote begins another one right behind it.
fn quoted(text: &str, quote: char) -> usize {
    let inner = text.get(1..).unwrap_or_default();
    inner.find(quote).map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::parser::Parser;

    use super::*;

    fn written(value: impl Into<SqlValue>) -> String {
        bound("?", &[value.into()]).unwrap()
    }

    #[test]
    fn values_take_the_places_in_their_order() {
        let query =
            "SELECT '?', \"?\" -- ?\nFROM t /* ? */ WHERE a = ? AND b = 'it''s ?' AND c > ? AND d = ?";
        let statement = bound(query, &["O'Hara?".into(), (-7_i64).into(), true.into()]).unwrap();
        assert_eq!(
            statement,
            "SELECT '?', \"?\" -- ?\nFROM t /* ? */ WHERE a = 'O''Hara?' AND b = 'it''s ?' AND c > -7 AND d = true"
        );
    }

    #[test]
    fn places_and_values_must_be_equally_many() {
        for (query, values) in [
            ("a = ? AND b = ?", vec![1.into()]),
            ("a = ?", vec![1.into(), 2.into()]),
            ("a = '?'", vec![1.into()]),
        ] {
            assert_eq!(bound(query, &values).unwrap_err().field(), Some("values"), "{query}");
        }
    }

    #[test]
    fn numbers_and_texts_that_sql_lacks_are_refused() {
        for value in [f64::NAN.into(), f64::NEG_INFINITY.into(), SqlValue::from("a\0b")] {
            assert_eq!(bound("?", &[value]).unwrap_err().field(), Some("values[0]"));
        }
        assert_eq!(
            (written(1.5), written(1e300), written(u64::MAX)),
            ("1.5".into(), "1e300".into(), u64::MAX.to_string())
        );
        assert!(!format!("{:?}", SqlValue::from("canary")).contains("canary"));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]

        #[test]
        fn rel_s07_no_text_leaves_its_quotes(text in any::<String>()) {
            let text = text.replace('\0', "");
            let literal = written(text.as_str());
            let inner = literal.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap();
            prop_assert_eq!(inner.replace("''", "'"), text.as_str());
            prop_assert!(!inner.replace("''", "").contains('\''));
            // The parser of the embedded vault reads the same text.
            let parsed = Parser::new(&PostgreSqlDialect {})
                .try_with_sql(&literal)
                .and_then(|mut parser| parser.parse_literal_string());
            prop_assert_eq!(parsed.ok(), Some(text));
        }
    }
}
