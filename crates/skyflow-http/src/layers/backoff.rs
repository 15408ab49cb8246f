use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Computes the pause before a retry: "full jitter", a random share of an exponentially growing ceiling.
///
/// The ceiling before retry `n` (from 0) is `base * multiplier^n`, at most `cap`. Defaults: 50 ms, or 1 s after a 429, and a
/// cap of 20 s (the numbers of the AWS SDKs).
#[derive(Clone)]
pub struct Backoff {
    base: Duration,
    throttled_base: Duration,
    cap: Duration,
    multiplier: f64,
    random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Backoff {
    /// Uses the defaults.
    pub fn new() -> Self {
        Self {
            base: Duration::from_millis(50),
            throttled_base: Duration::from_secs(1),
            cap: Duration::from_secs(20),
            multiplier: 2.0,
            random: Arc::new(fastrand::f64),
        }
    }

    /// Sets the ceiling before the first retry.
    pub fn base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets the ceiling before the first retry after a 429.
    pub fn throttled_base(mut self, base: Duration) -> Self {
        self.throttled_base = base;
        self
    }

    /// Sets the highest ceiling.
    pub fn cap(mut self, cap: Duration) -> Self {
        self.cap = cap;
        self
    }

    /// Sets by how much the ceiling grows from one retry to the next; 2 by default. Below 1 it does not grow.
    pub fn multiplier(mut self, multiplier: f64) -> Self {
        self.multiplier = multiplier;
        self
    }

    /// Replaces the source of randomness; it returns numbers from 0 up to 1.
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Returns the pause before retry number `retry`, counted from 0.
    pub fn pause(&self, retry: u32, throttled: bool) -> Duration {
        let base = if throttled { self.throttled_base } else { self.base };
        let growth = self.multiplier.max(1.0).powi(i32::try_from(retry).unwrap_or(i32::MAX));
        let ceiling = Duration::try_from_secs_f64(base.as_secs_f64() * growth)
            .map_or(self.cap, |grown| grown.min(self.cap));
        ceiling.mul_f64((self.random)().clamp(0.0, 1.0))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backoff")
            .field("base", &self.base)
            .field("throttled_base", &self.throttled_base)
            .field("cap", &self.cap)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rel_r04_ceiling_doubles_up_to_the_cap() {
        let full = Backoff::new().random(|| 1.0);
        let millis = |retry, throttled| full.pause(retry, throttled).as_millis();
        assert_eq!([0, 1, 2, 3].map(|n| millis(n, false)), [50, 100, 200, 400]);
        assert_eq!([0, 1, 2, 4, 5].map(|n| millis(n, true)), [1_000, 2_000, 4_000, 16_000, 20_000]);
        assert_eq!([9, 31, 32, 1_000, u32::MAX].map(|n| millis(n, false)), [20_000; 5]);
    }

    #[test]
    fn ceiling_grows_by_the_multiplier() {
        let millis = |multiplier, retry| {
            Backoff::new().multiplier(multiplier).random(|| 1.0).pause(retry, false).as_millis()
        };
        assert_eq!([0, 1, 2, 100].map(|n| millis(1.5, n)), [50, 75, 112, 20_000]);
        assert_eq!([0.0, -3.0, f64::NAN].map(|multiplier| millis(multiplier, 5)), [50; 3]);
        assert_eq!(millis(f64::INFINITY, 1), 20_000);
    }

    #[test]
    fn each_setting_changes_its_pauses_only() {
        let second = Duration::from_secs;
        let pauses = |backoff: Backoff| {
            let full = backoff.random(|| 1.0);
            [full.pause(0, false), full.pause(0, true), full.pause(60, false), full.pause(60, true)]
        };
        let (base, throttled, cap) = (Duration::from_millis(50), second(1), second(20));
        assert_eq!(pauses(Backoff::new()), [base, throttled, cap, cap]);
        assert_eq!(pauses(Backoff::new().base(second(2))), [second(2), throttled, cap, cap]);
        assert_eq!(pauses(Backoff::new().throttled_base(second(3))), [base, second(3), cap, cap]);
        assert_eq!(pauses(Backoff::new().cap(second(40))), [base, throttled, second(40), second(40)]);
        assert_eq!(
            pauses(Backoff::new().cap(second(1) / 2))[1],
            second(1) / 2,
            "the cap holds for the base too"
        );
        assert_eq!(pauses(Backoff::new().base(Duration::ZERO))[2], Duration::ZERO);
    }

    #[test]
    fn random_share_is_kept_between_0_and_1() {
        for (random, share) in [(-1.0, 0.0), (0.0, 0.0), (0.5, 0.5), (1.0, 1.0), (7.0, 1.0)] {
            let pause = Backoff::new().random(move || random).pause(0, false);
            assert_eq!(pause, Duration::from_millis(50).mul_f64(share), "{random}");
        }
    }

    #[test]
    fn rel_r04_pauses_are_uniformly_distributed() {
        let mut generator = fastrand::Rng::with_seed(7);
        let draws: Vec<f64> = (0..10_000).map(|_| generator.f64()).collect();
        let draws = std::sync::Mutex::new(draws);
        let backoff = Backoff::new().random(move || draws.lock().unwrap().pop().unwrap());
        let mut shares: Vec<f64> = (0..10_000).map(|_| backoff.pause(3, false).as_secs_f64() / 0.4).collect();
        shares.sort_by(f64::total_cmp);
        let worst = shares
            .iter()
            .enumerate()
            .map(|(i, share)| (share - i as f64 / 10_000.0).abs())
            .fold(0.0, f64::max);
        // Kolmogorov-Smirnov at p = 0.01: 1.63 / sqrt(n).
        assert!(worst < 0.0163, "{worst}");
    }
}
