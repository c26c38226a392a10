//! Where values and instants stand, and round numbers for axes.

use scheduler::{Span, Time};
use time::macros::format_description;

use super::Frame;

/// Instants named below a chart.
const TICKS: i64 = 4;

impl Frame {
    /// How far from the left an instant is, 0 to 100.
    pub(super) fn x(&self, at: Time) -> f64 {
        let whole = self.to.since(self.from).as_secs_f64().max(1e-9);
        (at.since(self.from).as_secs_f64() / whole * 100.0).clamp(0.0, 100.0)
    }

    /// How far from the top a value is, 0 to 100.
    pub(super) fn y(&self, value: f64) -> f64 {
        (100.0 - value / self.top.max(f64::MIN_POSITIVE) * 100.0).clamp(0.0, 100.0)
    }
}

/// The next 1, 2, 4, 5 or 10 times a power of ten.
pub fn round_up(value: f64) -> f64 {
    if value <= 1.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let lead = value / power;
    let round = [1.0, 2.0, 4.0, 5.0].into_iter().find(|&step| lead <= step);
    round.unwrap_or(10.0) * power
}

/// Instants at even distances, from edge to edge, as short as they can be.
pub(super) fn ticks(from: Time, to: Time) -> Vec<String> {
    let span = to.since(from);
    let format = if span > Span::from_secs(3 * 86_400) {
        format_description!("[day padding:none] [month repr:short]")
    } else if span > Span::from_secs(86_400) {
        format_description!("[day padding:none] [month repr:short], [hour]:[minute]")
    } else {
        format_description!("[hour]:[minute]")
    };
    let at = |tick: i64| from + Span(span.0 / TICKS * tick);
    (0..=TICKS)
        .map(|tick| at(tick).to_datetime().format(format).unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_chart_is_round() {
        let tops = [0.0, 1.0, 3.0, 4.5, 7.0, 100.0, 130.0].map(|value| round_up(value) as u32);
        assert_eq!(tops, [1, 1, 4, 5, 10, 100, 200]);
    }

    #[test]
    fn a_day_is_told_in_hours_from_edge_to_edge() {
        let from = Time::from_millis(1_763_596_800_000);
        assert_eq!(
            ticks(from, from + Span::from_secs(86_400)),
            ["00:00", "06:00", "12:00", "18:00", "00:00"]
        );
    }
}
