use regex::Regex;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};

use super::Entropy;

/// How many times an open-ended repetition repeats at least, so that tokens do not run out.
const OPEN_REPETITIONS: u32 = 12;

/// A regular expression that tokens are made from.
pub(crate) struct TokenPattern {
    check: Regex,
    /// Matches the pattern from the first character to the last.
    #[cfg(feature = "detect")]
    whole: Regex,
    syntax: Hir,
}

impl TokenPattern {
    /// Parses the pattern and proves with a trial that texts made from it match it.
    pub(crate) fn compile(pattern: &str) -> Result<Self, String> {
        let check = Regex::new(pattern).map_err(|error| error.to_string())?;
        let syntax = regex_syntax::parse(pattern).map_err(|error| error.to_string())?;
        #[cfg(feature = "detect")]
        let whole = Regex::new(&format!(r"\A(?:{pattern})\z")).map_err(|error| error.to_string())?;
        let pattern = Self {
            check,
            #[cfg(feature = "detect")]
            whole,
            syntax,
        };
        let trial = pattern.generate(&mut Entropy::fresh());
        if trial.is_empty() || !pattern.check.is_match(&trial) {
            return Err("no token can be made from it".to_owned());
        }
        Ok(pattern)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.check.as_str()
    }

    /// Tells whether the whole text could be a token of the pattern.
    #[cfg(feature = "detect")]
    pub(crate) fn fits(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }

    pub(crate) fn generate(&self, entropy: &mut Entropy) -> String {
        let mut token = String::new();
        write(&self.syntax, entropy, &mut token);
        token
    }
}

fn write(syntax: &Hir, entropy: &mut Entropy, token: &mut String) {
    match syntax.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => token.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => token.extend(pick(class, entropy)),
        HirKind::Repetition(repetition) => {
            for _ in 0..times(repetition, entropy) {
                write(&repetition.sub, entropy, token);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, entropy, token),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, entropy, token)),
        HirKind::Alternation(choices) => {
            // An empty choice (`^$|…`) accepts empty values; a token is never empty.
            let choices: Vec<&Hir> =
                choices.iter().filter(|choice| choice.properties().maximum_len() != Some(0)).collect();
            if let Some(choice) = choices.get(entropy.below(choices.len())) {
                write(choice, entropy, token);
            }
        }
    }
}

fn times(repetition: &Repetition, entropy: &mut Entropy) -> u32 {
    let (low, high) = match repetition.max {
        Some(max) => (repetition.min, max),
        None => {
            let low = repetition.min.max(OPEN_REPETITIONS);
            (low, low)
        }
    };
    let spread = usize::try_from(high.saturating_sub(low)).unwrap_or_default() + 1;
    low + u32::try_from(entropy.below(spread)).unwrap_or_default()
}

/// Picks a letter or digit where the class has one, else another printable ASCII character, else anything in it.
fn pick(class: &Class, entropy: &mut Entropy) -> Option<char> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(class) => class.ranges().iter().map(|range| (range.start(), range.end())).collect(),
        Class::Bytes(class) => {
            class.ranges().iter().map(|range| (range.start().into(), range.end().into())).collect()
        }
    };
    let has = |c: &char| ranges.iter().any(|(start, end)| (start..=end).contains(&c));
    let printable: Vec<char> = (' '..='~').filter(has).collect();
    let plain: Vec<char> = printable.iter().copied().filter(char::is_ascii_alphanumeric).collect();
    [plain, printable]
        .iter()
        .find(|candidates| !candidates.is_empty())
        .and_then(|candidates| candidates.get(entropy.below(candidates.len())).copied())
        .or_else(|| ranges.first().map(|(start, _)| *start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_match_the_pattern_they_are_made_from() {
        for pattern in [
            "^[0-9]{4}-[0-9]{4}-([0-9]{4})-([0-9]{4})$",
            r"^([a-z]{20})@([a-z]{10})\.com$",
            "^[0-9]{3}-[0-9]{2}-([0-9]{4})$",
            "[a-zA-Z0-9]{7}",
            r"^\w+@\w+\.(com|org)$",
            "^$|^[0-9]{3,4}$",
            r"^\d{2}[^a-z]x?$",
        ] {
            let compiled = TokenPattern::compile(pattern).unwrap();
            for _ in 0..50 {
                let token = compiled.generate(&mut Entropy::fresh());
                assert!(compiled.check.is_match(&token) && !token.is_empty(), "{pattern}");
            }
        }
    }

    #[test]
    fn patterns_that_match_only_empty_are_refused() {
        for pattern in ["^$", "", "(", "a^b"] {
            assert!(TokenPattern::compile(pattern).is_err(), "{pattern}");
        }
    }
}
