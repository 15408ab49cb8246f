//! A judgement about texts by words: enough for tests of what a program does with a verdict.

use super::phrases::Phrases;

/// Words that make a text toxic. Skyflow's model is not public; these are insults that no test needs.
const TOXIC: [&str; 14] = [
    "idiot",
    "idiots",
    "moron",
    "morons",
    "stupid",
    "scum",
    "bastard",
    "bastards",
    "shut up",
    "kill you",
    "hate you",
    "worthless",
    "disgusting",
    "loser",
];

/// Judges a text by words.
pub struct Verdict {
    /// Whether the text is toxic; `None` when that was not checked.
    pub toxic: Option<bool>,
    /// Whether the text mentions a denied topic; `None` when no topic is denied.
    pub denied_topic: Option<bool>,
}

impl Verdict {
    /// Checks a text for toxic words and denied topics.
    pub fn of(text: &str, check_toxicity: bool, deny_topics: &[String]) -> Self {
        let mentions = |phrase: &str| {
            let mut phrases = Phrases::default();
            phrases.add(phrase, ());
            !phrases.find(text).is_empty()
        };
        Self {
            toxic: check_toxicity.then(|| TOXIC.iter().any(|phrase| mentions(phrase))),
            denied_topic: (!deny_topics.is_empty()).then(|| deny_topics.iter().any(|topic| mentions(topic))),
        }
    }

    /// Tells whether no check failed.
    pub fn passed(&self) -> bool {
        self.toxic != Some(true) && self.denied_topic != Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_whole_and_in_any_case() {
        for (text, topics, toxic, denied) in [
            ("You IDIOT!", &[][..], true, None),
            ("An idiotic idea", &[], false, None),
            ("How do I buy Weapons?", &["weapons"], false, Some(true)),
            ("a nuclear-power plant", &["Nuclear power", "x"], false, Some(true)),
            ("at the cafe\u{301}", &["cafe"], false, Some(false)),
            ("knitting", &["weapons"], false, Some(false)),
            ("", &["weapons"], false, Some(false)),
            ("a b", &[" ", "!"], false, Some(false)),
        ] {
            let topics: Vec<String> = topics.iter().map(ToString::to_string).collect();
            let verdict = Verdict::of(text, true, &topics);
            assert_eq!((verdict.toxic, verdict.denied_topic), (Some(toxic), denied), "{text}");
            assert_eq!(verdict.passed(), !toxic && denied != Some(true));
        }
        assert_eq!(Verdict::of("idiot", false, &[]).toxic, None);
    }
}
