use std::sync::Arc;

use http::Method;
use http::uri::PathAndQuery;
use serde::Deserialize;
use serde_json::Value;
use skyflow_http::{BaseUri, PathTemplate};

use crate::object_id::object_id;

use super::rules::{Rule, RuleJson};

/// The base URL of the target inside the vault.
const ECHO: &str = "builtin:echo";

/// Describes a connection, in the JSON form of Skyflow's own service.
///
/// An `EGRESS` (outbound) connection forwards to `baseURL`, or to a target inside the vault that tells what it was sent
/// (`builtin:echo`, also when there is no `baseURL`). An `INGRESS` (inbound) connection forwards to `baseURL`, and
/// returns the request's body to the caller when there is none. Nothing is forwarded to another machine unless
/// [`ConnectionSpec::allow_target`] names it.
///
/// ```
/// use serde_json::json;
/// use skyflow_emulator::{ConnectionSpec, EmbeddedVault};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let payments = ConnectionSpec::from_json(&json!({
///     "name": "payments",
///     "mode": "EGRESS",
///     "baseURL": "builtin:echo",
///     "routes": [{
///         "path": "/charges/{order}",
///         "method": "POST",
///         "contentType": "JSON",
///         "requestBody": [{"action": "DETOKENIZATION", "fieldName": "card.number"}],
///     }],
/// }))?
/// .with_id("payments");
/// let vault = EmbeddedVault::builder().connection(payments).build()?;
/// // POST {base_url}/v1/gateway/outboundRoutes/payments/charges/7
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ConnectionSpec {
    id: String,
    outbound: bool,
    target: Target,
    allowed: Vec<BaseUri>,
    routes: Vec<Arc<Route>>,
}

/// Where requests go.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Echo,
    Caller,
    Server(BaseUri),
}

/// One route, as far as the emulator knows it.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) path: PathTemplate,
    pub(crate) method: Method,
    pub(crate) content: Content,
    pub(crate) url: Vec<Rule>,
    pub(crate) query: Vec<Rule>,
    pub(crate) request_header: Vec<Rule>,
    pub(crate) request_body: Vec<Rule>,
    pub(crate) response_header: Vec<Rule>,
    pub(crate) response_body: Vec<Rule>,
    /// The upsert column of a table.
    pub(crate) upserts: Vec<(String, String)>,
    /// What the route asks for that this emulator does not do.
    pub(crate) gap: Option<&'static str>,
}

/// What a route expects in bodies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Json,
    Form,
    Unknown,
}

/// Reports a connection that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("connection {connection}: {problem}")]
pub struct ConnectionSpecError {
    connection: String,
    problem: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpecJson {
    #[serde(rename = "ID")]
    id: Option<String>,
    mode: Option<ModeJson>,
    #[serde(rename = "baseURL")]
    base_url: Option<String>,
    auth_mode: Option<String>,
    deny_pass_through: Option<bool>,
    routes: Vec<RouteJson>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "UPPERCASE")]
enum ModeJson {
    Egress,
    Ingress,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RouteJson {
    path: String,
    method: String,
    content_type: Option<String>,
    mle_type: Option<String>,
    #[serde(default)]
    url: Option<Vec<RuleJson>>,
    request_body: Option<Vec<RuleJson>>,
    response_body: Option<Vec<RuleJson>>,
    request_header: Option<Vec<RuleJson>>,
    response_header: Option<Vec<RuleJson>>,
    query_params: Option<Vec<RuleJson>>,
    pre_field_request_message_actions: Option<Vec<MessageActionJson>>,
    post_field_request_message_actions: Option<Vec<MessageActionJson>>,
    pre_field_response_message_actions: Option<Vec<MessageActionJson>>,
    post_field_response_message_actions: Option<Vec<MessageActionJson>>,
    table_upsert_info: Option<Vec<UpsertJson>>,
}

#[derive(Deserialize)]
struct MessageActionJson {
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl MessageActionJson {
    /// An entry without a type may be of an older form, so that something is asked for.
    fn does_nothing(&self) -> bool {
        self.kind.as_deref() == Some("NOACTION")
    }
}

#[derive(Deserialize)]
struct UpsertJson {
    table: String,
    column: String,
}

impl ConnectionSpec {
    /// Reads a connection as Skyflow's service describes it: `name`, `mode`, `baseURL`, `routes`. `vaultID` is ignored:
    /// the connection belongs to the vault that it is given to.
    ///
    /// A route that asks for what this emulator does not do (encryption, functions, XML, multipart, mutual TLS) is
    /// accepted, and its calls fail with 501 and the name of the gap.
    ///
    /// # Errors
    ///
    /// Fails when the JSON is no connection, or a path, a method, a base URL or an expression in it cannot be used.
    pub fn from_json(json: &Value) -> Result<Self, ConnectionSpecError> {
        Self::read(json, None)
    }

    /// Reads an outbound connection as `POST /v1/gateway/outboundRoutes` takes it: without a `mode`.
    ///
    /// # Errors
    ///
    /// Fails as [`ConnectionSpec::from_json`] does, and when the JSON has another mode.
    pub fn outbound_from_json(json: &Value) -> Result<Self, ConnectionSpecError> {
        Self::read(json, Some(ModeJson::Egress))
    }

    /// Reads an inbound connection as `POST /v1/gateway/inboundRoutes` takes it: without a `mode`.
    ///
    /// # Errors
    ///
    /// Fails as [`ConnectionSpec::from_json`] does, and when the JSON has another mode.
    pub fn inbound_from_json(json: &Value) -> Result<Self, ConnectionSpecError> {
        Self::read(json, Some(ModeJson::Ingress))
    }

    fn read(json: &Value, kind: Option<ModeJson>) -> Result<Self, ConnectionSpecError> {
        let name = json.get("name").and_then(Value::as_str).unwrap_or("without a name").to_owned();
        let refused = |problem: String| ConnectionSpecError { connection: name.clone(), problem };
        let spec: SpecJson = serde_json::from_value(json.clone())
            .map_err(|error| refused(format!("is not in the form of the service: {error}")))?;
        let mode = match (spec.mode, kind) {
            (Some(mode), Some(kind)) if mode != kind => {
                return Err(refused("has the mode of the other direction".to_owned()));
            }
            (mode, kind) => mode.or(kind).ok_or_else(|| {
                refused("has no mode: read it with outbound_from_json or inbound_from_json".to_owned())
            })?,
        };
        let outbound = mode == ModeJson::Egress;
        let gap = if spec.auth_mode.as_deref().is_some_and(|mode| mode != "NOAUTH" && !mode.is_empty()) {
            Some("an authMode other than NOAUTH")
        } else if spec.deny_pass_through == Some(true) {
            Some("denyPassThrough")
        } else {
            None
        };
        let routes = spec
            .routes
            .into_iter()
            .map(|route| Route::read(route, gap).map(Arc::new))
            .collect::<Result<_, _>>();
        let routes = routes.map_err(refused)?;
        let target = match (spec.base_url.as_deref(), outbound) {
            (None | Some(""), false) => Target::Caller,
            (None | Some("" | ECHO), _) => Target::Echo,
            (Some(url), _) => Target::read(url).map_err(refused)?,
        };
        let id = spec.id.filter(|id| !id.is_empty()).unwrap_or_else(object_id);
        Ok(Self { id, outbound, target, allowed: Vec::new(), routes })
    }

    /// Sets the id of the connection, which is part of its URL; the `ID` of the JSON otherwise, or a random one.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Replaces where the connection forwards to, such as a server that a test has just started.
    ///
    /// # Errors
    ///
    /// Fails when the URL is not `https://…` or `http://` to loopback.
    pub fn with_target(mut self, base_url: &str) -> Result<Self, ConnectionSpecError> {
        self.target = Target::read(base_url).map_err(|problem| self.refused(&problem))?;
        Ok(self)
    }

    /// Allows the connection to forward to this server, given as `https://host[:port]`, although it is not on this
    /// machine. Values go there in plain text.
    ///
    /// # Errors
    ///
    /// Fails when the URL is not `https://…`.
    pub fn allow_target(mut self, base_url: &str) -> Result<Self, ConnectionSpecError> {
        let base = BaseUri::parse(base_url).map_err(|error| self.refused(&error.to_string()))?;
        self.allowed.push(base);
        Ok(self)
    }

    /// Returns the id of the connection.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Tells whether it is an outbound connection.
    pub fn is_outbound(&self) -> bool {
        self.outbound
    }

    /// Returns the path of the connection on the vault's server; the path of a route follows it.
    pub fn path(&self) -> String {
        let direction = if self.outbound { "outboundRoutes" } else { "inboundRoutes" };
        format!("/v1/gateway/{direction}/{}", self.id)
    }

    pub(crate) fn routes(&self) -> &[Arc<Route>] {
        &self.routes
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn refused(&self, problem: &str) -> ConnectionSpecError {
        ConnectionSpecError { connection: self.id.clone(), problem: problem.to_owned() }
    }

    pub(super) fn check(&self) -> Result<(), ConnectionSpecError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if self.id.is_empty() || !self.id.bytes().all(is_plain) {
            return Err(self.refused("the id is not made of letters, digits, hyphens and underscores"));
        }
        let Target::Server(base) = &self.target else { return Ok(()) };
        let root = base.join(&PathAndQuery::from_static("/"));
        let is_allowed =
            root.is_ok_and(|root| self.allowed.iter().any(|allowed| allowed.is_origin_of(&root)));
        if base.is_loopback() || is_allowed {
            return Ok(());
        }
        Err(self.refused("the base URL is not on this machine and not among the allowed targets"))
    }
}

impl Target {
    fn read(url: &str) -> Result<Self, String> {
        if url == ECHO {
            return Ok(Self::Echo);
        }
        BaseUri::parse(url).map(Self::Server).map_err(|error| error.to_string())
    }
}

impl Route {
    fn read(json: RouteJson, gap: Option<&'static str>) -> Result<Self, String> {
        let actions = [
            &json.pre_field_request_message_actions,
            &json.post_field_request_message_actions,
            &json.pre_field_response_message_actions,
            &json.post_field_response_message_actions,
        ];
        let has_actions = actions.into_iter().flatten().flatten().any(|action| !action.does_nothing());
        let has_mle =
            json.mle_type.as_deref().is_some_and(|mle| !matches!(mle, "" | "NOT_REQUIRED" | "NONE"));
        let (content, content_gap) = match json.content_type.as_deref() {
            None | Some("" | "JSON") => (Content::Json, None),
            Some("X_WWW_FORM_URLENCODED") => (Content::Form, None),
            Some("UNKNOWN_CONTENT") => (Content::Unknown, None),
            Some("XML") => (Content::Unknown, Some("the content type XML")),
            Some("X_MULTIPART_FORM_DATA") => {
                (Content::Unknown, Some("the content type X_MULTIPART_FORM_DATA"))
            }
            Some(_) => return Err("a route has an unknown contentType".to_owned()),
        };
        let mut gap = gap
            .or(content_gap)
            .or(has_actions.then_some("message actions (functions)"))
            .or(has_mle.then_some("message level encryption"));
        let mut rules = |list: Option<Vec<RuleJson>>| -> Result<Vec<Rule>, String> {
            let mut rules = Vec::new();
            for rule in list.unwrap_or_default() {
                gap = gap.or(rule.gap());
                rules.extend(Rule::read(rule)?);
            }
            Ok(rules)
        };
        let (url, query) = (rules(json.url)?, rules(json.query_params)?);
        let (request_header, request_body) = (
            rules(json.request_header)?.into_iter().map(Rule::of_header).collect(),
            rules(json.request_body)?,
        );
        let (response_header, response_body) = (
            rules(json.response_header)?.into_iter().map(Rule::of_header).collect(),
            rules(json.response_body)?,
        );
        Ok(Self {
            path: PathTemplate::parse(&json.path).map_err(|error| format!("a route's {error}"))?,
            method: json
                .method
                .to_ascii_uppercase()
                .parse()
                .map_err(|_| "a route has no HTTP method".to_owned())?,
            content,
            url,
            query,
            request_header,
            request_body,
            response_header,
            response_body,
            upserts: json
                .table_upsert_info
                .unwrap_or_default()
                .into_iter()
                .map(|upsert| (upsert.table, upsert.column))
                .collect(),
            gap,
        })
    }
}
