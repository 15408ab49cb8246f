//! A subscriber that keeps everything that any crate says, and a logger for those that use `log`.

use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

/// Everything logged so far: spans with their fields, records and events, each distinct line once.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<BTreeSet<String>>>);

impl Capture {
    /// Returns the capture of this process; the first caller switches it on.
    pub(crate) fn of_the_process() -> Self {
        static CAPTURE: OnceLock<Capture> = OnceLock::new();
        CAPTURE
            .get_or_init(|| {
                let capture = Capture::default();
                tracing::subscriber::set_global_default(capture.subscriber()).unwrap();
                log::set_boxed_logger(Box::new(capture.clone())).unwrap();
                log::set_max_level(log::LevelFilter::Trace);
                let (panics, usual) = (capture.clone(), std::panic::take_hook());
                std::panic::set_hook(Box::new(move |panic| {
                    panics.keep(format!("panic: {panic}"));
                    usual(panic);
                }));
                capture
            })
            .clone()
    }

    /// Makes a subscriber that takes every event and every span at every level.
    pub(crate) fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync + use<> {
        tracing_subscriber::registry().with(self.clone())
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().iter().map(|line| format!("{line}\n")).collect()
    }

    fn keep(&self, line: String) {
        self.0.lock().unwrap().insert(line);
    }
}

/// The fields of a span or an event, as text.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl<S: tracing::Subscriber> Layer<S> for Capture {
    fn on_new_span(&self, span: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        let mut fields = Fields(format!("{} span {}:", span.metadata().target(), span.metadata().name()));
        span.record(&mut fields);
        self.keep(fields.0);
    }

    fn on_record(&self, _: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut fields = Fields("recorded:".to_owned());
        values.record(&mut fields);
        self.keep(fields.0);
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields(format!("{}:", event.metadata().target()));
        event.record(&mut fields);
        self.keep(fields.0);
    }
}

impl log::Log for Capture {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        // The SQL parser of the emulator logs the statements it parses, and nothing can keep it from that. It runs on
        // the side of the server, in a program that is for invented data only.
        !metadata.target().starts_with("sqlparser::")
    }

    fn log(&self, record: &log::Record<'_>) {
        if log::Log::enabled(self, record.metadata()) {
            self.keep(format!("{}: {}", record.target(), record.args()));
        }
    }

    fn flush(&self) {}
}
