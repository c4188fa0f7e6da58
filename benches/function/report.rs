//! The table, and a chart of it.

use std::fmt::Write;

use crate::circumstances::circumstances;

/// One line: what was measured, the figure beside its unit, and what it may be at most.
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) measured: f64,
    pub(crate) unit: &'static str,
    pub(crate) limit: Option<f64>,
    /// The same in absolute terms, for the curious.
    pub(crate) detail: String,
}

impl Row {
    pub(crate) fn passes(&self) -> bool {
        self.limit.is_none_or(|limit| self.measured <= limit)
    }
}

/// Markdown, with where and when it was measured.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text =
        format!("{}\n\n| work | measured | at most | | |\n|---|---|---|---|---|\n", circumstances());
    for row in rows {
        let limit = row.limit.map_or_else(|| "–".to_owned(), |limit| format!("{limit} {}", row.unit));
        let verdict = match row.limit {
            None => "",
            Some(_) if row.passes() => "pass",
            Some(_) => "FAIL",
        };
        writeln!(
            text,
            "| {} | {:.2} {} | {limit} | {verdict} | {} |",
            row.work, row.measured, row.unit, row.detail
        )
        .unwrap();
    }
    text
}

/// Bars of each function's start and answers, as multiples of the floor.
pub(crate) fn chart(bars: &[(String, f64)]) -> String {
    let widest = bars.iter().map(|(_, value)| *value).fold(1.0, f64::max);
    let height = bars.len() * BAR + 48;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 860 {height}\" font-family=\"sans-serif\" \
         font-size=\"13\" role=\"img\">\n<title>Multiples of an empty function</title>\n\
         <rect width=\"860\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    for (position, (name, value)) in bars.iter().enumerate() {
        let top = position * BAR + 8;
        writeln!(
            svg,
            "<text x=\"352\" y=\"{}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"360\" y=\"{top}\" width=\"{:.1}\" height=\"16\" fill=\"#2a6f97\"/>\
             <text x=\"{:.1}\" y=\"{}\">{value:.1} ×</text>",
            top + 13,
            value / widest * 420.0,
            value / widest * 420.0 + 366.0,
            top + 13,
        )
        .unwrap();
    }
    writeln!(
        svg,
        "<text x=\"8\" y=\"{}\" font-size=\"11\" fill=\"#555\">{}</text>\n</svg>",
        height - 12,
        circumstances()
    )
    .unwrap();
    svg
}

const BAR: usize = 24;
