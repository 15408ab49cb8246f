use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::*;

/// A number type of a caller's own.
#[derive(Clone, Copy, Serialize)]
struct Amount(f64);

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Serialize)]
enum Price {
    Fixed(f32),
    Range { from: f64 },
}

#[derive(Default, Serialize)]
struct Order {
    amount: f64,
    single: f32,
    fee: Option<f64>,
    lines: Vec<Line>,
    rates: BTreeMap<&'static str, f32>,
    pair: (u8, f64),
    price: Option<Price>,
}

#[derive(Default, Serialize)]
struct Line {
    total: f64,
}

const BAD: [f64; 3] = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];

fn template() -> PathTemplate {
    PathTemplate::parse("/pay/{amount}").unwrap()
}

fn refused(request: InvokeConnectionRequest) -> String {
    let error = request.into_http(&template()).unwrap_err();
    assert!(error.message().contains("must be a finite number"), "{error}");
    error.field().unwrap().to_owned()
}

#[test]
fn numbers_of_paths_and_queries_are_finite() {
    for bad in BAD {
        #[expect(clippy::cast_possible_truncation, reason = "they are the same in both types")]
        let single = bad as f32;
        let (borrowed, borrowed_single) = (&&bad, &single);
        let base = || InvokeConnectionRequest::post().path_param("amount", 1.5);
        let paths = [
            base().path_param("amount", bad),
            base().path_param("amount", single),
            base().path_param("amount", borrowed),
            base().path_param("amount", Box::new(bad)),
            base().path_param("amount", Amount(bad)),
        ];
        for request in paths {
            assert_eq!(refused(request), "path_params.amount", "{bad}");
        }
        let queries = [
            base().query_param("rate", bad),
            base().query_param("rate", borrowed_single),
            base().query_param("rate", Amount(bad)),
            base().query_params(&BTreeMap::from([("rate", bad)])),
            base().query_params(&BTreeMap::from([("rate", Some(single))])),
        ];
        for request in queries {
            assert_eq!(refused(request), "query_params.rate", "{bad}");
        }
        let list = BTreeMap::from([("rate", [0.5, bad])]);
        assert_eq!(refused(base().query_params(&list)), "query_params.rate[1]", "{bad}");
    }
}

#[test]
fn text_that_spells_a_number_is_sent() {
    for text in ["NaN", "inf", "-inf", "infinity"] {
        let (shared, borrowed): (std::sync::Arc<str>, _) = (text.into(), &&text);
        let request = InvokeConnectionRequest::post()
            .path_param("amount", text)
            .query_param("a", text.to_owned())
            .query_param("b", Cow::Borrowed(text))
            .query_param("c", borrowed)
            .query_param("d", shared)
            .query_param("e", format_args!("{text}"));
        let request = request.into_http(&template()).unwrap();
        let expected = format!("/pay/{text}?a={text}&b={text}&c={text}&d={text}&e={text}");
        assert_eq!(request.uri().to_string(), expected);
    }
    let request = InvokeConnectionRequest::post().path_param("amount", f64::MIN).query_param("a", f32::MAX);
    assert!(request.into_http(&template()).is_ok());
}

#[test]
fn numbers_of_bodies_of_any_type_are_finite() {
    let types = [
        "application/json",
        "application/vnd.api+json",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/xml",
        "text/xml",
        "text/plain",
    ];
    for bad in BAD {
        #[expect(clippy::cast_possible_truncation, reason = "they are the same in both types")]
        let single = bad as f32;
        let lines = || vec![Line { total: 1.0 }, Line { total: bad }];
        let orders = || {
            [
                (Order { amount: bad, ..Order::default() }, "body.amount"),
                (Order { single, ..Order::default() }, "body.single"),
                (Order { fee: Some(bad), ..Order::default() }, "body.fee"),
                (Order { lines: lines(), ..Order::default() }, "body.lines[1].total"),
                (Order { rates: BTreeMap::from([("eur", single)]), ..Order::default() }, "body.rates.eur"),
                (Order { pair: (1, bad), ..Order::default() }, "body.pair[1]"),
                (Order { price: Some(Price::Fixed(single)), ..Order::default() }, "body.price.Fixed"),
                (
                    Order { price: Some(Price::Range { from: bad }), ..Order::default() },
                    "body.price.Range.from",
                ),
            ]
        };
        for content_type in types {
            let base = || InvokeConnectionRequest::post().path_param("amount", 1).content_type(content_type);
            for (order, field) in orders() {
                assert_eq!(refused(base().body(&order)), field, "{content_type} {bad}");
            }
            assert_eq!(refused(base().body(&bad)), "body", "{content_type} {bad}");
        }
    }
}
