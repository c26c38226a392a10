//! The way in.

use leptos::prelude::*;
use leptos_meta::Title;

use super::Asked;
use crate::components::logo::Logo;

/// A form that posts and redirects; it needs no scripts.
#[component]
pub fn Login() -> impl IntoView {
    let asked = Asked::now();
    let next = asked.param("next").unwrap_or_else(|| "/".to_owned());
    let fault = asked.param("fault").map(|fault| match fault.as_str() {
        "limited" => "Too many attempts have failed. Wait a quarter of an hour, then try again.",
        _ => "The address and the password do not belong together.",
    });
    view! {
        <Title text="Sign in" />
        <section class="door">
            <Logo />
            <h1>"Sign in to Baton"</h1>
            {fault.map(|fault| view! { <p class="fault" role="alert" id="fault">{fault}</p> })}
            <form method="post" action="/login">
                <input type="hidden" name="next" value=next />
                <label>
                    "E-mail"
                    <input type="email" name="email" autocomplete="username" required autofocus />
                </label>
                <label>
                    "Password"
                    <input type="password" name="password" autocomplete="current-password" required />
                </label>
                <button class="button button-main">"Sign in"</button>
            </form>
        </section>
    }
}
