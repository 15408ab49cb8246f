use skyflow_api::{bin_lookup, types};

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
            false => Err(Error::invalid("bin", "is missing: specify bin or skyflow_id")),
        };
        self.handle.call(call, |response| Ok(response.body.cards_data)).await
    }
}
