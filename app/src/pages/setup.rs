//! The first run: the first person, and the first workspace.

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::bounds::SLUG_WORDS;

use super::Asked;

/// A form that posts and redirects; the code proves that whoever fills it in runs the server.
#[component]
pub fn Setup() -> impl IntoView {
    let asked = Asked::now();
    let kept = |name: &str| asked.param(name).unwrap_or_default();
    let fault = asked.param("fault").unwrap_or_default();
    // Who comes for the first time begins at the code, who comes back at what is to be mended.
    let first = if fault.is_empty() { "code" } else { field(&fault) };
    let wrong = {
        let refused = !fault.is_empty();
        move |at: &str| (refused && at == first).then_some("true")
    };
    let said = (!fault.is_empty()).then(|| words(&fault));
            </form>
        </section>
    }
}

/// The field in which it was.
fn field(fault: &str) -> &'static str {
    match fault {
        "email" => "email",
        "short" | "common" => "password",
        "name" => "name",
        "slug" => "slug",
        _ => "code",
    }
}

/// What was wrong with what was sent.
fn words(fault: &str) -> String {
    let words = match fault {
        "slug" => return format!("The part of addresses takes {SLUG_WORDS}."),
        "code" => {
            "That is not the code. The server printed it when it started; a later start prints a new one."
        }
        "email" => "That does not look like an e-mail address.",
        "short" => "The password needs at least 10 characters.",
        "common" => "That password is among the first that others would try. Choose another.",
        "name" => "The workspace needs a name of at most 100 characters.",
        "limited" => "Too many codes were wrong. Wait a quarter of an hour, then try again.",
        _ => "That did not work. Try again.",
    };
    words.to_owned()
}
