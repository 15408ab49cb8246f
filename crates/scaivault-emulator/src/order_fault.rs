/// What an order does instead of becoming valid.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderFault {
    /// It becomes invalid, with this reason.
    Invalid(String),
    /// It stays in this state, which may be one that clients do not know.
    Stuck(String),
}
