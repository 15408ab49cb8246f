use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use http::Extensions;
use skyflow_types::LogLevel;

/// A log level that can be changed while a stack is in use; clones share it.
///
/// Where it holds something back it travels in the extensions of the request, so that every layer obeys it. It also
/// names the product that the spans and events are about: span names and targets are the same for every product.
#[derive(Debug, Clone, Default)]
pub struct LogControl {
    level: Arc<AtomicU8>,
    product: Option<&'static str>,
}

const LEVELS: [LogLevel; 5] =
    [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error, LogLevel::Off];

impl LogControl {
    /// Starts at a level.
    pub fn new(level: LogLevel) -> Self {
        let control = Self::default();
        control.set(level);
        control
    }

    /// Names the product in the field `product` of spans and events.
    pub fn product_name(mut self, name: &'static str) -> Self {
        self.product = Some(name);
        self
    }

    /// Returns the name of the product.
    pub fn product(&self) -> Option<&'static str> {
        self.product
    }

    /// Changes the level for the calls that start from now on.
    pub fn set(&self, level: LogLevel) {
        self.level.store(level as u8, Ordering::Relaxed);
    }

    /// Returns the level.
    pub fn level(&self) -> LogLevel {
        let stored = self.level.load(Ordering::Relaxed);
        LEVELS.into_iter().find(|level| *level as u8 == stored).unwrap_or_default()
    }

    /// Tells whether a call may say something of this level; a call without a control may.
    pub fn allows(extensions: &Extensions, level: LogLevel) -> bool {
        extensions.get::<Self>().is_none_or(|control| control.permits(level))
    }

    /// Tells whether something of this level may be said.
    pub fn permits(&self, level: LogLevel) -> bool {
        self.level.load(Ordering::Relaxed) <= level as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_lets_itself_and_all_above_it_through() {
        let control = LogControl::new(LogLevel::Info);
        let shared = control.clone();
        assert!(
            !shared.permits(LogLevel::Debug)
                && shared.permits(LogLevel::Info)
                && shared.permits(LogLevel::Warn)
        );
        control.set(LogLevel::Off);
        assert_eq!(shared.level(), LogLevel::Off);
        assert!(!shared.permits(LogLevel::Error));
        assert!(LogControl::allows(&Extensions::new(), LogLevel::Debug));
    }
}
