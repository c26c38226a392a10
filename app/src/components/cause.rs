//! What an agent wrote of a failure, where there is one line for it. Of a traceback the last line is the
//! cause; all of it opens below, without scripts too.

use leptos::prelude::*;

use crate::markup::{Markup, Written};

/// What is longer is cut by the style where a table is narrow.
const LINE: usize = 60;

/// The cause, and the way to the whole where there is more.
pub fn cause(error: &str, key: &str) -> Markup {
    let line = last_line(error).to_owned();
    let whole = error.trim();
    if whole == line && line.chars().count() <= LINE {
        return view! { <span class="attempt-error" dir="auto">{line}</span> }.written();
    }
    view! {
        <details class="attempt-error" data-key=format!("{key}-error")>
            <summary><span class="cause" dir="auto">{line}</span></summary>
            <pre tabindex="0" dir="auto">{whole.to_owned()}</pre>
        </details>
    }
    .written()
}

/// The last line that says anything.
fn last_line(error: &str) -> &str {
    error.trim_end().lines().last().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_the_last_line_that_says_anything() {
        let traceback = "Traceback:\n  at bar 12\nThe reed is dry.\n\n  ";
        assert_eq!(last_line(traceback), "The reed is dry.");
        assert_eq!(
            [last_line("One line."), last_line(" \n")],
            ["One line.", ""]
        );
    }
}
