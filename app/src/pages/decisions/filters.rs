//! What a list of decisions is narrowed by, as its address has it.

use leptos::prelude::*;
use scheduler::{DecisionKind, Query, ResourceView, View};
use store::read::DecisionFilter;

use crate::access::{PageError, Seat};
use crate::acts::utc;
use crate::markup::{Markup, Written};
use crate::text;

/// The filters of a list. Names are people's: whoever they name is found when the list is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    pub kind: Option<DecisionKind>,
    pub task: String,
    pub agent: String,
    pub resource: String,
    pub from: String,
    pub to: String,
}

/// What the form can offer.
pub struct Known {
    pub agents: Vec<String>,
    pub resources: Vec<ResourceView>,
}

impl Known {
    /// What the conductor holds now.
    pub async fn of(seat: &Seat) -> Self {
        let (agents, resources) =
            futures::join!(seat.ask(Query::Agents), seat.ask(Query::Resources));
        Self {
            agents: match agents {
                Ok(View::Agents { agents }) => agents.into_iter().map(|one| one.name).collect(),
                _ => Vec::new(),
            },
            resources: match resources {
                Ok(View::Resources { resources }) => resources,
                _ => Vec::new(),
            },
        }
    }
}

impl Filters {
    /// What the address says; a kind there is none of, or no time, leads nowhere.
    pub fn of(param: &dyn Fn(&str) -> Option<String>) -> Result<Self, PageError> {
        let kind = |word: String| {
            let mut all = DecisionKind::ALL.into_iter();
            all.find(|kind| kind.as_str() == word)
                .ok_or(PageError::Unfit)
        };
        let text = |name| param(name).unwrap_or_default();
        let time = |name| match text(name) {
            text if text.is_empty() || utc(&text).is_some() => Ok(text),
            _ => Err(PageError::Unfit),
        };
        Ok(Self {
            kind: param("kind").map(kind).transpose()?,
            task: text("task"),
            agent: text("agent"),
            resource: text("resource"),
            from: time("from")?,
            to: time("to")?,
        })
    }

    /// Whether it ends before it begins, so that nothing can fit.
    pub fn is_reversed(&self) -> bool {
        let (from, to) = (utc(&self.from), utc(&self.to));
        from.zip(to).is_some_and(|(from, to)| to < from)
    }

    /// What the store is asked for; `None` when it names somebody or something there is not.
    pub async fn store(
        &self,
        seat: &Seat,
        known: &Known,
    ) -> Result<Option<DecisionFilter>, PageError> {
        let mut filter = DecisionFilter {
            kind: self.kind,
            from: utc(&self.from),
            to: utc(&self.to),
            ..DecisionFilter::default()
        };
        if !self.task.is_empty() {
            filter.task = Some(self.task.parse().map_err(|_| PageError::Unfit)?);
        }
        if !self.agent.is_empty() {
            let named = seat
                .store()
                .agent_named(seat.workspace, &self.agent)
                .await?;
            let Some(agent) = named else { return Ok(None) };
            filter.agent = Some(agent);
        }
        if !self.resource.is_empty() {
            let mut all = known.resources.iter();
            let Some(named) = all.find(|one| one.spec.name == self.resource) else {
                return Ok(None);
            };
            filter.resource = Some(named.spec.id);
        }
        Ok(Some(filter))
    }

    /// The same list of another kind.
    pub fn of_kind(&self, kind: Option<DecisionKind>) -> Self {
        Self {
            kind,
            ..self.clone()
        }
    }

    /// The names and values that stand for it in an address.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("kind", self.kind.map_or("", DecisionKind::as_str)),
            ("task", self.task.as_str()),
            ("agent", self.agent.as_str()),
            ("resource", self.resource.as_str()),
            ("from", self.from.as_str()),
            ("to", self.to.as_str()),
        ];
        all.into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    }
}

/// A time of the address as a browser's own control shows it.
fn control(typed: &str) -> String {
    utc(typed).map(text::control_time).unwrap_or_default()
}

/// The form above the list.
pub fn form(filters: &Filters, base: &str, known: &Known) -> Markup {
    let options = |names: Vec<String>| {
        names
            .into_iter()
            .map(|name| view! { <option value=name></option> })
            .collect_view()
    };
    let resources = known.resources.iter().map(|one| one.spec.name.clone());
    let all = (*filters != Filters::default()).then(|| {
        view! { <a class="button" href=base.to_owned()>"All"</a> }
    });
    let kept = [
        ("kind", filters.kind.map_or("", DecisionKind::as_str)),
        ("task", filters.task.as_str()),
    ];
    let kept = kept
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| view! { <input type="hidden" name=name value=value.to_owned() /> })
        .collect_view();
    let reversed = filters.is_reversed();
    let (invalid, described) = (reversed.then_some("true"), reversed.then_some("to-fault"));
    let fault = reversed.then(|| {
        view! { <p id="to-fault" class="field-fault" role="alert">"“To” is before “From”, so nothing can fit."</p> }
    });
    view! {
        <form class="filters" role="search" action=base.to_owned()>
            {kept}
            <label>
                <span>"Agent"</span>
                <input name="agent" value=filters.agent.clone() list="agents" autocomplete="off" />
            </label>
            <label>
                <span>"Resource"</span>
                <input name="resource" value=filters.resource.clone() list="resources" autocomplete="off" />
            </label>
            <label>
                <span>"From, UTC"</span>
                <input type="datetime-local" name="from" value=control(&filters.from) />
            </label>
            <label>
                <span>"To, UTC"</span>
                <input type="datetime-local" name="to" value=control(&filters.to)
                    aria-invalid=invalid aria-describedby=described />
            </label>
            <datalist id="agents">{options(known.agents.clone())}</datalist>
            <datalist id="resources">{options(resources.collect())}</datalist>
            <button class="button">"Search"</button>
            {all}
            {fault}
        </form>
    }
    .written()
}

/// The address of a list with these filters.
pub fn address(filters: &Filters, base: &str) -> String {
    text::address(base, &filters.pairs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(from: &str) -> Result<Filters, PageError> {
        Filters::of(&|name| (name == "from").then(|| from.to_owned()))
    }

    #[test]
    fn a_time_is_read_as_the_interface_writes_it_too_and_what_is_none_leads_nowhere() {
        for from in [
            "2026-11-21T17:25",
            "2026-11-21T17:25:00",
            "2026-11-21T17:25:00Z",
            "2026-11-21T18:25:00.25+01:00",
        ] {
            let filters = of(from).unwrap();
            assert_eq!(control(&filters.from), "2026-11-21T17:25", "{from}");
        }
        let to_the_second = of("2026-11-21T17:25:07Z").unwrap();
        assert_eq!(control(&to_the_second.from), "2026-11-21T17:25:07");
        assert_eq!(of("zz").unwrap_err(), PageError::Unfit);
        assert_eq!(control(&of("").unwrap().from), "");
    }
}
