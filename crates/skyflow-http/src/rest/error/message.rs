//! Text that a server wrote, made fit for a log.

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use skyflow_types::is_invisible;

use super::super::text;
use super::page;
use crate::form_pairs;

/// The longest message that is kept, in bytes.
const MAX_BYTES: usize = 4096;

/// The elements of an XML document that hold a message, the best first, without the prefix of their names.
const ELEMENTS: [&str; 9] =
    ["message", "errormessage", "faultstring", "text", "detail", "description", "reason", "title", "error"];

/// Takes out what could forge log lines or turn the reading direction, and cuts the text at 4 KiB.
pub fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(MAX_BYTES));
    for c in text.trim().chars() {
        let c = if matches!(c, '\n' | '\r' | '\t' | '\u{85}') { ' ' } else { c };
        if clean.len() + c.len_utf8() > MAX_BYTES {
            break;
        }
        if !c.is_control() && !is_invisible(c) {
            clean.push(c);
        }
    }
    clean
}

/// Returns the message of a body that is not JSON: the first line of plain text, the message of an XML document or of a
/// form. `None` for a page, which is for people with a browser, for text that is meant to be JSON, and for bytes that
/// are not text.
///
/// Only what is a message is taken: the rest may be the details of an error, or the request itself.
pub fn plain_text(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let text = text::text_of(body)?;
    let text = text.trim_start();
    if page::is_html(headers, text) {
        return None;
    }
    if media_type_of(headers) == "application/x-www-form-urlencoded" {
        return of_form(text);
    }
    match text.chars().next()? {
        '<' => of_xml(text),
        '{' | '[' | '\'' | '"' => None,
        _ => first_line(text),
    }
}

pub(super) fn media_type_of(headers: &HeaderMap) -> String {
    let value =
        headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase());
    value.as_deref().and_then(|value| value.split(';').next()).unwrap_or_default().trim().to_owned()
}

/// Returns the first line, up to the beginning of a JSON object or list in it.
fn first_line(text: &str) -> Option<String> {
    let line = text.lines().next()?;
    let end = line.find(['{', '<']).into_iter().chain(line.find("[{")).chain(line.find("[\"")).min();
    let line = end.and_then(|end| line.get(..end)).unwrap_or(line).trim();
    (!line.is_empty()).then(|| line.to_owned())
}

fn of_form(text: &str) -> Option<String> {
    let pairs = form_pairs(text.trim());
    let value = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    match (value("error"), value("error_description")) {
        (Some(error), Some(description)) => Some(format!("{error}: {description}")),
        (error, description) => description.or(error).or_else(|| value("message")),
    }
}

/// Returns the text of the best element that has text and nothing else.
fn of_xml(text: &str) -> Option<String> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        rest = rest.get(start + 1..)?;
        let tag = rest.get(..rest.find('>').unwrap_or(rest.len()))?;
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        let local = name.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
        let Some(rank) = ELEMENTS.iter().position(|element| *element == local) else { continue };
        let Some(content) = rest.get(tag.len() + 1..) else { break };
        let content = match content.trim_start().strip_prefix("<![CDATA[") {
            Some(data) => data.split("]]>").next().map(ToOwned::to_owned),
            None => content
                .find('<')
                .filter(|end| content.get(*end..).is_some_and(|end| end.starts_with("</")))
                .and_then(|end| content.get(..end))
                .map(page::unescaped),
        };
        let content = content.map(|content| content.trim().to_owned()).filter(|content| !content.is_empty());
        found.extend(content.map(|content| (rank, content)));
    }
    found.into_iter().min_by_key(|(rank, _)| *rank).map(|(_, content)| content)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(content_type: &'static str, body: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        plain_text(&headers, body.as_bytes())
    }

    #[test]
    fn a_message_cannot_forge_a_log_line() {
        assert_eq!(clean(" a\r\nINFO b\u{1b}[31m\u{0}\u{202e}c\u{2028}d "), "a  INFO b[31mcd");
    }

    /// P05: what a server writes stays one line without control characters, whatever it is.
    #[test]
    fn rel_p05_no_injected_text_survives() {
        let ends = ["\n", "\r", "\r\n", "\n\r", "\u{b}", "\u{c}", "\u{85}", "\u{2028}", "\u{2029}", "\u{0}"];
        let forged = [
            "2026-11-27T00:00:00Z ERROR forged",
            "\u{1b}[2J",
            "\u{1b}]0;title\u{7}",
            "\u{1b}[31mred\u{1b}[0m",
            "\u{9b}31m",
            "\u{90}q\u{9c}",
            "level=error msg=\"forged\"",
            "{\"level\":\"error\"}",
            "\u{202e}txet desrever",
            "\u{2066}isolated\u{2069}",
            "\u{200b}\u{200e}\u{200f}marks",
            "\u{feff}mark",
            "\u{ad}hyphen",
            "\u{e0041}tag",
            "\u{8}\u{8}\u{8}backspace",
            "\u{7f}delete",
            "%0aforged",
            "\t\ttabs",
            "<13>Oct 1 host app: syslog",
            "CEF:0|forged|",
            "a\u{301}\u{34f}joined",
            "\u{180e}separator",
        ];
        let mut count = 0;
        for end in ends {
            for text in forged {
                count += 1;
                let cleaned = clean(&format!("message{end}{text}"));
                assert!(cleaned.starts_with("message"), "{cleaned:?}");
                assert!(
                    !cleaned.chars().any(|c| c.is_control() || is_invisible(c)),
                    "{end:?} {text:?} {cleaned:?}"
                );
                assert!(cleaned.lines().count() == 1, "{cleaned:?}");
            }
        }
        assert!(count >= 200, "{count}");
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let cut = clean(&"ü".repeat(10_000));
        assert_eq!(cut.len(), 4096);
        assert_eq!(clean(&format!("x{}", "ü".repeat(10_000))).len(), 4095);
    }

    #[test]
    fn message_of_plain_text_is_its_first_line() {
        for (body, message) in [
            ("slow down\n", Some("slow down")),
            ("\u{feff}slow down", Some("slow down")),
            ("slow down\nauthorization: canary", Some("slow down")),
            ("bad request: {\"name\":\"canary\"}", Some("bad request:")),
            ("bad rows: [{\"name\":\"canary\"}]", Some("bad rows:")),
            ("ids [1, 2] are unknown", Some("ids [1, 2] are unknown")),
            ("{'error': {'message': 'x', 'details': ['canary']}}", None),
            ("{\"error\":{\"message\":\"canary", None),
            ("'canary'", None),
            ("\"canary", None),
            ("", None),
            ("\n \n", None),
        ] {
            assert_eq!(read("text/plain", body).as_deref(), message, "{body:?}");
        }
        assert_eq!(plain_text(&HeaderMap::new(), b"\x1f\x8b\x08\x00canary"), None);
    }

    #[test]
    fn message_of_xml_is_that_of_its_best_element() {
        for (body, message) in [
            (
                "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>no &quot;x&quot; &amp; y</Message></Error>",
                Some("no \"x\" & y"),
            ),
            (
                "<s:Envelope><s:Body><s:Fault><faultcode>a</faultcode><faultstring xml:lang=\"en\">no</faultstring></s:Fault></s:Body></s:Envelope>",
                Some("no"),
            ),
            (
                "<e:Fault><e:Reason><e:Text>twelve</e:Text></e:Reason><e:Detail><name>canary</name></e:Detail></e:Fault>",
                Some("twelve"),
            ),
            ("<error><message><![CDATA[a <b>]]></message></error>", Some("a <b>")),
            ("<error>only this</error>", Some("only this")),
            ("<error><name>canary</name></error>", None),
            ("<card>canary</card>", None),
            ("<error><message>canary", None),
            ("<", None),
            ("<message", None),
        ] {
            assert_eq!(read("application/xml", body).as_deref(), message, "{body}");
        }
    }

    #[test]
    fn message_of_a_form_is_its_description() {
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        for (body, message) in [
            ("error=invalid_request&error_description=no%20token", Some("invalid_request: no token")),
            ("error=invalid_request&name=canary", Some("invalid_request")),
            ("message=a+b", Some("a b")),
            ("name=canary", None),
        ] {
            assert_eq!(read(form, body).as_deref(), message, "{body}");
        }
    }
}
