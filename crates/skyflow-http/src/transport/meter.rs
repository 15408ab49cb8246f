//! Counts a connection and its bytes. Without the feature `metrics` it does nothing.

#[cfg(feature = "metrics")]
mod recorded {
    use ::metrics::{Counter, Gauge, Label, counter, gauge};

    use crate::metrics::{OPEN_CONNECTIONS, RECEIVED_BYTES, SENT_BYTES};

    /// The metrics of an open connection.
    pub(in super::super) struct Meter {
        open: Gauge,
        sent: Counter,
        received: Counter,
    }

    impl Meter {
        pub(in super::super) fn new(host: &str) -> Self {
            let labels = vec![Label::new("server.address", host.to_owned())];
            let open = gauge!(OPEN_CONNECTIONS.name, labels.clone());
            open.increment(1.0);
            let sent = counter!(SENT_BYTES.name, labels.clone());
            Self { open, sent, received: counter!(RECEIVED_BYTES.name, labels) }
        }

        pub(in super::super) fn sent(&self, bytes: usize) {
            self.sent.increment(whole(bytes));
        }

        pub(in super::super) fn received(&self, bytes: usize) {
            self.received.increment(whole(bytes));
        }
    }

    impl Drop for Meter {
        fn drop(&mut self) {
            self.open.decrement(1.0);
        }
    }

    fn whole(bytes: usize) -> u64 {
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

#[cfg(not(feature = "metrics"))]
mod recorded {
    pub(in super::super) struct Meter;

    impl Meter {
        pub(in super::super) fn new(_: &str) -> Self {
            Self
        }

        pub(in super::super) fn sent(&self, _: usize) {}

        pub(in super::super) fn received(&self, _: usize) {}
    }
}

pub(super) use recorded::Meter;
