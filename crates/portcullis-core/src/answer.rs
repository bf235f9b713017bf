//! A value that is there already, or will be.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

/// A value that is usually available at once, and otherwise a future that returns it.
///
/// Methods return it where most implementations need not wait: verifying a signature answers [`now`](Self::now), asking a
/// database answers [`later`](Self::later). Callers may check with [`ready`](Self::ready) and skip the cost of a future, or
/// just await it.
///
/// ```
/// use portcullis_core::Answer;
///
/// fn role_of(name: &str) -> Answer<'static, &'static str> {
///     match name {
///         "alice" => Answer::now("owner"),
///         _ => Answer::later(async { "guest" }), // asks a database
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// assert_eq!(role_of("alice").ready().ok(), Some("owner"));
/// let waits = role_of("bob").map(str::len).ready();
/// let Err(answer) = waits else { panic!("it is not there yet") };
/// assert_eq!(answer.await, 5);
/// # }
/// ```
pub struct Answer<'a, T>(State<'a, T>);

enum State<'a, T> {
    /// `None` once polling has taken it.
    Now(Option<T>),
    Later(Pin<Box<dyn Future<Output = T> + Send + 'a>>),
}

impl<'a, T> Answer<'a, T> {
    /// An answer that is available.
    pub const fn now(value: T) -> Self {
        Self(State::Now(Some(value)))
    }

    /// An answer that has to be waited for.
    pub fn later(future: impl Future<Output = T> + Send + 'a) -> Self {
        Self(State::Later(Box::pin(future)))
    }

    /// Polls a future once. If it need not wait, the answer is available at once.
    pub(crate) fn begin(future: impl Future<Output = T> + Send + 'a) -> Self {
        match Self::later(future).started() {
            Ok(value) => Self::now(value),
            Err(later) => later,
        }
    }

    /// The value if it is available, or if polling once makes it so. Otherwise the answer itself, to wait for.
    pub(crate) fn started(mut self) -> Result<T, Self> {
        if let State::Later(future) = &mut self.0
            && let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        {
            return Ok(value);
        }
        self.ready()
    }

    /// The value if it is available.
    ///
    /// # Errors
    /// The answer itself, to wait for, if it is not.
    pub fn ready(self) -> Result<T, Self> {
        match self.0 {
            State::Now(Some(value)) => Ok(value),
            other => Err(Self(other)),
        }
    }

    /// Changes the value, now or once it is available.
    pub fn map<U>(self, change: impl FnOnce(T) -> U + Send + 'a) -> Answer<'a, U>
    where
        T: 'a,
    {
        match self.0 {
            State::Now(value) => Answer(State::Now(value.map(change))),
            State::Later(future) => Answer::later(async move { change(future.await) }),
        }
    }

    /// Continues with the value: at once if it is there. Nothing is begun before somebody waits.
    pub(crate) fn then<U: Unpin + Send + 'a>(self, next: impl FnOnce(T) -> Answer<'a, U> + Send + 'a) -> Answer<'a, U>
    where
        T: 'a,
    {
        match self.0 {
            State::Now(Some(value)) => next(value),
            State::Now(None) => Answer(State::Now(None)),
            State::Later(future) => Answer::later(async move { next(future.await).await }),
        }
    }
}

impl<T: Unpin> Future for Answer<'_, T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        match &mut self.get_mut().0 {
            // Polled again after it was taken: like a fused future it stays pending, and never panics.
            State::Now(value) => value.take().map_or(Poll::Pending, Poll::Ready),
            State::Later(future) => future.as_mut().poll(context),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Answer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            State::Now(value) => f.debug_tuple("Now").field(value).finish(),
            State::Later(_) => f.write_str("Later(..)"),
        }
    }
}
