//! Skyflow's subset of SQL, turned into what SQLite runs.
//!
//! A query is judged by its syntax tree: anything in the tree beyond the documented subset is refused, in any
//! position. Nothing of the caller's text reaches SQLite: names are looked up in the schema, literals become
//! parameters.

mod expression;
mod projection;
mod scope;

use std::sync::Arc;
use std::thread;

use rusqlite::types::Value as SqlValue;
use skyflow_types::Redaction;
use sqlparser::ast::{Expr, GroupByExpr, LimitClause, Query, Select, SetExpr, Statement, Value};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Location;

use crate::errors::{ApiError, ApiResult};
use crate::schema::{CompiledColumn, Schema};
use scope::Scope;

/// The most rows of one response.
const ROWS: u64 = 25;
/// The longest query, in bytes. It also bounds how deep a syntax tree can get.
const LENGTH: usize = 8192;
/// A stack for the deepest tree that a query of that length can have. Pages that are not used cost nothing.
const STACK: usize = 256 << 20;

/// A query that SQLite can run, and what its columns mean.
pub(crate) struct Plan {
    pub(crate) sql: String,
    pub(crate) parameters: Vec<SqlValue>,
    pub(crate) outputs: Vec<Output>,
    /// The table after `FROM`.
    pub(crate) table: Option<String>,
}

/// One column of the response.
pub(crate) struct Output {
    pub(crate) name: String,
    /// Whether dots in the name lead into nested objects; in an alias they are just dots.
    pub(crate) nested: bool,
    pub(crate) shown: Shown,
}

/// How the values of a column of the response are shown.
pub(crate) enum Shown {
    /// As they are: ids and counts.
    Plain,
    /// As the values of this column, at this level.
    Value(Arc<CompiledColumn>, Redaction),
    /// A number computed from this column, for callers who may see the column in plain text.
    Computed(Arc<CompiledColumn>),
}

/// Reads a query and checks all of it.
///
/// It does so on a separate thread: the parser calls itself once for each operator of chains such as `NOT NOT …`,
/// and so does dropping the tree, which the stack of an ordinary thread does not survive.
pub(crate) fn compile(schema: &Schema, text: &str) -> ApiResult<Plan> {
    if text.len() > LENGTH {
        return Err(refused(format!("The query is longer than {LENGTH} bytes.")));
    }
    thread::scope(|scope| {
        let work =
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || compile_here(schema, text));
        work.map_err(|_| ApiError::internal())?.join().unwrap_or_else(|_| Err(ApiError::internal()))
    })
}

fn compile_here(schema: &Schema, text: &str) -> ApiResult<Plan> {
    let mut statements =
        Parser::parse_sql(&PostgreSqlDialect {}, text).map_err(|error| not_sql(location_of(&error)))?;
    let query = match (statements.pop(), statements.is_empty()) {
        (Some(Statement::Query(query)), true) => *query,
        _ => return Err(refused("Only one SELECT statement is supported.")),
    };
    let (select, page) = split(query)?;
    if select.projection.is_empty() {
        return Err(not_sql(Some(select.select_token.0.span.end)));
    }
    let scope = Scope::read(schema, &select.from)?;
    let mut translation = expression::Translation::new(&scope);
    let (projection, outputs) = projection::read(&scope, &select.projection)?;
    let from = scope.sql(&mut translation)?;
    let condition = match &select.selection {
        Some(condition) => format!(" WHERE {}", translation.condition(condition)?),
        None => String::new(),
    };
    let sql =
        format!("SELECT {projection} FROM {from}{condition} LIMIT {} OFFSET {}", page.limit, page.offset);
    let table = scope.sources.first().map(|source| source.table.name().to_owned());
    Ok(Plan { sql, parameters: translation.into_parameters(), outputs, table })
}

/// Which rows of the result are wanted.
struct Page {
    limit: u64,
    offset: u64,
}

/// Takes the query apart; every clause that is not part of the subset has to be absent. The patterns name every
/// field, so that a clause which a new parser knows cannot slip through.
fn split(query: Query) -> ApiResult<(Select, Page)> {
    let Query {
        with,
        body,
        order_by,
        limit_clause,
        fetch,
        locks,
        for_clause,
        settings,
        format_clause,
        pipe_operators,
    } = query;
    let extra = with.is_some()
        || order_by.is_some()
        || fetch.is_some()
        || !locks.is_empty()
        || for_clause.is_some()
        || settings.is_some()
        || format_clause.is_some()
        || !pipe_operators.is_empty();
    let SetExpr::Select(select) = *body else { return Err(unsupported()) };
    if extra || has_extra_clauses(&select) {
        return Err(unsupported());
    }
    Ok((*select, page(limit_clause)?))
}

fn has_extra_clauses(select: &Select) -> bool {
    let Select {
        select_token: _,
        optimizer_hints,
        distinct,
        select_modifiers,
        top,
        top_before_distinct: _,
        projection: _,
        exclude,
        into,
        from: _,
        lateral_views,
        prewhere,
        selection: _,
        connect_by,
        group_by,
        cluster_by,
        distribute_by,
        sort_by,
        having,
        named_window,
        qualify,
        window_before_qualify: _,
        value_table_mode,
        flavor,
    } = select;
    let grouped = match group_by {
        GroupByExpr::All(_) => true,
        GroupByExpr::Expressions(expressions, modifiers) => !expressions.is_empty() || !modifiers.is_empty(),
    };
    grouped
        || !optimizer_hints.is_empty()
        || distinct.is_some()
        || select_modifiers.is_some()
        || top.is_some()
        || exclude.is_some()
        || into.is_some()
        || !lateral_views.is_empty()
        || prewhere.is_some()
        || !connect_by.is_empty()
        || !cluster_by.is_empty()
        || !distribute_by.is_empty()
        || !sort_by.is_empty()
        || having.is_some()
        || !named_window.is_empty()
        || qualify.is_some()
        || value_table_mode.is_some()
        || !matches!(flavor, sqlparser::ast::SelectFlavor::Standard)
}

fn page(clause: Option<LimitClause>) -> ApiResult<Page> {
    let (limit, offset) = match clause {
        None => (None, None),
        Some(LimitClause::LimitOffset { limit, offset, limit_by }) if limit_by.is_empty() => {
            (limit, offset.map(|offset| offset.value))
        }
        Some(_) => return Err(unsupported()),
    };
    let limit = limit.map_or(Ok(ROWS), |limit| number(&limit))?;
    Ok(Page { limit: limit.min(ROWS), offset: offset.map_or(Ok(0), |offset| number(&offset))? })
}

fn number(expression: &Expr) -> ApiResult<u64> {
    match expression {
        Expr::Value(literal) => match &literal.value {
            // SQLite's own numbers are signed.
            Value::Number(digits, _) => digits.parse().ok().filter(|n| *n <= i64::MAX as u64),
            _ => None,
        },
        _ => None,
    }
    .ok_or_else(|| refused("LIMIT and OFFSET take whole numbers."))
}

/// Finds where the parser stopped. Its message repeats the query, which holds values.
fn location_of(error: &ParserError) -> Option<Location> {
    let (ParserError::TokenizerError(message) | ParserError::ParserError(message)) = error else {
        return None;
    };
    let (_, place) = message.rsplit_once("at Line: ")?;
    let (line, column) = place.split_once(", Column: ")?;
    Some(Location { line: line.parse().ok()?, column: column.trim().parse().ok()? })
}

/// Refuses text that is not SQL.
fn not_sql(location: Option<Location>) -> ApiError {
    refused(match location {
        Some(Location { line, column }) => {
            format!("The query is not valid SQL (line {line}, column {column}).")
        }
        None => "The query is not valid SQL (at its end).".to_owned(),
    })
}

pub(crate) fn refused(reason: impl AsRef<str>) -> ApiError {
    ApiError::bad_request(format!("Query failed. {}", reason.as_ref()))
}

pub(crate) fn unsupported() -> ApiError {
    refused("The query uses SQL that is not supported.")
}
