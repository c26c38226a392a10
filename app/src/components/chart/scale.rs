//! Where values and instants stand, and round numbers for axes.

use scheduler::{Span, Time};
use time::OffsetDateTime;
use time::macros::format_description;

use super::Frame;

/// Instants named below a chart, from edge to edge.
const TICKS: i64 = 4;
/// So many days are each named.
const MOST_DAYS: i64 = 8;
const DAY: Span = Span::from_secs(86_400);

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
    if span > Span(DAY.0 * 3) {
        return days(from, span);
    }
    let format = if span > DAY {
        format_description!("[day padding:none] [month repr:short], [hour]:[minute]")
    } else {
        format_description!("[hour]:[minute]")
    };
    evenly(from, span, TICKS)
        .map(|at| at.format(format).unwrap_or_default())
        .collect()
}

/// Days, each of a week or so, else some; a month is named where it begins.
fn days(from: Time, span: Span) -> Vec<String> {
    let whole = span.0 / DAY.0;
    let few = whole <= MOST_DAYS && span.0 % DAY.0 == 0;
    let mut month = None;
    evenly(from, span, if few { whole } else { TICKS })
        .map(|at| {
            let format = if month.replace(at.month()) == Some(at.month()) && few {
                format_description!("[day padding:none]")
            } else {
                format_description!("[day padding:none] [month repr:short]")
            };
            at.format(format).unwrap_or_default()
        })
        .collect()
}

fn evenly(from: Time, span: Span, steps: i64) -> impl Iterator<Item = OffsetDateTime> {
    (0..=steps).map(move |step| (from + Span(span.0 / steps * step)).to_datetime())
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

    #[test]
    fn a_week_is_told_by_its_days_which_stand_where_they_begin() {
        let from = Time::from_millis(1_763_942_400_000);
        assert_eq!(
            ticks(from, from + Span::from_secs(7 * 86_400)),
            ["24 Nov", "25", "26", "27", "28", "29", "30", "1 Dec"]
        );
        let month = ticks(from, from + Span::from_secs(28 * 86_400));
        assert_eq!(month, ["24 Nov", "1 Dec", "8 Dec", "15 Dec", "22 Dec"]);
    }
}
