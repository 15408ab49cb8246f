//! The hyper + rustls transport, and the default stack over it, against a server that misbehaves.

mod alpn;
mod connecting;
mod http2;
mod invalid_responses;
mod networks;
mod pool;
mod proxies;
mod redirects;
mod request_bodies;
mod retries;
mod reuse;
mod slow_responses;
mod stalls;
mod tls;
mod truncated_responses;
mod two_products;
mod warm_up;
