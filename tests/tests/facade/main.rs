//! The facade as applications use it: over the embedded vault, over scripted services, and over servers that misbehave.

mod bad_input;
mod blocking;
mod cancelled;
mod client_management;
mod detect;
mod detect_files;
mod detect_runs;
mod detect_text;
mod detect_v2;
mod end_users;
mod file_lengths;
mod isolation;
mod main_job;
mod malformed_responses;
mod other_process;
mod output_names;
mod pages;
mod properties;
mod published_rows;
mod refused_input;
mod rejected_uploads;
mod responses;
mod scripted_vault;
mod stack_contract;
mod tokens;
mod uploads;
