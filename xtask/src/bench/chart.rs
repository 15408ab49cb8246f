//! The chart of the benchmark: one group of bars for each case, as multiples of the floor.

use std::fmt::Write as _;

/// The CPU time of one case as a multiple of the floor's.
pub struct Bars {
    pub case: &'static str,
    pub reqwest: Option<f64>,
    pub ours: Option<f64>,
}

const WIDTH: f64 = 640.0;
const ROW: f64 = 64.0;
const LEFT: f64 = 130.0;
const TOP: f64 = 48.0;
const BAR: f64 = 20.0;

/// Draws the chart as SVG.
pub fn drawn(bars: &[Bars]) -> String {
    let ratios = bars.iter().flat_map(|bars| [bars.reqwest, bars.ours]).flatten();
    let most = ratios.fold(1.0, f64::max).ceil();
    let scale = (WIDTH - LEFT - 60.0) / most;
    let height = TOP + ROW * bars.len() as f64 + 24.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" font-size=\"13\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\">CPU time per call, multiple of the floor (http, one at a time)</text>\n"
    );
    for (row, bars) in bars.iter().enumerate() {
        let y = TOP + ROW * row as f64;
        let _ = writeln!(svg, "<text x=\"8\" y=\"{:.0}\">{}</text>", y + BAR + 4.0, bars.case);
        for (place, (name, ratio, color)) in
            [("reqwest", bars.reqwest, "#9aa5b1"), ("ours", bars.ours, "#d9480f")].into_iter().enumerate()
        {
            let Some(ratio) = ratio else { continue };
            let (y, width) = (y + place as f64 * (BAR + 2.0), ratio * scale);
            let _ = writeln!(
                svg,
                "<rect x=\"{LEFT}\" y=\"{y:.0}\" width=\"{width:.1}\" height=\"{BAR}\" fill=\"{color}\"/>\n\
                 <text x=\"{:.1}\" y=\"{:.0}\">{name} {ratio:.2}</text>",
                LEFT + width + 6.0,
                y + BAR - 5.0,
            );
        }
    }
    let floor = LEFT + scale;
    let _ = writeln!(
        svg,
        "<line x1=\"{floor:.1}\" y1=\"{:.0}\" x2=\"{floor:.1}\" y2=\"{:.0}\" stroke=\"#212529\" stroke-dasharray=\"4 3\"/>\n</svg>",
        TOP - 8.0,
        height - 16.0
    );
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chart_has_a_bar_for_each_measured_client() {
        let bars = [
            Bars { case: "insert-1", reqwest: Some(1.5), ours: Some(1.2) },
            Bars { case: "get-25", reqwest: None, ours: Some(1.1) },
        ];
        let svg = drawn(&bars);
        assert_eq!(svg.matches("<rect x=").count(), 3);
        for text in ["insert-1", "get-25", "reqwest 1.50", "ours 1.20", "ours 1.10"] {
            assert!(svg.contains(text), "{text} in {svg}");
        }
    }
}
