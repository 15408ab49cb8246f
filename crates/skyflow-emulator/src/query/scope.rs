use std::sync::Arc;

use sqlparser::ast::{
    Ident, JoinConstraint, JoinOperator, ObjectName, ObjectNamePart, TableFactor, TableWithJoins,
};

use super::expression::Translation;
use super::{not_sql, refused, unsupported};
use crate::errors::{ApiError, ApiResult};
use crate::schema::{CompiledColumn, CompiledTable, SKYFLOW_ID, Schema};
use crate::store::{layout, quoted};

/// The words that a query is made of. The parser takes them for names where a name has to be.
const CLAUSES: [&str; 26] = [
    "SELECT", "FROM", "WHERE", "JOIN", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "ON", "AS", "AND",
    "OR", "NOT", "NULL", "IS", "IN", "LIKE", "ILIKE", "LIMIT", "OFFSET", "GROUP", "ORDER", "HAVING", "UNION",
];

/// The tables of a query, under the names that its columns use.
pub(super) struct Scope<'q> {
    pub(super) sources: Vec<Source>,
    joins: Vec<(&'static str, &'q sqlparser::ast::Expr)>,
}

pub(super) struct Source {
    pub(super) alias: String,
    pub(super) table: Arc<CompiledTable>,
}

/// A column of one of the tables.
#[derive(Clone)]
pub(super) struct Reference {
    pub(super) alias: String,
    pub(super) target: Target,
}

#[derive(Clone)]
pub(super) enum Target {
    SkyflowId,
    Column(Arc<CompiledColumn>),
}

impl Reference {
    pub(super) fn name(&self) -> &str {
        match &self.target {
            Target::SkyflowId => SKYFLOW_ID,
            Target::Column(column) => &column.name,
        }
    }

    pub(super) fn sql(&self) -> String {
        format!("{}.{}", quoted(&self.alias), quoted(self.name()))
    }
}

impl<'q> Scope<'q> {
    pub(super) fn read(schema: &Schema, from: &'q [TableWithJoins]) -> ApiResult<Self> {
        let [from] = from else { return Err(refused("Specify one table after FROM, and others with JOIN.")) };
        let mut sources = vec![source(schema, &from.relation)?];
        let mut joins = Vec::new();
        for join in &from.joins {
            if join.global {
                return Err(unsupported());
            }
            let next = source(schema, &join.relation)?;
            if sources.iter().any(|known| known.alias == next.alias) {
                return Err(refused("A table name is used twice."));
            }
            sources.push(next);
            let (keyword, constraint) = match &join.join_operator {
                JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => ("JOIN", constraint),
                JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => {
                    ("LEFT JOIN", constraint)
                }
                JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => {
                    ("RIGHT JOIN", constraint)
                }
                JoinOperator::FullOuter(constraint) => ("FULL JOIN", constraint),
                _ => return Err(unsupported()),
            };
            let JoinConstraint::On(condition) = constraint else {
                return Err(refused("A JOIN needs a condition after ON."));
            };
            joins.push((keyword, condition));
        }
        Ok(Self { sources, joins })
    }

    pub(super) fn sql(&self, translation: &mut Translation<'_>) -> ApiResult<String> {
        let mut sql = String::new();
        for (index, source) in self.sources.iter().enumerate() {
            let table = format!("{} AS {}", layout::values_of(source.table.name()), quoted(&source.alias));
            match index.checked_sub(1).and_then(|join| self.joins.get(join)) {
                Some((keyword, condition)) => {
                    sql.push_str(&format!(" {keyword} {table} ON {}", translation.condition(condition)?));
                }
                None => sql.push_str(&table),
            }
        }
        Ok(sql)
    }

    /// Finds the column that a path such as `name`, `table.name` or `table.parent.child` names.
    pub(super) fn resolve(&self, path: &[Ident]) -> ApiResult<Reference> {
        let parts: Vec<&str> = path.iter().map(|ident| ident.value.as_str()).collect();
        let whole = parts.join(".");
        let mut found = self.sources.iter().filter_map(|source| {
            let qualified = match parts.split_first() {
                Some((alias, rest)) if *alias == source.alias && !rest.is_empty() => Some(rest.join(".")),
                _ => None,
            };
            let target =
                qualified.and_then(|name| target(source, &name)).or_else(|| target(source, &whole))?;
            Some(Reference { alias: source.alias.clone(), target })
        });
        match (found.next(), found.next()) {
            (Some(reference), None) => Ok(reference),
            (Some(_), Some(_)) => Err(refused(format!("Column {whole} is ambiguous."))),
            _ => Err(refused(format!("Column {whole} is invalid. Specify a valid column."))),
        }
    }

    pub(super) fn source(&self, name: &ObjectName) -> ApiResult<&Source> {
        let alias = single_name(name)?;
        self.sources
            .iter()
            .find(|source| source.alias == alias)
            .ok_or_else(|| ApiError::unknown_table(&alias))
    }
}

fn target(source: &Source, name: &str) -> Option<Target> {
    if name == SKYFLOW_ID {
        return Some(Target::SkyflowId);
    }
    source.table.column(name).map(|column| Target::Column(Arc::clone(column)))
}

fn source(schema: &Schema, factor: &TableFactor) -> ApiResult<Source> {
    let TableFactor::Table {
        name,
        alias,
        args: None,
        with_hints,
        version: None,
        with_ordinality: false,
        partitions,
        json_path: None,
        sample: None,
        index_hints,
    } = factor
    else {
        return Err(unsupported());
    };
    if !with_hints.is_empty() || !partitions.is_empty() || !index_hints.is_empty() {
        return Err(unsupported());
    }
    let table_name = single_name(name)?;
    let table = schema.table(&table_name).ok_or_else(|| unknown(name, &table_name))?;
    let alias = match alias {
        Some(alias) if alias.columns.is_empty() => alias.name.value.clone(),
        Some(_) => return Err(unsupported()),
        None => table_name,
    };
    Ok(Source { alias, table: Arc::clone(table) })
}

/// Returns a syntax error for a keyword where a table is expected, and 404 for any other name.
fn unknown(name: &ObjectName, table: &str) -> ApiError {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] if ident.quote_style.is_none() && is_reserved(&ident.value) => {
            not_sql(Some(ident.span.start))
        }
        _ => ApiError::unknown_table(table),
    }
}

fn is_reserved(word: &str) -> bool {
    CLAUSES.iter().any(|clause| word.eq_ignore_ascii_case(clause))
}

fn single_name(name: &ObjectName) -> ApiResult<String> {
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] => Ok(ident.value.clone()),
        _ => Err(unsupported()),
    }
}
