use rusqlite::types::Value as SqlValue;
use sqlparser::ast::{BinaryOperator, Expr, Ident, UnaryOperator, Value};

use super::scope::{Reference, Scope, Target};
use super::{refused, unsupported};
use crate::errors::ApiResult;
use crate::schema::ColumnOperation;

/// How deep conditions may nest.
const DEPTH: usize = 200;

/// Conditions on their way to SQLite, with the literals that become parameters.
pub(super) struct Translation<'q> {
    scope: &'q Scope<'q>,
    parameters: Vec<SqlValue>,
    depth: usize,
}

enum Operand {
    Column(Reference),
    Literal(SqlValue),
}

impl<'q> Translation<'q> {
    pub(super) fn new(scope: &'q Scope<'q>) -> Self {
        Self { scope, parameters: Vec::new(), depth: 0 }
    }

    pub(super) fn into_parameters(self) -> Vec<SqlValue> {
        self.parameters
    }

    /// Translates the condition after `WHERE` or `ON`.
    pub(super) fn condition(&mut self, expression: &Expr) -> ApiResult<String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(refused("The conditions nest too deep."));
        }
        let sql = self.condition_at_depth(expression);
        self.depth -= 1;
        sql
    }

    fn condition_at_depth(&mut self, expression: &Expr) -> ApiResult<String> {
        match expression {
            Expr::Nested(inner) => self.condition(inner),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => Ok(format!("(NOT {})", self.condition(expr)?)),
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
                Ok(format!("({} AND {})", self.condition(left)?, self.condition(right)?))
            }
            Expr::BinaryOp { left, op: BinaryOperator::Or, right } => {
                Ok(format!("({} OR {})", self.condition(left)?, self.condition(right)?))
            }
            Expr::BinaryOp { left, op, right } => self.comparison(left, op, right),
            Expr::IsNull(operand) => Ok(format!("({} IS NULL)", self.operand(operand, None)?)),
            Expr::IsNotNull(operand) => Ok(format!("({} IS NOT NULL)", self.operand(operand, None)?)),
            Expr::Like { negated, any: false, expr, pattern, escape_char: None } => {
                let not = if *negated { "NOT " } else { "" };
                let (text, pattern) = self.pattern_operands(expr, pattern)?;
                Ok(format!("({text} {not}LIKE {pattern})"))
            }
            Expr::ILike { negated, any: false, expr, pattern, escape_char: None } => {
                let not = if *negated { "NOT " } else { "" };
                let (text, pattern) = self.pattern_operands(expr, pattern)?;
                Ok(format!("(lower({text}) {not}LIKE lower({pattern}))"))
            }
            _ => Err(unsupported()),
        }
    }

    fn comparison(&mut self, left: &Expr, operator: &BinaryOperator, right: &Expr) -> ApiResult<String> {
        let (sql, needed) = match operator {
            BinaryOperator::Eq => ("=", ColumnOperation::ExactMatch),
            BinaryOperator::NotEq => ("<>", ColumnOperation::ExactMatch),
            BinaryOperator::Gt => (">", ColumnOperation::Order),
            BinaryOperator::Lt => ("<", ColumnOperation::Order),
            BinaryOperator::GtEq => (">=", ColumnOperation::Order),
            BinaryOperator::LtEq => ("<=", ColumnOperation::Order),
            _ => return Err(unsupported()),
        };
        Ok(format!("({} {sql} {})", self.operand(left, Some(needed))?, self.operand(right, Some(needed))?))
    }

    fn pattern_operands(&mut self, text: &Expr, pattern: &Expr) -> ApiResult<(String, String)> {
        // Published queries use LIKE on columns of the Quickstart vault, which list `EXACT_MATCH` only.
        let needed = Some(ColumnOperation::ExactMatch);
        Ok((self.operand(text, needed)?, self.operand(pattern, needed)?))
    }

    /// Translates a column or a literal; the column has to allow the operation.
    fn operand(&mut self, expression: &Expr, needed: Option<ColumnOperation>) -> ApiResult<String> {
        match self.read_operand(expression)? {
            Operand::Literal(value) => {
                self.parameters.push(value);
                Ok(format!("?{}", self.parameters.len()))
            }
            Operand::Column(reference) => {
                if let Target::Column(column) = &reference.target {
                    if column.is_transient() {
                        return Err(refused(format!(
                            "Column {} is transient and cannot be part of a condition.",
                            column.name
                        )));
                    }
                    if needed.is_some_and(|needed| !column.allows(needed)) {
                        return Err(refused(format!(
                            "Column {} does not support this operation.",
                            column.name
                        )));
                    }
                }
                Ok(reference.sql())
            }
        }
    }

    fn read_operand(&self, expression: &Expr) -> ApiResult<Operand> {
        match expression {
            Expr::Nested(inner) => self.read_operand(inner),
            Expr::Identifier(ident) => self.name_or_text(ident),
            Expr::CompoundIdentifier(path) => Ok(Operand::Column(self.scope.resolve(path)?)),
            Expr::Value(literal) => Ok(Operand::Literal(literal_of(&literal.value, false)?)),
            Expr::UnaryOp { op: UnaryOperator::Minus, expr } => match expr.as_ref() {
                Expr::Value(literal) => Ok(Operand::Literal(literal_of(&literal.value, true)?)),
                _ => Err(unsupported()),
            },
            _ => Err(unsupported()),
        }
    }

    /// A double-quoted name is a column where there is one, and a text everywhere else, as in Skyflow's examples.
    fn name_or_text(&self, ident: &Ident) -> ApiResult<Operand> {
        match self.scope.resolve(std::slice::from_ref(ident)) {
            Ok(reference) => Ok(Operand::Column(reference)),
            Err(_) if ident.quote_style == Some('"') => Ok(Operand::Literal(ident.value.clone().into())),
            Err(error) => Err(error),
        }
    }
}

fn literal_of(value: &Value, negative: bool) -> ApiResult<SqlValue> {
    let sign = if negative { "-" } else { "" };
    match value {
        Value::Number(digits, _) => {
            let text = format!("{sign}{digits}");
            let integer = text.parse().map(SqlValue::Integer);
            integer.or_else(|_| text.parse().map(SqlValue::Real)).map_err(|_| unsupported())
        }
        _ if negative => Err(unsupported()),
        Value::SingleQuotedString(text) => Ok(SqlValue::Text(text.clone())),
        Value::Boolean(flag) => Ok(SqlValue::Integer(i64::from(*flag))),
        Value::Null => Ok(SqlValue::Null),
        _ => Err(unsupported()),
    }
}
