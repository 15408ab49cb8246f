//! Dates that are moved by days and keep the way in which they are written.

use jiff::Span;
use jiff::civil::Date;

/// Returns a day of the years 1 to 9999.
fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    let date = Date::new(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?).ok();
    date.filter(|date| date.year() >= 1)
}

/// Moves a day; `None` when it would leave the years 1 to 9999.
fn moved(date: Date, days: i64) -> Option<Date> {
    let moved = date.checked_add(Span::new().try_days(days).ok()?).ok();
    moved.filter(|date| date.year() >= 1)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Moves every date of a text by a number of days, in the way each is written; `None` when there is none, when a number or
/// a month is no part of a whole date, or when one would leave the years 1 to 9999.
///
/// Dates of three numbers are read year first when the year has four digits there, else month first, as in the United
/// States, unless only day first is a date.
pub(super) fn shifted(text: &str, days: i64) -> Option<String> {
    // Of a timestamp such as `2026-01-05T10:30:00Z`, the time stays.
    if let Some((date, time)) = text.split_once('T')
        && date.ends_with(|letter: char| letter.is_ascii_digit())
        && time.starts_with(|letter: char| letter.is_ascii_digit())
    {
        return Some(format!("{}T{time}", shifted(date, days)?));
    }
    let pieces = pieces(text);
    let mut changed: Vec<String> = pieces.iter().map(|piece| piece.text.to_owned()).collect();
    let mut at = 0;
    let mut found = false;
    while let Some(piece) = pieces.get(at) {
        let Some(date) = Written::at(&pieces, at) else {
            // What may be a part of a date would stay as it is, and give the rest away.
            if piece.kind == Kind::Digits || month(piece.text).is_some() {
                return None;
            }
            at += 1;
            continue;
        };
        date.rewrite(&pieces, &mut changed, moved(date.day, days)?)?;
        found = true;
        at = date.end;
    }
    found.then(|| changed.concat())
}

/// A run of digits, of letters, or of anything else.
struct Piece<'a> {
    text: &'a str,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Digits,
    Letters,
    Other,
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let kind_of = |letter: char| match letter {
        '0'..='9' => Kind::Digits,
        letter if letter.is_alphabetic() => Kind::Letters,
        _ => Kind::Other,
    };
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let mut start = 0;
    let mut kinds = text.char_indices().map(|(at, letter)| (at, kind_of(letter))).peekable();
    while let Some((_, kind)) = kinds.next() {
        let end = match kinds.peek() {
            Some((_, next)) if *next == kind => continue,
            Some((at, _)) => *at,
            None => text.len(),
        };
        pieces.push(Piece { text: text.get(start..end).unwrap_or_default(), kind });
        start = end;
    }
    pieces
}

/// A date among the pieces: which of them is what.
struct Written {
    day: Date,
    year_at: usize,
    month_at: usize,
    day_at: usize,
    weekday_at: Option<usize>,
    /// Days and months below ten are written with a zero.
    has_zeros: bool,
    end: usize,
}

impl Written {
    fn at(pieces: &[Piece<'_>], start: usize) -> Option<Self> {
        Self::of_numbers(pieces, start).or_else(|| Self::of_words(pieces, start))
    }

    /// `2024-03-05`, `03/05/2024`, `5.3.24`: three numbers with the same mark between them.
    fn of_numbers(pieces: &[Piece<'_>], start: usize) -> Option<Self> {
        let [a, first_mark, b, second_mark, c] = pieces.get(start..start + 5)? else { return None };
        let is_mark = matches!(first_mark.text, "-" | "/" | "." | " ") && first_mark.text == second_mark.text;
        if !is_mark || [a, b, c].iter().any(|piece| piece.kind != Kind::Digits) {
            return None;
        }
        let (one, two) = (number(a.text)?, number(b.text)?);
        let (first, second, third) = (start, start + 2, start + 4);
        let by = |year: i64, month: i64, day: i64, year_at, month_at, day_at| {
            let day = date(year, month, day)?;
            // Where both have two digits, a zero keeps the length; `3/10/24` shows that there are none.
            let has_zeros = [month_at, day_at]
                .iter()
                .all(|at| pieces.get(*at).is_some_and(|piece: &Piece<'_>| piece.text.len() == 2));
            Some(Self { day, year_at, month_at, day_at, weekday_at: None, has_zeros, end: start + 5 })
        };
        if a.text.len() == 4 {
            return by(one, two, number(c.text)?, first, second, third);
        }
        let year = full_year(c.text)?;
        // A point is written between day and month first.
        let month_first = by(year, one, two, third, first, second);
        let day_first = by(year, two, one, third, second, first);
        if first_mark.text == "." { day_first.or(month_first) } else { month_first.or(day_first) }
    }

    /// `June 5, 1990`, `5 June 1990`, `Tue, 5th of June '90`.
    fn of_words(pieces: &[Piece<'_>], start: usize) -> Option<Self> {
        let weekday_at = (start..start + 1).find(|at| is_weekday(pieces, *at));
        let begin = if weekday_at.is_some() { next_part(pieces, start)? } else { start };
        let first = pieces.get(begin)?;
        let (month_at, day_at) = match first.kind {
            Kind::Letters if month(first.text).is_some() => (begin, next_part(pieces, begin)?),
            Kind::Digits => {
                let mut at = next_part(pieces, begin)?;
                // `5th of June`
                while pieces.get(at).is_some_and(|piece| is_filler(piece.text)) {
                    at = next_part(pieces, at)?;
                }
                (at, begin)
            }
            _ => return None,
        };
        let month = month(pieces.get(month_at)?.text)?;
        let day = number(pieces.get(day_at).filter(|piece| piece.text.len() <= 2)?.text)?;
        let mut year_at = next_part(pieces, month_at.max(day_at))?;
        while pieces.get(year_at).is_some_and(|piece| is_filler(piece.text)) {
            year_at = next_part(pieces, year_at)?;
        }
        let year = full_year(pieces.get(year_at)?.text)?;
        let day = date(year, month, day)?;
        let has_zeros = pieces.get(day_at).is_some_and(|piece| piece.text.starts_with('0'));
        Some(Self { day, year_at, month_at, day_at, weekday_at, has_zeros, end: year_at + 1 })
    }

    fn rewrite(&self, pieces: &[Piece<'_>], changed: &mut [String], moved: Date) -> Option<()> {
        let mut put = |at: usize, text: String| changed.get_mut(at).map(|piece| *piece = text);
        let old = |at: usize| pieces.get(at).map(|piece| piece.text);
        let year = old(self.year_at)?;
        put(
            self.year_at,
            match year.len() {
                2 => format!("{:02}", moved.year().rem_euclid(100)),
                _ => format!("{:04}", moved.year()),
            },
        )?;
        let two_digits =
            |number: i8| if self.has_zeros { format!("{number:02}") } else { number.to_string() };
        put(self.day_at, two_digits(moved.day()))?;
        let month = old(self.month_at)?;
        let is_name = month.starts_with(char::is_alphabetic);
        put(
            self.month_at,
            match is_name {
                true => like_name(month, MONTHS.get(usize::try_from(moved.month() - 1).ok()?)?),
                false => two_digits(moved.month()),
            },
        )?;
        // `5th` becomes `2nd`.
        if let Some(suffix) = old(self.day_at + 1).filter(|text| is_ordinal(text)) {
            put(self.day_at + 1, like_case(suffix, ordinal(moved.day())))?;
        }
        if let Some(at) = self.weekday_at {
            let weekday = WEEKDAYS.get(usize::try_from(moved.weekday().to_monday_zero_offset()).ok()?)?;
            put(at, like_name(old(at)?, weekday))?;
        }
        Some(())
    }
}

/// Returns where the next number or word is, when only white space, a comma, a point or an apostrophe is before it.
fn next_part(pieces: &[Piece<'_>], at: usize) -> Option<usize> {
    let between = pieces.get(at + 1)?;
    // `5th`: the letters of a day follow it directly.
    if is_ordinal(between.text) {
        return next_part(pieces, at + 1);
    }
    let fits = between.kind == Kind::Other
        && between.text.chars().all(|mark| mark.is_whitespace() || ",.'’-/".contains(mark));
    (fits && at + 2 < pieces.len()).then_some(at + 2)
}

fn is_filler(text: &str) -> bool {
    text.eq_ignore_ascii_case("of")
}

fn is_ordinal(text: &str) -> bool {
    ["st", "nd", "rd", "th"].iter().any(|suffix| text.eq_ignore_ascii_case(suffix))
}

fn ordinal(day: i8) -> &'static str {
    match day {
        1 | 21 | 31 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    }
}

fn is_weekday(pieces: &[Piece<'_>], at: usize) -> bool {
    pieces.get(at).is_some_and(|piece| named(&WEEKDAYS, piece.text).is_some())
}

fn month(text: &str) -> Option<i64> {
    let index = named(&MONTHS, text).or_else(|| text.eq_ignore_ascii_case("sept").then_some(8))?;
    i64::try_from(index + 1).ok()
}

/// Finds a name, written out or by its first three letters.
fn named(names: &[&str], text: &str) -> Option<usize> {
    let text = text.to_ascii_lowercase();
    names.iter().position(|name| *name == text || (text.len() == 3 && name.starts_with(text.as_str())))
}

fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|_| text.len() <= 4)
}

/// Two digits are of the years 1930 to 2029, as most programs read them.
fn full_year(text: &str) -> Option<i64> {
    let year = number(text)?;
    match text.len() {
        4 => Some(year),
        2 if year < 30 => Some(2000 + year),
        2 => Some(1900 + year),
        _ => None,
    }
}

fn like_name(old: &str, name: &str) -> String {
    let was_whole = MONTHS.iter().chain(&WEEKDAYS).any(|whole| whole.eq_ignore_ascii_case(old));
    like_case(old, if was_whole { name } else { name.get(..3).unwrap_or(name) })
}

fn like_case(old: &str, name: &str) -> String {
    let letters = |text: &str| text.chars().all(char::is_uppercase);
    let mut first = old.chars();
    match first.next() {
        _ if letters(old) => name.to_ascii_uppercase(),
        Some(initial) if initial.is_uppercase() => {
            let (head, tail) = name.split_at_checked(1).unwrap_or((name, ""));
            head.to_ascii_uppercase() + tail
        }
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_date_keeps_the_way_it_is_written() {
        for (text, days, moved) in [
            ("2024-02-28", 2, "2024-03-01"),
            ("2023-02-28", 2, "2023-03-02"),
            ("1999/12/31", 1, "2000/01/01"),
            ("1999-12-31T23:59:59Z", 1, "2000-01-01T23:59:59Z"),
            ("12/31/1999", 1, "01/01/2000"),
            ("03/05/2024", 10, "03/15/2024"),
            ("3/5/24", 30, "4/4/24"),
            ("31/12/1999", 1, "01/01/2000"),
            ("5.3.2024", 30, "4.4.2024"),
            ("28.02.2024", 1, "29.02.2024"),
            ("June 5, 1990", 30, "July 5, 1990"),
            ("JUNE 30 1990", 1, "JULY 1 1990"),
            ("5 June 1990", 26, "1 July 1990"),
            ("5 jun 1990", 26, "1 jul 1990"),
            ("Sept. 30, 2020", 1, "Oct. 1, 2020"),
            ("21st of May 2020", 1, "22nd of May 2020"),
            ("May 1st, 2020", 2, "May 3rd, 2020"),
            ("Tuesday, June 5, 1990", 1, "Wednesday, June 6, 1990"),
            ("Tue, 5 Jun '90", 2, "Thu, 7 Jun '90"),
            ("1 May 2020 to 3 June 2021", 31, "1 June 2020 to 4 July 2021"),
            ("2020-01-01 - 2020-12-31", 1, "2020-01-02 - 2021-01-01"),
            ("June\u{a0}5,\r\n1990", 1, "June\u{a0}6,\r\n1990"),
        ] {
            assert_eq!(shifted(text, days).as_deref(), Some(moved), "{text}");
        }
    }

    #[test]
    fn dates_outside_the_calendar_are_not_shifted() {
        for text in [
            "5 June to 7 June 1990",
            "May 5 - 12 June 2024",
            "May 5-12 June 2024",
            "2024-03-05 10:30",
            "since May, 5 June 1990",
            "",
            "last summer",
            "2024-13-01",
            "2023-02-29",
            "5 June",
            "1990",
            "1-2",
            "é",
            "9999-12-31",
            "May",
        ] {
            assert_eq!(shifted(text, 1), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_shift_is_undone_by_its_opposite(year in 100..9900_i64, month in 1..=12_i64, day in 1..=31_i64, days in 1..5000_i64) {
            if date(year, month, day).is_some() {
                let text = format!("{year:04}-{month:02}-{day:02}");
                let there = shifted(&text, days).unwrap();
                prop_assert_eq!(there.len(), text.len());
                let back = shifted(&there, -days);
                prop_assert_eq!(back.as_deref(), Some(text.as_str()));
            }
        }

        #[test]
        fn no_text_makes_it_fail(text in ".{0,60}", days in -4000..4000_i64) {
            let _ = shifted(&text, days);
        }

        #[test]
        fn texts_of_dates_and_marks_do_not_make_it_fail(text in "[0-9 ./,'a-zJMS-]{0,40}", days in -4000..4000_i64) {
            let _ = shifted(&text, days);
        }
    }
}
