//! Keys made and revoked.
//!
//! The page that shows the form has made the key and shows it; only its hash comes here.

use leptos::prelude::*;
use scheduler::{AgentId, KeyId, Span, Time, WorkspaceId};
use store::StoreError;
use store::keys::{Key, KeyRole, NewKey};

use super::form::Reader;
use super::{Answer, Desk, Done, Form, Refused};

/// The longest beginning of a key that is kept to be known by.
const PREFIX_CHARS: usize = 40;

/// What the form says of the key.
struct Wanted {
    role: KeyRole,
    name: String,
    hash: [u8; 32],
    prefix: String,
    expires_at: Option<Time>,
}

/// Lets a key that its author has copied open the workspace.
#[server(endpoint = "create_key")]
pub async fn create_key(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = create(&form).await;
    form.answer(done).await
}

async fn create(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("create_key", form).await?;
    let mut read = form.read();
    let wanted = wanted(&mut read, desk.seat.now);
    read.done()?;
    let wanted = wanted.ok_or_else(Refused::not_found)?;
    let (store, workspace) = (desk.seat.store(), desk.seat.workspace);
    let agent = match wanted.role {
        KeyRole::Agent => Some(
            store
                .ensure_agent(workspace, &wanted.name, uuid::Uuid::now_v7().into())
                .await?,
        ),
        _ => None,
    };
    let words = format!("The key {}… works from now on.", wanted.prefix);
    let hash = wanted.hash;
    let key = key(wanted, workspace, agent, desk.seat.now);
    match store.create_key(&key, &hash).await {
        // The same form sent twice has stored it already.
        Ok(()) | Err(StoreError::Taken) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(Done::new(words).to(desk.seat.path("settings")))
}

fn wanted(read: &mut Reader<'_>, now: Time) -> Option<Wanted> {
    let role = read.own("role", KeyRole::named);
    let name = read.name("name").to_owned();
    let days: Option<u16> = read.optional_value("days", "This takes a whole number of days.");
    let hash = read.own("hash", NewKey::hash_in_hex);
    let prefix = read.own("prefix", |prefix| {
        let fits = (1..=PREFIX_CHARS).contains(&prefix.len());
        fits.then(|| prefix.to_owned())
    });
    let lasts = |days: u16| now + Span::from_secs(i64::from(days) * 86_400);
    Some(Wanted {
        role: role?,
        name,
        hash: hash?,
        prefix: prefix?,
        expires_at: days.map(lasts),
    })
}

fn key(wanted: Wanted, workspace: WorkspaceId, agent: Option<AgentId>, now: Time) -> Key {
    Key {
        id: KeyId(uuid::Uuid::now_v7()),
        workspace,
        name: wanted.name,
        role: wanted.role,
        agent,
        prefix: wanted.prefix,
        created_at: now,
        expires_at: wanted.expires_at,
        last_used_at: None,
        revoked_at: None,
    }
}

/// Ends a key, everywhere and for good.
#[server(endpoint = "revoke_key")]
pub async fn revoke_key(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = revoke(&form).await;
    form.answer(done).await
}

async fn revoke(form: &Form) -> Result<Done, Refused> {
    let desk = Desk::open("revoke_key", form).await?;
    let mut read = form.read();
    let key = read.id("key");
    read.done()?;
    if !desk.seat.revoke_key(key).await? {
        return Err(Refused::not_found());
    }
    Ok(Done::new("Revoked. Whoever still uses it is turned away."))
}
