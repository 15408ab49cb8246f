use futures_core::Stream;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use skyflow_api::{audit, bin_lookup, types};

use super::Vault;
use crate::Error;
use crate::handle::Call;

impl Vault {
    /// Looks up what a card's first digits, or a stored card, tell: issuer, country, scheme. The service calls it beta.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use skyflow::api::types::BinLookupRequest;
    ///
    /// for card in vault.bin_lookup(BinLookupRequest::default().bin("411111")).await? {
    ///     println!("{:?}", card.card_scheme);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when neither a BIN nor a row is named; fails as every call does afterwards.
    pub async fn bin_lookup(&self, request: types::BinLookupRequest) -> Result<Vec<types::Card>, Error> {
        let named =
            [&request.bin, &request.skyflow_id].into_iter().flatten().any(|text| !text.trim().is_empty());
        let call = match named {
            true => Ok(Call::new(bin_lookup::ListCards::new(request))),
            false => Err(Error::invalid("bin", "or a skyflow_id must be given")),
        };
        self.handle.call(call, |response| Ok(response.body.cards_data)).await
    }

    /// Lists audit events of an account, page after page, until the caller stops or there are no more.
    ///
    /// Each page is asked for when its first event is; a failed page ends the stream with its error.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault) -> Result<(), skyflow::Error> {
    /// use futures_util::TryStreamExt;
    /// use skyflow::api::audit::ListEvents;
    ///
    /// let mut events = std::pin::pin!(vault.audit_events(ListEvents::new("<account id>").limit(100)));
    /// while let Some(event) = events.try_next().await? {
    ///     println!("{:?}", event.request.and_then(|request| request.api_name));
    /// }
    /// # Ok(()) }
    /// ```
    pub fn audit_events(
        &self,
        request: audit::ListEvents,
    ) -> impl Stream<Item = Result<types::AuditEvent, Error>> + Send {
        let vault = self.clone();
        stream::try_unfold(Some(request), move |page| {
            let vault = vault.clone();
            async move {
                let Some(request) = page else { return Ok::<_, Error>(None) };
                let answer = vault.send(request.clone()).await?.body;
                let next = answer
                    .next_ops
                    .and_then(|next| following(request, next))
                    .filter(|_| !answer.events.is_empty());
                Ok(Some((stream::iter(answer.events).map(Ok), next)))
            }
        })
        .try_flatten()
    }
}

/// The next page starts after the last event; that excludes an offset and an order of its own.
fn following(mut request: audit::ListEvents, after: types::AuditAfterOptions) -> Option<audit::ListEvents> {
    let change_id = after.change_id.filter(|id| !id.is_empty())?;
    // A server that points to where we are would be asked for ever.
    if request.after_change_id.as_ref() == Some(&change_id) {
        return None;
    }
    request.after_change_id = Some(change_id);
    request.after_timestamp = after.timestamp;
    request.offset = None;
    request.sort_by = None;
    request.order_by = None;
    Some(request)
}
