//! Health, metrics and version of the server.

use crate::Call;
use crate::api::{system, types};
use crate::client::area;
use crate::mode::Mode;
use crate::model::as_it_is;

area! {
    /// The server itself.
    System
}

as_it_is!(Health, Ready, HealthDetailed, Version);

impl<M: Mode> System<M> {
    /// Tells whether the server is alive.
    pub fn health(&self) -> Call<system::Health, types::Health, M> {
        self.call(system::Health::new())
    }

    /// Tells whether the server is ready; one that is not responds with 503.
    pub fn ready(&self) -> Call<system::Ready, types::Ready, M> {
        self.call(system::Ready::new())
    }

    /// Returns the health of the server's parts. It needs the scope `admin`.
    pub fn health_detailed(&self) -> Call<system::HealthDetailed, types::HealthDetailed, M> {
        self.call(system::HealthDetailed::new())
    }

    /// Returns the metrics of the server as text.
    pub fn metrics(&self) -> Call<system::Metrics, String, M> {
        self.call(system::Metrics::new())
    }

    /// Returns the version of the server.
    pub fn version(&self) -> Call<system::Version, types::Version, M> {
        self.call(system::Version::new())
    }
}
