//! The goals of this client, and by how much today's figures miss them.

use std::fmt::Write as _;

use super::contest::{REQWEST, STACK};
use super::figures::{Cell, FLOOR, Figures, Footprint, OURS, Sample};

/// A limit, and the figures that it is for: one for each case.
struct Goal {
    name: &'static str,
    limit: f64,
    unit: &'static str,
    digits: usize,
    figures: Vec<(String, f64)>,
}

/// Returns the goals as a table.
pub fn table(figures: &Figures) -> String {
    let mut table = "| goal | limit | today | |\n|---|---|---|---|\n".to_owned();
    for goal in goals(figures) {
        let Goal { name, limit, unit, digits, .. } = &goal;
        let _ =
            writeln!(table, "| {name} | {limit:.digits$}{unit} | {} | {} |", goal.today(), goal.verdict());
    }
    table
}

impl Goal {
    fn today(&self) -> String {
        let Self { unit, digits, .. } = self;
        let all = || self.figures.iter().map(|(_, figure)| *figure);
        let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        match self.figures.len() {
            0 => "not measured".to_owned(),
            1 => format!("{most:.digits$}{unit}"),
            _ => format!("{least:.digits$} to {most:.digits$}{unit}"),
        }
    }

    fn verdict(&self) -> String {
        let Self { limit, unit, digits, .. } = self;
        // A figure is judged as the table shows it.
        let shown = |figure: f64| format!("{figure:.digits$}").parse().unwrap_or(figure);
        let missed = || self.figures.iter().filter(|(_, figure)| shown(*figure) > *limit);
        let Some((case, worst)) = missed().max_by(|one, other| one.1.total_cmp(&other.1)) else {
            return if self.figures.is_empty() { "-".to_owned() } else { "met".to_owned() };
        };
        let by = format!("missed by {:.digits$}{unit}", worst - limit);
        match self.figures.len() {
            1 => by,
            all => format!("{by} ({case}); met in {} of {all} cases", all - missed().count()),
        }
    }
}

fn goals(figures: &Figures) -> Vec<Goal> {
    let cpu = |sample: &Sample| sample.cpu;
    let ratios = |under: &str, figure: fn(&Sample) -> f64| {
        let cells = figures.contest.iter().filter(|cell| cell.case != STACK);
        let ratio = |cell: &Cell| Some((cell.name(), cell.ratio(OURS, under, figure)?.median));
        cells.filter_map(ratio).collect::<Vec<_>>()
    };
    let counted = || figures.instructions.iter();
    let calls = || counted().filter(|counted| counted.case != STACK);
    let stack = figures.contest.iter().filter(|cell| cell.case == STACK);
    let times = " times";
    let mut goals = vec![
        Goal {
            name: "CPU time of a call, over the floor's",
            limit: 1.1,
            unit: times,
            digits: 2,
            figures: ratios(FLOOR, cpu),
        },
        Goal {
            name: "CPU time of a call, over reqwest's",
            limit: 1.0,
            unit: times,
            digits: 2,
            figures: ratios(REQWEST, cpu),
        },
        Goal {
            name: "median time of a call, over the floor's",
            limit: 1.05,
            unit: times,
            digits: 2,
            figures: ratios(FLOOR, |sample| sample.median),
        },
        Goal {
            name: "instructions of a call, over the floor's",
            limit: 1.25,
            unit: times,
            digits: 2,
            figures: calls().map(|counted| (counted.case.clone(), counted.ratio())).collect(),
        },
        Goal {
            name: "allocations of a call above the floor's",
            limit: 10.0,
            unit: "",
            digits: 0,
            figures: calls().map(|counted| (counted.case.clone(), counted.more_allocations())).collect(),
        },
        Goal {
            name: "CPU time of the layers over a service in memory",
            limit: 1.0,
            unit: " µs",
            digits: 2,
            figures: stack
                .filter_map(|cell| Some((cell.name(), cell.difference(OURS, FLOOR, cpu)?)))
                .collect(),
        },
    ];
    goals.extend(of_footprint(figures.footprint.as_ref()));
    goals
}

fn of_footprint(footprint: Option<&Footprint>) -> [Goal; 5] {
    let one = |figure: Option<f64>| figure.map(|figure| (String::new(), figure)).into_iter().collect();
    let of = |figure: fn(&Footprint) -> Option<f64>| one(footprint.and_then(figure));
    [
        Goal {
            name: "first response over https since the start of the process, without jitter entropy",
            limit: 10.0,
            unit: " ms",
            digits: 1,
            figures: of(|it| Some(it.ours.first_response_without_jitter)),
        },
        Goal {
            name: "growth of resident memory after the first 10,000 calls",
            limit: 2.0,
            unit: " MiB",
            digits: 2,
            figures: of(|it| it.memory.as_ref().map(|memory| (memory.late_kib - memory.early_kib) / 1024.0)),
        },
        Goal {
            name: "stripped size of a minimal program above the floor's",
            limit: 0.6,
            unit: " MB",
            digits: 2,
            figures: of(|it| Some((it.ours.stripped_bytes - it.floor.stripped_bytes) / 1e6)),
        },
        Goal {
            name: "CPU time of a release build, over that of the floor's dependencies",
            limit: 1.3,
            unit: " times",
            digits: 2,
            figures: of(|it| Some(it.ours.build_cpu? / it.floor.build_cpu?)),
        },
        Goal {
            name: "packages in `cargo tree -p skyflow -e normal,build`",
            limit: footprint.map_or(95.0, |it| it.most_packages as f64),
            unit: "",
            digits: 0,
            figures: of(|it| Some(it.packages as f64)),
        },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(figures: &[f64]) -> Goal {
        let named = |(number, figure): (usize, &f64)| (format!("case {number}"), *figure);
        let figures = figures.iter().enumerate().map(named).collect();
        Goal { name: "a", limit: 1.1, unit: " µs", digits: 2, figures }
    }

    #[test]
    fn missed_goals_name_the_worst_case() {
        let missed = goal(&[1.0, 1.5, 1.2]);
        assert_eq!(missed.today(), "1.00 to 1.50 µs");
        assert_eq!(missed.verdict(), "missed by 0.40 µs (case 1); met in 1 of 3 cases");
        assert_eq!(goal(&[1.2]).verdict(), "missed by 0.10 µs");
    }

    #[test]
    fn goals_are_met_by_the_figures_as_shown() {
        assert_eq!(goal(&[1.0, 1.104]).verdict(), "met");
        assert_eq!((goal(&[]).today().as_str(), goal(&[]).verdict().as_str()), ("not measured", "-"));
    }

    #[test]
    fn figures_of_each_measurement_reach_their_goals() {
        let table = table(&super::super::figures::tests::sample());
        for row in [
            "| CPU time of a call, over the floor's | 1.10 times | 1.20 times | missed by 0.10 times |",
            "| CPU time of a call, over reqwest's | 1.00 times | 0.80 times | met |",
            "| median time of a call, over the floor's | 1.05 times | 1.00 times | met |",
            "| instructions of a call, over the floor's | 1.25 times | 1.20 times | met |",
            "| allocations of a call above the floor's | 10 | 12 | missed by 2 |",
            "| CPU time of the layers over a service in memory | 1.00 µs | 3.00 µs | missed by 2.00 µs |",
            "| packages in `cargo tree -p skyflow -e normal,build` | 95 | not measured | - |",
        ] {
            assert!(table.contains(row), "{row} in {table}");
        }
    }
}
