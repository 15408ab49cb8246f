//! What people install, as they use it: over the embedded vault, and over servers that answer nonsense.

mod bad_answers;
mod bad_input;
mod cancelled;
mod detect;
mod isolation;
mod main_job;
mod other_process;
mod stack_contract;
mod tokens;
