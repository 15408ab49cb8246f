//! Hands the metrics of the facade `metrics` on to an OpenTelemetry meter.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SetRecorderError, SharedString, Unit,
};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

/// The buckets of a duration in seconds that OpenTelemetry's conventions recommend for database clients.
const SECONDS: [f64; 8] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Makes an instrument of the meter for each metric.
pub struct Bridge {
    meter: Meter,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    descriptions: HashMap<String, (Option<Unit>, String)>,
    counters: HashMap<Key, Counter>,
    gauges: HashMap<Key, Gauge>,
    histograms: HashMap<Key, Histogram>,
}

/// Sends the metrics of this process to `meter`.
///
/// # Errors
///
/// Fails when the process has a recorder.
pub fn install(meter: Meter) -> Result<(), Box<SetRecorderError<Bridge>>> {
    metrics::set_global_recorder(Bridge { meter, state: Mutex::default() }).map_err(Box::new)
}

impl Bridge {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn describe(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        let described = (unit, description.into_owned());
        self.lock().descriptions.insert(name.as_str().to_owned(), described);
    }
}

impl State {
    fn described(&self, key: &Key) -> (Option<Unit>, String) {
        self.descriptions.get(key.name()).cloned().unwrap_or_default()
    }
}

fn attributes(key: &Key) -> Vec<KeyValue> {
    key.labels().map(|label| KeyValue::new(label.key().to_owned(), label.value().to_owned())).collect()
}

/// Writes a unit as OpenTelemetry does.
fn ucum(unit: Option<Unit>) -> &'static str {
    match unit {
        Some(Unit::Seconds) => "s",
        Some(Unit::Bytes) => "By",
        _ => "1",
    }
}

impl Recorder for Bridge {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(name, unit, description);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(name, unit, description);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(name, unit, description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut state = self.lock();
        let (unit, description) = state.described(key);
        let make = || {
            let builder = self.meter.u64_counter(key.name().to_owned());
            let sum = builder.with_unit(ucum(unit)).with_description(description).build();
            Counter::from_arc(Arc::new(Sum { sum, attributes: attributes(key), total: Mutex::default() }))
        };
        state.counters.entry(key.clone()).or_insert_with(make).clone()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let mut state = self.lock();
        let (unit, description) = state.described(key);
        let make = || {
            let builder = self.meter.f64_up_down_counter(key.name().to_owned());
            let level = builder.with_unit(ucum(unit)).with_description(description).build();
            Gauge::from_arc(Arc::new(Level { level, attributes: attributes(key), value: Mutex::default() }))
        };
        state.gauges.entry(key.clone()).or_insert_with(make).clone()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        let mut state = self.lock();
        let (unit, description) = state.described(key);
        let make = || {
            let builder = self.meter.f64_histogram(key.name().to_owned());
            let builder = match unit {
                Some(Unit::Seconds) => builder.with_boundaries(SECONDS.to_vec()),
                _ => builder,
            };
            let values = builder.with_unit(ucum(unit)).with_description(description).build();
            Histogram::from_arc(Arc::new(Values { values, attributes: attributes(key) }))
        };
        state.histograms.entry(key.clone()).or_insert_with(make).clone()
    }
}

struct Sum {
    sum: opentelemetry::metrics::Counter<u64>,
    attributes: Vec<KeyValue>,
    total: Mutex<u64>,
}

impl CounterFn for Sum {
    fn increment(&self, value: u64) {
        *self.total.lock().unwrap_or_else(PoisonError::into_inner) += value;
        self.sum.add(value, &self.attributes);
    }

    fn absolute(&self, value: u64) {
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        self.sum.add(value.saturating_sub(*total), &self.attributes);
        *total = value.max(*total);
    }
}

struct Level {
    level: opentelemetry::metrics::UpDownCounter<f64>,
    attributes: Vec<KeyValue>,
    value: Mutex<f64>,
}

impl Level {
    fn change(&self, next: impl FnOnce(f64) -> f64) {
        let mut value = self.value.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *value;
        *value = next(before);
        self.level.add(*value - before, &self.attributes);
    }
}

impl GaugeFn for Level {
    fn increment(&self, value: f64) {
        self.change(|before| before + value);
    }

    fn decrement(&self, value: f64) {
        self.change(|before| before - value);
    }

    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

struct Values {
    values: opentelemetry::metrics::Histogram<f64>,
    attributes: Vec<KeyValue>,
}

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.values.record(value, &self.attributes);
    }
}
