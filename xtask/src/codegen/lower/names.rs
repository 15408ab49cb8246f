//! Rust names and documentation text made from wire names and descriptions.

use heck::{ToSnakeCase as _, ToUpperCamelCase as _};

use super::super::Error;

/// Makes a field, parameter or module name.
pub(super) fn snake(at: &str, wire: &str) -> Result<String, Error> {
    // `IDs` and `URLs` are plurals of one word each, which the case rules would tear apart.
    let name = ["IDs", "URLs", "URIs"].iter().fold(wire.to_owned(), |name, plural| {
        name.replace(plural, &format!("{}{}s", &plural[..1], plural[1..plural.len() - 1].to_lowercase()))
    });
    checked(at, name.to_snake_case())
}

/// Makes an enum variant name.
pub(super) fn variant(at: &str, wire: &str) -> Result<String, Error> {
    checked(at, wire.to_upper_camel_case())
}

/// Refuses what cannot be a name, or what a generated item is called already.
pub(super) fn checked(at: &str, name: String) -> Result<String, Error> {
    if syn::parse_str::<syn::Ident>(&name).is_err()
        && syn::parse_str::<syn::Ident>(&format!("r#{name}")).is_err()
    {
        return Err(Error::spec(
            at,
            format!("`{name}` cannot be a Rust name, give it another one in the overlay"),
        ));
    }
    if ["new", "default", "clone", "fmt"].contains(&name.as_str()) {
        return Err(Error::spec(at, format!("`{name}` is reserved in Rust: rename it in the overlay")));
    }
    Ok(name)
}

/// Makes documentation out of a description: a sentence, and nothing that rustdoc reads as markup.
pub fn sentence(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.trim().split(' ') {
        let word = word.replace('<', "\\<").replace('[', "\\[").replace(']', "\\]");
        let url = word.starts_with("https://") || word.starts_with("http://");
        words.push(if url { format!("<{word}>") } else { word });
    }
    let mut sentence = words.join(" ");
    if !sentence.ends_with(['.', '!', '?', ':']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_become_rust_names() {
        for (wire, rust) in [
            ("vaultID", "vault_id"),
            ("rowIDs", "row_ids"),
            ("downloadURL", "download_url"),
            ("BIN", "bin"),
            ("context.changeID", "context_change_id"),
            ("RecordIDResponse", "record_id_response"),
        ] {
            assert_eq!(snake("here", wire).unwrap(), rust);
        }
    }

    #[test]
    fn reserved_names_are_refused() {
        for wire in ["default", "new", "self", "1st", ""] {
            assert!(snake("here", wire).is_err(), "{wire}");
        }
        assert_eq!(snake("here", "type").unwrap(), "type");
    }

    #[test]
    fn descriptions_become_sentences_without_markup() {
        assert_eq!(sentence("Space separated role:<id> entries"), "Space separated role:\\<id> entries.");
        assert_eq!(sentence("Lists [x]."), "Lists \\[x\\].");
    }
}
