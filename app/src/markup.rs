//! Views that are written down at once.
//!
//! What pages show never changes on the server, and the browser wakes only islands. So a view need not
//! be kept for any of the ways in which Leptos could render, resolve or rebuild it later, each of which
//! would be compiled for the type of every view.

use leptos::prelude::*;
use leptos::tachys::html::InertElement;

/// Markup that is written.
pub type Markup = InertElement;

/// A view that can be written down.
pub trait Written: RenderHtml + Sized {
    /// Writes it.
    fn written(self) -> Markup {
        InertElement::new(self.to_html())
    }
}

impl<T: RenderHtml> Written for T {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_escaped_once() {
        let inner = view! { <b title="\"".to_owned()>{"a < b".to_owned()}</b> }.written();
        let outer = view! { <p>{inner}</p> }.written();
        assert_eq!(outer.to_html(), "<p><b title=\"&quot;\">a &lt; b</b></p>");
    }
}
