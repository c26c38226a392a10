//! One's own account: password, sessions, and how the pages look and listen.

use leptos::prelude::*;
use leptos_meta::Title;
use store::sessions::SessionRow;

use super::{Asked, loaded};
use crate::access::{House, PageError, Visitor};
use crate::components::act_form::ActForm;
use crate::components::moment::Moment;
use crate::keys::Keys;
use crate::markup::{Markup, Written};
use crate::theme::Theme;

/// The reader's account.
#[component]
pub fn Account() -> impl IntoView {
    let asked = Asked::now();
    let (theme, keys) = (Theme::of_request(), Keys::of_request());
    loaded(load(asked, theme, keys), |data| show(&data))
}

struct Data {
    visitor: Visitor,
    now: scheduler::Time,
    sessions: Vec<SessionRow>,
    theme: Theme,
    keys: Keys,
    /// How the change of the password went.
    password: Option<String>,
}

async fn load(asked: Asked, theme: Theme, keys: Keys) -> Result<Data, PageError> {
    let visitor = asked.visitor()?.clone();
    let House { store, engine, .. } = asked.house()?;
    let now = engine.now();
    Ok(Data {
        sessions: store.sessions_of(visitor.account, now).await?,
        password: asked.param("password"),
        visitor,
        now,
        theme,
        keys,
    })
}

fn show(data: &Data) -> Markup {
    view! {
        <Title text="Your account" />
        <header class="page-head">
            <h1>"Your account"</h1>
            <p class="quiet">{data.visitor.email.clone()}</p>
        </header>
        <div class="column settings">
            {sessions(data)}
            {password(data.password.as_deref())}
            {look(data.theme, data.keys)}
        </div>
    }
    .written()
}

fn sessions(data: &Data) -> Markup {
    let row = |session: &SessionRow| {
        let here = session.id_hash == data.visitor.session;
        let browser = session.data.get("browser").and_then(|name| name.as_str());
        let used = session.data.get("hour").and_then(serde_json::Value::as_i64);
        let used = used.map(|hour| {
            // Noted to the hour, which may have begun before the session did.
            let at = scheduler::Time::from_millis(hour * 3_600_000).max(session.created_at);
            view! { <Moment at now=data.now /> }
        });
        let end = (!here).then(|| {
            let hash = hex::encode(session.id_hash);
            let form =
                ActForm::outside("end_session", "").id(format!("end_session-{}", &hash[..12]));
            form.with("session", hash)
                .class("act-line")
                .show_with(view! { <button class="button">"End it"</button> })
        });
        view! {
            <tr>
                <td class="wide card-head">
                    {browser.unwrap_or("A browser").to_owned()}
                    " "
                    {here.then(|| view! { <span class="mark state-done">"this one"</span> })}
                </td>
                <td class="number quiet" data-label="Begun"><Moment at=session.created_at now=data.now /></td>
                <td class="number quiet" data-label="Used">{used}</td>
                <td class="number quiet" data-label="Ends"><Moment at=session.absolute_expires_at now=data.now /></td>
                <td class="number">{end}</td>
            </tr>
        }
    };
    let others = (data.sessions.len() > 1).then(|| {
        ActForm::outside("end_other_sessions", "")
            .class("act-line")
            .show_with(view! { <button class="button button-grave">"End all others"</button> })
    });
    view! {
        <section class="panel" id="sessions" data-act-region aria-labelledby="sessions-head">
            <div class="panel-head">
                <h2 id="sessions-head">"Where you are signed in"</h2>
                {others}
            </div>
            <div class="scroll" tabindex="0" role="group" aria-labelledby="sessions-head">
                <table class="rows cards">
                    <thead>
                        <tr>
                            <th scope="col" class="wide">"Browser"</th>
                            <th scope="col" class="number">"Begun"</th>
                            <th scope="col" class="number">"Used, to the hour"</th>
                            <th scope="col" class="number">"Ends at the latest"</th>
                            <th scope="col">
                                <span class="visually-hidden">"Acts"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{data.sessions.iter().map(row).collect_view()}</tbody>
                </table>
            </div>
        </section>
    }
    .written()
}

fn password(said: Option<&str>) -> Markup {
    let (done, words) = match said {
        Some("changed") => (
            true,
            "Your password is changed, and every other session has ended.",
        ),
        Some("wrong") => (false, "That is not your password now."),
        Some("short") => (false, "The new password needs at least 10 characters."),
        Some("common") => (
            false,
            "That password is among the first that others would try. Choose another.",
        ),
        Some("limited") => (
            false,
            "Too many attempts have failed. Wait a quarter of an hour, then try again.",
        ),
        _ => (true, ""),
    };
    let said = (!words.is_empty()).then(|| {
        let class = if done { "said" } else { "fault" };
        view! { <p class=class role="alert">{words}</p> }
    });
    view! {
        <section class="panel" id="password" aria-labelledby="password-head">
            <h2 id="password-head">"Password"</h2>
            {said}
            <form class="act narrow" method="post" action="/account/password">
                <div class="field">
                    <label for="current">"The one you have"</label>
                    <input id="current" type="password" name="current" autocomplete="current-password" required />
                </div>
                <div class="field">
                    <label for="fresh">"A new one"</label>
                    <input id="fresh" type="password" name="fresh" autocomplete="new-password" minlength="10" required />
                    <p class="hint">"At least 10 characters; a sentence is best."</p>
                </div>
                <button class="button button-main">"Change it"</button>
            </form>
        </section>
    }
    .written()
}

fn look(theme: Theme, keys: Keys) -> Markup {
    let option = |one: Theme| {
        view! {
            <label class="field-tick">
                <input type="radio" name="theme" value=one.name() checked=one == theme />
                <span>{one.label()}</span>
            </label>
        }
    };
    view! {
        <section class="panel" id="look" aria-labelledby="look-head">
            <h2 id="look-head">"In this browser"</h2>
            <form class="act narrow" method="post" action="/account/look">
                <fieldset class="field-group">
                    <legend>"Colours"</legend>
                    <div class="form-acts">{Theme::ALL.map(option).collect_view()}</div>
                </fieldset>
                <fieldset class="field-group">
                    <legend>"Keyboard"</legend>
                    <label class="field-tick">
                        <input type="checkbox" name="keys" value="on" checked=keys == Keys::On />
                        <span>"Single keys: / to find, ? for help, g t to go to the tasks, j and k for rows"</span>
                    </label>
                    <p class="hint">"Switch them off if you speak to your computer, or type where you do not mean to. Ctrl or ⌘ with K always works."</p>
                </fieldset>
                <button class="button">"Keep"</button>
            </form>
        </section>
    }
    .written()
}
