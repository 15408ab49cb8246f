//! Tokens and their options.

use super::help::{made_as_promised, refused_by, the_call};
use super::{Case, Rule};
use crate::call::is_auth;
use crate::compare::same_outcome;
use crate::identity::claims_of;
use crate::json::Json;
use crate::promise;
use crate::trace::Reply;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "no-empty-option",
        applies: |case| !case.call.refused() && empty_option(case).is_some(),
        explains: the_call,
        holds: |case, ours| {
            let option = empty_option(case).unwrap_or_default();
            refused_by(ours, |field| last_name(field) == option)
                .map_err(|problem| format!("{problem}, and not for `{option}`"))
        },
    },
    Rule {
        id: "options-without-effect",
        applies: |case| !case.call.refused() && without_effect(case).is_some(),
        explains: the_call,
        holds: |case, ours| {
            let option = without_effect(case).unwrap_or_default();
            refused_by(ours, |field| last_name(field) == option)
        },
    },
    Rule {
        id: "opaque-bearer-token",
        applies: |case| case.call.refused() && is_opaque(case),
        explains: the_call,
        holds: made_as_promised,
    },
    Rule {
        id: "token-error-details",
        applies: |case| {
            case.is_made()
                && case.call.exchanges.is_empty()
                && last_token_reply(case).is_some_and(|reply| !is_token(reply))
        },
        explains: the_call,
        holds: |case, ours| {
            let replies: Vec<_> = ours.tokens.iter().filter_map(|sent| sent.reply.as_ref()).collect();
            let Some((reply, before)) = replies.split_last() else {
                return Err(format!("no token was asked for: {}", ours.outcome));
            };
            let transient = |reply: &Reply| matches!(reply.status, 408 | 429 | 500 | 502 | 503 | 504);
            let gave_up_early = transient(reply) && replies.len() < 3;
            if gave_up_early || replies.len() > 3 || !before.iter().all(|reply| transient(reply)) {
                return Err(format!("{} requests for a token", replies.len()));
            }
            match (is_token(reply), is_auth(&case.call.op)) {
                (true, true) => same_outcome(&promise::outcome(case.call, "", reply), &ours.outcome),
                (true, false) => made_as_promised(case, ours),
                (false, _) if ours.sent.is_empty() => {
                    same_outcome(&promise::without_token(reply), &ours.outcome)
                }
                (false, _) => Err("a request was sent without a token".to_owned()),
            }
        },
    },
];

fn last_token_reply<'a>(case: &Case<'a>) -> Option<&'a Reply> {
    case.call.tokens.last()?.reply.as_ref()
}

fn is_token(reply: &Reply) -> bool {
    reply.is_success() && reply.json().is_some_and(|body| !body.get("accessToken").is_null())
}

/// A client names the credentials and the option, the token functions the option alone.
fn last_name(field: &str) -> &str {
    field.rsplit('.').next().unwrap_or_default()
}

/// An option of a service account on credentials of another kind.
fn without_effect(case: &Case<'_>) -> Option<&'static str> {
    let given = &case.trace.credentials;
    if !matches!(given.get("kind").as_str(), None | Some("api_key" | "token")) {
        return None;
    }
    [("roles", "roles"), ("context", "context"), ("token_uri", "tokenURI")]
        .into_iter()
        .find(|(name, _)| !given.get(name).is_null())
        .map(|(_, field)| field)
}

/// Returns whether the bearer token is not a JWT, so that its expiry is unknown.
fn is_opaque(case: &Case<'_>) -> bool {
    let given = &case.trace.credentials;
    match given.get("kind").as_str() {
        Some("bad_token" | "invalid_token" | "malformed_token" | "opaque_token" | "garbage_token") => true,
        Some("token") => given.get("value").as_str().is_some_and(|token| claims_of(token).is_none()),
        _ => false,
    }
}

/// An option that is there and says nothing, or what no server can take.
fn empty_option(case: &Case<'_>) -> Option<&'static str> {
    let args = &case.call.args;
    let says_nothing = |context: &Json| match context {
        Json::Text(text) => text.trim().is_empty(),
        Json::Object(members) => members.is_empty(),
        _ => false,
    };
    let unusable = |role: &Json| {
        role.as_str()
            .is_some_and(|role| role.is_empty() || role.chars().any(|c| c.is_whitespace() || c.is_control()))
    };
    let roles =
        |list: &Json| matches!(list, Json::List(roles) if roles.is_empty() || roles.iter().any(unusable));
    let short = |life: &Json| life.as_i64().is_some_and(|seconds| seconds < 1);
    match case.call.op.as_str() {
        "bearer_token" if roles(args.get("role_ids")) => Some("roles"),
        "signed_data_tokens" if short(args.get("time_to_live")) => Some("timeToLive"),
        "bearer_token" | "signed_data_tokens" if says_nothing(args.get("ctx")) => Some("context"),
        "bearer_token" | "signed_data_tokens" => None,
        _ if roles(case.trace.credentials.get("roles")) => Some("roles"),
        _ => None,
    }
}
