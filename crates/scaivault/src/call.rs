//! One call, from its arguments to its result.

use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use http::StatusCode;
use skyflow_http::CallOptions;
use skyflow_http::rest::Operation;

use crate::error::ErrorBody;
use crate::handle::{Handle, complete};
use crate::mode::{Async, CallFuture, Mode};
use crate::model::FromWire;
use crate::page::{Page, Paged, pages};
use crate::{Error, SecretPath};

/// A call that is not sent yet.
///
/// The methods of an area, such as [`Secrets::list`](crate::Secrets::list), take what is required; the methods of the
/// call set the rest. [`send`](Self::send) sends it. An asynchronous call can be awaited as it is. An argument that
/// cannot be used is reported when the call is sent, before a byte is.
#[must_use = "a call does nothing until it is sent"]
pub struct Call<O, T, M = Async> {
    mode: M,
    handle: Handle,
    operation: Result<O, Error>,
    options: CallOptions,
    /// The result of a call that finds its object gone after a send whose response was lost.
    gone: Option<fn() -> T>,
    /// The secrets that the call changes.
    changes: Changes,
    hint: Option<String>,
}

impl<O, T, M> Call<O, T, M> {
    pub(crate) fn new(mode: M, handle: Handle, operation: Result<O, Error>) -> Self {
        let options = handle.options;
        Self { mode, handle, operation, options, gone: None, changes: Changes::default(), hint: None }
    }

    /// Succeeds with `result` when a repetition of the call finds its object gone.
    pub(crate) fn gone_is(mut self, result: fn() -> T) -> Self {
        self.gone = Some(result);
        self
    }

    pub(crate) fn changing(mut self, paths: impl IntoIterator<Item = SecretPath>) -> Self {
        self.changes = Changes::These(paths.into_iter().collect());
        self
    }

    /// Says that the call may change any secret.
    pub(crate) fn changing_any(mut self) -> Self {
        self.changes = Changes::Any;
        self
    }

    /// Says what a lost response may have left behind.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn operation(&self) -> Option<&O> {
        self.operation.as_ref().ok()
    }

    /// Changes the operation.
    pub(crate) fn with(mut self, change: impl FnOnce(O) -> O) -> Self {
        self.operation = self.operation.map(change);
        self
    }

    /// Changes the operation by an argument that is checked.
    pub(crate) fn checked<V, E: Into<Error>>(
        mut self,
        value: Result<V, E>,
        change: impl FnOnce(O, V) -> O,
    ) -> Self {
        // The first wrong argument is the one that is reported.
        self.operation = self.operation.and_then(|operation| match value {
            Ok(value) => Ok(change(operation, value)),
            Err(error) => Err(error.into()),
        });
        self
    }

    /// Sets the time for one attempt of this call.
    pub fn timeout(mut self, one_attempt: Duration) -> Self {
        self.options = self.options.attempt_timeout(one_attempt);
        self
    }

    /// Sets the total time for this call, with its retries and their pauses.
    pub fn deadline(mut self, total: Duration) -> Self {
        self.options = self.options.deadline(total);
        self
    }

    /// Sets how many times this call may be sent again.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.options = self.options.max_attempts(std::num::NonZeroU32::MIN.saturating_add(retries));
        self
    }

    /// Says whether this call may be sent again after a lost response. A write may then be carried out twice.
    pub fn retry_writes(mut self, yes: bool) -> Self {
        self.options = self.options.idempotent(yes);
        self
    }
}

impl<O, T, M> Call<O, T, M>
where
    O: Operation<Error = ErrorBody> + Send + 'static,
    O::Output: Send,
    T: FromWire<O::Output> + Send + 'static,
    M: Mode,
{
    /// Sends the call.
    ///
    /// # Errors
    ///
    /// Fails when an argument cannot be used, when the server refuses the call, and when it cannot be reached.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the call; the server may or may not have acted on it.
    pub fn send(self) -> M::Outcome<T> {
        let mode = self.mode.clone();
        mode.run(self.result())
    }

    pub(crate) async fn result(self) -> Result<T, Error> {
        let Self { handle, operation, options, gone, changes, hint, .. } = self;
        let operation = operation?;
        let _changed = Changed { handle: &handle, changes };
        match handle.send_with(operation, options).await {
            Ok(response) => {
                let origin = (response.status, response.request_id);
                complete::<O, T>(origin, T::from_wire(response.body))
            }
            Err(error) => match gone {
                // The status of the last attempt is final, and an earlier one may have been carried out.
                Some(result)
                    if error.status() == Some(StatusCode::NOT_FOUND) && error.may_have_been_applied() =>
                {
                    Ok(result())
                }
                _ => Err(match hint {
                    Some(hint) => error.with_hint(&hint),
                    None => error,
                }),
            },
        }
    }
}

/// The secrets that a call changes.
enum Changes {
    These(Vec<SecretPath>),
    Any,
}

impl Default for Changes {
    fn default() -> Self {
        Self::These(Vec::new())
    }
}

/// Tells the caches about the changes of a call when it ends: also when it fails or is dropped, because the server may
/// have carried it out.
struct Changed<'a> {
    handle: &'a Handle,
    changes: Changes,
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        match &self.changes {
            Changes::These(paths) => paths.iter().for_each(|path| self.handle.changed(path)),
            Changes::Any => self.handle.all_changed(),
        }
    }
}

impl<O, T, M> Call<O, Page<T>, M>
where
    O: Paged<Error = ErrorBody> + Clone + Send + Sync + 'static,
    O::Output: Send,
    Page<T>: FromWire<O::Output>,
    T: Send + 'static,
    M: Mode,
{
    /// Returns the elements of this page and of all that follow, which are read as they are needed.
    ///
    /// An element that cannot be read is an error, and the ones after it still come. A page that cannot be read, a
    /// cursor that repeats, and a missing cursor where there should be more end the stream with an error.
    pub fn items(self) -> M::Items<T> {
        let mode = self.mode.clone();
        mode.items(pages(self.handle, self.operation, self.options))
    }
}

impl<O, T> IntoFuture for Call<O, T, Async>
where
    O: Operation<Error = ErrorBody> + Send + 'static,
    O::Output: Send,
    T: FromWire<O::Output> + Send + 'static,
{
    type Output = Result<T, Error>;
    type IntoFuture = CallFuture<T>;

    fn into_future(self) -> CallFuture<T> {
        self.send()
    }
}

/// Shows no argument.
impl<O, T, M> fmt::Debug for Call<O, T, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("is_valid", &self.operation.is_ok()).finish_non_exhaustive()
    }
}

/// Declares the methods of a call that set optional arguments.
macro_rules! setters {
    ($operation:ty { $($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*) => |$op:ident| $change:expr;)* }) => {
        impl<T, M: $crate::mode::Mode> $crate::Call<$operation, T, M> {
            $(
                $(#[$doc])*
                #[allow(unused_mut, reason = "some arguments replace the operation")]
                pub fn $name(self, $($arg: $ty),*) -> Self {
                    self.with(|mut $op| $change)
                }
            )*
        }
    };
}
pub(crate) use setters;

/// Declares the arguments that every list with pages has.
macro_rules! page_setters {
    ($($operation:ty),* $(,)?) => {
        $($crate::call::setters!($operation {
            /// Sets how many elements a page holds.
            limit(limit: u32) => |list| list.limit(limit.into());
            /// Continues after a page.
            cursor(cursor: impl Into<String>) => |list| list.cursor(cursor);
        });)*
    };
}
pub(crate) use page_setters;

/// Declares an argument that is a duration.
macro_rules! duration_setter {
    ($operation:ty, $(#[$doc:meta])* $name:ident => |$op:ident, $value:ident| $change:expr) => {
        impl<T, M: $crate::mode::Mode> $crate::Call<$operation, T, M> {
            $(#[$doc])*
            pub fn $name<D>(self, duration: D) -> Self
            where
                D: TryInto<$crate::VaultDuration>,
                D::Error: Into<$crate::InvalidInput>,
            {
                self.checked($crate::syntax::duration_of(stringify!($name), duration), |mut $op, duration| {
                    let $value = duration.to_string();
                    $change;
                    $op
                })
            }
        }
    };
}
pub(crate) use duration_setter;
