/// The header in which Skyflow says who failed behind a connection: `true` for the third party, `false` for itself.
pub const ERROR_FROM_CLIENT: &str = "error-from-client";

/// Reads the value of [`ERROR_FROM_CLIENT`]; `None` when it is neither of the two.
pub fn error_from_client(value: &[u8]) -> Option<bool> {
    match value {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => None,
    }
}
