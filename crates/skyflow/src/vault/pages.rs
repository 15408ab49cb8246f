use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher, RandomState};

use futures_core::Stream;
use futures_util::stream::{self, TryStreamExt};
use skyflow_api::Operation;
use skyflow_api::records::List;

use super::Vault;
use super::get::{GetRequest, GetResponse, Order, Rows, StoredRecord};
use crate::Error;

/// The most rows that the vault returns in one response.
const PAGE: u64 = 25;

impl Vault {
    /// Gets rows page after page, 25 at a time, until the caller stops or there are no more.
    ///
    /// A page is requested when its first row is; dropping the stream requests nothing more. A failed page ends the
    /// stream with its error, and so does a server that returns the rows of another page again, because it ignores the
    /// offset. An element of a page that is no row is an error among the rows, after which the stream continues. [`GetRequest::limit`] bounds the rows of the whole stream, and [`GetRequest::offset`]
    /// skips rows before the first. With [`GetRequest::all_rows`], rows that are inserted or deleted meanwhile may move
    /// others from one page to another.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use futures_util::TryStreamExt;
    /// use skyflow::GetRequest;
    ///
    /// let mut rows = std::pin::pin!(vault.get_pages(GetRequest::new("persons").all_rows()));
    /// while let Some(row) = rows.try_next().await? {
    ///     println!("{:?}", row.skyflow_id());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// The stream fails as [`Vault::get`] does.
    pub fn get_pages(
        &self,
        request: GetRequest,
    ) -> impl Stream<Item = Result<StoredRecord, Error>> + Send + use<> {
        let vault = self.clone();
        stream::try_unfold(Cursor::Start(request), move |cursor| {
            let vault = vault.clone();
            async move {
                let mut cursor = cursor.started()?;
                let Some(page) = cursor.next_page() else { return Ok::<_, Error>(None) };
                let page = vault.get(page).await?;
                let rows = cursor.received(page)?;
                Ok(Some((stream::iter(rows), Cursor::Under(cursor))))
            }
        })
        .try_flatten()
    }
}

enum Cursor {
    Start(GetRequest),
    Under(Pages),
}

impl Cursor {
    /// Checks the whole request once, so that a mistake in its last element is found before the first page.
    fn started(self) -> Result<Pages, Error> {
        match self {
            Self::Under(pages) => Ok(pages),
            Self::Start(mut request) => {
                request.check().map_err(|error| error.in_operation(List::INFO.name))?;
                let chunks = match request.rows.pop() {
                    Some(Rows::Ids(ids)) => chunked(ids, request.offset.take()).map(Rows::Ids).collect(),
                    Some(Rows::Column(name, values)) => {
                        chunked(values, None).map(|values| Rows::Column(name.clone(), values)).collect()
                    }
                    _ => VecDeque::new(),
                };
                let whole_table = chunks.is_empty();
                Ok(Pages {
                    left: request.limit,
                    offset: request.offset,
                    template: request,
                    chunks,
                    whole_table,
                    ended: false,
                    seen: Seen::default(),
                })
            }
        }
    }
}

fn chunked(elements: Vec<String>, skip: Option<u64>) -> impl Iterator<Item = Vec<String>> {
    let skip = usize::try_from(skip.unwrap_or(0)).unwrap_or(usize::MAX);
    let mut elements = elements.into_iter().skip(skip);
    std::iter::from_fn(move || {
        let chunk: Vec<String> = elements.by_ref().take(PAGE as usize).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}

struct Pages {
    template: GetRequest,
    /// The rows that are still to be requested, where the rows are named.
    chunks: VecDeque<Rows>,
    whole_table: bool,
    offset: Option<u64>,
    left: Option<u64>,
    ended: bool,
    seen: Seen,
}

/// The pages that were received, to find out that a server ignores the offset.
#[derive(Default)]
struct Seen {
    hasher: RandomState,
    pages: HashSet<u64>,
    last: Option<u64>,
    alike: u32,
}

/// How many pages of equal rows without ids may follow one another: the rows of a column with few values are equal.
const MOST_ALIKE: u32 = 100;

impl Seen {
    /// Notes a page; false when it was received before.
    fn is_new(&mut self, rows: &[StoredRecord]) -> bool {
        let ids: Option<Vec<String>> = rows.iter().map(|row| row.skyflow_id()).collect();
        if let Some(ids) = ids {
            return self.pages.insert(self.hasher.hash_one(ids));
        }
        let rows: Vec<&str> = rows.iter().map(|row| row.raw()).collect();
        let page = Some(self.hasher.hash_one(rows));
        self.alike = if self.last == page { self.alike + 1 } else { 0 };
        self.last = page;
        self.alike < MOST_ALIKE
    }
}

impl Pages {
    fn next_page(&mut self) -> Option<GetRequest> {
        if self.ended || self.left == Some(0) {
            return None;
        }
        let mut page = self.template.clone();
        page.limit = None;
        if self.whole_table {
            page.rows = vec![Rows::All];
            page.offset = Some(self.offset.unwrap_or(0));
            page.limit = Some(self.left.unwrap_or(PAGE).min(PAGE));
            page.order.get_or_insert(Order::Ascending);
        } else {
            let mut rows = self.chunks.pop_front()?;
            let left = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
            match &mut rows {
                Rows::Ids(names) | Rows::Column(_, names) => names.truncate(left),
                Rows::All => {}
            }
            page.rows = vec![rows];
            page.offset = None;
        }
        Some(page)
    }

    /// Takes the rows of a page, as many as are still wanted.
    fn received(&mut self, page: GetResponse) -> Result<Vec<Result<StoredRecord, Error>>, Error> {
        let count = (page.data.len() + page.errors.len()) as u64;
        if self.whole_table {
            if count > 0 && !self.seen.is_new(&page.data) {
                let error =
                    Error::bad_response("the response has the rows of another page: the offset is ignored");
                return Err(error.in_operation(List::INFO.name).with_request_id(page.request_id));
            }
            self.offset = Some(self.offset.unwrap_or(0).saturating_add(count));
            // A short page is not the last one when the server gives fewer rows than it may; an empty one is.
            self.ended = count == 0;
        }
        let wanted = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        self.left = self.left.map(|left| left.saturating_sub(count));
        let errors = page.errors.into_iter().map(|error| Err(error.into_error()));
        Ok(page.data.into_iter().map(Ok).take(wanted).chain(errors).collect())
    }
}
