//! Tests of the replay itself: it finds differences, and it holds on calls outside of any list.

mod mutations;
mod network;
mod places;
mod published;
mod runs;
mod statuses;
mod tampering;
mod unknown;
mod variants;

use std::path::{Path, PathBuf};

use skyflow_conformance::json::Json;
use skyflow_conformance::report::{Verdict, judge};
use skyflow_conformance::trace::Trace;

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The recorded files, in the order of their names.
fn recorded() -> Vec<Json> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory("traces")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| Json::parse(&std::fs::read_to_string(file).unwrap()).unwrap()).collect()
}

fn one_recorded(case: &str) -> Json {
    let file = directory("traces").join(format!("{case}.json"));
    Json::parse(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn verdict(trace: &Json) -> Verdict {
    match Trace::from_json(trace) {
        Ok(trace) => judge(&trace).verdict,
        Err(error) => Verdict::Different(vec![error.to_string()]),
    }
}

fn is_different(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Different(_))
}
