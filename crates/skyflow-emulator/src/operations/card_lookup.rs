use serde::Deserialize;
use serde_json::{Map, json};

use super::{Call, Reply, members};
use crate::auth::{Caller, Permission};
use crate::errors::{ApiError, ApiResult};
use crate::exact::Exact;
use crate::schema::{CompiledTable, text_of};
use crate::store::records;

#[derive(Deserialize)]
struct LookupRequest {
    #[serde(rename = "BIN", default, deserialize_with = "members::optional")]
    bin: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    fields: Option<Vec<String>>,
    #[serde(default, deserialize_with = "members::optional")]
    skyflow_id: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    vault_schema_config: Option<SchemaConfig>,
}

#[derive(Deserialize, Default)]
struct SchemaConfig {
    #[serde(default, deserialize_with = "members::optional")]
    id: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    table_name: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    mapping: Option<Mapping>,
}

#[derive(Deserialize, Default)]
struct Mapping {
    #[serde(default, deserialize_with = "members::optional")]
    card_number: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    card_last_four_digits: Option<String>,
    #[serde(default, deserialize_with = "members::optional")]
    card_expiry: Option<String>,
}

/// One range of card numbers. The issuers are invented; the numbers are those of the schemes' published test cards.
struct Issuer {
    bin: &'static str,
    issuer: &'static str,
    country: &'static str,
    currency: &'static str,
    card_type: &'static str,
    category: &'static str,
    scheme: &'static str,
}

const fn issuer(
    bin: &'static str,
    issuer: &'static str,
    (country, currency): (&'static str, &'static str),
    card_type: &'static str,
    category: &'static str,
    scheme: &'static str,
) -> Issuer {
    Issuer { bin, issuer, country, currency, card_type, category, scheme }
}

const US: (&str, &str) = ("US", "USD");
const DE: (&str, &str) = ("DE", "EUR");
const GB: (&str, &str) = ("GB", "GBP");
const JP: (&str, &str) = ("JP", "JPY");

const ISSUERS: &[Issuer] = &[
    issuer("400000", "Emulated Bank of Debit", US, "DEBIT", "CLASSIC", "VISA"),
    issuer("401288", "Emulated Savings Bank", US, "CREDIT", "CLASSIC", "VISA"),
    issuer("411111", "Emulated National Bank", US, "CREDIT", "CLASSIC", "VISA"),
    issuer("422222", "Emulated Landesbank", DE, "CREDIT", "GOLD", "VISA"),
    issuer("424242", "Emulated Online Bank", GB, "CREDIT", "PLATINUM", "VISA"),
    issuer("510510", "Emulated Trust", US, "CREDIT", "STANDARD", "MASTERCARD"),
    issuer("520082", "Emulated Trust", US, "DEBIT", "STANDARD", "MASTERCARD"),
    issuer("555555", "Emulated Mutual", US, "CREDIT", "WORLD", "MASTERCARD"),
    issuer("371449", "Emulated Express", US, "CREDIT", "CORPORATE", "AMERICAN EXPRESS"),
    issuer("378282", "Emulated Express", US, "CREDIT", "PERSONAL", "AMERICAN EXPRESS"),
    issuer("601111", "Emulated Discovery", US, "CREDIT", "STANDARD", "DISCOVER"),
    issuer("305693", "Emulated Club", US, "CHARGE", "STANDARD", "DINERS CLUB"),
    issuer("353011", "Emulated Bureau", JP, "CREDIT", "STANDARD", "JCB"),
];

/// Looks a card up by the first digits of its number, given or stored in a record.
pub(super) fn list_cards(call: &Call<'_>, caller: &Caller) -> ApiResult<Reply> {
    caller.require(Permission::Read)?;
    let request: LookupRequest = call.json()?;
    let (number, last_four, expiry) = match (request.bin, request.skyflow_id) {
        (Some(bin), None) => (bin, None, None),
        (None, Some(id)) => stored_card(call, &id, request.vault_schema_config.unwrap_or_default())?,
        _ => return Err(ApiError::bad_request("Invalid request. Specify either BIN or skyflow_id.")),
    };
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 6 {
        return Err(ApiError::bad_request("Invalid request. Specify a BIN of at least 6 digits."));
    }
    let Some(found) = ISSUERS.iter().find(|issuer| digits.starts_with(issuer.bin)) else {
        return Err(ApiError::no_such_resource());
    };
    let mut card = Map::new();
    for (name, value) in [
        ("BIN", Some(found.bin.to_owned())),
        ("issuer_name", Some(found.issuer.to_owned())),
        ("country_code", Some(found.country.to_owned())),
        ("currency", Some(found.currency.to_owned())),
        ("card_type", Some(found.card_type.to_owned())),
        ("card_category", Some(found.category.to_owned())),
        ("card_scheme", Some(found.scheme.to_owned())),
        ("card_last_four_digits", last_four),
        ("card_expiry", expiry),
    ] {
        let wanted = request
            .fields
            .as_ref()
            .is_none_or(|fields| fields.is_empty() || fields.iter().any(|field| field == name));
        if let Some(value) = value.filter(|_| wanted) {
            card.insert(name.to_owned(), value.into());
        }
    }
    Ok(Reply::json(json!({ "cards_data": [card] })).counting(1, 0))
}

/// The number, the last four digits and the expiry of a card that is stored in the vault.
fn stored_card(
    call: &Call<'_>,
    id: &str,
    config: SchemaConfig,
) -> ApiResult<(String, Option<String>, Option<String>)> {
    if config.id.as_deref() != Some(&*call.state.vault_id) {
        return Err(ApiError::no_such_resource());
    }
    let table = call.table_named(config.table_name.as_deref().unwrap_or_default())?;
    let mapping = config.mapping.unwrap_or_default();
    let row = call.state.store.read(|connection| -> ApiResult<_> {
        records::get(connection, table, id)?.ok_or_else(|| ApiError::unknown_ids("Get", &[id.to_owned()]))
    })?;
    let value = |column: &Option<String>| -> ApiResult<Option<String>> {
        match column.as_deref().filter(|name| !name.is_empty()) {
            Some(name) => Ok(Some(text_of(value_of(table, &row.values, name)?))),
            None => Ok(None),
        }
    };
    let number = value(&mapping.card_number)?.unwrap_or_default();
    let last_four = match value(&mapping.card_last_four_digits)? {
        Some(digits) => Some(digits),
        None => number.len().checked_sub(4).and_then(|start| number.get(start..)).map(str::to_owned),
    };
    Ok((number, last_four, value(&mapping.card_expiry)?))
}

fn value_of<'r>(table: &CompiledTable, values: &'r [Exact], name: &str) -> ApiResult<&'r Exact> {
    let index = table.columns().iter().position(|column| column.name == name);
    index.and_then(|index| values.get(index)).ok_or_else(|| {
        ApiError::bad_request(format!("Invalid request. Column {name} is invalid. Specify a valid column."))
    })
}
