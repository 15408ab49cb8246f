//! Pages of HTML: what proxies write instead of the API's JSON.

use http::StatusCode;
use http::header::{HeaderMap, SERVER};
use skyflow_types::{is_invisible, redact_text};

use super::super::json::without_mark;
use super::message::{clean, media_type_of};

/// The longest title that is shown, in characters.
const LONGEST_TITLE: usize = 120;

/// The longest name of a server that is shown, in characters.
const LONGEST_SERVER: usize = 40;

/// Tells whether a body is a page: by its content type, or by how it begins.
pub(super) fn is_html(headers: &HeaderMap, text: &str) -> bool {
    let start: String = text.trim_start().chars().take(14).collect::<String>().to_ascii_lowercase();
    matches!(media_type_of(headers).as_str(), "text/html" | "application/xhtml+xml")
        || ["<!doctype html", "<html", "<head", "<body", "<title"]
            .iter()
            .any(|begin| start.starts_with(begin))
}

/// Describes a page, with the name of the server and the title of the page; `None` when the body is none.
pub(super) fn describe(
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    product: &str,
    hide: impl Fn(&str) -> String,
) -> Option<String> {
    let text = String::from_utf8_lossy(without_mark(body));
    if !is_html(headers, &text) {
        return None;
    }
    // A part that would have to be hidden is left out.
    let is_shown = |text: &String| !text.is_empty() && redact_text(text) == *text && hide(text) == *text;
    let server = headers.get(SERVER).and_then(|value| value.to_str().ok()).map(clean);
    let server = server.filter(|server| server.chars().count() <= LONGEST_SERVER).filter(is_shown);
    let server = server.map(|server| format!(" (server: {server})")).unwrap_or_default();
    let title = title(&text).filter(is_shown).map(|title| format!(": \"{title}\"")).unwrap_or_default();
    Some(format!("HTTP {} from a proxy{server}, HTML instead of {product}'s JSON{title}", status.as_u16()))
}

/// Returns the title of a page, when it is short and plain.
fn title(page: &str) -> Option<String> {
    let lowercase = page.to_ascii_lowercase();
    let tag = lowercase.find("<title")?;
    let start = tag + lowercase.get(tag..)?.find('>')? + 1;
    let end = start + lowercase.get(start..)?.find("</title")?;
    let title = unescaped(page.get(start..end)?);
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_plain = |c: char| !c.is_control() && !is_invisible(c) && !matches!(c, '<' | '>' | '{' | '}');
    ((1..=LONGEST_TITLE).contains(&title.chars().count()) && title.chars().all(is_plain)).then_some(title)
}

/// Replaces the entities that every writer of XML and HTML uses.
pub(super) fn unescaped(text: &str) -> String {
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&apos;", "'"), ("&nbsp;", " ")];
    let text = entities.iter().fold(text.to_owned(), |text, (entity, plain)| text.replace(entity, plain));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::CONTENT_TYPE;

    use super::*;

    fn described(content_type: &'static str, server: &'static str, body: &str) -> Option<String> {
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(content_type)),
            (SERVER, HeaderValue::from_static(server)),
        ]);
        let hide = |text: &str| text.replace("canary", "[REDACTED]");
        describe(StatusCode::SERVICE_UNAVAILABLE, &headers, body.as_bytes(), "Skyflow", hide)
    }

    const NGINX: &str =
        "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>canary";

    #[test]
    fn page_is_described_by_server_and_title() {
        let whole = "HTTP 503 from a proxy (server: nginx), HTML instead of Skyflow's JSON: \
                     \"503 Service Temporarily Unavailable\"";
        assert_eq!(described("text/html", "nginx", NGINX).unwrap(), whole);
        assert_eq!(described("application/json", "nginx", &format!("\u{feff} {NGINX}")).unwrap(), whole);
        let bare = "HTTP 503 from a proxy, HTML instead of Skyflow's JSON";
        assert_eq!(described("TEXT/HTML; charset=x", "", "Bad Gateway").unwrap(), bare);
        for title in [
            "",
            " ",
            "value 4111 1111 1111 1111",
            "jane@example.com",
            "canary",
            "a <b>",
            "{\"name\":1}",
            &"x".repeat(121),
            "a\u{202e}b",
        ] {
            let page = format!("<!DOCTYPE html><TITLE lang=en>{title}</TITLE>");
            assert_eq!(described("", "canary", &page).unwrap(), bare, "{title}");
        }
        let page = format!("<html><title>{}\n &amp; more</title>", "x".repeat(100));
        assert!(described("", "x", &page).unwrap().ends_with("xx & more\""));
        assert_eq!(described("application/xml", "x", "<?xml version=\"1.0\"?><a/>"), None);
        assert_eq!(described("", "x", "{}"), None);
    }

    #[test]
    fn broken_pages_are_described_too() {
        for page in
            ["<html", "<html><title", "<html><title>", "<html><title>x", "<html><TITLE>é</Title", "<title>"]
        {
            assert!(described("", "x", page).is_some(), "{page}");
        }
    }
}
