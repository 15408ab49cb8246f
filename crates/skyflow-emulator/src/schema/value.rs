//! What a column accepts, how it stores a value, and how it shows one.

use super::column::DataType;
use crate::exact::Exact;
use rusqlite::types::{Value as SqlValue, ValueRef};

/// Brings a value into the form that its column stores: a whole number that is written `41.0` is 41, and a float has the
/// digits of its 64 bits. A value of another type stays as it is.
pub(super) fn normal(data_type: DataType, value: Exact) -> Exact {
    match value {
        Exact::Array(elements) if data_type != DataType::Json => {
            Exact::Array(elements.into_iter().map(|element| normal(data_type, element)).collect())
        }
        Exact::Number(digits) => match data_type {
            DataType::Int32 | DataType::Int64 => digits.to_i64().map_or(Exact::Number(digits), Exact::from),
            DataType::Float32 | DataType::Float64 if digits.as_str().parse::<i64>().is_err() => {
                digits.to_f64().map_or(Exact::Number(digits), Exact::from)
            }
            _ => Exact::Number(digits),
        },
        other => other,
    }
}

/// Tells whether a value, which is not null, has the column's type.
pub(super) fn has_type(data_type: DataType, value: &Exact) -> bool {
    let text =
        |is_valid: fn(&str) -> bool| value.as_str().is_some_and(|text| text.is_empty() || is_valid(text));
    match (data_type, value) {
        (DataType::String, Exact::String(_)) | (DataType::Bool, Exact::Bool(_)) => true,
        (DataType::Int32, Exact::Number(digits)) => digits.to_i64().is_some_and(|n| i32::try_from(n).is_ok()),
        (DataType::Int64, Exact::Number(digits)) => digits.to_i64().is_some(),
        (DataType::Float32 | DataType::Float64, Exact::Number(digits)) => digits.to_f64().is_some(),
        (DataType::Date, _) => text(is_date),
        (DataType::DateTime, _) => text(is_date_time),
        (DataType::Time, _) => text(is_time),
        (DataType::Json, Exact::Object(_) | Exact::Array(_)) => true,
        _ => false,
    }
}

/// The text that patterns look at and that tokens are made from.
pub(crate) fn text_of(value: &Exact) -> String {
    match value {
        Exact::String(text) => text.clone(),
        other => other.to_string(),
    }
}

pub(super) fn to_sql(value: &Exact) -> SqlValue {
    match value {
        Exact::Null => SqlValue::Null,
        Exact::Bool(flag) => SqlValue::Integer(i64::from(*flag)),
        Exact::Number(digits) => match digits.to_i64() {
            Some(integer) => SqlValue::Integer(integer),
            None => digits.to_f64().map_or(SqlValue::Null, SqlValue::Real),
        },
        Exact::String(text) => SqlValue::Text(text.clone()),
        structured => SqlValue::Text(structured.to_string()),
    }
}

pub(super) fn from_sql(data_type: DataType, structured: bool, stored: ValueRef<'_>) -> Exact {
    match stored {
        ValueRef::Null => Exact::Null,
        ValueRef::Integer(0 | 1) if data_type == DataType::Bool => {
            Exact::Bool(stored == ValueRef::Integer(1))
        }
        ValueRef::Integer(integer) => integer.into(),
        ValueRef::Real(real) => real.into(),
        ValueRef::Text(text) if structured => {
            std::str::from_utf8(text).ok().and_then(Exact::parse).unwrap_or(Exact::Null)
        }
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned().into(),
    }
}

fn number(text: &str, digits: usize) -> Option<u32> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return false };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_time(text: &str) -> bool {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = parts.as_slice() else { return false };
    let below = |part, limit| number(part, 2).is_some_and(|n| n < limit);
    below(hour, 24)
        && below(minute, 60)
        && below(second, 61)
        && !fraction.is_empty()
        && fraction.bytes().all(|b| b.is_ascii_digit())
}

fn is_date_time(text: &str) -> bool {
    let Some((date, rest)) = text.split_once(['T', ' ']) else { return false };
    let time = rest.strip_suffix(['Z', 'z']).unwrap_or_else(|| match rest.rfind(['+', '-']) {
        Some(sign) if is_offset(rest.get(sign + 1..).unwrap_or_default()) => {
            rest.get(..sign).unwrap_or_default()
        }
        _ => rest,
    });
    is_date(date) && is_time(time)
}

fn is_offset(text: &str) -> bool {
    text.split_once(':').is_some_and(|(hours, minutes)| {
        number(hours, 2).is_some_and(|n| n < 24) && number(minutes, 2).is_some_and(|n| n < 60)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn each_type_accepts_its_own_values_only() {
        let has_type = |data_type, value: &Value| has_type(data_type, &value.clone().into());
        let samples = [
            (DataType::Int64, json!(3_000_000_000_i64)),
            (DataType::Float64, json!(1)),
            (DataType::String, json!("x")),
            (DataType::Int32, json!(7)),
            (DataType::Float32, json!(1.5)),
            (DataType::Bool, json!(true)),
            (DataType::Date, json!("2024-02-29")),
            (DataType::DateTime, json!("2024-02-29T23:59:59.5+02:00")),
            (DataType::Time, json!("23:59:59")),
            (DataType::Json, json!({"a": [1]})),
        ];
        for (data_type, sample) in &samples {
            assert!(has_type(*data_type, sample), "{data_type:?}");
        }
        assert!(!has_type(DataType::String, &json!(7)));
        assert!(!has_type(DataType::Int32, &json!(3_000_000_000_i64)));
        assert!(!has_type(DataType::Int32, &json!(1.5)));
        assert!(!has_type(DataType::Bool, &json!(1)));
        assert!(!has_type(DataType::Json, &json!("text")));
        assert!(!has_type(DataType::File, &json!("x")));
    }

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        for bad in ["2023-02-29", "2024-13-01", "2024-00-10", "2024-1-1", "20240101", "2024-04-31"] {
            assert!(!is_date(bad), "{bad}");
        }
        for bad in ["24:00:00", "12:60:00", "12:00", "12:00:00."] {
            assert!(!is_time(bad), "{bad}");
        }
        for bad in ["2024-01-01", "2024-01-01T12:00:00+99:00", "2024-01-01T25:00:00Z"] {
            assert!(!is_date_time(bad), "{bad}");
        }
        assert!(is_date_time("2024-01-01 12:00:00"));
        assert!(is_date_time("2024-01-01T12:00:00Z"));
    }

    #[test]
    fn numbers_take_the_form_of_their_column() {
        for (data_type, sent, stored) in [
            (DataType::Int32, "41.0", "41"),
            (DataType::Int64, "9223372036854775807", "9223372036854775807"),
            (DataType::Int32, "41.5", "41.5"),
            (DataType::Float32, "1.10", "1.1"),
            (DataType::Float64, "5", "5"),
            (DataType::Float32, "1e400", "1e400"),
            (DataType::Json, r#"{"a":1.10}"#, r#"{"a":1.10}"#),
        ] {
            assert_eq!(normal(data_type, Exact::parse(sent).unwrap()).to_string(), stored, "{sent}");
        }
        assert!(!has_type(DataType::Float32, &Exact::parse("1e400").unwrap()));
    }

    #[test]
    fn a_value_comes_back_from_storage_as_it_was() {
        for (data_type, value) in [
            (DataType::Bool, json!(true)),
            (DataType::Int32, json!(1)),
            (DataType::Float32, json!(2.5)),
            (DataType::Json, json!({"a": [1, "x", null]})),
            (DataType::String, json!("ü")),
            (DataType::String, Value::Null),
        ] {
            let value = Exact::from(value);
            let stored = to_sql(&value);
            assert!(from_sql(data_type, data_type == DataType::Json, (&stored).into()) == value);
        }
    }
}
