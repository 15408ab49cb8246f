use skyflow_api::{Operation, records, types};
use skyflow_types::Redaction;

use super::Vault;
use super::get::StoredRecord;
use crate::Error;
use crate::elements::Lenient;
use crate::handle::{Call, ReadAs, subject};
use crate::record::{Origin, none_blank, not_blank};

/// Requests one row by its id.
///
/// ```
/// use skyflow::{GetByIdRequest, Redaction};
///
/// let request = GetByIdRequest::new("table1", "b9b80eef-4a4a-4b9c-8f9a-1d2e3f4a5b6c")
///     .redaction(Redaction::PlainText)
///     .fields(["card_number"]);
/// ```
#[derive(Debug, Clone)]
#[must_use = "a request does nothing until it is given to `Vault::get_by_id`"]
pub struct GetByIdRequest {
    table: String,
    skyflow_id: String,
    redaction: Option<Redaction>,
    return_tokens: bool,
    fields: Option<Vec<String>>,
    download_url: Option<bool>,
    return_file_metadata: bool,
}

impl GetByIdRequest {
    /// Names the table and the row. Nothing else is sent unless it is set.
    pub fn new(table: impl Into<String>, skyflow_id: impl Into<String>) -> Self {
        Self {
            table: table.into(),
            skyflow_id: skyflow_id.into(),
            redaction: None,
            return_tokens: false,
            fields: None,
            download_url: None,
            return_file_metadata: false,
        }
    }

    /// Sets how much of the values is shown; the column's own level when not set.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.redaction = Some(redaction);
        self
    }

    /// Returns tokens instead of values; it cannot be combined with a redaction.
    pub fn return_tokens(mut self, yes: bool) -> Self {
        self.return_tokens = yes;
        self
    }

    /// Returns these columns only.
    pub fn fields<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        self.fields = Some(fields.into_iter().map(Into::into).collect());
        self
    }

    /// Returns links to the files of file columns; they are valid for 15 minutes.
    pub fn download_url(mut self, yes: bool) -> Self {
        self.download_url = Some(yes);
        self
    }

    /// Returns name, size and type of the files of file columns; see [`StoredRecord::files`].
    pub fn return_file_metadata(mut self, yes: bool) -> Self {
        self.return_file_metadata = yes;
        self
    }

    fn into_get(
        self,
        vault_id: &str,
    ) -> Result<Call<ReadAs<records::Get, Lenient<types::StoredRecord>>>, Error> {
        not_blank("table", &self.table)?;
        not_blank("skyflow_id", &self.skyflow_id)?;
        if let Some(fields) = &self.fields {
            none_blank("fields", fields)?;
        }
        if self.return_tokens && self.redaction.is_some() {
            return Err(Error::invalid("redaction", "cannot be combined with return_tokens"));
        }
        let subject = subject(&*self.table, 1);
        let mut get = records::Get::new(vault_id, self.table, self.skyflow_id);
        get.redaction = self.redaction.map(|redaction| redaction.as_str().into());
        get.tokenization = self.return_tokens.then_some(true);
        get.fields = self.fields.unwrap_or_default();
        get.download_url = self.download_url;
        get.return_file_metadata = self.return_file_metadata.then_some(true);
        Ok(Call::new(ReadAs::new(get)).about(subject))
    }
}

impl Vault {
    /// Gets one row by its id, from the row's own address.
    ///
    /// ```
    /// # async fn run(vault: skyflow::Vault, id: String) -> Result<(), skyflow::Error> {
    /// use skyflow::GetByIdRequest;
    ///
    /// let person = vault.get_by_id(GetByIdRequest::new("persons", id)).await?;
    /// println!("{:?}", person.text("state"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails before anything is sent when the table, the id or a field is blank, or tokens are requested together with a
    /// redaction; fails as every call does afterwards, with 404 when the id is unknown.
    pub async fn get_by_id(&self, request: GetByIdRequest) -> Result<StoredRecord, Error> {
        let call = request.into_get(self.id().as_str());
        let read = |response| {
            let origin = Origin::of(records::Get::INFO.name, &response);
            let row = StoredRecord::of(response.body, &origin);
            row.map_err(|_| Error::bad_response("the response has no columns of a row"))
        };
        self.handle.call(call, read).await
    }
}
