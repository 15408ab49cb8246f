//! Compares what this SDK did with what was recorded.

use crate::difference::{Difference, Part, Place};
use crate::replay::Observed;
use crate::trace::{Call, Exchange};

mod claims;
mod json;
mod official;
mod requests;
mod results;

pub use official::as_official;
pub use results::same_outcome;

/// Returns every difference between a recorded call and ours.
pub fn call(recorded: &Call, ours: &Observed) -> Vec<Difference> {
    let mut differences = Vec::new();
    if recorded.tokens.len() != ours.tokens.len() {
        differences.push(Difference::new(Place::TokenCount, recorded.tokens.len(), ours.tokens.len()));
    }
    if recorded.exchanges.len() != ours.sent.len() {
        differences.push(Difference::new(Place::RequestCount, recorded.exchanges.len(), ours.sent.len()));
    }
    pairwise(&recorded.tokens, &ours.tokens, Place::Token, &mut differences);
    pairwise(&recorded.exchanges, &ours.sent, Place::Request, &mut differences);
    results::compare(recorded, ours, &mut differences);
    differences
}

fn pairwise(
    recorded: &[Exchange],
    ours: &[crate::lab::Sent],
    place: fn(usize, Part) -> Place,
    differences: &mut Vec<Difference>,
) {
    for (index, (recorded, ours)) in recorded.iter().zip(ours).enumerate() {
        for (part, expected, got) in requests::compare(&recorded.request, ours) {
            differences.push(Difference { place: place(index, part), expected, got });
        }
    }
}

/// Tells whether two of our own requests are the same, their tokens apart.
pub fn same_request(left: &crate::lab::Sent, right: &crate::lab::Sent) -> bool {
    let key = |sent: &crate::lab::Sent| {
        (sent.method.clone(), sent.host.clone(), sent.path.clone(), sent.query.clone())
    };
    key(left) == key(right) && left.body == right.body
}
