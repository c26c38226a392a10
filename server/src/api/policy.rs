//! `/policy`: the numbers people may turn.

use axum::Json;
use axum::extract::State;
use scheduler::{Policy, PutPolicy, Refusal, Reply, Request};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::auth::Caller;
use crate::check::Check;
use crate::input::Input;
use crate::problem::Problem;
use crate::state::App;

/// How often a change is laid over a newer policy when others change it at the same time.
const TRIES: usize = 3;

/// A workspace's policy.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CurrentPolicy {
    /// Grows with each change.
    version: u32,
    /// All its numbers.
    #[serde(flatten)]
    policy: Policy,
}

/// Read the policy in force.
#[utoipa::path(get, path = "/policy", tag = "limits",
    responses((status = 200, body = CurrentPolicy)))]
pub async fn get(State(app): State<App>, caller: Caller) -> Result<Json<CurrentPolicy>, Problem> {
    current(&app, &caller).await.map(Json)
}

async fn current(app: &App, caller: &Caller) -> Result<CurrentPolicy, Problem> {
    let row = app
        .store
        .policy(caller.workspace)
        .await?
        .ok_or_else(Problem::not_found)?;
    Ok(CurrentPolicy {
        version: row.version,
        policy: row.policy,
    })
}

/// Change the policy. What is not named stays as it is; `version`, when given, must be the one in
/// force. What changes nothing makes no new version.
#[utoipa::path(put, path = "/policy", tag = "limits", request_body = CurrentPolicy,
    responses((status = 200, body = CurrentPolicy)))]
pub async fn put(
    State(app): State<App>,
    caller: Caller,
    input: Input<Map<String, Value>>,
) -> Result<Json<CurrentPolicy>, Problem> {
    let mut changes = input.value;
    let version = match changes.remove("version") {
        None | Some(Value::Null) => None,
        Some(version) => Some(stated_version(&version)?),
    };
    for _ in 0..TRIES {
        let before = current(&app, &caller).await?;
        let policy = overlaid(&before.policy, &changes)?;
        let put = PutPolicy {
            policy: policy.clone(),
            version: Some(version.unwrap_or(before.version)),
        };
        let heard = app
            .submit(&caller, Request::PutPolicy(put), input.once.clone())
            .await?;
        match heard.answer {
            Ok(Reply::Policy { version }) => return Ok(Json(CurrentPolicy { version, policy })),
            Ok(other) => return Err(super::unexpected(&other)),
            Err(Refusal::VersionConflict { .. }) if version.is_none() && input.once.is_none() => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Err(Problem::away(
        "Others change the policy at this moment; try again.",
    ))
}

fn stated_version(version: &Value) -> Result<u32, Problem> {
    version
        .as_u64()
        .and_then(|version| u32::try_from(version).ok())
        .ok_or_else(|| Problem::invalid_at("/version", "must be a version's number"))
}

/// What the conductor is asked if the policy in force were changed so.
pub(super) async fn request(
    app: &App,
    caller: &Caller,
    changes: &Map<String, Value>,
) -> Result<Request, Problem> {
    let policy = overlaid(&current(app, caller).await?.policy, changes)?;
    let version = None;
    Ok(Request::PutPolicy(PutPolicy { policy, version }))
}

/// The policy with the changes laid over it, if each names something there and the sum is usable.
fn overlaid(policy: &Policy, changes: &Map<String, Value>) -> Result<Policy, Problem> {
    let mut whole = serde_json::to_value(policy).map_err(|error| Problem::internal(&error))?;
    let mut check = Check::new();
    if let Value::Object(whole) = &mut whole {
        overlay(whole, changes, "", &mut check);
    }
    check.done()?;
    let policy: Policy = crate::input::fit(whole)?;
    policy
        .check()
        .map_err(|fault| Problem::invalid_at(fault.pointer, fault.detail))?;
    Ok(policy)
}

fn overlay(
    whole: &mut Map<String, Value>,
    changes: &Map<String, Value>,
    at: &str,
    check: &mut Check,
) {
    for (name, change) in changes {
        let pointer = format!("{at}/{name}");
        match (whole.get_mut(name), change) {
            (None, _) => check.that(false, &pointer, "is nothing a policy has"),
            (Some(Value::Object(part)), Value::Object(changes)) => {
                overlay(part, changes, &pointer, check);
            }
            (Some(Value::Object(_)), _) => check.that(false, &pointer, "must be an object"),
            (Some(value), change) => *value = change.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn laid(changes: &Value) -> Result<Policy, Problem> {
        overlaid(&Policy::default(), changes.as_object().unwrap())
    }

    #[test]
    fn what_is_not_named_stays() {
        let policy = laid(&serde_json::json!({ "fuses": { "max_pending": 7 } })).unwrap();
        assert_eq!(policy.fuses.max_pending, 7);
        assert_eq!(
            policy.fuses.max_children,
            Policy::default().fuses.max_children
        );
    }

    #[test]
    fn an_unknown_name_and_an_unusable_number_are_refused() {
        assert!(laid(&serde_json::json!({ "fuses": { "max_panding": 7 } })).is_err());
        assert!(laid(&serde_json::json!({ "ageing_per_hour": 0 })).is_err());
        assert!(laid(&serde_json::json!({ "fuses": "none" })).is_err());
        assert!(laid(&serde_json::json!({ "fuses": [2] })).is_err());
    }
}
