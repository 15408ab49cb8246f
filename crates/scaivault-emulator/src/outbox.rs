use serde_json::Value;

/// A delivery that is to be sent.
pub(crate) struct Outgoing {
    pub(crate) tenant: String,
    pub(crate) delivery_id: String,
    pub(crate) url: String,
    pub(crate) secret: String,
    pub(crate) event: Value,
}
