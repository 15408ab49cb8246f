//! A token endpoint in memory that counts, checks and misbehaves on demand.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use skyflow_auth::{ServiceAccountKey, ServiceAccountTokens, TokenExchange};
use skyflow_http::{Body, BoxError, Clock, Error, ErrorKind, HttpService, ManualClock, Request, Response};
use tokio::sync::Semaphore;

pub(crate) const TOKEN_URI: &str = "https://manage.skyflowapis.com/v1/auth/sa/oauth/token";
pub(crate) const CLIENT_ID: &str = "client-0001";
pub(crate) const KEY_ID: &str = "key-0001";

/// A key pair made for this run.
pub(crate) struct TestKey {
    pub(crate) pem: String,
    pub(crate) public: Vec<u8>,
}

impl TestKey {
    pub(crate) fn generate() -> Self {
        let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&key).unwrap().as_ref().to_vec();
        let text = STANDARD.encode(der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", lines.join("\n"));
        Self { pem, public: key.public_key().as_ref().to_vec() }
    }

    pub(crate) fn shared() -> &'static Self {
        static KEY: OnceLock<TestKey> = OnceLock::new();
        KEY.get_or_init(Self::generate)
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "clientID": CLIENT_ID,
            "clientName": "test",
            "keyID": KEY_ID,
            "tokenURI": TOKEN_URI,
            "privateKey": self.pem,
            "keyAlgorithm": "KEY_ALG_RSA_2048",
        })
    }

    pub(crate) fn account(&self) -> ServiceAccountKey {
        ServiceAccountKey::from_json(&self.json().to_string()).unwrap()
    }
}

/// The endpoint's reaction to a request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Issues a token that lives so many seconds on the server's clock.
    Grant(u64),
    Status(u16, &'static str),
    Body(u16, String),
    Io,
    Hang,
}

pub(crate) struct Seen {
    pub(crate) uri: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Value,
    pub(crate) claims: Value,
}

#[derive(Clone)]
pub(crate) struct Endpoint(Arc<State>);

struct State {
    clock: ManualClock,
    public: Vec<u8>,
    seen: Mutex<Vec<Seen>>,
    script: Mutex<VecDeque<Reply>>,
    otherwise: Mutex<Reply>,
    /// Seconds the server's clock is ahead of the test's; `None` sends no `Date`.
    ahead: Mutex<Option<i64>>,
    /// Whether assertions that are dated out of bounds are refused, as the real server does.
    strict_time: Mutex<bool>,
    gate: Semaphore,
}

impl Endpoint {
    pub(crate) fn new(clock: &ManualClock) -> Self {
        Self(Arc::new(State {
            clock: clock.clone(),
            public: TestKey::shared().public.clone(),
            seen: Mutex::default(),
            script: Mutex::default(),
            otherwise: Mutex::new(Reply::Grant(3600)),
            ahead: Mutex::new(Some(0)),
            strict_time: Mutex::new(false),
            gate: Semaphore::new(Semaphore::MAX_PERMITS),
        }))
    }

    pub(crate) fn then(self, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.0.script.lock().unwrap().extend(replies);
        self
    }

    pub(crate) fn otherwise(&self, reply: Reply) {
        *self.0.otherwise.lock().unwrap() = reply;
    }

    pub(crate) fn ahead(&self, seconds: Option<i64>) {
        *self.0.ahead.lock().unwrap() = seconds;
    }

    pub(crate) fn strict_time(&self) {
        *self.0.strict_time.lock().unwrap() = true;
    }

    /// Delays every response until [`Endpoint::open`].
    pub(crate) fn close(&self) {
        self.0.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn open(&self) {
        self.0.gate.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.0.seen.lock().unwrap().len()
    }

    pub(crate) fn last<T>(&self, read: impl FnOnce(&Seen) -> T) -> T {
        read(self.0.seen.lock().unwrap().last().unwrap())
    }

    pub(crate) fn service(&self) -> HttpService {
        let state = Arc::clone(&self.0);
        HttpService::new(tower::service_fn(move |request| respond(Arc::clone(&state), request)))
    }

    pub(crate) fn exchange(&self) -> TokenExchange {
        TokenExchange::with_clock(self.service(), Arc::new(self.0.clock.clone()))
    }

    pub(crate) fn tokens(&self) -> ServiceAccountTokens {
        ServiceAccountTokens::new(TestKey::shared().account(), self.exchange())
    }
}

async fn respond(state: Arc<State>, request: Request) -> Result<Response, BoxError> {
    let (parts, body) = request.into_parts();
    let body: Value = serde_json::from_slice(&body.collect(1 << 20).await?)?;
    let claims = body["assertion"].as_str().map_or(Value::Null, |jwt| verified_claims(&state.public, jwt));
    let count = {
        let mut seen = state.seen.lock().unwrap();
        seen.push(Seen {
            uri: parts.uri.to_string(),
            headers: parts.headers,
            body: body.clone(),
            claims: claims.clone(),
        });
        seen.len()
    };
    state.gate.acquire().await?.forget();
    let ahead = *state.ahead.lock().unwrap();
    let server_now = shift(state.clock.now(), ahead.unwrap_or(0));
    let scripted = state.script.lock().unwrap().pop_front();
    let mut reply = scripted.unwrap_or_else(|| state.otherwise.lock().unwrap().clone());
    let exp = claims["exp"].as_u64().unwrap_or(0);
    let now = seconds(server_now);
    if *state.strict_time.lock().unwrap() && !(now + 1..=now + 3600 + 60).contains(&exp) {
        reply = Reply::Status(400, r#"{"error":{"grpc_code":3,"http_code":400,"message":"invalid exp"}}"#);
    }
    let (status, body) = match reply {
        Reply::Grant(life) => {
            let (scope, ctx) = (&body["scope"], &claims["ctx"]);
            let claims = json!({"sub": count, "exp": now + life, "scope": scope, "ctx": ctx});
            let token = format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
            (200, json!({"accessToken": token, "tokenType": "Bearer"}).to_string())
        }
        Reply::Status(status, body) => (status, body.to_owned()),
        Reply::Body(status, body) => (status, body),
        Reply::Io => return Err(Error::new(ErrorKind::Io, None).into()),
        Reply::Hang => std::future::pending().await,
    };
    let mut response =
        http::Response::builder().status(status).header("x-request-id", format!("req-{count}"));
    if ahead.is_some() {
        response = response.header("date", httpdate::fmt_http_date(server_now));
    }
    Ok(response.body(Body::from(body))?)
}

pub(crate) fn verified_claims(public: &[u8], jwt: &str) -> Value {
    let [header, claims, signature] = jwt.split('.').collect::<Vec<_>>().try_into().unwrap();
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).unwrap();
    assert_eq!(decode(header), br#"{"typ":"JWT","alg":"RS256"}"#);
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
        .verify(format!("{header}.{claims}").as_bytes(), &decode(signature))
        .expect("the assertion is signed by the test's key");
    serde_json::from_slice(&decode(claims)).unwrap()
}

/// The claims of a token that the endpoint issued.
pub(crate) fn issued_for(token: &str) -> Value {
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

pub(crate) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap().as_secs()
}

pub(crate) fn shift(time: SystemTime, seconds: i64) -> SystemTime {
    let by = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { time - by } else { time + by }
}
