//! Who may do what. The router is built from [`Route`]s, and a route cannot be made without saying
//! who may use it.

use axum::http::StatusCode;

use crate::problem::Problem;

pub use store::keys::KeyRole as Role;

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Every key of the workspace.
    Anyone,
    /// An agent's key only.
    Agent,
    /// An agent's key, or this role and above.
    AgentOr(Role),
    /// This role and above; no agent.
    AtLeast(Role),
}

impl Who {
    /// Whether `role` is one of them.
    pub const fn allows(self, role: Role) -> bool {
        match self {
            Self::Anyone => true,
            Self::Agent => matches!(role, Role::Agent),
            Self::AgentOr(least) => matches!(role, Role::Agent) || role.includes(least),
            Self::AtLeast(least) => role.includes(least),
        }
    }

    /// Lets `role` in, or says why not.
    pub fn admit(self, role: Role) -> Result<(), Problem> {
        if self.allows(role) {
            return Ok(());
        }
        Err(match self {
            Self::Agent => Problem::new(
                StatusCode::FORBIDDEN,
                "agent_key_needed",
                "Only an agent's own key can do this: make one with `baton key create --role agent`.",
            ),
            _ => Problem::forbidden(format!(
                "This takes {self}; the key's role is {}.",
                role.as_str()
            )),
        })
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Anyone => f.write_str("any key"),
            Self::Agent => f.write_str("an agent's key"),
            Self::AgentOr(role) => {
                write!(f, "an agent's key or the role {} or above", role.as_str())
            }
            Self::AtLeast(role) => write!(f, "the role {} or above", role.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_form_a_ladder_and_agents_stand_beside_it() {
        assert!(Role::Admin.includes(Role::Viewer) && Role::Manager.includes(Role::Member));
        assert!(!Role::Viewer.includes(Role::Member) && !Role::Member.includes(Role::Manager));
        assert!(!Role::Admin.includes(Role::Agent) && !Role::Agent.includes(Role::Viewer));
    }

    #[test]
    fn nobody_but_an_agent_claims() {
        let admitted: Vec<_> = Role::ALL
            .into_iter()
            .filter(|role| Who::Agent.allows(*role))
            .collect();
        assert_eq!(admitted, [Role::Agent]);
    }
}
