//! Recordings written by hand from the published forms, of calls that the recorded SDK cannot make.

use skyflow_conformance::json::Json;
use skyflow_conformance::report::Verdict;

use crate::{directory, verdict};

#[test]
fn batches_are_read_in_each_published_form() {
    let mut files: Vec<_> =
        std::fs::read_dir(directory("published")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 6);
    for file in files {
        let trace = Json::parse(&std::fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(verdict(&trace), Verdict::Equal, "{}", file.display());

        // A recording that says otherwise is noticed.
        let mut other = trace.clone();
        let outcomes = other.member_mut("result").and_then(|result| result.member_mut("returned"));
        let first = outcomes.and_then(|returned| returned.member_mut("outcomes")?.element_mut(0));
        first.unwrap().set("skyflow_id", Json::text("another"));
        assert!(matches!(verdict(&other), Verdict::Different(_)), "{}", file.display());
    }
}
