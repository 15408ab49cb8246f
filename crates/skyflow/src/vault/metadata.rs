use bytes::Bytes;
use skyflow_api::{DecodeError, Response, bin_lookup, types};

use super::Vault;
use crate::Error;
use crate::elements::{Elements, ReadBody, elements, lenient};
use crate::handle::{Call, ReadAs};

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
    /// Fails before anything is sent when neither a BIN nor a row is named; fails as every call does afterwards. An element
    /// of the response that is no card is left out, unless all of them are.
    pub async fn bin_lookup(&self, request: types::BinLookupRequest) -> Result<Vec<types::Card>, Error> {
        let named =
            [&request.bin, &request.skyflow_id].into_iter().flatten().any(|text| !text.trim().is_empty());
        let call = match named {
            true => Ok(Call::new(ReadAs::<_, Cards>::new(bin_lookup::ListCards::new(request)))),
            false => Err(Error::invalid("bin", "is missing: specify bin or skyflow_id")),
        };
        let read = |response: Response<Elements<types::Card>>| {
            let (cards, unread): (Vec<_>, Vec<_>) = response.body.into_iter().partition(Result::is_ok);
            match (cards.is_empty(), unread.len()) {
                (true, 1..) => Err(Error::misshapen(0)),
                _ => Ok(cards.into_iter().flatten().collect()),
            }
        };
        self.handle.call(call, read).await
    }
}

/// The cards of a response, each read on its own.
struct Cards;

impl ReadBody for Cards {
    type Value = Elements<types::Card>;

    fn read(body: &Bytes) -> Result<Self::Value, DecodeError> {
        elements(body, "cards_data", |whole: types::BinLookupResponse| whole.cards_data, lenient)
    }
}
