use super::Entropy;

const DIGITS: &[u8] = b"0123456789";
const LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWER_AND_DIGITS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// Replaces each letter by a letter and each digit by a digit; everything else stays. A text without letters and
/// digits has no shape to keep and becomes a UUID.
pub(crate) fn like(text: &str, entropy: &mut Entropy) -> String {
    if !text.chars().any(char::is_alphanumeric) {
        return entropy.uuid();
    }
    text.chars().map(|c| replace(c, entropy)).collect()
}

fn replace(c: char, entropy: &mut Entropy) -> char {
    match c {
        _ if c.is_numeric() => entropy.one_of(DIGITS),
        _ if c.is_uppercase() => entropy.one_of(UPPER),
        _ if c.is_alphabetic() => entropy.one_of(LOWER),
        _ => c,
    }
}

pub(crate) fn alphanumeric(length: usize, entropy: &mut Entropy) -> String {
    (0..length).map(|_| entropy.one_of(LOWER_AND_DIGITS)).collect()
}

/// Keeps the first six and the last four digits, whatever separates them.
pub(crate) fn keep_card_ends(text: &str, entropy: &mut Entropy) -> String {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    if digits < 11 {
        return like(text, entropy);
    }
    let mut seen = 0;
    text.chars()
        .map(|c| {
            if !c.is_ascii_digit() {
                return c;
            }
            seen += 1;
            if (7..=digits - 4).contains(&seen) { entropy.one_of(DIGITS) } else { c }
        })
        .collect()
}

pub(crate) fn keep_email_domain(text: &str, entropy: &mut Entropy) -> String {
    match text.rsplit_once('@') {
        Some((local, domain)) => {
            format!("{}@{domain}", alphanumeric(local.chars().count().max(10), entropy))
        }
        None => like(text, entropy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_the_value_is_kept_class_by_class() {
        let token = like("Ab-1 é9", &mut Entropy::fresh());
        let classes: Vec<char> = token
            .chars()
            .map(|c| match c {
                '0'..='9' => '9',
                'a'..='z' => 'a',
                'A'..='Z' => 'A',
                other => other,
            })
            .collect();
        assert_eq!(classes.iter().collect::<String>(), "Aa-9 a9");
        assert_eq!(like("--", &mut Entropy::fresh()).len(), 36);
    }

    #[test]
    fn cards_keep_first_six_and_last_four_digits() {
        let token = keep_card_ends("4111 1122 3344 5678", &mut Entropy::fresh());
        assert!(token.starts_with("4111 11") && token.ends_with(" 5678"), "{token}");
        assert_eq!(token.len(), 19);
    }

    #[test]
    fn an_address_keeps_its_domain() {
        let token = keep_email_domain("ada@example.com", &mut Entropy::fresh());
        assert!(token.ends_with("@example.com") && !token.starts_with("ada@"), "{token}");
    }
}
