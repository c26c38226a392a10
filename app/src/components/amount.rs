//! An amount of what a budget counts: money to the cent, with the exact figure on hover.

use leptos::prelude::*;
use scheduler::{Unit, words};

use crate::markup::{Markup, Written};

/// Below half of it, money is less than a cent.
const CENT: u64 = 10_000;

/// The amount, with the exact figure where the one that is shown is rounded.
pub fn amount(value: u64, unit: Unit) -> Markup {
    let rounded = unit == Unit::Microusd && !value.is_multiple_of(CENT);
    let exact = rounded.then(|| format!("${:.6}", value as f64 / 1e6));
    view! { <span title=exact>{said(value, unit)}</span> }.written()
}

/// The same in words alone: `$1.25`, `<$0.01`, `12,000 tokens`.
pub fn said(value: u64, unit: Unit) -> String {
    match unit {
        Unit::Microusd if (1..CENT / 2).contains(&value) => "<$0.01".to_owned(),
        Unit::Microusd => words::amount((value + CENT / 2) / CENT * CENT, unit),
        Unit::Tokens => words::amount(value, unit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_reads_to_the_cent() {
        let read = [0, 4_999, 5_000, 9_999, 10_000, 14_999, 1_250_000]
            .map(|value| said(value, Unit::Microusd));
        assert_eq!(
            read,
            [
                "$0.00", "<$0.01", "$0.01", "$0.01", "$0.01", "$0.01", "$1.25"
            ]
        );
        assert_eq!(said(12_000, Unit::Tokens), "12,000 tokens");
    }
}
