//! `DescribeUserScramCredentials` (key 50): which users can log in with SCRAM (KIP-554).

use crate::{ErrorCode, Message};

/// Asks for users.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeUserScramCredentialsRequest {
    /// The users; null and empty ask for all.
    #[wire(nullable = ..)]
    pub users: Option<Vec<ScramUser>>,
}

/// One user.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ScramUser {
    /// The user's name.
    pub name: String,
}

/// The users.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribeUserScramCredentialsResponse {
    /// How long the client shall pause because of a quota, in milliseconds.
    pub throttle_time_ms: i32,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The users.
    pub results: Vec<DescribedScramUser>,
}

/// How one user logs in.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct DescribedScramUser {
    /// The user's name.
    pub user: String,
    /// What went wrong, if anything.
    pub error_code: ErrorCode,
    /// What went wrong, in words.
    #[wire(nullable = ..)]
    pub error_message: Option<String>,
    /// The credentials.
    pub credential_infos: Vec<ScramCredential>,
}

/// One credential, without the secret.
#[derive(Debug, Clone, PartialEq, Message)]
pub struct ScramCredential {
    /// 1 SCRAM-SHA-256, 2 SCRAM-SHA-512.
    pub mechanism: i8,
    /// How often the password is hashed.
    pub iterations: i32,
}
