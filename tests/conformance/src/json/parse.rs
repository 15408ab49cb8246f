//! A JSON parser that keeps the digits of numbers.

use super::{Json, NotJson};

/// Deeper values are no recording of a call.
const MAX_DEPTH: usize = 128;

pub(super) fn parse(text: &str) -> Result<Json, NotJson> {
    let mut reader = Reader { bytes: text.as_bytes(), text, at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at == reader.bytes.len() { Ok(value) } else { Err(reader.wrong()) }
}

struct Reader<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self) -> NotJson {
        NotJson(self.at)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), NotJson> {
        self.space();
        if self.peek() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.wrong())
        }
    }

    fn next_is(&mut self, byte: u8) -> bool {
        self.take(byte).is_ok()
    }

    fn value(&mut self, depth: usize) -> Result<Json, NotJson> {
        if depth > MAX_DEPTH {
            return Err(self.wrong());
        }
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => self.string().map(Json::Text),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.take(b'{')?;
        let mut members = Vec::new();
        if self.next_is(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let key = self.string()?;
            self.take(b':')?;
            let value = self.value(depth + 1)?;
            members.push((key, value));
            if !self.next_is(b',') {
                self.take(b'}')?;
                return Ok(Json::Object(members));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, NotJson> {
        self.take(b'[')?;
        let mut elements = Vec::new();
        if self.next_is(b']') {
            return Ok(Json::List(elements));
        }
        loop {
            elements.push(self.value(depth + 1)?);
            if !self.next_is(b',') {
                self.take(b']')?;
                return Ok(Json::List(elements));
            }
        }
    }

    fn string(&mut self) -> Result<String, NotJson> {
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(self.wrong());
        }
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.wrong()),
                Some(b'\\') => self.at += 2,
                Some(b'"') => break,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at).ok_or(NotJson(start))?;
        serde_json::from_str(quoted).map_err(|_| NotJson(start))
    }

    fn word(&mut self) -> Result<Json, NotJson> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.')) {
            self.at += 1;
        }
        match self.text.get(start..self.at).unwrap_or_default() {
            "null" => Ok(Json::Null),
            "true" => Ok(Json::Bool(true)),
            "false" => Ok(Json::Bool(false)),
            special @ ("Infinity" | "-Infinity" | "NaN") => Ok(Json::Number(special.to_owned())),
            number if is_number(number) => Ok(Json::Number(number.to_owned())),
            _ => Err(NotJson(start)),
        }
    }
}

/// The grammar of RFC 8259.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}
