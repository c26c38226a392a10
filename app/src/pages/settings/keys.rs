//! The keys of a workspace: made, copied once, revoked.

use leptos::prelude::*;
use store::keys::{KeyListed, KeyRole, NewKey};

use crate::access::Seat;
use crate::components::act_form::{ActForm, asking};
use crate::components::moment::Moment;
use crate::components::snippets::{FIRST_AGENT, attach_an_agent};
use crate::islands::copy::Copy;
use crate::markup::{Markup, Written};
use crate::pages::agents::href;

/// The list, and the form of a new one where its role was chosen.
pub fn panel(keys: Vec<KeyListed>, new_key: Option<KeyRole>, seat: &Seat) -> Markup {
    let empty = keys.is_empty().then(|| {
        view! { <p class="quiet">"No key yet. Programs speak to this workspace with one; people never need any."</p> }
    });
    let table = (!keys.is_empty()).then(|| table(keys, seat));
    view! {
        <section class="panel" id="keys" data-act-region aria-labelledby="keys-head">
            <h2 id="keys-head">"Keys"</h2>
            {empty}
            {table}
            {seat.may("create_key").then(|| choose(new_key, seat))}
            {new_key.and_then(|role| create(role, seat))}
        </section>
    }
    .written()
}

fn table(keys: Vec<KeyListed>, seat: &Seat) -> Markup {
    let row = |listed: KeyListed| row(&listed, seat);
    view! {
        <div class="scroll" tabindex="0" role="group" aria-labelledby="keys-head">
            <table class="rows cards">
                <thead>
                    <tr>
                        <th scope="col" class="wide">"Name"</th>
                        <th scope="col">"Opens"</th>
                        <th scope="col">"Begins with"</th>
                        <th scope="col" class="number">"Made"</th>
                        <th scope="col" class="number">"Last used"</th>
                        <th scope="col" class="number">"Ends"</th>
                        <th scope="col">
                            <span class="visually-hidden">"Acts"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{keys.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .written()
}

fn row(listed: &KeyListed, seat: &Seat) -> Markup {
    let key = &listed.key;
    let moment = |at| view! { <Moment at now=seat.now /> };
    let over = key.revoked_at.is_some() || key.expires_at.is_some_and(|at| at <= seat.now);
    let used = match key.last_used_at {
        Some(at) => moment(at).written(),
        None => "never".written(),
    };
    let ends = match (key.revoked_at, key.expires_at) {
        (Some(at), _) => view! { "revoked " {moment(at)} }.written(),
        (None, Some(at)) => moment(at).written(),
        (None, None) => "when revoked".written(),
    };
    let revoke = ActForm::new("revoke_key", seat).filter(|_| !over).map(|form| {
        let form = form
            .id(format!("revoke_key-{}", key.id))
            .with("key", key.id.to_string())
            .grave();
        let sure = view! { <p>"Whoever uses it is turned away from then on. This cannot be taken back."</p> };
        let opens = form.was_refused();
        asking("Revoke", opens, form.show("Revoke this key", sure))
    });
    view! {
        <tr class=over.then_some("over") data-key=key.id.to_string()>
            <td class="wide card-head strong">{key.name.clone()}</td>
            <td data-label="Opens">
                {role_words(key.role)} " " {listed.agent.as_ref().map(|name| view! { <a href=href(seat, name)>{name.clone()}</a> })}
            </td>
            <td data-label="Begins with"><code>{key.prefix.clone()}"…"</code></td>
            <td class="number quiet" data-label="Made">{moment(key.created_at)}</td>
            <td class="number quiet" data-label="Last used">{used}</td>
            <td class="number quiet" data-label="Ends">{ends}</td>
            <td>{revoke}</td>
        </tr>
    }
    .written()
}

fn role_words(role: KeyRole) -> &'static str {
    match role {
        KeyRole::Agent => "as agent",
        KeyRole::Viewer => "as a viewer",
        KeyRole::Member => "as a member",
        KeyRole::Manager => "as a manager",
        KeyRole::Admin => "as an admin",
    }
}

/// A new key begins with its role: the key's text names it.
fn choose(chosen: Option<KeyRole>, seat: &Seat) -> Markup {
    let one = |role: KeyRole| {
        let href = format!("{}?key={}#create_key", seat.path("settings"), role.as_str());
        let words = match role {
            KeyRole::Agent => "For an agent",
            KeyRole::Viewer => "To read",
            KeyRole::Member => "To hand in work",
            KeyRole::Manager => "To set limits",
            KeyRole::Admin => "For everything",
        };
        view! {
            <a class="button" href=href aria-current=(chosen == Some(role)).then_some("true")>
                {words}
            </a>
        }
    };
    view! {
        <p class="form-acts" role="group" aria-label="New key">
            <span class="quiet">"New key:"</span>
            {KeyRole::ALL.map(one).collect_view()}
        </p>
    }
    .written()
}

fn create(role: KeyRole, seat: &Seat) -> Option<Markup> {
    let form = ActForm::new("create_key", seat)?;
    let new = NewKey::generate(role.as_str()).ok()?;
    let (label, hint) = match role {
        KeyRole::Agent => (
            "Agent",
            "The name it goes by. A new name makes a new agent.",
        ),
        _ => ("Name", "So that people know later what it is for."),
    };
    let name = form.field("name", label).hint(hint).required();
    let days = form
        .field("days", "Days until it ends")
        .hint("Left empty, it works until somebody revokes it.");
    let fields = view! {
        <p class="quiet">"Copy the key now: it is shown here only, and kept nowhere. It works once you press the button below."</p>
        <div class="snippet">
            <Copy />
            <pre tabindex="0" class="secret"><code>{new.text.clone()}</code></pre>
        </div>
        <div class="field-row">{name.line()} {days.number()}</div>
    };
    let form = form
        .with("role", role.as_str())
        .with("prefix", new.prefix)
        .with("hash", hex::encode(new.hash));
    let button = match role {
        KeyRole::Agent => "Let this agent in",
        _ => "Let this key in",
    };
    let programs = (role == KeyRole::Agent).then(|| {
        view! {
            <details>
                <summary>{format!("Programs with this key in them, for an agent named {FIRST_AGENT}")}</summary>
                {attach_an_agent(&seat.slug, FIRST_AGENT, Some(&new.text))}
            </details>
        }
    });
    Some(view! { {form.show(button, fields)} {programs} }.written())
}
