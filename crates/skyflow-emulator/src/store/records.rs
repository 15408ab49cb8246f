//! Rows of values.

use super::layout::values_of;
use super::quoted;
use super::tokens::TokenTarget;
use crate::exact::Exact;
use crate::schema::{CompiledColumn, CompiledTable, SKYFLOW_ID};
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter, types::Value as SqlValue};

/// A row as it is stored; the values have the order of the table's columns.
pub(crate) struct StoredRow {
    pub(crate) skyflow_id: String,
    pub(crate) values: Vec<Exact>,
}

/// How rows are ordered.
#[derive(Clone, Copy)]
pub(crate) enum Order {
    Ascending,
    Descending,
    Insertion,
}

/// A column and the value for it.
pub(crate) type Cell<'a> = (&'a CompiledColumn, &'a Exact);

pub(crate) fn insert(
    connection: &Connection,
    table: &CompiledTable,
    skyflow_id: &str,
    cells: &[Cell<'_>],
) -> rusqlite::Result<()> {
    let mut columns = SKYFLOW_ID.to_owned();
    let mut marks = "?1".to_owned();
    for (index, (column, _)) in cells.iter().enumerate() {
        columns.push_str(", ");
        columns.push_str(&quoted(&column.name));
        marks.push_str(&format!(", ?{}", index + 2));
    }
    let sql = format!("INSERT INTO {} ({columns}) VALUES ({marks})", values_of(table.name()));
    connection.prepare_cached(&sql)?.execute(params_from_iter(parameters(skyflow_id, cells))).map(drop)
}

pub(crate) fn update(
    connection: &Connection,
    table: &CompiledTable,
    skyflow_id: &str,
    cells: &[Cell<'_>],
) -> rusqlite::Result<()> {
    if cells.is_empty() {
        return Ok(());
    }
    let assignments: Vec<String> = cells
        .iter()
        .enumerate()
        .map(|(index, (column, _))| format!("{} = ?{}", quoted(&column.name), index + 2))
        .collect();
    let sql =
        format!("UPDATE {} SET {} WHERE {SKYFLOW_ID} = ?1", values_of(table.name()), assignments.join(", "));
    connection.prepare_cached(&sql)?.execute(params_from_iter(parameters(skyflow_id, cells))).map(drop)
}

/// A transient value is never part of a record: it lives with its token only.
fn parameters(skyflow_id: &str, cells: &[Cell<'_>]) -> Vec<SqlValue> {
    let stored = |(column, value): &Cell<'_>| match column.is_transient() {
        true => SqlValue::Null,
        false => column.to_sql(value),
    };
    std::iter::once(SqlValue::Text(skyflow_id.to_owned())).chain(cells.iter().map(stored)).collect()
}

pub(crate) fn exists(
    connection: &Connection,
    table: &CompiledTable,
    skyflow_id: &str,
) -> rusqlite::Result<bool> {
    let sql = format!("SELECT 1 FROM {} WHERE {SKYFLOW_ID} = ?1", values_of(table.name()));
    connection.prepare_cached(&sql)?.exists([skyflow_id])
}

/// Finds the record that has this value in a unique column.
pub(crate) fn find_by_value(
    connection: &Connection,
    table: &CompiledTable,
    column: &CompiledColumn,
    value: &Exact,
) -> rusqlite::Result<Option<String>> {
    let sql =
        format!("SELECT {SKYFLOW_ID} FROM {} WHERE {} = ?1", values_of(table.name()), quoted(&column.name));
    connection.prepare_cached(&sql)?.query_row([column.to_sql(value)], |row| row.get(0)).optional()
}

pub(crate) fn get(
    connection: &Connection,
    table: &CompiledTable,
    skyflow_id: &str,
) -> rusqlite::Result<Option<StoredRow>> {
    let sql = format!("{} WHERE {SKYFLOW_ID} = ?1", select(table));
    connection.prepare_cached(&sql)?.query_row([skyflow_id], |row| stored_row(table, row)).optional()
}

/// Reads the value of a token: a transient one is stored beside its token.
pub(crate) fn value_behind(
    connection: &Connection,
    table: &CompiledTable,
    column: &CompiledColumn,
    target: &TokenTarget,
) -> rusqlite::Result<Option<Exact>> {
    match &target.value {
        Some(json) => Ok(Exact::parse(json)),
        None => get_value(connection, table, column, &target.skyflow_id),
    }
}

/// Reads one cell.
fn get_value(
    connection: &Connection,
    table: &CompiledTable,
    column: &CompiledColumn,
    skyflow_id: &str,
) -> rusqlite::Result<Option<Exact>> {
    let sql =
        format!("SELECT {} FROM {} WHERE {SKYFLOW_ID} = ?1", quoted(&column.name), values_of(table.name()));
    connection
        .prepare_cached(&sql)?
        .query_row([skyflow_id], |row| Ok(column.read(row.get_ref(0)?)))
        .optional()
}

/// Reads one page of the table.
pub(crate) fn page(
    connection: &Connection,
    table: &CompiledTable,
    order: Order,
    offset: u32,
    limit: u32,
) -> rusqlite::Result<Vec<StoredRow>> {
    let order = match order {
        Order::Ascending => "skyflow_id ASC",
        Order::Descending => "skyflow_id DESC",
        Order::Insertion => "row ASC",
    };
    let sql = format!("{} ORDER BY {order} LIMIT ?1 OFFSET ?2", select(table));
    connection.prepare_cached(&sql)?.query_map([limit, offset], |row| stored_row(table, row))?.collect()
}

pub(crate) fn delete(
    connection: &Connection,
    table: &CompiledTable,
    skyflow_id: &str,
) -> rusqlite::Result<bool> {
    let sql = format!("DELETE FROM {} WHERE {SKYFLOW_ID} = ?1", values_of(table.name()));
    connection.prepare_cached(&sql)?.execute([skyflow_id]).map(|rows| rows > 0)
}

pub(crate) fn delete_all(connection: &Connection, table: &CompiledTable) -> rusqlite::Result<usize> {
    connection.execute(&format!("DELETE FROM {}", values_of(table.name())), [])
}

fn select(table: &CompiledTable) -> String {
    let columns: String =
        table.columns().iter().map(|column| format!(", {}", quoted(&column.name))).collect();
    format!("SELECT {SKYFLOW_ID}{columns} FROM {}", values_of(table.name()))
}

fn stored_row(table: &CompiledTable, row: &Row<'_>) -> rusqlite::Result<StoredRow> {
    let values = table
        .columns()
        .iter()
        .enumerate()
        .map(|(index, column)| Ok(column.read(row.get_ref(index + 1)?)))
        .collect::<rusqlite::Result<_>>()?;
    Ok(StoredRow { skyflow_id: row.get(0)?, values })
}
