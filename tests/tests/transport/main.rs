//! The hyper + rustls transport, and the default stack over it, against a server that misbehaves.

mod alpn;
mod broken_answers;
mod connecting;
mod cut_answers;
mod http2;
mod pool;
mod redirects;
mod retries;
mod reuse;
mod slow_answers;
mod tls;
