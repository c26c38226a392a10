//! Sessions ended by the person they belong to.

use leptos::prelude::*;

use super::{Answer, Done, Form, Hall, Refused};

/// Ends one of one's own sessions, on whatever machine it is.
#[server(endpoint = "end_session")]
pub async fn end_session(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = end(&form).await;
    form.answer(done).await
}

async fn end(form: &Form) -> Result<Done, Refused> {
    let hall = Hall::open("end_session", form)?;
    let mut read = form.read();
    let session = read.own("session", store::keys::NewKey::hash_in_hex);
    read.done()?;
    let session = session.ok_or_else(Refused::not_found)?;
    let (store, account) = (&hall.house.store, hall.visitor.account);
    store.end_session_of(account, &session).await?;
    Ok(Done::new("That session is over."))
}

/// Ends all of one's sessions but the one that asks.
#[server(endpoint = "end_other_sessions")]
pub async fn end_other_sessions(#[server(flatten)] form: Form) -> Result<Answer, ServerFnError> {
    let done = end_others(&form).await;
    form.answer(done).await
}

async fn end_others(form: &Form) -> Result<Done, Refused> {
    let hall = Hall::open("end_other_sessions", form)?;
    let (store, visitor) = (&hall.house.store, &hall.visitor);
    let ended = store
        .revoke_sessions(visitor.account, Some(&visitor.session))
        .await?;
    Ok(Done::new(match ended {
        0 => "There was no other session.".to_owned(),
        _ => format!(
            "{} ended. You stay signed in here.",
            crate::text::count(ended, "session")
        ),
    }))
}
