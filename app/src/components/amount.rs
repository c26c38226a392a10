//! An amount of what a budget counts: money as it is read everywhere, with the exact figure on hover.

use leptos::prelude::*;
use scheduler::{Unit, words};

use crate::markup::{Markup, Written};

/// The amount, with the exact figure where the one that is shown is rounded.
pub fn amount(value: u64, unit: Unit) -> Markup {
    let exact = words::is_rounded(value, unit).then(|| words::exact_money(value));
    view! { <span title=exact>{words::amount(value, unit)}</span> }.written()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rounded_tells_the_exact_figure_on_hover() {
        let shown = |value| amount(value, Unit::Microusd).to_html();
        assert_eq!(
            shown(1_234_567_890),
            "<span title=\"$1,234.567890\">$1,234.57</span>"
        );
        assert_eq!(shown(1_200), "<span>$0.0012</span>");
    }
}
