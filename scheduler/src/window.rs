//! Budget windows, aligned to UTC.

use time::{Date, Duration, PrimitiveDateTime, Time as Clock};

use crate::{Span, Time, Window};

const FIVE_HOURS: Span = Span::from_secs(5 * 3_600);

impl Window {
    /// When the window that `now` lies in began; the epoch for `Total`.
    #[must_use]
    pub fn start(self, now: Time) -> Time {
        let date = now.to_datetime().date();
        match self {
            Self::FiveHours => Time(now.0 - now.0.rem_euclid(FIVE_HOURS.0)),
            Self::Day => midnight(date),
            Self::Week => {
                midnight(date - Duration::days(i64::from(date.weekday().number_days_from_monday())))
            }
            Self::Month => midnight(first_of(date)),
            Self::Total => Time(0),
        }
    }

    /// When the window that `now` lies in ends; `None` for `Total`.
    #[must_use]
    pub fn end(self, now: Time) -> Option<Time> {
        let start = self.start(now);
        match self {
            Self::FiveHours => Some(start + FIVE_HOURS),
            Self::Day => Some(start + Span::from_secs(86_400)),
            Self::Week => Some(start + Span::from_secs(7 * 86_400)),
            // Thirty-two days after the first always lies in the next month.
            Self::Month => Some(midnight(first_of(
                start.to_datetime().date() + Duration::days(32),
            ))),
            Self::Total => None,
        }
    }
}

fn midnight(date: Date) -> Time {
    PrimitiveDateTime::new(date, Clock::MIDNIGHT)
        .assume_utc()
        .into()
}

fn first_of(date: Date) -> Date {
    Date::from_calendar_date(date.year(), date.month(), 1).unwrap_or(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).unwrap()
    }

    #[test]
    fn windows_begin_and_end_where_a_calendar_says() {
        let now = at("2024-02-29T13:37:00Z");
        let cases = [
            (Window::Day, "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
            (Window::Week, "2024-02-26T00:00:00Z", "2024-03-04T00:00:00Z"),
            (
                Window::Month,
                "2024-02-01T00:00:00Z",
                "2024-03-01T00:00:00Z",
            ),
        ];
        for (window, start, end) in cases {
            assert_eq!(
                (window.start(now), window.end(now)),
                (at(start), Some(at(end))),
                "{window:?}"
            );
        }
    }

    #[test]
    fn the_next_window_begins_where_this_one_ends() {
        let mut now = at("2023-12-30T23:59:59Z");
        for window in [Window::FiveHours, Window::Day, Window::Week, Window::Month] {
            for _ in 0..50 {
                let end = window.end(now).unwrap();
                assert!(window.start(now) <= now && now < end, "{window:?}");
                assert_eq!(window.start(end), end, "{window:?}");
                now = end;
            }
        }
    }

    #[test]
    fn a_total_never_turns() {
        assert_eq!(
            (Window::Total.start(Time(5)), Window::Total.end(Time(5))),
            (Time(0), None)
        );
    }
}
