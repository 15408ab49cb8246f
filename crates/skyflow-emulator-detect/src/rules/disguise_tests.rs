//! Values in every disguise that leaves them readable: what a reader takes for a value is found as a whole.

use std::ops::Range;
use std::sync::Arc;

use super::built_in;
use crate::{Deidentifier, Detector, NoVaultTokens, Passage, Policy, PolicyOptions};

/// Values with the text before them that some of them need.
const VALUES: [(&str, &str); 13] = [
    ("card ", "4111 1111 1111 1111"),
    ("", "5555555555554444"),
    ("", "DE89 3704 0044 0532 0130 00"),
    ("", "gb82west12345698765432"),
    ("", "123-45-6789"),
    ("my ssn is ", "123 45 6789"),
    ("mail ", "jane.doe@example.com"),
    ("host ", "10.20.30.40"),
    ("host ", "2001:db8::8a2e:370:7334"),
    ("call ", "(415) 555-2671"),
    ("routing ", "021000021"),
    ("VIN ", "1HGCM82633A004352"),
    ("my name is ", "Jane Doe"),
];

fn covered(text: &str) -> Vec<Range<usize>> {
    let detector = Detector::new(built_in(), Arc::default());
    detector.find(&Passage::new(text), None, |_| true).into_iter().map(|finding| finding.range).collect()
}

#[track_caller]
fn assert_covers(before: &str, value: &str, after: &str) {
    let text = format!("{before}{value}{after}");
    let whole = before.len()..before.len() + value.len();
    let found = covered(&text);
    let is_covered = found.iter().any(|range| range.start <= whole.start && whole.end <= range.end);
    assert!(is_covered, "{text:?}: {:?}", found.iter().map(|range| &text[range.clone()]).collect::<Vec<_>>());
}

#[test]
fn invisible_characters_hide_no_value() {
    for (before, value) in VALUES {
        for invisible in
            ["\u{ad}", "\u{200b}", "\u{200d}", "\u{2060}", "\u{feff}", "\u{202e}", "\u{fe0f}", "\0", "&shy;"]
        {
            for at in (1..value.len()).step_by(3) {
                let (head, tail) = value.split_at(at);
                assert_covers(before, &format!("{head}{invisible}{tail}"), ".");
            }
        }
    }
}

#[test]
fn look_alikes_hide_no_value() {
    let mapped = |value: &str, map: fn(u32) -> Option<u32>| -> String {
        value.chars().map(|c| map(u32::from(c)).and_then(char::from_u32).unwrap_or(c)).collect()
    };
    let full_width = |c| (0x21..0x7f).contains(&c).then(|| c + 0xfee0);
    let arabic = |c| (0x30..0x3a).contains(&c).then(|| c - 0x30 + 0x660);
    let mathematical = |c| (0x30..0x3a).contains(&c).then(|| c - 0x30 + 0x1d7ce);
    let spaces = |c| (c == 0x20).then_some(0xa0);
    let hyphens = |c| (c == 0x2d).then_some(0x2212);
    for (before, value) in VALUES {
        for map in [full_width, arabic, mathematical, spaces, hyphens] as [fn(u32) -> Option<u32>; 5] {
            assert_covers(before, &mapped(value, map), ", and");
        }
        let encoded: String = value.chars().map(|c| format!("&#{};", u32::from(c))).collect();
        assert_covers(before, &encoded, " and");
        let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        assert_covers(before, &encoded, " and");
    }
}

#[test]
fn what_is_attached_hides_no_value() {
    for (before, value) in VALUES {
        for (head, tail) in [
            ("(", ")"),
            ("[", "]"),
            ("\"", "\","),
            ("<", ">"),
            ("=", "&x=1"),
            ("=", ";"),
            ("|", "|"),
            ("", ":"),
            ("", "?"),
            ("", " 12"),
            ("", "\n12"),
            ("", " x"),
            ("*", "*"),
            ("", "…"),
            ("\u{201c}", "\u{201d}"),
            ("", "\u{3002}"),
        ] {
            assert_covers(&format!("{before}{head}"), value, tail);
        }
    }
}

#[test]
fn values_side_by_side_are_each_found() {
    for (before, value) in VALUES {
        for joint in [" ", ", ", ";", "|", "\n", "\t", " / ", " - "] {
            assert_covers(before, value, &format!("{joint}{value}"));
            assert_covers(&format!("{before}{value}{joint}{before}"), value, "");
        }
    }
}

#[test]
fn positions_are_those_of_the_original_text() {
    let detector = Detector::new(built_in(), Arc::default());
    let policy = Policy::read(PolicyOptions::default()).unwrap();
    let mut tokens = NoVaultTokens;
    let text = "é\u{200b} ja\u{ad}ne\u{ff20}example.com ok";
    let processed = Deidentifier::new(&detector, &policy, &mut tokens, 0).deidentify_text(text).unwrap();
    assert_eq!(processed.processed_text, "é\u{200b} [EMAIL_ADDRESS_1] ok");
    let found = &processed.entities[0];
    assert_eq!(found.value, "ja\u{ad}ne\u{ff20}example.com");
    assert_eq!((found.start, found.end), (3, 20));
    let original: String = text.chars().skip(found.start).take(found.end - found.start).collect();
    assert_eq!(original, found.value);
    let shown: String = processed.processed_text.chars().skip(found.start_processed).collect();
    assert!(shown.starts_with("[EMAIL_ADDRESS_1]"));
}

#[test]
fn patterns_of_a_policy_match_disguised_values() {
    let detector = Detector::new(built_in(), Arc::default());
    let options = serde_json::json!({"allow_regex": ["^jane@"], "restrict_regex": ["123-45-6789"]});
    let policy = Policy::read(serde_json::from_value(options).unwrap()).unwrap();
    let mut tokens = NoVaultTokens;
    let deidentifier = Deidentifier::new(&detector, &policy, &mut tokens, 0);
    let processed = deidentifier.deidentify_text("ja\u{ad}ne@x.org 123\u{200b}-45-6789").unwrap();
    assert_eq!(processed.processed_text, "ja\u{ad}ne@x.org [RESTRICTED]");
}
