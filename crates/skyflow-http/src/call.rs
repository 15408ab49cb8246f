//! What the layers of a call share: one value in the extensions of its request, and one copy of the request.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use http::{Extensions, HeaderMap, Method, Uri, Version};

use crate::body::{BodySource, try_clone_body};
use crate::progress::PublicHeaders;
use crate::{CallOptions, CallSubject, OperationInfo, Progress, Request};

/// What the layers know about a call; it travels in the extensions of the request.
///
/// Layers read what others have written, and work without it: a layer that has something to write creates one if it is
/// missing.
///
/// ```
/// use skyflow_http::{CallContext, CallOptions, Idempotency, OperationInfo};
///
/// let get = OperationInfo::new("things.get", "/things/{id}", Idempotency::Safe);
/// let mut request = http::Request::get("https://api.example/things/7").body(())?;
/// request.extensions_mut().insert(CallContext::new(get).options(CallOptions::new().no_retry()));
///
/// // In a layer:
/// let call = CallContext::of(request.extensions());
/// assert_eq!(call.and_then(|call| call.operation).map(|info| info.name), Some("things.get"));
/// let progress = CallContext::of_mut(request.extensions_mut()).progress.clone();
/// assert_eq!(progress.attempts(), 0);
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct CallContext {
    /// The operation; unknown for requests that were made by hand.
    pub operation: Option<OperationInfo>,
    /// The table and the rows that the call is about, where something listens.
    pub subject: Option<CallSubject>,
    /// The settings of this call.
    pub options: CallOptions,
    /// The instant at which the whole call must have ended; set by the deadline layer.
    pub deadline: Option<Instant>,
    /// The attempts so far. Clones of the context share it.
    pub progress: Progress,
    /// The headers whose values are no secret.
    pub(crate) public_headers: Option<PublicHeaders>,
    /// The copy that the retry layer keeps, where the request reaches the auth layer as it is.
    pub(crate) kept: Option<KeptRequest>,
}

impl CallContext {
    /// Describes a call of an operation.
    pub fn new(operation: OperationInfo) -> Self {
        Self { operation: Some(operation), ..Self::default() }
    }

    /// Sets the settings of this call.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Names what the call reads or writes.
    pub fn subject(mut self, subject: CallSubject) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Returns the context of the call that these extensions belong to.
    pub fn of(extensions: &Extensions) -> Option<&Self> {
        extensions.get()
    }

    /// Returns the context of the call that these extensions belong to, and creates one if it is missing.
    pub fn of_mut(extensions: &mut Extensions) -> &mut Self {
        extensions.get_or_insert_default()
    }
}

/// Copies a request with its extensions, so that it can be sent again; `None` when the body cannot be copied.
pub fn try_clone_request<B: 'static>(request: &http::Request<B>) -> Option<http::Request<B>> {
    let mut copy = http::Request::new(try_clone_body(request.body())?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    copy.extensions_mut().clone_from(request.extensions());
    Some(copy)
}

/// A request to send in the place of one that is in flight; clones share it.
#[derive(Clone)]
pub(crate) struct KeptRequest(Arc<Kept>);

struct Kept {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    /// Usually the only extension.
    context: Option<CallContext>,
    /// All of them, where there are others.
    extensions: Extensions,
    body: BodySource,
}

impl KeptRequest {
    /// Copies a request. A stream that cannot be opened again is shared with its copies, until one of them is read.
    pub(crate) fn of(request: &mut Request) -> Self {
        let body = request.body_mut().source();
        let context = request.extensions().get().filter(|_| request.extensions().len() == 1).cloned();
        let extensions = if context.is_some() { Extensions::new() } else { request.extensions().clone() };
        Self(Arc::new(Kept {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers: request.headers().clone(),
            context,
            extensions,
            body,
        }))
    }

    /// Tells whether there can be any number of copies, also after one of them has been read.
    pub(crate) fn is_copyable(&self) -> bool {
        !matches!(self.0.body, BodySource::Shared(_))
    }

    /// Returns a copy of the request; `None` when its body can be sent once only and has been read.
    pub(crate) fn request(&self) -> Option<Request> {
        let kept = &*self.0;
        let mut request: Request = http::Request::new(kept.body.body()?);
        request.method_mut().clone_from(&kept.method);
        request.uri_mut().clone_from(&kept.uri);
        *request.version_mut() = kept.version;
        request.headers_mut().clone_from(&kept.headers);
        request.extensions_mut().clone_from(&kept.extensions);
        if let Some(context) = &kept.context {
            request.extensions_mut().insert(context.clone());
        }
        Some(request)
    }
}

/// A request is not shown: its parts may hold data.
impl fmt::Debug for KeptRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptRequest")
    }
}

#[cfg(test)]
mod tests {
    use http::header::AUTHORIZATION;

    use super::*;
    use crate::{Body, Idempotency};

    #[derive(Debug, Clone, PartialEq)]
    struct OfACaller(u8);

    #[test]
    fn kept_request_is_the_same_request() {
        for others in [false, true] {
            let mut request =
                http::Request::put("https://api.example/a?b=c").body(Body::from("body")).unwrap();
            request.headers_mut().insert(AUTHORIZATION, http::HeaderValue::from_static("key"));
            let info = OperationInfo::new("a.put", "/a", Idempotency::Idempotent);
            request.extensions_mut().insert(CallContext::new(info));
            if others {
                request.extensions_mut().insert(OfACaller(7));
            }
            let kept = KeptRequest::of(&mut request);
            for _ in 0..2 {
                let copy = kept.request().unwrap();
                assert_eq!(copy.method(), request.method());
                assert_eq!(copy.uri(), request.uri());
                assert_eq!(copy.headers(), request.headers());
                assert_eq!(copy.body().as_bytes().unwrap(), "body");
                assert_eq!(OperationInfo::of(copy.extensions()), Some(&info));
                assert_eq!(copy.extensions().get() == Some(&OfACaller(7)), others);
            }
        }
    }

    #[test]
    fn attempts_of_a_copy_count_for_the_call() {
        let mut request = Request::default();
        let progress = Progress::of(request.extensions_mut());
        let kept = KeptRequest::of(&mut request);
        Progress::of(kept.request().unwrap().extensions_mut()).begin_attempt();
        assert_eq!(progress.attempts(), 1);
    }
}
