//! The tables that every vault starts with.

use skyflow_types::DetectEntity;

use super::column::{Column, ColumnOperation, DataType, Table, TokenPolicy};
use super::column_of;
use TokenPolicy::{DeterministicFormatPreserving, DeterministicUuid, Transient};

const CARD_TOKEN: &str = "^[0-9]{4}-[0-9]{4}-([0-9]{4})-([0-9]{4})$";
const CARD_MASK: (&str, &str) = ("[0-9 -]*([0-9 -]{4}$)", "XXXXXXXXXXXX${1}");
const EMAIL_TOKEN: &str = r"^([a-z]{20})@([a-z]{10})\.com$";
const EMAIL_MASK: (&str, &str) = ("^(.).*?(.)?@(.+)", "$1******$2@$3");
const SSN_TOKEN: &str = "^[0-9]{3}-[0-9]{2}-([0-9]{4})$";
const SSN_MASK: (&str, &str) = ("^[0-9]{3}([- ])?[0-9]{2}([- ])?([0-9]{4})$", "XXX${1}XX${2}${3}");
const ISO_DATE: &str =
    "^$|([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1])))";

/// The README's `table1`, the two tables of Skyflow's Quickstart vault, and the table of Skyflow's Detect vault.
pub(crate) fn default_tables() -> Vec<Table> {
    vec![table1(), credit_cards(), persons(), detect()]
}

/// One column for each entity that Detect finds; its tokens are the vault tokens of texts. In Skyflow's own Detect vault
/// the table is called `table1`, which is the name of the README's table here.
fn detect() -> Table {
    DetectEntity::ALL_KNOWN.iter().fold(Table::new("detect"), |table, entity| {
        table.column(
            Column::string(column_of(entity))
                .tokens(DeterministicFormatPreserving)
                .token_format("[a-zA-Z0-9]{7}")
                .operation(ColumnOperation::ExactMatch)
                // Skyflow's own mask, `.*(.{4})`, shows a value of four characters whole.
                .masked(r"(?s)\A.{4,}(.{4})\z", "XXXXX${1}"),
        )
    })
}

/// The table that the official READMEs use, with room for the examples of this workspace. Its columns accept any
/// value of their type, so that an example needs no well-formed card number.
fn table1() -> Table {
    Table::new("table1")
        .column(
            Column::string("card_number")
                .tokens(DeterministicFormatPreserving)
                .token_format(CARD_TOKEN)
                .masked(CARD_MASK.0, CARD_MASK.1),
        )
        .column(Column::string("cardholder_name").tokens(DeterministicUuid).redacted())
        .column(Column::string("expiry_month").tokens(DeterministicUuid))
        .column(Column::string("expiry_year").tokens(DeterministicUuid))
        .column(Column::string("cvv").tokens(Transient).redacted().ttl_minutes(60))
        .column(Column::string("name").tokens(DeterministicUuid))
        .column(
            Column::string("email")
                .tokens(DeterministicFormatPreserving)
                .token_format(EMAIL_TOKEN)
                .masked(EMAIL_MASK.0, EMAIL_MASK.1)
                .unique(),
        )
        .column(Column::string("phone").tokens(TokenPolicy::NonDeterministicUuid))
        .column(
            Column::string("ssn")
                .tokens(DeterministicFormatPreserving)
                .token_format(SSN_TOKEN)
                .masked(SSN_MASK.0, SSN_MASK.1),
        )
        .column(Column::new("date_of_birth", DataType::Date).tokens(DeterministicUuid))
        .column(Column::string("state").tokens(DeterministicUuid))
        .column(Column::new("age", DataType::Int32).tokens(DeterministicUuid))
        .column(Column::new("score", DataType::Float32))
        .column(Column::new("active", DataType::Bool))
        .column(Column::new("metadata", DataType::Json))
        .column(Column::string("notes"))
        .column(Column::file("file"))
}

fn credit_cards() -> Table {
    let exact = ColumnOperation::ExactMatch;
    Table::new("credit_cards")
        .column(Column::string("cardholder_name").tokens(DeterministicUuid).redacted())
        .column(
            Column::string("card_number")
                .tokens(DeterministicFormatPreserving)
                .token_format(CARD_TOKEN)
                .operation(exact)
                .validate(r"^$|^[\s]*?([0-9]{2,6}[ -]?){3,5}[\s]*$")
                .masked(CARD_MASK.0, CARD_MASK.1),
        )
        .column(Column::string("expiry_month").tokens(DeterministicUuid).operation(exact))
        .column(Column::string("expiry_year").tokens(DeterministicUuid).operation(exact))
        .column(
            Column::string("cvv")
                .tokens(Transient)
                .ttl_minutes(60)
                .operation(exact)
                .validate("^$|^[0-9]{3,4}$")
                .redacted(),
        )
}

fn persons() -> Table {
    let exact = ColumnOperation::ExactMatch;
    Table::new("persons")
        .column(
            Column::string("name")
                .tokens(DeterministicUuid)
                .operation(exact)
                .validate("^$|^[A-za-z ,.'-;]+$")
                .redacted(),
        )
        .column(
            Column::string("email_address")
                .tokens(DeterministicFormatPreserving)
                .token_format(EMAIL_TOKEN)
                .operation(exact)
                .validate("^$|^([a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+.[a-zA-Z]{2,})$")
                .redacted()
                .mask_with(EMAIL_MASK.0, EMAIL_MASK.1),
        )
        .column(
            Column::string("ssn")
                .tokens(DeterministicFormatPreserving)
                .token_format(SSN_TOKEN)
                .operation(exact)
                .validate("^$|^([0-9]{3}-?[0-9]{2}-?[0-9]{4})$")
                .masked(SSN_MASK.0, SSN_MASK.1),
        )
        .column(
            Column::new("date_of_birth", DataType::Date)
                .tokens(DeterministicUuid)
                .operation(exact)
                .validate(ISO_DATE)
                .masked(ISO_DATE, "XXXX-${5}${6}"),
        )
        .column(Column::string("state").tokens(DeterministicUuid).operation(exact))
}
