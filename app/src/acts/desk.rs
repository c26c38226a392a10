//! Where an act is handed in: who asks, whether they may, and the conductor's answer.

use std::time::Duration;

use engine::{EngineError, IdempotencyKey};
use scheduler::{Actor, Answer, Command, Reply, Request};
use sha2::{Digest, Sha256};
use store::IdempotencyRow;
use uuid::Uuid;

use super::permission::{Who, role, who_may};
use super::{Form, Refused};
use crate::access::{House, Seat, Visitor};

/// The same form sent twice: the second waits for the first this often, so long each time.
const WAITS: u32 = 100;
const WAIT: Duration = Duration::from_millis(50);

/// A seat from which that one act may be done.
#[derive(Debug)]
pub struct Desk {
    /// The workspace.
    pub seat: Seat,
    /// Who acts.
    pub visitor: Visitor,
    once: Once,
}

/// The desk of acts that belong to no workspace.
#[derive(Debug)]
pub struct Hall {
    /// What is stored and decided.
    pub house: House,
    /// Who acts.
    pub visitor: Visitor,
    once: Once,
}

/// What tells a form that is sent twice from two forms.
#[derive(Debug)]
struct Once {
    key: String,
    hash: [u8; 32],
}

impl Desk {
    /// Lets in whom the table names for that act, in the workspace the form was made for.
    pub async fn open(act: &str, form: &Form) -> Result<Self, Refused> {
        let (house, visitor) = asks()?;
        let Some(Who::AtLeast(least)) = who_may(act) else {
            return Err(Refused::not_found());
        };
        let seat = house.seat(&visitor, form.get("ws")).await?;
        if seat.role < least {
            return Err(Refused::forbidden(format!(
                "This takes {} of the workspace or above; you are {}.",
                role(least),
                role(seat.role)
            )));
        }
        let once = Once::of(act, form, &visitor)?;
        Ok(Self {
            seat,
            visitor,
            once,
        })
    }

    /// How decisions name who acts.
    pub fn actor(&self) -> Actor {
        Actor::User {
            id: self.visitor.account,
            name: self.visitor.email.clone(),
        }
    }

    /// Has it decided, once for a form however often that is sent.
    pub async fn submit(&self, request: Request) -> Result<Reply, Refused> {
        self.submit_part("", request).await
    }

    /// One of several requests that a form makes, each named by its part.
    pub async fn submit_part(&self, part: &str, request: Request) -> Result<Reply, Refused> {
        Ok(self.ask(part, request).await??)
    }

    /// The same, for those who have words of their own for what the conductor refuses.
    pub async fn ask(&self, part: &str, request: Request) -> Result<Answer, Refused> {
        let command = Command {
            workspace: self.seat.workspace,
            actor: self.actor(),
            request,
        };
        let once = IdempotencyKey {
            key: format!("{}{part}", self.once.key),
            request_hash: self.once.hash,
        };
        for _ in 0..WAITS {
            let heard = self.seat.submit(command.clone(), once.clone()).await;
            match heard {
                Err(EngineError::StillRunning) => tokio::time::sleep(WAIT).await,
                heard => return Ok(heard?.answer),
            }
        }
        Err(EngineError::StillRunning.into())
    }

    /// Whether this very form was done before, so that what it was made from has moved on.
    pub async fn was_done(&self) -> Result<bool, Refused> {
        let (store, workspace) = (self.seat.store(), self.seat.workspace);
        let before = store.remembered(workspace, &self.once.key, self.seat.now);
        Ok(before.await?.is_some())
    }

    /// What is stored with an act that no conductor decides, so that the form does it once.
    pub fn once(&self) -> IdempotencyRow {
        IdempotencyRow {
            workspace: self.seat.workspace,
            key: self.once.key.clone(),
            request_hash: self.once.hash,
            answer: serde_json::Value::Null,
            at: self.seat.now,
        }
    }

    /// An identifier for what this form makes: the same each time it is sent.
    pub fn id(&self) -> Uuid {
        self.once.id()
    }
}

impl Hall {
    /// Lets in whom the table names for that act.
    pub fn open(act: &str, form: &Form) -> Result<Self, Refused> {
        let (house, visitor) = asks()?;
        match who_may(act) {
            Some(Who::SignedIn) => {}
            Some(Who::Installation) if visitor.runs_the_house => {}
            Some(Who::Installation) => {
                return Err(Refused::forbidden(
                    "This takes an administrator of the installation.".to_owned(),
                ));
            }
            Some(Who::AtLeast(_)) | None => return Err(Refused::not_found()),
        }
        let once = Once::of(act, form, &visitor)?;
        Ok(Self {
            house,
            visitor,
            once,
        })
    }

    /// An identifier for what this form makes: the same each time it is sent.
    pub fn id(&self) -> Uuid {
        self.once.id()
    }
}

fn asks() -> Result<(House, Visitor), Refused> {
    House::of_request()
        .zip(Visitor::of_request())
        .ok_or_else(Refused::signed_out)
}

impl Once {
    fn of(act: &str, form: &Form, visitor: &Visitor) -> Result<Self, Refused> {
        let once = form.get("once");
        let usable = (8..=100).contains(&once.len()) && once.bytes().all(|b| b.is_ascii_graphic());
        if !usable {
            return Err(Refused::incomplete());
        }
        let sent = serde_json::to_vec(&form.typed()).unwrap_or_default();
        let mut hash = Sha256::new_with_prefix(act);
        hash.update(b"\n");
        hash.update(sent);
        Ok(Self {
            key: format!("{}:{once}", visitor.account),
            hash: hash.finalize().into(),
        })
    }

    fn id(&self) -> Uuid {
        let digest: [u8; 32] = Sha256::digest(&self.key).into();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}
