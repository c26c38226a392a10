//! What clients send about tasks, and its bounds.

use scheduler::{Class, Estimate, Needs, Priority, Requirement, Time, bounds};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::check::{BATCH, Check, DESCRIPTION_BYTES};

/// A value or an array of values.
// Only the schema reads serde's attribute; what is read is read by hand, below.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum OneOrMany<T> {
    /// One.
    One(Box<T>),
    /// Many, in order.
    Many(Vec<T>),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Either(std::marker::PhantomData))
    }
}

/// Looks whether an object or an array comes, so that faults keep their place.
struct Either<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Either<T> {
    type Value = OneOrMany<T>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an object or an array of objects")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| OneOrMany::One(Box::new(one)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut many = Vec::new();
        // One more than may be is enough to refuse the rest unread.
        while let Some(one) = seq.next_element()? {
            many.push(one);
            if many.len() > BATCH {
                while seq.next_element::<serde::de::IgnoredAny>()?.is_some() {}
                break;
            }
        }
        Ok(OneOrMany::Many(many))
    }
}

/// A task to be made.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTaskBody {
    /// One line, 1 to 200 characters.
    pub title: String,
    /// Anything more, at most 64 KiB.
    pub description: Option<String>,
    /// A free word for the sort of work; `general` unless said.
    pub kind: Option<String>,
    /// `ordinary` unless said.
    pub class: Option<Class>,
    /// What its author says of its importance; `medium` unless said.
    pub priority: Option<Priority>,
    /// When it should be done, in the years 2000 to 2099.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Time>,
    /// Capabilities an agent must have.
    pub capabilities: Option<Vec<String>>,
    /// Resources taken all or nothing while it runs; at most 32.
    pub requires: Option<Vec<RequirementBody>>,
    /// What it is expected to use.
    pub estimate: Option<EstimateBody>,
    /// Tasks that must be done first, by identifier or by a `ref` of the same batch; at most 256.
    pub depends_on: Option<Vec<String>>,
    /// The task it is split from, by identifier or by a `ref` of the same batch.
    pub parent_id: Option<String>,
    /// The one agent that may do it, by name.
    pub agent: Option<String>,
    /// Not to start before this, in the years 2000 to 2099.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub not_before: Option<Time>,
    /// Attempts before it has failed, 1 to 100; 3 unless said.
    #[schema(minimum = 1, maximum = 100)]
    pub max_attempts: Option<i64>,
    /// How long a lease lasts without a renewal, 1 second to 24 hours; 60000 unless said.
    #[schema(minimum = 1_000, maximum = 86_400_000)]
    pub lease_ms: Option<i64>,
    /// Whether somebody looks at the result before it is done.
    pub needs_review: Option<bool>,
    /// The author's own data, given to the agent as JSON reads it: whole numbers of 64 bits, others as
    /// doubles, of equal names the last. What must not change a digit is a string.
    #[schema(value_type = Option<Object>)]
    pub payload: Option<Map<String, Value>>,
    /// The author's own name for it, unique in its batch.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
}

/// An amount of a resource.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct RequirementBody {
    /// The resource's name.
    pub resource: String,
    /// Tokens of a bucket, or slots; at least 1.
    pub amount: u32,
}

/// What a task is expected to use.
#[derive(Debug, Default, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, remote = "Self")]
pub struct EstimateBody {
    /// The model the work is expected to call.
    pub model: Option<String>,
    /// Tokens read by the model.
    pub input_tokens: Option<u32>,
    /// Tokens written by the model.
    pub output_tokens: Option<u32>,
    /// Money, in millionths of a dollar.
    pub cost_microusd: Option<u64>,
    /// Working time in milliseconds.
    pub duration_ms: Option<u32>,
}

crate::input::objects_only!(RequirementBody, EstimateBody);

impl From<&RequirementBody> for Requirement {
    fn from(body: &RequirementBody) -> Self {
        Self {
            resource: body.resource.clone(),
            amount: body.amount,
        }
    }
}

/// Requirements in the core's words, as they came.
pub fn requirements(bodies: Option<&[RequirementBody]>) -> Vec<Requirement> {
    bodies
        .unwrap_or_default()
        .iter()
        .map(Requirement::from)
        .collect()
}

/// In the order that lets equal needs be kept once, without doubles.
pub fn sorted<T: Ord>(mut words: Vec<T>) -> Vec<T> {
    words.sort_unstable();
    words.dedup();
    words
}

impl EstimateBody {
    /// Checks its bounds; money is bounded so that sums of it cannot overflow.
    pub fn check(&self, check: &mut Check) {
        check.optional_name(self.model.as_deref(), "/estimate/model");
        let fits = self
            .cost_microusd
            .is_none_or(|cost| cost <= bounds::MICROUSD);
        check.that(fits, "/estimate/cost_microusd", super::TOO_MUCH_MONEY);
    }
}

impl From<&EstimateBody> for Estimate {
    fn from(body: &EstimateBody) -> Self {
        Self {
            model: body.model.clone(),
            input_tokens: body.input_tokens,
            output_tokens: body.output_tokens,
            cost_microusd: body.cost_microusd,
            duration_ms: body.duration_ms,
        }
    }
}

impl NewTaskBody {
    /// Checks every bound but the names of other tasks.
    pub fn check(&self, check: &mut Check) {
        check.title(&self.title);
        check.text(
            self.description.as_deref(),
            "/description",
            DESCRIPTION_BYTES,
        );
        check.optional_name(self.kind.as_deref(), "/kind");
        check.words(
            self.capabilities.as_deref().unwrap_or_default(),
            "/capabilities",
        );
        check.requirements(&requirements(self.requires.as_deref()), "/requires");
        check.date(self.due_at, "/due_at");
        check.date(self.not_before, "/not_before");
        check.optional_name(self.agent.as_deref(), "/agent");
        check.optional_name(self.reference.as_deref(), "/ref");
        let attempts = self.max_attempts.is_none_or(|attempts| {
            u16::try_from(attempts).is_ok_and(|attempts| bounds::ATTEMPTS.contains(&attempts))
        });
        check.that(attempts, "/max_attempts", "must be from 1 to 100");
        let lease = self
            .lease_ms
            .is_none_or(|lease_ms| (1_000..=86_400_000).contains(&lease_ms));
        check.that(
            lease,
            "/lease_ms",
            "must be from 1000 (a second) to 86400000 (a day)",
        );
        if let Some(estimate) = &self.estimate {
            estimate.check(check);
        }
    }

    /// What it needs, in the canonical order that lets equal needs be kept once.
    pub fn needs(&self) -> Needs {
        Needs {
            kind: self.kind.clone().unwrap_or_else(|| "general".to_owned()),
            class: self.class.unwrap_or_default(),
            capabilities: sorted(self.capabilities.clone().unwrap_or_default()),
            requires: sorted(requirements(self.requires.as_deref())),
            agent: self.agent.clone(),
            estimate: self
                .estimate
                .as_ref()
                .map(Estimate::from)
                .unwrap_or_default(),
            max_attempts: fitting(self.max_attempts).unwrap_or(3),
            lease_ms: fitting(self.lease_ms).unwrap_or(60_000),
            needs_review: self.needs_review.unwrap_or_default(),
        }
    }
}

/// A number that was checked. Whatever was sent is read, so that the check can say what fits.
fn fitting<T: TryFrom<i64>>(number: Option<i64>) -> Option<T> {
    number.and_then(|number| number.try_into().ok())
}

/// What changes about a task. Absent fields stay as they are; null is for those that say what it does.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::option_option,
    reason = "absent, null and a value are three things"
)]
pub struct TaskPatch {
    /// One line, 1 to 200 characters.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub title: Option<String>,
    /// Anything more, at most 64 KiB.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub description: Option<String>,
    /// What is said of its importance.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub priority: Option<Priority>,
    /// When it should be done, in the years 2000 to 2099; null takes the date away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub due_at: Option<Option<Time>>,
    /// Its class; like what it needs, it changes only while the task waits.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub class: Option<Class>,
    /// What it is expected to use.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub estimate: Option<EstimateBody>,
    /// Capabilities an agent must have, instead of those it has now.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub capabilities: Option<Vec<String>>,
    /// Resources taken all or nothing while it runs, instead of those it has now; at most 32.
    #[serde(default, deserialize_with = "given")]
    #[schema(nullable = false)]
    pub requires: Option<Vec<RequirementBody>>,
    /// The one agent that may do it, by name; null or empty for nobody in particular.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub agent: Option<Option<String>>,
    /// The version that was read; refused with 409 when it moved on.
    pub version: u32,
}

/// Takes a value and no null, which would look like a change and be none.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// Tells an absent field from a null one.
#[expect(
    clippy::option_option,
    reason = "absent, null and a value are three things"
)]
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(from).map(Some)
}

impl TaskPatch {
    /// Checks every bound.
    pub fn check(&self, check: &mut Check) {
        if let Some(title) = &self.title {
            check.title(title);
        }
        check.text(
            self.description.as_deref(),
            "/description",
            DESCRIPTION_BYTES,
        );
        if let Some(estimate) = &self.estimate {
            estimate.check(check);
        }
        check.words(
            self.capabilities.as_deref().unwrap_or_default(),
            "/capabilities",
        );
        check.requirements(&requirements(self.requires.as_deref()), "/requires");
        check.date(self.due_at.flatten(), "/due_at");
        check.optional_name(self.agent().filter(|name| !name.is_empty()), "/agent");
    }

    /// The agent to be pinned to: empty for nobody in particular, `None` to leave it as it is.
    pub fn agent(&self) -> Option<&str> {
        let agent = self.agent.as_ref()?;
        Some(agent.as_deref().unwrap_or_default())
    }
}
