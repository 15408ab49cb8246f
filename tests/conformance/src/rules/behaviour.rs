//! What happens around a request: tries, tokens, redirects.

use super::help::{as_responded, run_as_promised, the_result};
use super::{Case, Rule};
use crate::compare::same_request;
use crate::difference::Place;
use crate::lab::Sent;
use crate::promise;
use crate::replay::Observed;
use crate::trace::Reply;

/// How often a request is sent at most.
const TRIES: usize = 3;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "retries",
        applies: |case| {
            let (call, path) = (case.call, case.call.last_path());
            case.last_reply().is_some_and(|reply| promise::is_tried_again(call, path, reply.status))
        },
        explains: |difference, case, ours| {
            // A repeated response differs in its request id, and the rest of it is compared.
            let same_again =
                last_response(ours).zip(case.call.last_reply()).is_some_and(|(last, recorded)| {
                    (last.status, &last.body) == (recorded.status, &recorded.body)
                });
            match difference.place {
                Place::RequestCount | Place::Error("request_id") => true,
                _ => !same_again && difference.is_in_the_result(),
            }
        },
        holds: |case, ours| {
            if case.call.op == "deidentify_file" {
                return run_as_promised(case, ours);
            }
            let again = |sent: &Sent| {
                let reply = sent.reply.as_ref();
                reply.is_some_and(|reply| promise::is_tried_again(case.call, &sent.path, reply.status))
            };
            repeated(&ours.sent)?;
            let stopped_too_early = ours.sent.len() < TRIES && ours.sent.last().is_some_and(again);
            let went_on = ours.sent.split_last().is_some_and(|(_, before)| !before.iter().all(again));
            if stopped_too_early || went_on || ours.sent.len() > TRIES {
                return Err(format!("{} requests were sent", ours.sent.len()));
            }
            as_responded(case, ours)
        },
    },
    Rule {
        id: "one-exchange",
        applies: |case| {
            case.trace.parallel && case.trace.calls().map(|call| call.tokens.len()).sum::<usize>() > 1
        },
        explains: |difference, _, _| difference.place == Place::TokenCount,
        holds: |case, _| {
            let exchanges: usize = case.all.iter().map(|ours| ours.tokens.len()).sum();
            let mut tokens: Vec<_> = case
                .all
                .iter()
                .flat_map(|ours| &ours.sent)
                .map(|sent| sent.headers.get("authorization"))
                .collect();
            tokens.dedup();
            match (exchanges, tokens.as_slice()) {
                (1, [Some(_)]) => Ok(()),
                _ => Err(format!("{exchanges} exchanges, {} tokens", tokens.len())),
            }
        },
    },
    Rule {
        id: "replay-after-401",
        applies: |case| {
            renews(case)
                && case.is_made()
                && case.call.exchanges.iter().any(|exchange| is_401(exchange.reply.as_ref()))
        },
        explains: |difference, case, ours| {
            the_result(difference, case, ours)
                || matches!(difference.place, Place::RequestCount | Place::TokenCount)
        },
        holds: |case, ours| {
            let exchanges = ours.tokens.len();
            if exchanges != case.call.tokens.len() + 1 {
                return Err(format!("{exchanges} requests for a token"));
            }
            let mut tokens: Vec<_> = ours.sent.iter().map(|sent| sent.headers.get("authorization")).collect();
            if case.call.op == "deidentify_file" {
                // All that follows has the new token.
                tokens.dedup();
                return match tokens.len() {
                    2 => run_as_promised(case, ours),
                    count => Err(format!("{count} tokens")),
                };
            }
            repeated(&ours.sent)?;
            match tokens.as_slice() {
                [old, new]
                    if old != new && is_401(ours.sent.first().and_then(|sent| sent.reply.as_ref())) =>
                {
                    as_responded(case, ours)
                }
                tokens => Err(format!("{} requests after a 401", tokens.len())),
            }
        },
    },
    Rule {
        id: "no-redirect",
        applies: |case| {
            case.is_made() && case.call.exchanges.iter().any(|exchange| is_redirect(exchange.reply.as_ref()))
        },
        explains: |difference, case, ours| {
            the_result(difference, case, ours) || difference.place == Place::RequestCount
        },
        holds: |case, ours| match ours.sent.as_slice() {
            [only] if is_redirect(only.reply.as_ref()) => as_responded(case, ours),
            sent => Err(format!("{} requests were sent", sent.len())),
        },
    },
];

fn last_response(ours: &Observed) -> Option<&Reply> {
    ours.sent.last()?.reply.as_ref()
}

/// Every further request is the first one again.
fn repeated(sent: &[Sent]) -> Result<(), String> {
    match sent.split_first() {
        Some((first, rest)) if rest.iter().all(|again| same_request(first, again)) => Ok(()),
        Some(_) => Err("a repeated request is not the same".to_owned()),
        None => Err("nothing was sent".to_owned()),
    }
}

fn is_401(reply: Option<&Reply>) -> bool {
    reply.is_some_and(|reply| reply.status == 401)
}

fn is_redirect(reply: Option<&Reply>) -> bool {
    reply.is_some_and(|reply| (300..400).contains(&reply.status))
}

/// Credentials that another token can be had with.
fn renews(case: &Case<'_>) -> bool {
    matches!(case.trace.credentials.get("kind").as_str(), Some("string" | "path" | "env"))
}
