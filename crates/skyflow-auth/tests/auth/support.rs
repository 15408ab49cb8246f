//! A token endpoint in memory that counts, checks and misbehaves on demand.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use skyflow_auth::{ServiceAccountKey, ServiceAccountTokens, TokenExchange};
use skyflow_http::{Clock, ErrorKind, HttpService, ManualClock};
use skyflow_testkit::{Exchange, Gate, Scripted};

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
pub(crate) struct Endpoint {
    state: Arc<State>,
    server: Scripted,
    gate: Gate,
}

struct State {
    clock: ManualClock,
    public: Vec<u8>,
    /// How many requests have got their response.
    count: AtomicUsize,
    script: Mutex<VecDeque<Reply>>,
    otherwise: Mutex<Reply>,
    /// Seconds the server's clock is ahead of the test's; `None` sends no `Date`.
    ahead: Mutex<Option<i64>>,
    /// Whether assertions that are dated out of bounds are refused, as the real server does.
    strict_time: AtomicBool,
    closed: AtomicBool,
}

impl Endpoint {
    pub(crate) fn new(clock: &ManualClock) -> Self {
        let state = Arc::new(State {
            clock: clock.clone(),
            public: TestKey::shared().public.clone(),
            count: AtomicUsize::new(0),
            script: Mutex::default(),
            otherwise: Mutex::new(Reply::Grant(3600)),
            ahead: Mutex::new(Some(0)),
            strict_time: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        });
        let (issuer, door) = (Arc::clone(&state), Arc::clone(&state));
        Self {
            state,
            server: Scripted::from_fn(move |request| issuer.respond(request)),
            gate: Gate::new(move |_| door.closed.load(Ordering::SeqCst)),
        }
    }

    pub(crate) fn then(self, replies: impl IntoIterator<Item = Reply>) -> Self {
        self.state.script.lock().unwrap().extend(replies);
        self
    }

    pub(crate) fn otherwise(&self, reply: Reply) {
        *self.state.otherwise.lock().unwrap() = reply;
    }

    pub(crate) fn ahead(&self, seconds: Option<i64>) {
        *self.state.ahead.lock().unwrap() = seconds;
    }

    pub(crate) fn strict_time(&self) {
        self.state.strict_time.store(true, Ordering::SeqCst);
    }

    /// Holds every response until [`Endpoint::open`].
    pub(crate) fn close(&self) {
        self.state.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) {
        self.state.closed.store(false, Ordering::SeqCst);
        self.gate.release_all();
    }

    pub(crate) fn exchanges(&self) -> usize {
        self.server.count()
    }

    pub(crate) fn last<T>(&self, read: impl FnOnce(&Seen) -> T) -> T {
        let last = self.server.requests().pop().unwrap();
        let (uri, body, claims) = (last.uri.to_string(), last.json(), self.state.claims(&last));
        read(&Seen { uri, headers: last.headers, body, claims })
    }

    pub(crate) fn service(&self) -> HttpService {
        self.gate.around(self.server.service())
    }

    pub(crate) fn exchange(&self) -> TokenExchange {
        TokenExchange::with_clock(self.service(), Arc::new(self.state.clock.clone()))
    }

    pub(crate) fn tokens(&self) -> ServiceAccountTokens {
        ServiceAccountTokens::new(TestKey::shared().account(), self.exchange())
    }
}

impl State {
    fn claims(&self, request: &Exchange) -> Value {
        request.json()["assertion"].as_str().map_or(Value::Null, |jwt| verified_claims(&self.public, jwt))
    }

    fn respond(&self, request: &Exchange) -> skyflow_testkit::Reply {
        use skyflow_testkit::Reply as Response;

        let (body, claims) = (request.json(), self.claims(request));
        let count = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        let ahead = *self.ahead.lock().unwrap();
        let server_now = shift(self.clock.now(), ahead.unwrap_or(0));
        let scripted = self.script.lock().unwrap().pop_front();
        let mut reply = scripted.unwrap_or_else(|| self.otherwise.lock().unwrap().clone());
        let exp = claims["exp"].as_u64().unwrap_or(0);
        let now = seconds(server_now);
        if self.strict_time.load(Ordering::SeqCst) && !(now + 1..=now + 3600 + 60).contains(&exp) {
            reply =
                Reply::Status(400, r#"{"error":{"grpc_code":3,"http_code":400,"message":"invalid exp"}}"#);
        }
        let response = match reply {
            Reply::Grant(life) => {
                let (scope, ctx) = (&body["scope"], &claims["ctx"]);
                let claims = json!({"sub": count, "exp": now + life, "scope": scope, "ctx": ctx});
                let token =
                    format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(claims.to_string()));
                Response::status(200).body(json!({"accessToken": token, "tokenType": "Bearer"}).to_string())
            }
            Reply::Status(status, body) => Response::status(status).body(body),
            Reply::Body(status, body) => Response::status(status).body(body),
            Reply::Io => Response::fails(ErrorKind::Io),
            Reply::Hang => Response::hangs(),
        };
        let response = response.header("x-request-id", format!("req-{count}"));
        match ahead {
            Some(_) => response.header("date", httpdate::fmt_http_date(server_now)),
            None => response,
        }
    }
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
