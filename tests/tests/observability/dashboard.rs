//! `docs/dashboards/skyflow.json` shows metrics and labels that exist.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use skyflow::metrics::{Metric, MetricKind};

const DASHBOARD: &str = include_str!("../../../docs/dashboards/skyflow.json");

/// Writes a name as the Prometheus exporters do.
fn prometheus(name: &str) -> String {
    name.replace('.', "_")
}

/// The names under which a metric is queried.
fn queried(metric: &Metric) -> Vec<String> {
    let name = prometheus(metric.name);
    match metric.kind {
        MetricKind::Histogram => ["_bucket", "_sum", "_count"].map(|part| format!("{name}{part}")).into(),
        _ => vec![name],
    }
}

/// Returns every text under `key`, at any depth.
fn texts<'a>(value: &'a Value, key: &str, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(key).and_then(Value::as_str));
            fields.values().for_each(|value| texts(value, key, found));
        }
        Value::Array(values) => values.iter().for_each(|value| texts(value, key, found)),
        _ => {}
    }
}

/// Returns the identifiers of a query that are no function, keyword or quoted text.
fn identifiers(query: &str) -> Vec<String> {
    const LANGUAGE: [&str; 7] = ["by", "histogram_quantile", "label_values", "le", "rate", "scalar", "sum"];
    let unquoted: String = query.split('"').step_by(2).collect();
    let words = unquoted.split(|found: char| !found.is_ascii_alphanumeric() && found != '_' && found != '$');
    let is_name = |word: &&str| word.starts_with(|first: char| first.is_ascii_lowercase());
    words.filter(is_name).filter(|word| !LANGUAGE.contains(word)).map(ToOwned::to_owned).collect()
}

#[test]
fn dashboard_names_only_emitted_metrics() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let metrics: Vec<Metric> = skyflow::metrics::all().collect();
    let names: BTreeMap<String, &Metric> = metrics
        .iter()
        .flat_map(|metric| queried(metric).into_iter().map(move |name| (name, metric)))
        .collect();
    let labels: BTreeSet<String> =
        metrics.iter().flat_map(|metric| metric.labels.iter().map(|label| prometheus(label))).collect();

    let mut queries = Vec::new();
    texts(&dashboard, "expr", &mut queries);
    texts(&dashboard, "query", &mut queries);
    let queries: Vec<_> = queries.into_iter().filter(|query| *query != "prometheus").collect();
    let mut shown = BTreeSet::new();
    for query in &queries {
        for word in identifiers(query) {
            match names.get(&word) {
                Some(metric) => drop(shown.insert(metric.name)),
                None => assert!(labels.contains(&word), "{word} in {query}"),
            }
        }
    }
    let all: BTreeSet<&str> = metrics.iter().map(|metric| metric.name).collect();
    assert_eq!(shown, all, "every metric has a panel");
}
