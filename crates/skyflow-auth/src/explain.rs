use std::error::Error as StdError;

use skyflow_types::redact_text;

use crate::{AuthError, AuthErrorKind, CredentialsError};

/// Says why no token could be obtained and what to check, in one line for a person.
///
/// What looks like personal data in the message of a token endpoint is replaced. The causes that the line repeats are
/// also in the `source()` of the error.
///
/// ```
/// use skyflow_auth::{AuthError, AuthErrorKind, explain};
///
/// let error = AuthError::new(AuthErrorKind::Rejected, "the token endpoint refused").with_server_message("invalid_grant");
/// assert_eq!(
///     explain(&error),
///     "could not obtain an access token: invalid_grant; check that the service account, its key and its roles exist and \
///      are enabled"
/// );
/// ```
pub fn explain(error: &AuthError) -> String {
    let cause = StdError::source(error);
    let credentials = cause.and_then(|cause| cause.downcast_ref::<CredentialsError>());
    let reason = match (error.server_message().filter(|message| !message.is_empty()), credentials, cause) {
        (Some(message), ..) => redact_text(message),
        (None, Some(credentials), _) => credentials.to_string(),
        // Why there was no connection is in the error of the transport.
        (None, None, Some(cause)) if error.kind() == AuthErrorKind::Unavailable => {
            format!("{error}: {cause}")
        }
        (None, None, _) => error.to_string(),
    };
    let check = match error.kind() {
        AuthErrorKind::Rejected => {
            "; check that the service account, its key and its roles exist and are enabled"
        }
        AuthErrorKind::Unavailable => "; check the token URI and the network",
        _ => "",
    };
    format!("could not obtain an access token: {reason}{check}")
}

#[cfg(test)]
mod tests {
    use skyflow_http::{Error, ErrorKind};

    use super::*;
    use crate::CredentialsErrorKind;

    fn reason(error: &AuthError) -> String {
        explain(error).strip_prefix("could not obtain an access token: ").unwrap().to_owned()
    }

    #[test]
    fn refusal_has_the_redacted_reason_and_a_check() {
        let error = AuthError::new(AuthErrorKind::Rejected, "refused");
        assert!(reason(&error).starts_with("refused; check that the service account"));
        let shown = reason(&error.with_server_message("no key of jane.doe@example.com"));
        assert!(shown.starts_with("no key of [REDACTED]; check that the service account"), "{shown}");
    }

    #[test]
    fn missing_connection_names_its_cause() {
        let cause = Error::new(ErrorKind::Connect, None).to_string();
        let error = AuthError::unavailable(Error::new(ErrorKind::Connect, None));
        assert_eq!(reason(&error), format!("{error}: {cause}; check the token URI and the network"));
    }

    #[test]
    fn unusable_credentials_are_the_reason() {
        let credentials = CredentialsError::new("privateKey", CredentialsErrorKind::Empty);
        assert_eq!(reason(&AuthError::credentials(credentials)), "privateKey is empty");
        assert_eq!(reason(&AuthError::new(AuthErrorKind::Decode, "unreadable")), "unreadable");
    }
}
