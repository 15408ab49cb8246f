//! Queries from a grammar, in which every comparison is of values of one type.

use std::ops::Range;

use fastrand::Rng;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Text,
    Whole,
    Fraction,
    Flag,
}

impl Kind {
    pub(crate) const fn sql(self) -> &'static str {
        match self {
            Self::Text => "VARCHAR",
            Self::Whole => "BIGINT",
            Self::Fraction => "DOUBLE",
            Self::Flag => "BOOLEAN",
        }
    }

    const fn is_number(self) -> bool {
        matches!(self, Self::Whole | Self::Fraction)
    }
}

/// The columns of the queried table, which may be joined with itself.
pub(crate) const COLUMNS: [(&str, Kind); 5] = [
    ("name", Kind::Text),
    ("state", Kind::Text),
    ("age", Kind::Whole),
    ("score", Kind::Fraction),
    ("active", Kind::Flag),
];

const TEXTS: [&str; 8] = ["'Ada'", "'ada'", "''", "'it''s'", "'CA'", "'Zo\u{eb}'", "'a%'", "'A_a'"];
const PATTERNS: [&str; 9] = ["'%'", "'A%'", "'%a'", "'_d_'", "'%D%'", "''", "'a_a'", "'%''%'", "'C_'"];
const NUMBERS: [&str; 8] = ["0", "-1", "1", "36", "36.5", "-0.25", "1000000", "0.5"];

fn one<'a>(random: &mut Rng, of: &[&'a str]) -> &'a str {
    of.get(random.usize(..of.len())).copied().unwrap_or_default()
}

fn column(random: &mut Rng, tables: &Range<usize>, fits: impl Fn(Kind) -> bool) -> String {
    loop {
        let (name, kind) = COLUMNS[random.usize(..COLUMNS.len())];
        if fits(kind) {
            return format!("t{}.{name}", random.usize(tables.clone()));
        }
    }
}

fn comparison(random: &mut Rng, tables: &Range<usize>) -> String {
    let column_or = |random: &mut Rng, literals: &[&str], fits: fn(Kind) -> bool| match random.u8(..3) {
        0 => column(random, tables, fits),
        _ => one(random, literals).to_owned(),
    };
    let is_text = |kind| kind == Kind::Text;
    let orders = ["=", "<>", "<", ">", "<=", ">="];
    match random.u8(..10) {
        0..3 => {
            let left = column(random, tables, is_text);
            format!(
                "{left} {} {}",
                one(random, &orders),
                column_or(random, &TEXTS, |kind| kind == Kind::Text)
            )
        }
        3..5 => {
            let operator = one(random, &["LIKE", "ILIKE", "NOT LIKE"]);
            format!("{} {operator} {}", column(random, tables, is_text), one(random, &PATTERNS))
        }
        5..8 => {
            let left = column(random, tables, Kind::is_number);
            format!("{left} {} {}", one(random, &orders), column_or(random, &NUMBERS, Kind::is_number))
        }
        8 => {
            let left = column(random, tables, |kind| kind == Kind::Flag);
            format!("{left} {} {}", one(random, &["=", "<>"]), one(random, &["TRUE", "FALSE"]))
        }
        _ => format!("{} IS {}NULL", column(random, tables, |_| true), one(random, &["", "NOT "])),
    }
}

fn condition(random: &mut Rng, tables: &Range<usize>, depth: u8) -> String {
    match random.u8(..if depth > 3 { 4 } else { 8 }) {
        0..4 => comparison(random, tables),
        4 => format!("NOT ({})", condition(random, tables, depth + 1)),
        5 => format!("({})", condition(random, tables, depth + 1)),
        _ => {
            let left = condition(random, tables, depth + 1);
            let right = condition(random, tables, depth + 1);
            format!("{left} {} {right}", one(random, &["AND", "OR"]))
        }
    }
}

fn item(random: &mut Rng, tables: &Range<usize>, aggregates: bool) -> String {
    if !aggregates {
        return format!("REDACTION({}, 'PLAIN_TEXT')", column(random, tables, |_| true));
    }
    match random.u8(..4) {
        0 => "COUNT(*)".to_owned(),
        1 => format!("COUNT({})", column(random, tables, |_| true)),
        _ => {
            let function = one(random, &["SUM", "AVG", "MIN", "MAX"]);
            format!("{function}({})", column(random, tables, Kind::is_number))
        }
    }
}

/// Makes a query whose columns are called `c0`, `c1` and so on.
pub(crate) fn query(random: &mut Rng) -> String {
    let is_joined = random.u8(..3) == 0;
    let tables = 0..if is_joined { 2 } else { 1 };
    let aggregates = random.u8(..3) == 0;
    let items: Vec<String> =
        (0..random.usize(1..4)).map(|n| format!("{} AS c{n}", item(random, &tables, aggregates))).collect();
    let mut query = format!("SELECT {} FROM table1 AS t0", items.join(", "));
    if is_joined {
        let kind = one(random, &["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]);
        query = format!("{query} {kind} table1 AS t1 ON {}", comparison(random, &tables));
    }
    if random.u8(..4) > 0 {
        query = format!("{query} WHERE {}", condition(random, &tables, 0));
    }
    query
}
