//! The first run: the first person, and the first workspace.

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::bounds::SLUG_WORDS;

use super::Asked;
use crate::components::logo::Logo;

/// A form that posts and redirects; the code proves that whoever fills it in runs the server.
#[component]
pub fn Setup() -> impl IntoView {
    let asked = Asked::now();
    let kept = |name: &str| asked.param(name).unwrap_or_default();
    let fault = asked.param("fault").map(|fault| words(&fault));
    let name = asked.param("name").unwrap_or_else(|| "My team".to_owned());
    let slug = asked.param("slug").unwrap_or_else(|| "team".to_owned());
    view! {
        <Title text="Set up" />
        <section class="door">
            <Logo />
            <h1>"Welcome to Baton"</h1>
            <p class="quiet">"Make the first account and the first workspace. After this, people join by invitation only."</p>
            {fault.map(|fault| view! { <p class="fault" role="alert">{fault}</p> })}
            <form method="post" action="/setup">
                <label>
                    "One-time code"
                    <input name="code" autocomplete="off" spellcheck="false" required class="code" />
                    <span class="hint">"The server printed it on its terminal when it started."</span>
                </label>
                <label>
                    "Your e-mail"
                    <input type="email" name="email" autocomplete="username" required value=kept("email") />
                </label>
                <label>
                    "A password"
                    <input type="password" name="password" autocomplete="new-password" required minlength="10" />
                    <span class="hint">"At least 10 characters; a sentence is best."</span>
                </label>
                <label>
                    "The workspace's name"
                    <input name="name" required maxlength="100" value=name />
                </label>
                <label>
                    "Its part of addresses"
                    <input name="slug" required maxlength="63" pattern="[a-z0-9][a-z0-9\\-]*" value=slug />
                    <span class="hint">"As in /w/team/tasks"</span>
                </label>
                <button class="button button-main">"Begin"</button>
            </form>
        </section>
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
