//! Who sends a request of a member.

/// The client that sends a request of a member.
#[derive(Debug, Clone)]
pub(crate) struct MemberClient {
    /// Its own name for itself.
    pub(crate) id: String,
    /// Where it connects from, as Kafka writes it.
    pub(crate) host: String,
    /// The version of the request's API.
    pub(crate) api_version: i16,
}
