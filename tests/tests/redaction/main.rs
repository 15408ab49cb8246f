//! P01: no secret and no value in any output: logs of every crate at TRACE, `Debug`, `Display`, error chains.

mod capture;
mod connections;
mod debug;
mod detect;
mod echo;
mod front;
mod logs;
mod urls;
