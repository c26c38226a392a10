//! Programs to copy, with the address and the key filled in.

use leptos::prelude::*;

use crate::access::House;
use crate::islands::copy::Copy;
use crate::snippets::{Attach, Language, hand_in};

/// How an agent is attached, in each language behind its tab. Without a key it says how to make one.
pub fn attach_an_agent(slug: &str, agent: &str, key: Option<&str>) -> AnyView {
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
        let command = format!("export BATON_KEY=$(baton key create --workspace {slug} --role agent --agent {agent})");
        view! {
            <p>"Its key is made on the server and shown once; here it goes where the program looks for it."</p>
            {snippet(command)}
        }
    });
    view! {
        {make}
        <fieldset class="snippets">
            <legend class="visually-hidden">"Language"</legend>
            {tabs.collect_view()}
            {texts.collect_view()}
        </fieldset>
    }
    .into_any()
}

/// How a first task is handed in.
pub fn hand_in_a_task(slug: &str) -> AnyView {
    let command = format!("export BATON_KEY=$(baton key create --workspace {slug} --role member)");
    view! { {snippet(command)} {snippet(hand_in(&address()))} }.into_any()
}

fn snippet(text: String) -> AnyView {
    view! {
        <div class="snippet">
            <Copy />
            <pre tabindex="0"><code>{text}</code></pre>
        </div>
    }
    .into_any()
}

/// Where people reach this server.
fn address() -> String {
    House::of_request().map_or_else(String::new, |house| house.address.to_string())
}
