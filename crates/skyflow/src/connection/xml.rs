use super::shape::{MAX_DEPTH, Shape};
use crate::Error;

/// Writes a value as XML under `<root>`: members as elements, lists as repeated elements, text escaped.
pub(super) fn document_of(json: &str) -> Result<String, Error> {
    let mut text = String::new();
    element("root", json, 0, &mut text)?;
    Ok(text)
}

fn element(name: &str, json: &str, depth: usize, text: &mut String) -> Result<(), Error> {
    let refused = |problem| Err(Error::invalid("body", problem));
    if depth > MAX_DEPTH {
        return refused("is nested too deeply for XML");
    }
    let shape = Shape::of(json);
    if let Some(Shape::Null) | None = shape {
        text.push_str(&format!("<{name}/>"));
        return Ok(());
    }
    text.push_str(&format!("<{name}>"));
    match shape {
        Some(Shape::Scalar(scalar)) => text.push_str(scalar),
        Some(Shape::Text(content)) => escape(&content, text)?,
        Some(Shape::List(_)) => {
            return refused("has a list that is no member of an object, which XML cannot name");
        }
        Some(Shape::Object(members)) => {
            for (member, value) in members {
                if !is_name(&member) {
                    return refused("has a member whose name is no name of an XML element");
                }
                match Shape::of(value.get()) {
                    Some(Shape::List(elements)) => {
                        for value in elements {
                            element(&member, value.get(), depth + 1, text)?;
                        }
                    }
                    _ => element(&member, value.get(), depth + 1, text)?,
                }
            }
        }
        Some(Shape::Null) | None => {}
    }
    text.push_str(&format!("</{name}>"));
    Ok(())
}

fn escape(content: &str, text: &mut String) -> Result<(), Error> {
    for c in content.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            // A bare carriage return would be read as a line feed.
            '\r' => text.push_str("&#13;"),
            '\t' | '\n' => text.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                return Err(Error::invalid("body", "has a character that XML does not have"));
            }
            _ => text.push(c),
        }
    }
    Ok(())
}

/// Knows the names that are of use: letters, digits, `_`, `-`, `.`, and a colon between prefix and name.
fn is_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
    };
    match name.split_once(':') {
        Some((prefix, local)) => is_part(prefix) && is_part(local),
        None => is_part(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_escaped_elements_in_their_order() {
        let json =
            r#"{"b":{"x":"<x>&\"'\r\n"},"list":[1,{"y":true}],"a":null,"n":1.10,"soap:Body":"ü","none":[]}"#;
        assert_eq!(
            document_of(json).unwrap(),
            "<root><b><x>&lt;x&gt;&amp;&quot;&apos;&#13;\n</x></b><list>1</list><list><y>true</y></list><a/>\
             <n>1.10</n><soap:Body>ü</soap:Body></root>"
        );
        assert_eq!(document_of("5").unwrap(), "<root>5</root>");
    }

    #[test]
    fn what_xml_cannot_say_is_refused() {
        for json in [
            r#"{"a b":1}"#,
            r#"{"":1}"#,
            r#"{"1a":1}"#,
            r#"{"a><b":1}"#,
            r#"{"a:b:c":1}"#,
            r#"{"a":[[1]]}"#,
            "[1]",
            r#"{"a":"\u0000"}"#,
            r#"{"a":"\u001b"}"#,
            r#"{"a":"\uffff"}"#,
        ] {
            assert_eq!(document_of(json).unwrap_err().field(), Some("body"), "{json}");
        }
    }
}
