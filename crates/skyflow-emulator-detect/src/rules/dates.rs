use std::ops::Range;

use skyflow_types::DetectEntity;

use super::shape::{Cue, Shape, Shapes, pattern};
use crate::{Finding, Passage, Recognizer};

const MONTHS: &str = "(?i-u:january|february|march|april|may|june|july|august|september|october|november|december|sept|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec)";
const DAYS: &str = "(?i-u:monday|tuesday|wednesday|thursday|friday|saturday|sunday)";
const UNITS: &str = "(?i-u:milliseconds?|seconds?|secs?|minutes?|mins?|hours?|hrs?|days?|weeks?|fortnights?|months?|quarters?|years?|yrs?|decades?|centur(?:y|ies))";
const COUNTS: &str = "(?i-u:[0-9]{1,5}(?:\\.[0-9]{1,3})?|an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety|several|a few|a couple of|half an?)";

/// Dates and their parts, times and lengths of time.
#[derive(Debug)]
pub(super) struct Dates {
    date: regex::Regex,
    /// The text between the two dates of an interval.
    joint: regex::Regex,
    years: regex::Regex,
    birth: Cue,
    parts: Shapes,
}

pub(super) fn dates() -> Dates {
    let day = "(?:0?[1-9]|[12][0-9]|3[01])";
    let ordinal = format!("{day}(?:st|nd|rd|th)?");
    let year = "(?:1[5-9]|20|21)[0-9]{2}";
    let month = "(?:0?[1-9]|1[0-2])";
    let date = [
        // The longest forms first: an alternative that matches hides the later ones.
        format!("{year}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T[0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{{1,9}})?)?(?:Z|[+-][0-2][0-9]:?[0-5][0-9])?"),
        format!("{year}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"),
        format!("{year}[./](?:0?[1-9]|1[0-2])[./]{day}"),
        format!("(?:{DAYS},? )?{ordinal}(?: of)?[ -]{MONTHS}\\.?(?:,? |-){year}"),
        format!("(?:{DAYS},? )?{MONTHS}\\.?[ -]{ordinal}(?:,? |-){year}"),
        format!("{day}[./-]{month}[./-](?:{year}|[0-9]{{2}})"),
        format!("{month}[./-]{day}[./-](?:{year}|[0-9]{{2}})"),
        format!("{MONTHS},? (?:of )?{year}"),
        format!("(?:{DAYS},? )?{ordinal}(?: of)? {MONTHS}"),
        format!("(?:{DAYS},? )?{MONTHS}\\.? {ordinal}"),
    ]
    .join("|");
    let hour = "(?:[01]?[0-9]|2[0-3])";
    Dates {
        joint: pattern("^(?: (?i-u:to|until|till|through|thru)(?: the)? | ?[-\u{2013}\u{2014}] ?)$"),
        years: pattern(&format!("{year} ?(?:-|\u{2013}|\u{2014}|to|until) ?{year}")),
        date: pattern(&date),
        birth: Cue::new("born(?: on| in)?|d\\.?o\\.?b\\.?|date[ _-]?of[ _-]?birth|birth[ _-]?da(?:te|y)|bday|geboren|nee le"),
        parts: Shapes(vec![
            Shape::new(
                DetectEntity::TIME,
                0.93,
                &format!("{hour}:[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{{1,9}})?)?(?: ?(?i-u:[ap]\\.m\\.|[ap]m))?(?: ?(?:UTC|GMT|EST|EDT|CST|CDT|MST|PST|PDT|CET|CEST|BST))?"),
            )
            .apart(),
            Shape::new(DetectEntity::TIME, 0.9, "(?:0?[1-9]|1[0-2]) ?(?i-u:[ap]\\.m\\.|[ap]m)").apart(),
            Shape::new(DetectEntity::TIME, 0.8, "(?i-u:at|by|around|until) (?i-u)(noon|midnight|[0-9]{1,2} o'clock)"),
            Shape::new(
                DetectEntity::DURATION,
                0.9,
                &format!("{COUNTS}(?: |-){{0,1}}{UNITS}(?:(?:,| and|, and)? {COUNTS} {UNITS}){{0,3}}"),
            )
            .checked(is_duration),
            Shape::new(DetectEntity::DAY, 0.85, DAYS).checked(has_capital),
            Shape::new(DetectEntity::MONTH, 0.8, "January|February|April|June|July|August|September|October|November|December"),
            // "May" and "march" are other words as well.
            Shape::new(DetectEntity::MONTH, 0.8, "(?i-u:in|of|since|until|by|during|last|next|this|every|early|late|mid) (March|May)"),
            Shape::new(DetectEntity::YEAR, 0.8, &format!("(?i-u:in|since|of|from|until|by|year|during|around|circa|summer|winter|spring|autumn|fall|©|class of) ({year})"))
                .apart(),
        ]),
    }
}

/// Tells whether a text that names a number and a unit is a length of time: "a second" and "may day" are not.
fn is_duration(text: &str) -> bool {
    let small = text.to_lowercase();
    !matches!(small.as_str(), "a second" | "one day" | "a day" | "an day" | "a sec")
        && !small.starts_with("an min")
}

fn has_capital(text: &str) -> bool {
    text.chars().next().is_some_and(char::is_uppercase)
}

impl Recognizer for Dates {
    fn recognize(&self, passage: &Passage<'_>) -> Vec<Finding> {
        let mut findings = self.parts.recognize(passage);
        let years = Shape::found(&self.years, passage.text());
        findings.extend(years.map(|range| Finding::new(range, DetectEntity::DATE_INTERVAL, 0.9)));
        let mut previous: Option<Range<usize>> = None;
        for range in Shape::found(&self.date, passage.text()) {
            let finding = if self.birth.precedes(passage, range.start) {
                Finding::new(range.clone(), DetectEntity::DOB, 0.97).label(DetectEntity::DATE, 0.8)
            } else {
                Finding::new(range.clone(), DetectEntity::DATE, 0.93)
            };
            findings.push(finding);
            if let Some(earlier) = previous.replace(range.clone())
                && passage
                    .text()
                    .get(earlier.end..range.start)
                    .is_some_and(|joint| self.joint.is_match(joint))
            {
                findings.push(Finding::new(earlier.start..range.end, DetectEntity::DATE_INTERVAL, 0.92));
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::{assert_finds, found};

    #[test]
    fn dates_are_found_in_the_forms_people_write() {
        for (text, expected) in [
            ("on 2024-03-01.", "2024-03-01"),
            ("at 2024-03-05T10:30:00.123+02:00,", "2024-03-05T10:30:00.123+02:00"),
            ("2024-03-05T10:30Z", "2024-03-05T10:30Z"),
            ("2024-03-01/2024-04-05", "2024-04-05"),
            ("2024-03-01T10:30:001", "2024-03-01T10:30"),
            ("scan_2024-03-01_x", "2024-03-01"),
            ("03/01/2024", "03/01/2024"),
            ("31.12.1999\r\n", "31.12.1999"),
            ("1/2/24", "1/2/24"),
            ("5 June 1990", "5 June 1990"),
            ("the 5th of June 1990", "5th of June 1990"),
            ("🙂June 5, 1990🙂", "June 5, 1990"),
            ("Jun 5 1990", "Jun 5 1990"),
            ("Monday, June 5", "Monday, June 5"),
            ("05-Jun-1990", "05-Jun-1990"),
            ("\u{200f}June 1990\u{200f}", "June 1990"),
        ] {
            let found = found(&dates(), text);
            assert!(found.contains(&("date".to_owned(), expected.to_owned())), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn date_of_birth_is_known_by_its_cue() {
        for (text, expected) in [
            ("born 5 June 1990", "5 June 1990"),
            ("DOB: 06/05/1990", "06/05/1990"),
            ("Date of birth 1990-06-05", "1990-06-05"),
            ("born on June 5, 1990.", "June 5, 1990"),
        ] {
            let found = found(&dates(), text);
            assert!(found.contains(&("dob".to_owned(), expected.to_owned())), "{text:?}: {found:?}");
        }
        let labelled =
            crate::rules::tests::found_in(&dates(), &Passage::new("1990-06-05").labelled("date_of_birth"));
        assert_eq!(labelled, [("dob".to_owned(), "1990-06-05".to_owned())]);
    }

    #[test]
    fn intervals_times_and_parts_are_found() {
        for (text, entity, expected) in [
            ("from 1 May 2020 to 3 June 2021", "date_interval", "1 May 2020 to 3 June 2021"),
            ("2020-01-01 - 2021-01-01", "date_interval", "2020-01-01 - 2021-01-01"),
            ("1999–2004", "date_interval", "1999–2004"),
            ("at 12:30", "time", "12:30"),
            ("at 3:05 pm, ok", "time", "3:05 pm"),
            ("by 7am", "time", "7am"),
            ("at noon", "time", "noon"),
            ("for three weeks", "duration", "three weeks"),
            ("a 2-hour talk", "duration", "2-hour"),
            ("2 hours and 5 minutes", "duration", "2 hours and 5 minutes"),
            ("on Friday", "day", "Friday"),
            ("in May", "month", "May"),
            ("every September", "month", "September"),
            ("in 1984", "year", "1984"),
        ] {
            let found = found(&dates(), text);
            assert!(found.contains(&(entity.to_owned(), expected.to_owned())), "{text:?}: {found:?}");
        }
    }

    #[test]
    fn numbers_and_words_alone_are_no_dates() {
        for text in [
            "May I?",
            "march on",
            "1984",
            "2024-13-01",
            "99/99/2024",
            "192.168.10.1",
            "1/2",
            "25:61",
            "a second",
            "5550101-1234",
            "sunday",
        ] {
            assert_finds(&dates(), text, &[]);
        }
    }
}
