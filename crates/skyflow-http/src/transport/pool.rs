use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Origin;
use super::connector::Connector;
use super::failure::ConnectFailure;
use super::http1::{Http1Connection, Http1Lease};
use super::http2::{Http2Connection, Http2Lease};
use super::stream::{Peek, Probe};
use super::traffic::StallLimit;
use crate::{BoxError, Clock, Error};

/// How often the task of an idle connection gets the chance to read what has arrived on it.
const TURNS_TO_READ: usize = 16;

/// How many connections a pool opens and keeps.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) http1_connections: usize,
    pub(super) http2_connections: usize,
    pub(super) idle_connections: usize,
    pub(super) idle_timeout: Duration,
    pub(super) stall_timeout: Option<Duration>,
}

/// The connections to one server, and the calls that wait for one.
///
/// Callers are served in the order in which they came. While the protocol of the server is unknown, one connection
/// attempt is under way, because one HTTP/2 connection serves many callers.
pub(super) struct Pool {
    origin: Origin,
    connector: Arc<Connector>,
    limits: Limits,
    clock: Arc<dyn Clock>,
    stall_limit: Option<StallLimit>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The protocol of the newest connection.
    protocol: Option<Protocol>,
    connecting: usize,
    http1_open: usize,
    /// HTTP/1 connections whose lease has ended and that are not ready yet.
    http1_returning: usize,
    /// The connection used last is at the end.
    http1_idle: Vec<Idle>,
    http2: Vec<Http2Entry>,
    waiters: VecDeque<Waiter>,
    /// The runtime of the newest connection.
    runtime: Option<Handle>,
    idle_check_is_scheduled: bool,
    work: Work,
}

/// Tasks to start once the lock is released: a runtime that has ended drops a task at once, and that takes the lock.
#[derive(Default)]
struct Work {
    connect_on: Vec<Handle>,
    check_idle_on: Option<Handle>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

struct Idle {
    connection: Http1Connection,
    since: Instant,
}

struct Http2Entry {
    connection: Arc<Http2Connection>,
    idle_since: Option<Instant>,
}

/// A call that waits for a connection; connections that are opened for it live on its runtime.
struct Waiter {
    sender: oneshot::Sender<Result<Lease, ConnectFailure>>,
    since: Instant,
    runtime: Handle,
}

/// The right to send one request.
pub(super) enum Lease {
    Http1(Http1Lease),
    Http2(Http2Lease),
}

impl Lease {
    pub(super) fn probe(&self) -> Option<&Probe> {
        match self {
            Self::Http1(lease) => lease.connection().map(Http1Connection::probe),
            Self::Http2(lease) => lease.connection().map(|connection| connection.probe()),
        }
    }

    /// Tells whether no other request uses the connection.
    pub(super) fn is_alone(&self) -> bool {
        match self {
            Self::Http1(_) => true,
            Self::Http2(lease) => lease.connection().is_some_and(|connection| connection.streams() == 1),
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Self::Http1(lease) => lease.connection().is_some_and(Http1Connection::is_ready),
            Self::Http2(lease) => lease.connection().is_some_and(|connection| connection.is_open()),
        }
    }

    /// Tells whether a request can be sent: a close that has reached this machine is noticed.
    async fn is_usable(&self) -> bool {
        for _ in 0..TURNS_TO_READ {
            // A stream that is already open keeps the task of an HTTP/2 connection reading.
            match self.probe().filter(|_| self.is_alone()).map(Probe::peek) {
                Some(Peek::Closed) => return false,
                // The task of the connection has to read the bytes to tell whether they end it.
                Some(Peek::Data) if self.is_open() => tokio::task::yield_now().await,
                _ => break,
            }
        }
        self.is_open()
    }

    /// Closes the connection, or keeps further requests off it.
    pub(super) fn give_up(self) {
        match self {
            Self::Http1(lease) => drop(lease.into_connection()),
            Self::Http2(lease) => lease.retire(),
        }
    }
}

impl Pool {
    pub(super) fn new(
        origin: Origin,
        connector: Arc<Connector>,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let stall_limit = limits.stall_timeout.map(|after| StallLimit::new(after, Arc::clone(&clock)));
        Self { origin, connector, limits, clock, stall_limit, state: Mutex::default() }
    }

    pub(super) fn stall_limit(&self) -> Option<&StallLimit> {
        self.stall_limit.as_ref()
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Changes the state, then starts the tasks that the change calls for.
    fn update<R>(self: &Arc<Self>, change: impl FnOnce(&mut State) -> R) -> R {
        let (outcome, work) = {
            let mut state = self.lock();
            let outcome = change(&mut state);
            (outcome, std::mem::take(&mut state.work))
        };
        for runtime in work.connect_on {
            self.connect(runtime);
        }
        if let Some(runtime) = work.check_idle_on {
            let check = IdleCheck { pool: Arc::downgrade(self), is_over: false };
            runtime.spawn(close_idle_connections(check, Arc::clone(&self.clock)));
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a connection.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the queue; a connection that was opened for it serves another call.
    pub(super) async fn lease(self: &Arc<Self>, runtime: &Handle) -> Result<Lease, Error> {
        let mut is_first_try = true;
        loop {
            let at_once = if is_first_try { self.lease_at_once() } else { None };
            let lease = match at_once {
                Some(lease) => lease,
                None => self.wait(runtime, is_first_try).await?,
            };
            if lease.is_usable().await {
                return Ok(lease);
            }
            lease.give_up();
            is_first_try = false;
        }
    }

    fn lease_at_once(self: &Arc<Self>) -> Option<Lease> {
        let mut state = self.lock();
        if state.waiters.is_empty() { self.take(&mut state) } else { None }
    }

    /// Waits in the queue: at its end, or at its front when the connection that was handed out had been closed.
    async fn wait(self: &Arc<Self>, runtime: &Handle, at_the_end: bool) -> Result<Lease, Error> {
        let (sender, receiver) = oneshot::channel();
        let waiter = Waiter { sender, since: self.clock.monotonic(), runtime: runtime.clone() };
        self.update(|state| {
            if at_the_end {
                state.waiters.push_back(waiter);
            } else {
                state.waiters.push_front(waiter);
            }
            self.serve_waiters(state);
        });
        match receiver.await {
            Ok(outcome) => outcome.map_err(ConnectFailure::into_error),
            Err(_) => {
                Err(ConnectFailure::from(BoxError::from("the connection pool was dropped")).into_error())
            }
        }
    }

    pub(super) fn serve(self: &Arc<Self>) {
        self.update(|state| self.serve_waiters(state));
    }

    /// Hands connections to the calls that wait, and opens further ones within the limits.
    fn serve_waiters(self: &Arc<Self>, state: &mut State) {
        state.waiters.retain(|waiter| !waiter.sender.is_closed());
        while !state.waiters.is_empty() {
            let Some(lease) = self.take(state) else { break };
            if let Some(unused) = hand_over(&mut state.waiters, lease) {
                self.put_back(state, unused);
            }
        }
        while self.may_connect(state) {
            // Each attempt is made for the oldest call that has none yet.
            let Some(waiter) = state.waiters.get(state.connecting) else { break };
            let runtime = waiter.runtime.clone();
            state.runtime = Some(runtime.clone());
            state.connecting += 1;
            state.work.connect_on.push(runtime);
        }
    }

    /// Takes the least loaded HTTP/2 connection with a stream to spare, or the HTTP/1 connection that was used last.
    fn take(self: &Arc<Self>, state: &mut State) -> Option<Lease> {
        // A runtime that is driven only during calls closes idle connections late.
        let is_kept = |since| self.idle_time_left(since).is_some();
        state.http2.retain(|entry| entry.connection.is_open() && entry.idle_since.is_none_or(is_kept));
        let least_loaded = state
            .http2
            .iter_mut()
            .filter(|entry| entry.connection.has_capacity())
            .min_by_key(|entry| entry.connection.streams());
        if let Some(entry) = least_loaded {
            entry.idle_since = None;
            return Some(Lease::Http2(entry.connection.lease(self)));
        }
        while let Some(idle) = state.http1_idle.pop() {
            if idle.connection.is_ready() && is_kept(idle.since) {
                return Some(Lease::Http1(idle.connection.lease(self)));
            }
        }
        None
    }

    fn put_back(&self, state: &mut State, lease: Lease) {
        match lease {
            Lease::Http1(lease) => {
                let since = self.clock.monotonic();
                state.http1_idle.extend(lease.into_connection().map(|connection| Idle { connection, since }));
            }
            Lease::Http2(lease) => lease.cancel(),
        }
    }

    fn may_connect(&self, state: &State) -> bool {
        if state.waiters.len() <= state.connecting + state.http1_returning {
            return false;
        }
        match state.protocol {
            None => state.connecting == 0,
            Some(Protocol::Http1) => state.http1_open + state.connecting < self.limits.http1_connections,
            Some(Protocol::Http2) => {
                state.connecting == 0
                    && state.http2.len() < self.limits.http2_connections
                    && state.http2.iter().all(|entry| entry.connection.limit_is_known())
            }
        }
    }

    /// Opens a connection in a task: it outlives the call that it was opened for.
    fn connect(self: &Arc<Self>, runtime: Handle) {
        let attempt = Attempt { pool: Arc::clone(self), began: self.clock.monotonic(), is_over: false };
        let on = runtime.clone();
        runtime.spawn(async move {
            let outcome = attempt.pool.open(&on).await;
            attempt.end(outcome);
        });
    }

    async fn open(self: &Arc<Self>, runtime: &Handle) -> Result<Opened, BoxError> {
        let stream = self.connector.connect(&self.origin).await?;
        Ok(if stream.is_http2 {
            Opened::Http2(Http2Connection::open(stream, self, runtime).await?)
        } else {
            Opened::Http1(Http1Connection::open(stream, self, runtime).await?)
        })
    }

    fn add(self: &Arc<Self>, state: &mut State, opened: Opened) {
        let since = self.clock.monotonic();
        match opened {
            Opened::Http1(connection) => {
                state.protocol = Some(Protocol::Http1);
                state.http1_idle.push(Idle { connection, since });
            }
            Opened::Http2(connection) => {
                state.protocol = Some(Protocol::Http2);
                state.http2.push(Http2Entry { connection, idle_since: Some(since) });
            }
        }
        self.serve_waiters(state);
        Self::schedule_idle_check(state);
    }

    /// Tells the oldest call of a failed attempt, and those for which another attempt would only end the same way.
    fn fail(self: &Arc<Self>, state: &mut State, began: Instant, failure: &ConnectFailure) {
        let mut is_told = false;
        for waiter in std::mem::take(&mut state.waiters) {
            if waiter.sender.is_closed() {
                continue;
            }
            if !is_told || (failure.concerns_all() && waiter.since <= began) {
                is_told |= waiter.sender.send(Err(failure.clone())).is_ok();
            } else {
                state.waiters.push_back(waiter);
            }
        }
        self.serve_waiters(state);
    }

    pub(super) fn http1_opened(&self) {
        self.lock().http1_open += 1;
    }

    pub(super) fn http1_ended(self: &Arc<Self>) {
        self.update(|state| {
            state.http1_open -= 1;
            self.serve_waiters(state);
        });
    }

    /// Notes that a connection will be idle soon, so that no other one is opened in its place.
    pub(super) fn begin_return(&self) {
        self.lock().http1_returning += 1;
    }

    /// Notes that a connection is idle now, or will not be soon.
    pub(super) fn end_return(self: &Arc<Self>) {
        self.update(|state| {
            state.http1_returning -= 1;
            self.serve_waiters(state);
        });
    }

    pub(super) fn put_http1(self: &Arc<Self>, connection: Http1Connection) {
        let since = self.clock.monotonic();
        self.update(|state| {
            state.http1_idle.push(Idle { connection, since });
            self.serve_waiters(state);
            let surplus = state.http1_idle.len().saturating_sub(self.limits.idle_connections);
            state.http1_idle.drain(..surplus);
            Self::schedule_idle_check(state);
        });
    }

    pub(super) fn http2_released(self: &Arc<Self>, connection: &Arc<Http2Connection>) {
        self.update(|state| {
            self.serve_waiters(state);
            let entry = state.http2.iter_mut().find(|entry| Arc::ptr_eq(&entry.connection, connection));
            if let Some(entry) = entry.filter(|entry| entry.connection.streams() == 0) {
                entry.idle_since = Some(self.clock.monotonic());
                Self::schedule_idle_check(state);
            }
        });
    }

    /// Keeps further requests off a connection; those under way go on.
    pub(super) fn retire(self: &Arc<Self>, connection: &Arc<Http2Connection>) {
        self.update(|state| {
            state.http2.retain(|entry| !Arc::ptr_eq(&entry.connection, connection));
            self.serve_waiters(state);
        });
    }

    fn schedule_idle_check(state: &mut State) {
        if !state.idle_check_is_scheduled && state.runtime.is_some() {
            state.idle_check_is_scheduled = true;
            state.work.check_idle_on.clone_from(&state.runtime);
        }
    }

    /// Returns how much longer a connection may be idle; `None` when its time has passed.
    fn idle_time_left(&self, since: Instant) -> Option<Duration> {
        let idle = self.clock.monotonic().saturating_duration_since(since);
        self.limits.idle_timeout.checked_sub(idle).filter(|left| !left.is_zero())
    }

    /// Closes the connections that were idle for too long; returns when the next one is due. With none the check ends,
    /// and the next idle connection starts another one.
    fn close_idle(&self) -> Option<Duration> {
        let left = |since| self.idle_time_left(since);
        let is_kept = |since| left(since).is_some();
        let mut state = self.lock();
        state.http1_idle.retain(|idle| idle.connection.is_ready() && is_kept(idle.since));
        state.http2.retain(|entry| entry.connection.is_open() && entry.idle_since.is_none_or(is_kept));
        let http1 = state.http1_idle.iter().map(|idle| idle.since);
        let http2 = state.http2.iter().filter_map(|entry| entry.idle_since);
        let next = http1.chain(http2).filter_map(left).min();
        state.idle_check_is_scheduled = next.is_some();
        next
    }
}

/// A connection that has just been opened.
enum Opened {
    Http1(Http1Connection),
    Http2(Arc<Http2Connection>),
}

/// Hands the connection to the oldest call that still waits; returns it when there is none.
fn hand_over(waiters: &mut VecDeque<Waiter>, lease: Lease) -> Option<Lease> {
    let mut outcome = Ok(lease);
    while let Some(waiter) = waiters.pop_front() {
        match waiter.sender.send(outcome) {
            Ok(()) => return None,
            Err(returned) => outcome = returned,
        }
    }
    outcome.ok()
}

/// A connection attempt under way. It ends when it is dropped: the runtime may end before the attempt does.
struct Attempt {
    pool: Arc<Pool>,
    began: Instant,
    is_over: bool,
}

impl Attempt {
    fn end(mut self, outcome: Result<Opened, BoxError>) {
        self.is_over = true;
        let pool = &self.pool;
        pool.update(|state| {
            state.connecting -= 1;
            match outcome {
                Ok(opened) => pool.add(state, opened),
                Err(error) => pool.fail(state, self.began, &error.into()),
            }
        });
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_over {
            let ended = BoxError::from("the runtime of the connection ended");
            self.pool.update(|state| {
                state.connecting -= 1;
                self.pool.fail(state, self.began, &ended.into());
            });
        }
    }
}

/// A task that watches idle connections. The runtime may end before the task does.
struct IdleCheck {
    pool: Weak<Pool>,
    is_over: bool,
}

impl Drop for IdleCheck {
    fn drop(&mut self) {
        if !self.is_over
            && let Some(pool) = self.pool.upgrade()
        {
            pool.lock().idle_check_is_scheduled = false;
        }
    }
}

async fn close_idle_connections(mut check: IdleCheck, clock: Arc<dyn Clock>) {
    loop {
        let next = check.pool.upgrade().and_then(|pool| pool.close_idle());
        let Some(pause) = next else {
            check.is_over = true;
            return;
        };
        clock.sleep(pause).await;
    }
}
