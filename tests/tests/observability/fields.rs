//! A subscriber that keeps the fields of spans and events.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// The fields of a span or an event, with `level` and, for a span, `name`.
pub(crate) type Fields = BTreeMap<String, String>;

/// The fields of spans and events; the id is that of a span.
type Collected = Vec<(Option<u64>, Fields)>;

/// Every span and event since it was installed, those of this client only.
#[derive(Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Collected>>);

impl Seen {
    /// Listens on this thread.
    pub(crate) fn install() -> (Self, DefaultGuard) {
        // Without a subscriber of the process, `tracing` may remember from another thread that a call site is of no
        // interest.
        static ALWAYS: Once = Once::new();
        ALWAYS.call_once(|| tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap());
        let seen = Self::default();
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(seen.clone()));
        (seen, guard)
    }

    /// Returns the spans of this name.
    pub(crate) fn spans(&self, name: &str) -> Vec<Fields> {
        self.filtered(|(id, fields)| id.is_some() && fields["name"] == name)
    }

    /// Returns the events with this message.
    pub(crate) fn events(&self, message: &str) -> Vec<Fields> {
        self.filtered(|(id, fields)| {
            id.is_none() && fields.get("message").is_some_and(|found| found == message)
        })
    }

    fn filtered(&self, wanted: impl Fn(&(Option<u64>, Fields)) -> bool) -> Vec<Fields> {
        let seen = self.0.lock().unwrap();
        seen.iter().filter(|entry| wanted(entry)).map(|(_, fields)| fields.clone()).collect()
    }
}

struct Write<'a>(&'a mut Fields);

impl Visit for Write<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> tracing_subscriber::Layer<S> for Seen {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let metadata = attributes.metadata();
        if metadata.target() == skyflow_http::TARGET {
            let mut fields = Fields::from([
                ("name".to_owned(), metadata.name().to_owned()),
                ("level".to_owned(), metadata.level().to_string()),
            ]);
            attributes.record(&mut Write(&mut fields));
            self.0.lock().unwrap().push((Some(id.into_u64()), fields));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        let mut seen = self.0.lock().unwrap();
        let span = seen.iter_mut().rev().find(|(span, _)| *span == Some(id.into_u64()));
        if let Some((_, fields)) = span {
            values.record(&mut Write(fields));
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == skyflow_http::TARGET {
            let mut fields = Fields::from([("level".to_owned(), event.metadata().level().to_string())]);
            event.record(&mut Write(&mut fields));
            self.0.lock().unwrap().push((None, fields));
        }
    }
}
