//! A task's title, of up to 200 letters. Where it is long, the style alone cuts it, so that it stays
//! whole for whoever listens, searches or copies, and in the row or heading that is opened. It runs in
//! the direction of its own letters.

use leptos::prelude::*;

use crate::markup::{Markup, Written};

/// What is wider may be cut in a list, and is told whole on hover.
const LINK: usize = 40;
/// What is wider takes more than three lines of a phone's heading.
const HEADING: usize = 80;
/// What is said of a title inside a sentence or on a button.
const SENTENCE: usize = 60;

/// The link to a task in a list.
pub fn title_link(href: String, title: &str) -> Markup {
    let whole = (width(title) > LINK).then(|| title.to_owned());
    view! { <a class="title" dir="auto" href=href title=whole>{title.to_owned()}</a> }.written()
}

/// A page's heading, and on a phone the way to all of it.
pub fn title_heading(title: &str) -> Markup {
    let more = (width(title) > HEADING).then(|| {
        view! {
            <details class="title-more" data-key="title-more">
                <summary>"The whole title"</summary>
            </details>
        }
    });
    view! {
        <h1 class="title-head" dir="auto">{title.to_owned()}</h1>
        {more}
    }
    .written()
}

/// The beginning of a title, for a sentence or a button that names it.
pub fn title_begins(title: &str) -> String {
    let mut letters = title.chars();
    let begins: String = letters.by_ref().take(SENTENCE).collect();
    if letters.next().is_none() {
        return begins;
    }
    format!("{}…", begins.trim_end())
}

/// In letters of the Latin alphabet; those of others may be twice as wide.
fn width(title: &str) -> usize {
    let wide = |letter: char| letter >= '\u{1100}';
    title
        .chars()
        .map(|letter| 1 + usize::from(wide(letter)))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_takes_the_beginning_of_a_long_title() {
        assert_eq!(title_begins("Compare prices"), "Compare prices");
        let words = "word ".repeat(40);
        let begins = title_begins(words.trim_end());
        assert!(begins.ends_with("word…"), "{begins}");
        assert!(begins.chars().count() <= SENTENCE + 1, "{begins}");
    }

    #[test]
    fn letters_that_are_wide_count_twice() {
        assert_eq!([width("plate"), width("感光板")], [5, 6]);
    }
}
