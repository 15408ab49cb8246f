use std::collections::{HashSet, VecDeque};

use futures_core::Stream;
use futures_util::stream;
use skyflow_http::CallOptions;
use skyflow_http::rest::{DecodeError, Element, Operation};

use crate::Error;
use crate::error::ErrorBody;
use crate::handle::{Handle, complete};
use crate::model::{FromWire, IncompleteResponse};

/// One page of a list.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Page<T> {
    /// The elements.
    pub data: Vec<T>,
    /// Elements that cannot be read; the others are in `data` nevertheless.
    pub unreadable: Vec<DecodeError>,
    /// Where the next page begins.
    pub cursor: Option<String>,
    /// Whether there is a next page.
    pub has_more: bool,
}

impl<T> Page<T> {
    pub(crate) fn read<W>(
        elements: Vec<Element<W>>,
        cursor: Option<String>,
        has_more: Option<bool>,
    ) -> Result<Self, IncompleteResponse>
    where
        T: FromWire<W>,
    {
        let mut page =
            Self { data: Vec::new(), unreadable: Vec::new(), cursor, has_more: has_more.unwrap_or_default() };
        for element in elements {
            match element.into_result() {
                Ok(wire) => page.data.push(T::from_wire(wire)?),
                Err(error) => page.unreadable.push(error),
            }
        }
        Ok(page)
    }
}

/// An operation that returns pages.
pub trait Paged: Operation {
    #[doc(hidden)]
    fn at(self, cursor: String) -> Self;
}

struct Walk<O> {
    handle: Handle,
    options: CallOptions,
    operation: O,
    cursor: Option<String>,
    seen: HashSet<String>,
    has_more: bool,
}

enum State<O, T> {
    Starting(Handle, Result<O, Error>, CallOptions),
    Walking(Walk<O>, VecDeque<Result<T, Error>>),
    Ended,
}

/// Walks all pages.
pub(crate) fn pages<O, T>(
    handle: Handle,
    operation: Result<O, Error>,
    options: CallOptions,
) -> impl Stream<Item = Result<T, Error>> + Send
where
    O: Paged<Error = ErrorBody> + Clone + Send + Sync,
    O::Output: Send,
    Page<T>: FromWire<O::Output>,
    T: Send,
{
    stream::unfold(State::Starting(handle, operation, options), step)
}

async fn step<O, T>(state: State<O, T>) -> Option<(Result<T, Error>, State<O, T>)>
where
    O: Paged<Error = ErrorBody> + Clone + Send + Sync,
    O::Output: Send,
    Page<T>: FromWire<O::Output>,
{
    let (mut walk, mut ready) = match state {
        State::Starting(handle, operation, options) => match operation {
            Ok(operation) => {
                let (cursor, seen, has_more) = (None, HashSet::new(), true);
                (Walk { handle, options, operation, cursor, seen, has_more }, VecDeque::new())
            }
            Err(error) => return Some((Err(error), State::Ended)),
        },
        State::Walking(walk, ready) => (walk, ready),
        State::Ended => return None,
    };
    loop {
        if let Some(item) = ready.pop_front() {
            return Some((item, State::Walking(walk, ready)));
        }
        if !walk.has_more {
            return None;
        }
        match walk.next().await {
            Ok(page) => {
                let unreadable =
                    page.unreadable.into_iter().map(|error| Err(Error::undecodable(O::INFO.name, error)));
                ready.extend(page.data.into_iter().map(Ok).chain(unreadable));
            }
            Err(error) => return Some((Err(error), State::Ended)),
        }
    }
}

impl<O> Walk<O>
where
    O: Paged<Error = ErrorBody> + Clone,
{
    async fn next<T>(&mut self) -> Result<Page<T>, Error>
    where
        Page<T>: FromWire<O::Output>,
    {
        let operation = match &self.cursor {
            Some(cursor) => self.operation.clone().at(cursor.clone()),
            None => self.operation.clone(),
        };
        let response = self.handle.send_with(operation, self.options).await?;
        let page =
            complete::<O, _>((response.status, response.request_id), Page::<T>::from_wire(response.body))?;
        self.has_more = page.has_more;
        if page.has_more {
            match &page.cursor {
                None => {
                    return Err(Error::Pagination(
                        "the server says that there is another page, and sent no cursor",
                    ));
                }
                Some(cursor) if !self.seen.insert(cursor.clone()) => {
                    return Err(Error::Pagination("the server sent the same cursor twice"));
                }
                Some(cursor) => self.cursor = Some(cursor.clone()),
            }
        }
        Ok(page)
    }
}

/// Declares which operations return pages, and where their elements are.
macro_rules! paged {
    ($($module:ident::$operation:ident => $list:ident.$elements:ident as $item:ty;)*) => {
        $(
            impl $crate::page::Paged for $crate::api::$module::$operation {
                fn at(self, cursor: String) -> Self {
                    self.cursor(cursor)
                }
            }
            $crate::page::listed!($list.$elements as $item);
        )*
    };
}
pub(crate) use paged;

/// Declares where the elements of a list are.
macro_rules! listed {
    ($list:ident.$elements:ident as $item:ty) => {
        impl $crate::model::FromWire<$crate::api::types::$list> for $crate::Page<$item> {
            fn from_wire(list: $crate::api::types::$list) -> Result<Self, $crate::model::IncompleteResponse> {
                Self::read(list.$elements, list.cursor, list.has_more)
            }
        }
        $crate::model::may_be_empty!($crate::Page<$item>, $list, default);
    };
}
pub(crate) use listed;

/// Declares where the elements of a list without pages are.
macro_rules! whole {
    ($($list:ident.$elements:ident as $item:ty;)*) => {
        $(impl $crate::model::FromWire<$crate::api::types::$list> for $crate::Page<$item> {
            fn from_wire(
                list: $crate::api::types::$list,
            ) -> Result<Self, $crate::model::IncompleteResponse> {
                Self::read(list.$elements, None, None)
            }
        })*
    };
}
pub(crate) use whole;
