//! The first run: the first person, and the first workspace.

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::bounds::SLUG_WORDS;

use super::Asked;
use crate::acts::Typed;

/// A form that leads on, or is shown again with what is to be mended; the code proves that whoever fills it in runs the server.
#[component]
pub fn Setup() -> impl IntoView {
    let asked = Asked::now();
    let typed = Typed::of_request();
    let kept = |name: &str| typed.value(name).unwrap_or_default();
    let fault = asked.param("fault").unwrap_or_default();
    // Who comes for the first time begins at the code, who comes back at what is to be mended.
    let first = if fault.is_empty() {
        "code"
    } else {
        field(&fault)
    };
    let wrong = {
        let refused = !fault.is_empty();
        move |at: &str| (refused && at == first).then_some("true")
    };
    let said = (!fault.is_empty()).then(|| words(&fault));
    let name = typed.value("name").unwrap_or_else(|| "My team".to_owned());
    let slug = typed.value("slug").unwrap_or_else(|| "team".to_owned());
    view! {
        <Title text="Set up" />
        <section class="door door-setup">
            <h1>"Welcome to Baton"</h1>
            <p class="quiet">"Make the first account and the first workspace. After this, accounts are made by whoever runs the server."</p>
            {said.map(|words| view! { <p class="fault" role="alert">{words}</p> })}
            <form method="post" action="/setup">
                <fieldset>
                    <legend>"Show that the server is yours"</legend>
                    <div class="field">
                        <label for="code">"One-time code"</label>
                        <input id="code" name="code" autocomplete="off" spellcheck="false" required class="code"
                            autofocus=first == "code" aria-invalid=wrong("code") aria-describedby="code-hint" />
                        <p class="hint" id="code-hint">
                            "The server printed it on its terminal when it started. In a container: "
                            <code>"docker compose logs baton"</code>
                        </p>
                    </div>
                </fieldset>
                <fieldset>
                    <legend>"Your account"</legend>
                    <div class="field">
                        <label for="email">"Your e-mail"</label>
                        <input id="email" type="email" name="email" autocomplete="username" required value=kept("email")
                            autofocus=first == "email" aria-invalid=wrong("email") />
                    </div>
                    <div class="field">
                        <label for="password">"A password"</label>
                        <input id="password" type="password" name="password" autocomplete="new-password" required
                            minlength="10" autofocus=first == "password" aria-invalid=wrong("password")
                            aria-describedby="password-hint" />
                        <p class="hint" id="password-hint">"At least 10 characters; a sentence is best."</p>
                    </div>
                </fieldset>
                <fieldset>
                    <legend>"The first workspace"</legend>
                    <div class="door-pair">
                        <div class="field">
                            <label for="name">"The workspace's name"</label>
                            <input id="name" name="name" required maxlength="100" value=name
                                autofocus=first == "name" aria-invalid=wrong("name") />
                        </div>
                        <div class="field">
                            <label for="slug">"Its part of addresses"</label>
                            <input id="slug" name="slug" required maxlength="63" pattern="[a-z0-9][a-z0-9\\-]*" value=slug
                                class="code" autofocus=first == "slug" aria-invalid=wrong("slug")
                                aria-describedby="slug-hint" />
                            <p class="hint" id="slug-hint">"As in /w/team/tasks"</p>
                        </div>
                    </div>
                </fieldset>
                <div class="door-acts">
                    <button class="button button-main">"Begin"</button>
                    <button class="button" name="demo" value="yes">"Start with the demo"</button>
                </div>
                <p class="hint">
                    "The demo has a workspace of its own: fourteen simulated agents at the work of a real trace. One press stops it and leaves nothing behind."
                </p>
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
