use std::sync::Arc;

use skyflow_types::Redaction;
use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, ObjectNamePart,
    SelectItem, SelectItemQualifiedWildcardKind, Value, WildcardAdditionalOptions,
};

use super::scope::{Reference, Scope, Source, Target};
use super::{Output, Shown, refused, unsupported};
use crate::errors::ApiResult;
use crate::schema::ColumnOperation;

/// Translates the columns between `SELECT` and `FROM`.
pub(super) fn read(scope: &Scope<'_>, items: &[SelectItem]) -> ApiResult<(String, Vec<Output>)> {
    let mut columns = Vec::new();
    let mut outputs = Vec::new();
    let (mut computed, mut plain) = (false, false);
    for item in items {
        let (expression, alias) = match item {
            SelectItem::Wildcard(options) => {
                check_wildcard(options)?;
                for source in &scope.sources {
                    add_all(source, &mut columns, &mut outputs);
                }
                plain = true;
                continue;
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) => {
                check_wildcard(options)?;
                add_all(scope.source(name)?, &mut columns, &mut outputs);
                plain = true;
                continue;
            }
            SelectItem::UnnamedExpr(expression) => (expression, None),
            SelectItem::ExprWithAlias { expr, alias } => (expr, Some(alias.value.clone())),
            _ => return Err(unsupported()),
        };
        let item = read_item(scope, expression)?;
        *(if item.computed { &mut computed } else { &mut plain }) = true;
        columns.push(item.sql);
        let nested = alias.is_none() && !item.computed;
        outputs.push(Output { name: alias.unwrap_or(item.name), nested, shown: item.shown });
    }
    if computed && plain {
        return Err(refused("Aggregates cannot be combined with columns."));
    }
    Ok((columns.join(", "), outputs))
}

struct Item {
    sql: String,
    name: String,
    shown: Shown,
    computed: bool,
}

fn read_item(scope: &Scope<'_>, expression: &Expr) -> ApiResult<Item> {
    match expression {
        Expr::Nested(inner) => read_item(scope, inner),
        Expr::Function(function) => read_function(scope, function),
        _ => Ok(value_item(reference(scope, expression)?, Redaction::Default)),
    }
}

fn value_item(reference: Reference, level: Redaction) -> Item {
    let shown = match &reference.target {
        Target::SkyflowId => Shown::Plain,
        Target::Column(column) => Shown::Value(Arc::clone(column), level),
    };
    Item { sql: reference.sql(), name: reference.name().to_owned(), shown, computed: false }
}

fn reference(scope: &Scope<'_>, expression: &Expr) -> ApiResult<Reference> {
    match expression {
        Expr::Identifier(ident) => scope.resolve(std::slice::from_ref(ident)),
        Expr::CompoundIdentifier(path) => scope.resolve(path),
        _ => Err(unsupported()),
    }
}

fn read_function(scope: &Scope<'_>, function: &Function) -> ApiResult<Item> {
    let (name, arguments) = simple_call(function)?;
    // Without an alias the response calls it as the query does: public programs read `count(*)`.
    let written = function.to_string();
    match (name.as_str(), arguments) {
        (
            "redaction",
            [
                FunctionArg::Unnamed(FunctionArgExpr::Expr(column)),
                FunctionArg::Unnamed(FunctionArgExpr::Expr(level)),
            ],
        ) => Ok(value_item(reference(scope, column)?, level_of(level)?)),
        ("count", [FunctionArg::Unnamed(FunctionArgExpr::Wildcard)]) => {
            Ok(Item { sql: "count(*)".to_owned(), name: written, shown: Shown::Plain, computed: true })
        }
        (
            "count" | "avg" | "sum" | "min" | "max",
            [FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))],
        ) => {
            let reference = reference(scope, argument)?;
            let sql = format!("{name}({})", reference.sql());
            let shown = match &reference.target {
                _ if name == "count" => Shown::Plain,
                Target::SkyflowId if matches!(name.as_str(), "min" | "max") => Shown::Plain,
                Target::SkyflowId => return Err(unsupported()),
                Target::Column(column) if !column.allows(ColumnOperation::Aggregation) => {
                    return Err(refused(format!("Column {} does not support this operation.", column.name)));
                }
                Target::Column(column) if matches!(name.as_str(), "min" | "max") => {
                    Shown::Value(Arc::clone(column), Redaction::Default)
                }
                Target::Column(column) => Shown::Computed(Arc::clone(column)),
            };
            Ok(Item { sql, name: written, shown, computed: true })
        }
        _ => Err(unsupported()),
    }
}

/// Takes a call apart that is nothing but a name and a list of arguments.
fn simple_call(function: &Function) -> ApiResult<(String, &[FunctionArg])> {
    let Function {
        name,
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses }),
        within_group,
        filter: None,
        null_treatment: None,
        over: None,
    } = function
    else {
        return Err(unsupported());
    };
    match name.0.as_slice() {
        [ObjectNamePart::Identifier(ident)] if clauses.is_empty() && within_group.is_empty() => {
            Ok((ident.value.to_ascii_lowercase(), args))
        }
        _ => Err(unsupported()),
    }
}

fn level_of(expression: &Expr) -> ApiResult<Redaction> {
    let name = match expression {
        Expr::Value(literal) => match &literal.value {
            Value::SingleQuotedString(text) => text.as_str(),
            _ => "",
        },
        Expr::Identifier(ident) => ident.value.as_str(),
        _ => "",
    };
    match name {
        "DEFAULT" => Ok(Redaction::Default),
        "REDACTED" => Ok(Redaction::Redacted),
        "MASKED" => Ok(Redaction::Masked),
        "PLAIN_TEXT" => Ok(Redaction::PlainText),
        _ => Err(refused("REDACTION takes a column and DEFAULT, REDACTED, MASKED or PLAIN_TEXT.")),
    }
}

fn check_wildcard(options: &WildcardAdditionalOptions) -> ApiResult<()> {
    let WildcardAdditionalOptions {
        wildcard_token: _,
        opt_ilike: None,
        opt_exclude: None,
        opt_except: None,
        opt_replace: None,
        opt_rename: None,
        opt_alias: None,
    } = options
    else {
        return Err(unsupported());
    };
    Ok(())
}

/// Adds every column of a table; transient values are never part of a record.
fn add_all(source: &Source, columns: &mut Vec<String>, outputs: &mut Vec<Output>) {
    let stored = source.table.columns().iter().filter(|column| !column.is_transient());
    let targets = std::iter::once(Target::SkyflowId).chain(stored.map(|c| Target::Column(Arc::clone(c))));
    for target in targets {
        let item = value_item(Reference { alias: source.alias.clone(), target }, Redaction::Default);
        columns.push(item.sql);
        outputs.push(Output { name: item.name, nested: true, shown: item.shown });
    }
}
