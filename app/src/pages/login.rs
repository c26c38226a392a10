//! The way in.

use leptos::prelude::*;
use leptos_meta::Title;

use super::Asked;
use crate::acts::{Draft, Typed};

/// How whoever runs the server lets somebody in.
const NEW_ACCOUNT: &str = "baton user create --email you@example.org --workspace team --workspace-role member --password-stdin";

/// A form that leads on, or is shown again with its e-mail; it needs no scripts.
#[component]
pub fn Login() -> impl IntoView {
    let asked = Asked::now();
    let next = asked.param("next").unwrap_or_else(|| "/".to_owned());
    let fault = asked.param("fault").map(|fault| match fault.as_str() {
        "limited" => "Too many attempts have failed. Wait a quarter of an hour, then try again.",
        _ => "The address and the password do not belong together.",
    });
    let draft = Draft::of_request();
    let signed_out = draft.as_ref().map(|_| {
        view! {
            <p class="notice" role="status">
                "You were signed out, so nothing was done. Sign in, and what you typed stands in its form again."
            </p>
        }
    });
    let draft =
        draft.map(|draft| view! { <input type="hidden" name="draft" value=draft.to_text() /> });
    let described = fault.map(|_| "fault");
    let email = Typed::of_request().value("email").unwrap_or_default();
    let known = !email.is_empty();
    view! {
        <Title text="Sign in" />
        <section class="door">
            <h1>"Sign in to Baton"</h1>
            {signed_out}
            {fault.map(|fault| view! { <p class="fault" role="alert" id="fault">{fault}</p> })}
            <form method="post" action="/login">
                <input type="hidden" name="next" value=next />
                {draft}
                <div class="field">
                    <label for="email">"E-mail"</label>
                    <input id="email" type="email" name="email" autocomplete="username" required value=email
                        autofocus=!known aria-describedby=described />
                </div>
                <div class="field">
                    <label for="password">"Password"</label>
                    <input id="password" type="password" name="password" autocomplete="current-password" required
                        autofocus=known aria-describedby=described />
                </div>
                <button class="button button-main">"Sign in"</button>
            </form>
            <details class="door-help">
                <summary>"No account, or no way in?"</summary>
                <p>"Whoever runs this server makes accounts there, and tells you the password once:"</p>
                <pre tabindex="0"><code>{NEW_ACCOUNT}</code></pre>
            </details>
        </section>
    }
}
