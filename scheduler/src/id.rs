//! Identifiers: one type per thing, all `UUIDv7`, so that they sort by time of creation.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Time;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = uuid::Uuid))]
        pub struct $name(pub Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
    )+};
}

ids! {
    /// A pool: the workspaces decided together.
    PoolId,
    /// A workspace: a team's tenancy.
    WorkspaceId,
    /// An agent.
    AgentId,
    /// A task.
    TaskId,
    /// A lease: one attempt of one task by one agent.
    LeaseId,
    /// A decision.
    DecisionId,
    /// A resource.
    ResourceId,
    /// A budget.
    BudgetId,
    /// A permit: grants without a task.
    PermitId,
    /// A person with an account.
    UserId,
    /// An API key.
    KeyId,
}

/// Makes identifiers inside the core, where there is neither a clock nor randomness.
///
/// `UUIDv7` layout (RFC 9562): 48 bits of milliseconds, then a counter that only grows while the
/// source lives, then `salt`, which is random, passed in, and differs between conductors, so that
/// two conductors of a pool can never make the same identifier.
#[derive(Clone, Debug)]
pub(crate) struct IdSource {
    salt: u64,
    last: (u64, u32),
}

impl IdSource {
    pub(crate) fn new(salt: u64) -> Self {
        Self { salt, last: (0, 0) }
    }

    /// The next identifier; each sorts after those before it.
    pub(crate) fn next(&mut self, now: Time) -> Uuid {
        const COUNTER_BITS: u32 = 26;
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(0);
        let (ms, count) = self.last;
        self.last = if now_ms > ms {
            (now_ms, 0)
        } else if count + 1 < 1 << COUNTER_BITS {
            (ms, count + 1)
        } else {
            (ms + 1, 0)
        };
        let (ms, count) = self.last;
        // 12 bits of the counter after the version, the other 14 after the variant, 48 of salt last.
        let high = u128::from(ms) << 80 | 0x7 << 76 | u128::from(count >> 14) << 64;
        let low = 0b10 << 62
            | u128::from(count & 0x3fff) << 48
            | u128::from(self.salt & 0xffff_ffff_ffff);
        Uuid::from_u128(high | low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_and_are_version_seven() {
        let mut source = IdSource::new(7);
        let ids: Vec<_> = (0..40_000)
            .map(|i| source.next(Time::from_millis(1_000 + i / 30_000)))
            .collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }

    #[test]
    fn a_clock_that_stands_or_steps_back_still_gives_growing_ids() {
        let mut source = IdSource::new(7);
        let later = source.next(Time::from_millis(2_000));
        assert!(source.next(Time::from_millis(1_000)) > later);
    }
}
