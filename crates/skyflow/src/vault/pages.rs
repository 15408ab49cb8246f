use std::collections::VecDeque;

use futures_core::Stream;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use skyflow_api::Operation;
use skyflow_api::records::List;

use super::Vault;
use super::get::{GetRequest, Order, Rows, StoredRecord};
use crate::Error;

/// The most rows that the vault returns in one response.
const PAGE: u64 = 25;

impl Vault {
    /// Gets rows page after page, 25 at a time, until the caller stops or there are no more.
    ///
    /// A page is requested when its first row is; dropping the stream requests nothing more. A failed page ends the
    /// stream with its error. [`GetRequest::limit`] bounds the rows of the whole stream, and [`GetRequest::offset`]
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
                let rows = vault.get(page).await?.data;
                cursor.received(rows.len());
                Ok(Some((stream::iter(rows).map(Ok), Cursor::Under(cursor))))
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

    fn received(&mut self, rows: usize) {
        let rows = rows as u64;
        self.left = self.left.map(|left| left.saturating_sub(rows));
        if self.whole_table {
            self.offset = Some(self.offset.unwrap_or(0).saturating_add(rows));
            // A short page is not the last one when the server gives fewer rows than it may; an empty one is.
            self.ended = rows == 0;
        }
    }
}
