//! Programs to copy, with the address and the key filled in.

use http::request::Parts;
use leptos::prelude::*;

use crate::access::{House, Visitor};
use crate::islands::copy::Copy;
use crate::markup::{Markup, Written};
use crate::snippets::{Attach, Language, hand_in, set};

/// What an agent is called in programs to copy.
pub const FIRST_AGENT: &str = "scout";

/// How an agent is attached, in each language behind its tab. Without a key it says how to make one.
pub fn attach_an_agent(slug: &str, agent: &str, key: Option<&str>) -> Markup {
    let url = address();
    let attach = Attach {
        url: &url,
        key,
        agent,
    };
    let tab = |(at, language): (usize, Language)| {
        let id = format!("snippet-{}", language.name());
        view! {
            <input type="radio" name="snippet" id=id.clone() checked=at == 0 />
            <label for=id>{language.name()}</label>
        }
    };
    let tabs = Language::ALL.into_iter().enumerate().map(tab);
    let texts = Language::ALL.map(|language| snippet(attach.text(language)));
    let make = key.is_none().then(|| {
        view! {
            <p>"Its key is made on the server and shown once; here it goes where the program looks for it. A key that was made on a page goes there as well."</p>
            {make_key(slug, &format!("agent --agent {agent}"))}
        }
    });
    view! {
        {make}
        <fieldset class="snippets">
            <legend class="visually-hidden">"Language"</legend>
            {tabs.collect_view()}
            {texts.collect_view()}
        </fieldset>
        <p class="quiet small">
            "All that can be asked for stands in "<a href="/api/docs">"the interface's reference"</a>"."
        </p>
    }
    .written()
}

/// How a first task is handed in.
pub fn hand_in_a_task(slug: &str) -> Markup {
    view! { {make_key(slug, "member")} {snippet(hand_in(&address()))} }.written()
}

/// How limits are set by a program: each is a path below the interface's and what to put there.
pub fn set_limits(slug: &str, limits: &[(&str, &str)]) -> Markup {
    let url = address();
    let call = |(path, body): &(&str, &str)| snippet(set(&url, path, body));
    view! { {make_key(slug, "manager")} {limits.iter().map(call).collect_view()} }.written()
}

/// Makes a key on the server, and puts it where the calls after it look.
fn make_key(slug: &str, role: &str) -> Markup {
    let baton = command();
    snippet(format!(
        "export BATON_KEY=$({baton} key create --workspace {slug} --role {role})"
    ))
}

/// How Baton is called in a shell on the server: exactly for those who run it, by its name for others.
pub fn command() -> String {
    let visitor =
        use_context::<Parts>().and_then(|parts| parts.extensions.get::<Visitor>().cloned());
    let runs_it = visitor.is_some_and(|visitor| visitor.runs_the_house);
    let house = House::of_request().filter(|_| runs_it);
    house.map_or_else(|| "baton".to_owned(), |house| house.command.to_string())
}

/// A text to copy.
pub fn snippet(text: String) -> Markup {
    view! {
        <div class="snippet">
            <Copy />
            <pre tabindex="0"><code>{text}</code></pre>
        </div>
    }
    .written()
}

/// Where people reach this server.
fn address() -> String {
    House::of_request().map_or_else(String::new, |house| house.address.to_string())
}
