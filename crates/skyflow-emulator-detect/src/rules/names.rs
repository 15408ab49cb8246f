use regex::Regex;
use skyflow_types::DetectEntity;

use super::name_words::{Known, KnownWords};
use super::sentence::{Word, words};
use super::shape::{after, before, pattern};
use crate::{Finding, Passage, Recognizer};

/// A name has no more words than this.
const LONGEST: usize = 5;

/// Names of people: behind words that announce one, or made of words that are known as names.
#[derive(Debug)]
pub(super) struct Names {
    known: KnownWords,
    announcing: Regex,
    /// Cues behind which only two capitalised words, or a known given name, are a name.
    hinting: Regex,
    medical_before: Regex,
    medical_after: Regex,
}

pub(super) fn names() -> Names {
    Names {
        known: KnownWords::new(),
        announcing: pattern(
            r#"(?:^|[^a-zA-Z])(?i-u:(?:my|his|her|their|the|full|first|last|maiden|patient|customer|client|employee)[ _](?:full )?names? ?(?:is|was|:|-)|name:|name'?s|named|i go by|goes by|dear|signed(?: by)?:?|signature:|attn:?|attention:|cardholder:?)\s{1,3}["'“]?$"#,
        ),
        hinting: pattern(
            r#"(?:^|[^a-zA-Z])(?i-u:i am|i(?u:['’])m|from:|to:|cc:|by:|patient:?|customer:?|client:?|contact:?|employee:?|author:?|sender:|recipient:|hello|hi|hey|regards,|sincerely,|cheers,|husband|wife|son|daughter|brother|sister|mother|father|colleague|friend)[,]?\s{1,4}["'“]?$"#,
        ),
        medical_before: pattern(
            r"(?:^|[^a-zA-Z])(?i-u:surgeon|physician|cardiologist|oncologist|neurologist|pediatrician|psychiatrist|dentist|radiologist|dermatologist|anesthesiologist|gynecologist|therapist|practitioner|(?:seen|treated|examined|operated on) by):?\s{1,3}$",
        ),
        medical_after: pattern(
            r"^(?:, ?| ?\(| )(?:M\.?D|D\.?O|R\.?N|N\.?P|D\.?D\.?S|MBBS|PA-C)\b|^,? (?:the |a |an |our )?(?i-u:surgeon|physician|cardiologist|oncologist|neurologist|pediatrician|psychiatrist|dentist|radiologist)\b",
        ),
    }
}

impl Recognizer for Names {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let text = passage.text();
        let all = words(text);
        let known: Vec<Known> = all.iter().map(|word| self.known.find(text, word)).collect();
        let mut findings = Vec::new();
        let mut at = 0;
        while at < all.len() {
            let taken = self.name_at(text, &all, &known, at).map_or(0, |name| {
                name.report(&all, &mut findings);
                name.last + 1 - at
            });
            at += taken.max(1);
        }
        findings
    }
}

/// A name that was found: its first and last word.
struct Name {
    first: usize,
    last: usize,
    score: f64,
    medical: bool,
    /// The family name, where there is one.
    family: Option<usize>,
    given: bool,
}

impl Name {
    fn report(&self, all: &[Word], findings: &mut Vec<Finding>) {
        let (Some(first), Some(last)) = (all.get(self.first), all.get(self.last)) else { return };
        let entity = if self.medical { DetectEntity::NAME_MEDICAL_PROFESSIONAL } else { DetectEntity::NAME };
        let mut whole = Finding::new(first.start..last.end, entity, self.score);
        if self.medical {
            whole = whole.label(DetectEntity::NAME, self.score - 0.1);
        }
        // The parts are findings of their own as well, for requests that ask for parts only.
        if self.given {
            let end = self
                .family
                .and_then(|family| all.get(family.saturating_sub(1)))
                .map_or(last.end, |word| word.end);
            whole = whole.label(DetectEntity::NAME_GIVEN, self.score - 0.2);
            findings.push(Finding::new(first.start..end, DetectEntity::NAME_GIVEN, self.score - 0.2));
        }
        if let Some(family) = self.family.and_then(|family| all.get(family)) {
            whole = whole.label(DetectEntity::NAME_FAMILY, self.score - 0.25);
            findings.push(Finding::new(family.start..last.end, DetectEntity::NAME_FAMILY, self.score - 0.25));
        }
        findings.push(whole);
    }
}

impl Names {
    /// Returns the name that begins at a word.
    fn name_at(&self, text: &str, all: &[Word], known: &[Known], at: usize) -> Option<Name> {
        let word = all.get(at)?;
        let kind = *known.get(at)?;
        if kind.title && (word.capital || kind.medical) && gap(text, all, at).is_some_and(is_title_gap) {
            let next = all.get(at + 1)?;
            if next.capital && !known.get(at + 1)?.never {
                let name = self.take(text, all, known, at + 1, 3)?;
                return Some(Name { score: 0.96, medical: kind.medical || name.medical, ..name });
            }
            return None;
        }
        let head = before(text, word.start);
        if kind.given && !word.capital {
            // People write their own name in lowercase, but only behind the words that say so.
            return self.announcing.is_match(head).then(|| self.small(text, all, known, at));
        }
        if !word.capital && (!word.caseless || !self.announcing.is_match(head)) || kind.never {
            return None;
        }
        let place = at.checked_sub(1).is_some_and(|last| {
            known.get(last).is_some_and(|known| known.place_start)
                && all.get(last).is_some_and(|last| last.capital)
                && gap(text, all, last).is_some_and(is_title_gap)
        });
        if place {
            return None;
        }
        if self.announcing.is_match(head) {
            return self.take(text, all, known, at, 3);
        }
        let next = known.get(at + 1).copied().unwrap_or_default();
        let joined = joins(text, all, at);
        let medical = self.medical_before.is_match(head);
        let hinted = medical || self.hinting.is_match(head);
        let next_is_name = joined && all.get(at + 1).is_some_and(|next| next.capital) && !next.never;
        let enough = kind.given
            || (kind.given_and_more && next_is_name && next.family)
            || (hinted && next_is_name && !word.single)
            || (next_is_name && next.family && !next.family_and_more && !kind.given_and_more && !word.begins);
        // Behind a given name and an initial, the family name is not the next word.
        let initial = kind.given_and_more
            && joined
            && all.get(at + 1).is_some_and(|next| next.single)
            && known.get(at + 2).is_some_and(|known| known.family);
        if !(enough || initial) || word.single {
            return None;
        }
        let name = self.take(text, all, known, at, usize::from(kind.given || hinted))?;
        let follows = known.get(name.last + 1).is_some_and(|known| known.place_end)
            && all.get(name.last + 1).is_some_and(|next| next.capital)
            && gap(text, all, name.last)
                .is_some_and(|gap| gap.trim_start_matches("'s").trim_start_matches("’s") == " ");
        if follows {
            return None;
        }
        let score = match (name.family, kind.given || hinted) {
            (Some(_), true) => 0.92,
            (Some(_), false) => 0.85,
            (None, _) => 0.75,
        };
        Some(Name { score, medical: medical || name.medical, ..name })
    }

    /// Takes the words of a name; at most `unknown` words behind the first that are not known as names.
    fn take(&self, text: &str, all: &[Word], known: &[Known], first: usize, unknown: usize) -> Option<Name> {
        let mut last = first;
        let mut unknown = unknown;
        let mut family = None;
        while last + 1 < first + LONGEST && joins(text, all, last) {
            let (word, kind) = (all.get(last + 1)?, *known.get(last + 1)?);
            if kind.particle && self.leads_on(text, all, known, last + 1) {
                family = family.or(Some(last + 1));
            } else if !word.capital && !word.caseless || kind.never {
                break;
            } else if kind.suffix {
                last += 1;
                break;
            } else if word.single {
                // An initial counts only between other words.
                if !self.leads_on(text, all, known, last + 1) {
                    break;
                }
            } else if kind.family {
                family = family.or(Some(last + 1));
            } else if !(kind.given && family.is_none()) {
                if unknown == 0 || (family.is_some() && unknown < 2) {
                    break;
                }
                unknown -= 1;
                family = family.or(Some(last + 1));
            }
            last += 1;
        }
        // Without a known family name the last word is it.
        let family = family.or((last > first).then_some(last));
        let given = family.is_some() || known.get(first)?.given || known.get(first)?.given_and_more;
        let end = all.get(last)?.end;
        let medical = self.medical_after.is_match(after(text, end))
            || self.medical_before.is_match(before(text, all.get(first)?.start));
        Some(Name { first, last, score: 0.95, medical, family, given })
    }

    /// Takes a name that is written in lowercase: the words that are known.
    fn small(&self, text: &str, all: &[Word], known: &[Known], first: usize) -> Name {
        let family = joins(text, all, first) && known.get(first + 1).is_some_and(|known| known.family);
        let last = first + usize::from(family);
        Name { first, last, score: 0.9, medical: false, family: family.then_some(last), given: true }
    }

    /// Tells whether a word that cannot end a name is followed by one that can: perhaps after a second such word.
    fn leads_on(&self, text: &str, all: &[Word], known: &[Known], at: usize) -> bool {
        (at..at + 2).take_while(|at| joins(text, all, *at)).any(|at| {
            all.get(at + 1).is_some_and(|word| word.capital && !word.single)
                && known.get(at + 1).is_some_and(|known| !known.never)
        })
    }
}

/// Returns the text between a word and the next one.
fn gap<'a>(text: &'a str, all: &[Word], at: usize) -> Option<&'a str> {
    text.get(all.get(at)?.end..all.get(at + 1)?.start)
}

/// Tells whether a word and the next one may be of one name.
fn joins(text: &str, all: &[Word], at: usize) -> bool {
    gap(text, all, at).is_some_and(|gap| {
        matches!(gap, " " | "  " | "\u{a0}")
            || (matches!(gap, ". " | ".") && all.get(at).is_some_and(|word| word.single))
    })
}

fn is_title_gap(gap: &str) -> bool {
    matches!(gap, " " | ". " | "." | "\u{a0}" | ".\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::found;

    #[track_caller]
    fn assert_names(text: &str, expected: &[(&str, &str)]) {
        let found = found(&names(), text);
        let whole: Vec<_> = found
            .iter()
            .map(|(entity, part)| (&**entity, &**part))
            .filter(|(entity, _)| !matches!(*entity, "name_given" | "name_family"))
            .collect();
        assert_eq!(whole, expected, "{text:?}");
    }

    #[test]
    fn names_are_found_after_their_cues() {
        for (text, expected) in [
            ("My name is Jane Doe and my SSN is 123-45-6789.", "Jane Doe"),
            ("MY NAME IS JANE DOE AND I AM HERE", "JANE DOE"),
            ("my name is jane doe", "jane doe"),
            ("Mr. Will Turner", "Will Turner"),
            ("Ms. Abcde came", "Abcde"),
            ("Dear Grace,", "Grace"),
            ("I'm Xanthe Quill.", "Xanthe Quill"),
            ("I am Rose Tyler", "Rose Tyler"),
            ("a woman named Zelda", "Zelda"),
            ("Signed: Arlo Finch\r\n", "Arlo Finch"),
            ("From: Arlo Finch", "Arlo Finch"),
            ("my name is 王小明", "王小明"),
            ("My name is Ἀλέξανδρος Παπαδόπουλος", "Ἀλέξανδρος Παπαδόπουλος"),
        ] {
            assert_names(text, &[("name", expected)]);
        }
    }

    #[test]
    fn names_are_found_by_the_words_they_are_made_of() {
        for (text, expected) in [
            ("yesterday Zoë O'Neill-Smith called", "Zoë O'Neill-Smith"),
            ("🙂Jane Doe🙂", "Jane Doe"),
            ("\u{202b}Jane Doe\u{202c} مرحبا", "Jane Doe"),
            ("Will Smith came", "Will Smith"),
            ("Jane's car", "Jane"),
            ("John F. Kennedy spoke", "John F. Kennedy"),
            ("met Priya Patel there", "Priya Patel"),
            ("with Anjali Sharma", "Anjali Sharma"),
            ("Carlos de la Cruz Jr. won", "Carlos de la Cruz Jr"),
            ("Jane Falconer Monday", "Jane Falconer"),
            ("Juan Garci\u{301}a, here", "Juan Garci\u{301}a"),
        ] {
            assert_names(text, &[("name", expected)]);
        }
    }

    #[test]
    fn medical_professionals_are_known_by_context() {
        for text in
            ["Dr. Jane Doe", "Jane Doe, MD", "surgeon Jane Doe", "seen by Jane Doe", "Jane Doe, cardiologist"]
        {
            assert_names(text, &[("name_medical_professional", "Jane Doe")]);
        }
        assert_names("Prof. Jane Doe", &[("name", "Jane Doe")]);
    }

    #[test]
    fn ordinary_words_are_no_names() {
        for text in [
            "Falcon",
            "May I come?",
            "Will you?",
            "Mark the page. Grace period.",
            "Rose",
            "Art is long",
            "Hope Street 5",
            "Jackson Street",
            "Hello World",
            "Dear Customer",
            "San Jose and St. Louis",
            "Paris",
            "Contact Support Team",
            "I am happy",
            "Project Green",
            "Martin Luther Hospital",
            "Named Ranges",
            "The Card Was Declined",
            "jane",
            "Dr",
            "Mr.",
            "Jane_Doe",
            "Jane1",
        ] {
            assert_names(text, &[]);
        }
    }

    #[test]
    fn a_name_says_what_its_parts_are() {
        let findings = names().recognize(&Passage::new("my name is Jane Doe"));
        let whole = findings.iter().find(|finding| finding.entity == DetectEntity::NAME).unwrap();
        let labels: Vec<_> = whole.labels.iter().map(|(entity, _)| entity.as_str()).collect();
        assert_eq!(labels, ["name_given", "name_family"]);
        assert!(whole.labels.iter().all(|(_, score)| *score < whole.score));
        assert_eq!(findings.len(), 3);
    }
}
