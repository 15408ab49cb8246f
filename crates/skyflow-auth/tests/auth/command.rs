//! Tokens that a command prints.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use skyflow_auth::{AuthErrorKind, CommandError, CommandTokens, TokenProvider};
use skyflow_http::{Clock, ManualClock};

fn shell(script: &str) -> CommandTokens {
    CommandTokens::new("/bin/sh").arg("-c").arg(script)
}

async fn failure(tokens: CommandTokens) -> CommandError {
    let error = tokens.token().await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Provider);
    *error.source().unwrap().downcast_ref().unwrap()
}

#[tokio::test]
async fn plain_tokens_and_json_output_are_read() {
    for (script, token, life) in [
        ("echo opaque", "opaque", 60),
        ("printf ' opaque\\r\\n'", "opaque", 60),
        (r#"echo '{"accessToken":"t","expiresIn":90}'"#, "t", 90),
        (r#"echo '{"access_token":"t","expires_in":"90","other":1}'"#, "t", 90),
    ] {
        let got = shell(script).token().await.unwrap();
        assert_eq!((got.expose(), got.lifetime()), (token, Some(Duration::from_secs(life))), "{script}");
    }
}

#[tokio::test]
async fn command_errors_are_typed_without_the_output() {
    for (script, expected) in [
        ("echo canary; exit 3", CommandError::Failed { code: Some(3) }),
        ("kill -9 $$", CommandError::Failed { code: None }),
        ("true", CommandError::NoToken),
        ("echo two words", CommandError::NoToken),
        ("echo '{\"accessToken\":\"canary\"'", CommandError::NoToken),
        ("printf '\\377'", CommandError::NoToken),
    ] {
        let error = failure(shell(script)).await;
        assert_eq!(error, expected, "{script}");
        assert!(!format!("{error} {error:?}").contains("canary"));
    }
    let missing = CommandTokens::new("/no/such/program").token().await.unwrap_err();
    assert_eq!(missing.kind(), AuthErrorKind::Provider);
}

#[tokio::test]
async fn a_command_that_hangs_is_killed() {
    let clock = ManualClock::new();
    let tokens = shell("sleep 600").timeout(Duration::from_secs(5)).with_clock(Arc::new(clock.clone()));
    let started = clock.monotonic();
    let waiting = tokio::spawn(async move { failure(tokens).await });
    while clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    clock.advance(Duration::from_secs(5));
    assert_eq!(waiting.await.unwrap(), CommandError::TimedOut);
    assert_eq!(clock.monotonic() - started, Duration::from_secs(5));
}

#[test]
fn debug_shows_no_argument() {
    assert!(!format!("{:?}", shell("canary")).contains("canary"));
}
