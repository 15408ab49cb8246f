use http::StatusCode;

/// A code of the server. Codes that this version does not know are [`ErrorCode::Other`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The request has no token.
    AuthenticationRequired,
    /// The token has expired.
    TokenExpired,
    /// The token is unknown or malformed.
    TokenInvalid,
    /// The token was revoked.
    TokenRevoked,
    /// No policy allows the operation.
    AccessDenied,
    /// The token lacks a scope.
    InsufficientScope,
    /// A policy requires multi-factor authentication.
    MfaRequired,
    /// A policy does not allow the address.
    IpNotAllowed,
    /// A policy does not allow the time.
    TimeWindowViolation,
    /// The tenant is not the caller's.
    TenantAccessDenied,
    /// The operation is forbidden.
    Forbidden,
    /// The request is invalid.
    InvalidRequest,
    /// The path is invalid.
    InvalidPath,
    /// The secret type is invalid.
    InvalidSecretType,
    /// The duration is invalid.
    InvalidDuration,
    /// The cursor is invalid.
    InvalidCursor,
    /// The policy is invalid.
    InvalidPolicy,
    /// The glob is invalid.
    InvalidGlob,
    /// The role is invalid.
    InvalidRole,
    /// The config is invalid.
    InvalidConfig,
    /// A field of the request is invalid.
    ValidationError,
    /// The secret does not exist.
    SecretNotFound,
    /// The version does not exist.
    VersionNotFound,
    /// The policy does not exist.
    PolicyNotFound,
    /// The binding does not exist.
    BindingNotFound,
    /// The webhook does not exist.
    WebhookNotFound,
    /// The subscription does not exist.
    SubscriptionNotFound,
    /// The rotation policy does not exist.
    RotationPolicyNotFound,
    /// The secret policy does not exist.
    SecretPolicyNotFound,
    /// The certificate authority does not exist.
    CaNotFound,
    /// The certificate does not exist.
    CertificateNotFound,
    /// The csr does not exist.
    CsrNotFound,
    /// The trust anchor does not exist.
    TrustAnchorNotFound,
    /// The acme account does not exist.
    AcmeAccountNotFound,
    /// The acme order does not exist.
    AcmeOrderNotFound,
    /// The dns provider does not exist.
    DnsProviderNotFound,
    /// The engine does not exist.
    EngineNotFound,
    /// The role does not exist.
    RoleNotFound,
    /// The lease does not exist.
    LeaseNotFound,
    /// The identity does not exist.
    IdentityNotFound,
    /// The tenant does not exist.
    TenantNotFound,
    /// The policy has bindings.
    PolicyInUse,
    /// The path is soft-deleted and still retained.
    SecretExists,
    /// Another write came first.
    VersionConflict,
    /// The caller sends too many requests.
    RateLimited,
    /// The service is not available.
    ServiceUnavailable,
    /// The server failed.
    InternalError,
    /// An object does not exist.
    NotFound,
    /// Another code.
    Other(String),
}

crate::runtime::open_enum!(
    ErrorCode,
    AuthenticationRequired = "authentication_required",
    TokenExpired = "token_expired",
    TokenInvalid = "token_invalid",
    TokenRevoked = "token_revoked",
    AccessDenied = "access_denied",
    InsufficientScope = "insufficient_scope",
    MfaRequired = "mfa_required",
    IpNotAllowed = "ip_not_allowed",
    TimeWindowViolation = "time_window_violation",
    TenantAccessDenied = "tenant_access_denied",
    Forbidden = "forbidden",
    InvalidRequest = "invalid_request",
    InvalidPath = "invalid_path",
    InvalidSecretType = "invalid_secret_type",
    InvalidDuration = "invalid_duration",
    InvalidCursor = "invalid_cursor",
    InvalidPolicy = "invalid_policy",
    InvalidGlob = "invalid_glob",
    InvalidRole = "invalid_role",
    InvalidConfig = "invalid_config",
    ValidationError = "validation_error",
    SecretNotFound = "secret_not_found",
    VersionNotFound = "version_not_found",
    PolicyNotFound = "policy_not_found",
    BindingNotFound = "binding_not_found",
    WebhookNotFound = "webhook_not_found",
    SubscriptionNotFound = "subscription_not_found",
    RotationPolicyNotFound = "rotation_policy_not_found",
    SecretPolicyNotFound = "secret_policy_not_found",
    CaNotFound = "ca_not_found",
    CertificateNotFound = "certificate_not_found",
    CsrNotFound = "csr_not_found",
    TrustAnchorNotFound = "trust_anchor_not_found",
    AcmeAccountNotFound = "acme_account_not_found",
    AcmeOrderNotFound = "acme_order_not_found",
    DnsProviderNotFound = "dns_provider_not_found",
    EngineNotFound = "engine_not_found",
    RoleNotFound = "role_not_found",
    LeaseNotFound = "lease_not_found",
    IdentityNotFound = "identity_not_found",
    TenantNotFound = "tenant_not_found",
    PolicyInUse = "policy_in_use",
    SecretExists = "secret_exists",
    VersionConflict = "version_conflict",
    RateLimited = "rate_limited",
    ServiceUnavailable = "service_unavailable",
    InternalError = "internal_error",
    NotFound = "not_found",
);

impl ErrorCode {
    /// Returns the code that fits a status.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            400 => Self::InvalidRequest,
            401 => Self::AuthenticationRequired,
            403 => Self::AccessDenied,
            404 => Self::NotFound,
            422 => Self::ValidationError,
            429 => Self::RateLimited,
            500 => Self::InternalError,
            502..=504 => Self::ServiceUnavailable,
            _ => Self::Other("unknown".to_owned()),
        }
    }

    /// Returns the HTTP status that the server sends with the code.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::AuthenticationRequired | Self::TokenExpired | Self::TokenInvalid | Self::TokenRevoked => {
                StatusCode::UNAUTHORIZED
            }
            Self::AccessDenied
            | Self::InsufficientScope
            | Self::MfaRequired
            | Self::IpNotAllowed
            | Self::TimeWindowViolation
            | Self::TenantAccessDenied
            | Self::Forbidden => StatusCode::FORBIDDEN,
            Self::InvalidRequest
            | Self::InvalidPath
            | Self::InvalidSecretType
            | Self::InvalidDuration
            | Self::InvalidCursor
            | Self::InvalidPolicy
            | Self::InvalidGlob
            | Self::InvalidRole
            | Self::InvalidConfig => StatusCode::BAD_REQUEST,
            Self::ValidationError => StatusCode::UNPROCESSABLE_ENTITY,
            Self::SecretNotFound
            | Self::VersionNotFound
            | Self::PolicyNotFound
            | Self::BindingNotFound
            | Self::WebhookNotFound
            | Self::SubscriptionNotFound
            | Self::RotationPolicyNotFound
            | Self::SecretPolicyNotFound
            | Self::CaNotFound
            | Self::CertificateNotFound
            | Self::CsrNotFound
            | Self::TrustAnchorNotFound
            | Self::AcmeAccountNotFound
            | Self::AcmeOrderNotFound
            | Self::DnsProviderNotFound
            | Self::EngineNotFound
            | Self::RoleNotFound
            | Self::LeaseNotFound
            | Self::IdentityNotFound
            | Self::TenantNotFound
            | Self::NotFound => StatusCode::NOT_FOUND,
            Self::PolicyInUse | Self::SecretExists | Self::VersionConflict => StatusCode::CONFLICT,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Other(code) if code.ends_with("_not_found") => StatusCode::NOT_FOUND,
            Self::InternalError | Self::Other(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
