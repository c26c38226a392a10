//! Figures in columns.

/// A table that is printed row by row, as its figures come.
#[derive(Debug)]
pub struct Table {
    widths: Vec<usize>,
}

impl Table {
    /// Prints the title and the names of the columns.
    pub fn begin(title: &str, columns: &[&str]) -> Self {
        let widths = columns
            .iter()
            .map(|column| column.chars().count().max(9))
            .collect();
        let table = Self { widths };
        println!("\n{title}");
        table.row(&columns.iter().map(ToString::to_string).collect::<Vec<_>>());
        table
    }

    /// Prints figures, and behind them what they are of: names too long for a column of their own.
    pub fn row_named(&self, figures: &[String], name: &str) {
        let cell = |(figure, width): (&String, &usize)| format!("{figure:>width$}  ");
        let cells = figures.iter().zip(&self.widths).map(cell);
        println!("{}{name}", cells.collect::<String>());
    }

    /// Prints a row; the first column stands to the left, figures to the right.
    pub fn row(&self, cells: &[String]) {
        let mut line = String::new();
        for (at, (cell, width)) in cells.iter().zip(&self.widths).enumerate() {
            if at > 0 {
                line.push_str("  ");
            }
            let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
            line.push_str(&if at == 0 {
                format!("{cell}{gap}")
            } else {
                format!("{gap}{cell}")
            });
        }
        println!("{}", line.trim_end());
    }
}

/// A number with its thousands apart.
pub fn grouped(number: f64) -> String {
    let digits = format!("{:.0}", number.abs());
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The value below which this share of the sorted ones lies.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}
