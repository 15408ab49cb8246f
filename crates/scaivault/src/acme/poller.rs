use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use super::{Acme, AcmeOrder};
use crate::Error;
use crate::api::acme;
use crate::api::types::AcmeOrderStatus;
use crate::handle::{Handle, complete};
use crate::mode::{Async, CallFuture, Mode};
use crate::model::FromWire;

/// Polls an order until it is valid.
///
/// The first poll is at once; the pauses begin with 2 s and grow by half up to 30 s, so that an order costs few of the 30
/// requests that a minute allows.
#[must_use = "a poller does nothing until it is sent"]
pub struct OrderPoller<M = Async> {
    mode: M,
    handle: Handle,
    order_id: String,
    total: Duration,
    first_pause: Duration,
}

/// The longest pause between two polls.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

impl<M: Mode> OrderPoller<M> {
    pub(super) fn new(acme: &Acme<M>, order_id: String) -> Self {
        Self {
            mode: acme.mode.clone(),
            handle: acme.handle.clone(),
            order_id,
            total: Duration::from_secs(600),
            first_pause: Duration::from_secs(2),
        }
    }

    /// Sets how long to poll; 10 minutes by default.
    pub fn total_time(mut self, total: Duration) -> Self {
        self.total = total;
        self
    }

    /// Sets the first pause; 2 s by default.
    pub fn first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// Polls until the order is valid. A state that this version does not know counts as one on the way.
    ///
    /// # Errors
    ///
    /// Fails with [`Error::Poll`] when the order is invalid, with its reason, and when the time is up, with its last
    /// state; and as a call does when a poll fails.
    pub fn send(self) -> M::Outcome<AcmeOrder> {
        let mode = self.mode.clone();
        mode.run(poll(self.handle, self.order_id, self.total, self.first_pause))
    }
}

async fn poll(
    handle: Handle,
    order_id: String,
    total: Duration,
    first_pause: Duration,
) -> Result<AcmeOrder, Error> {
    let clock = handle.clock();
    let started = clock.monotonic();
    let mut pause = first_pause.min(LONGEST_PAUSE);
    loop {
        let response = handle.send(acme::GetOrder::new(order_id.as_str())).await?;
        let order = complete::<acme::GetOrder, _>(
            (response.status, response.request_id),
            AcmeOrder::from_wire(response.body),
        )?;
        let status = order.status.as_ref().map_or("unknown", AcmeOrderStatus::as_str);
        match &order.status {
            Some(AcmeOrderStatus::Valid) => return Ok(order),
            Some(AcmeOrderStatus::Invalid) => {
                let reason = order.error.as_deref().unwrap_or("the server gives no reason");
                return Err(Error::Poll(format!("the order is invalid: {reason}")));
            }
            _ => {}
        }
        let passed = clock.monotonic().saturating_duration_since(started);
        if passed.saturating_add(pause) > total {
            return Err(Error::Poll(format!("the order is still {status} after {} s", passed.as_secs())));
        }
        clock.sleep(pause).await;
        pause = pause.mul_f64(1.5).min(LONGEST_PAUSE);
    }
}

impl IntoFuture for OrderPoller<Async> {
    type Output = Result<AcmeOrder, Error>;
    type IntoFuture = CallFuture<AcmeOrder>;

    fn into_future(self) -> Self::IntoFuture {
        self.send()
    }
}

impl<M> fmt::Debug for OrderPoller<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderPoller")
            .field("order_id", &self.order_id)
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}
