//! What a list of tasks is narrowed by. The address is the state: everything here comes from it and
//! goes back into it.

use leptos::prelude::*;
use scheduler::{Class, TaskState, Time};
use store::read::{TaskFilter, TaskOrder};

use crate::access::PageError;
use crate::markup::{Markup, Written};
use crate::text;

/// The filters of a list, as the address has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    pub state: Option<TaskState>,
    pub class: Option<Class>,
    pub kind: String,
    pub agent: String,
    pub search: String,
    pub sort: Sort,
}

/// What comes first, as the address says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Newest,
    Oldest,
    Due,
    Ended,
}

impl Sort {
    const ALL: [Self; 4] = [Self::Newest, Self::Oldest, Self::Due, Self::Ended];

    /// Its name in addresses, and what it says to people.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Newest => ("", "newest first"),
            Self::Oldest => ("oldest", "oldest first"),
            Self::Due => ("due", "due soonest"),
            Self::Ended => ("ended", "ended last"),
        }
    }
}

impl Filters {
    /// What the address says; words that name nothing lead nowhere.
    pub fn of(param: &dyn Fn(&str) -> Option<String>) -> Result<Self, PageError> {
        let class = |word: String| {
            let all = Class::ALL.into_iter();
            all.into_iter()
                .find(|one| text::class(*one) == word)
                .ok_or(PageError::Unfit)
        };
        let state = |word: String| {
            TaskState::ALL
                .into_iter()
                .find(|state| state.as_str() == word)
                .ok_or(PageError::Unfit)
        };
        let sort = |word: String| {
            let mut all = Sort::ALL.into_iter();
            all.find(|sort| sort.names().0 == word)
                .ok_or(PageError::Unfit)
        };
        Ok(Self {
            state: param("state").map(state).transpose()?,
            class: param("class").map(class).transpose()?,
            kind: param("kind").unwrap_or_default(),
            agent: param("agent").unwrap_or_default(),
            search: param("q").unwrap_or_default(),
            sort: param("sort").map_or(Ok(Sort::Newest), sort)?,
        })
    }

    /// What the store is asked for now.
    pub fn store(&self, now: Time) -> TaskFilter {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        TaskFilter {
            state: self.state,
            class: self.class,
            kind: some(&self.kind),
            agent: some(&self.agent),
            text: some(&self.search),
            order: match self.sort {
                Sort::Newest => TaskOrder::Newest,
                Sort::Oldest => TaskOrder::Oldest,
                Sort::Due => TaskOrder::Due,
                Sort::Ended => TaskOrder::Ended(now),
            },
        }
    }

    /// Whether anything is left out.
    pub fn narrow(&self) -> bool {
        let all = Self {
            sort: self.sort,
            ..Self::default()
        };
        *self != all || matches!(self.sort, Sort::Due | Sort::Ended)
    }

    /// Whether they are more than words and a state: those a small screen shows when asked.
    fn are_rare(&self) -> bool {
        let usual = Self {
            state: self.state,
            search: self.search.clone(),
            ..Self::default()
        };
        *self != usual
    }

    /// What the order leaves out.
    pub fn leaves_out(&self) -> Option<&'static str> {
        match self.sort {
            Sort::Newest | Sort::Oldest => None,
            Sort::Due => Some("Open tasks that have a due date."),
            Sort::Ended => Some("Tasks that are over."),
        }
    }

    /// The words of the links to the list's beginning and to its next page.
    pub fn onwards(&self) -> (&'static str, &'static str) {
        match self.sort {
            Sort::Newest => ("Newest", "Older"),
            Sort::Oldest => ("Oldest", "Newer"),
            Sort::Due => ("Due soonest", "Due later"),
            Sort::Ended => ("Ended last", "Ended before"),
        }
    }

    /// The same list in another state.
    pub fn in_state(&self, state: Option<TaskState>) -> Self {
        Self {
            state,
            ..self.clone()
        }
    }

    /// The names and values that stand for it in an address.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("state", self.state.map_or("", TaskState::as_str)),
            ("class", self.class.map_or("", text::class)),
            ("kind", self.kind.as_str()),
            ("agent", self.agent.as_str()),
            ("q", self.search.as_str()),
            ("sort", self.sort.names().0),
        ];
        all.into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name, value.to_owned()))
            .collect()
    }

    /// The address of the list below `base`.
    pub fn address(&self, base: &str) -> String {
        text::address(base, &self.pairs())
    }
}

/// The form above the list.
pub fn form(filters: &Filters, base: &str, agents: &[String]) -> Markup {
    let Filters {
        state,
        class,
        kind,
        agent,
        search,
        sort,
    } = filters.clone();
    let classes = Class::ALL
        .into_iter()
        .rev()
        .map(|one| {
            let word = text::class(one);
            view! { <option value=word selected=class == Some(one)>{word}</option> }
        })
        .collect_view();
    let sorts = Sort::ALL
        .into_iter()
        .map(|one| {
            let (word, said) = one.names();
            view! { <option value=word selected=sort == one>{said}</option> }
        })
        .collect_view();
    let agents = agents
        .iter()
        .map(|name| view! { <option value=name.clone()></option> })
        .collect_view();
    let all = filters.narrow().then(|| {
        view! { <a class="button" href=base.to_owned()>"All"</a> }
    });
    view! {
        <form class="filters" role="search" action=base.to_owned()>
            {state.map(|state| view! { <input type="hidden" name="state" value=state.as_str() /> })}
            <label>
                <span>"Words"</span>
                <input id="q" type="search" name="q" value=search placeholder="in title or description" />
            </label>
            <label class="button filters-more">
                <input type="checkbox" checked=filters.are_rare() />
                "Filters"
            </label>
            <label>
                <span>"Class"</span>
                <select name="class">
                    <option value="">"any"</option>
                    {classes}
                </select>
            </label>
            <label>
                <span>"Kind"</span>
                <input name="kind" value=kind autocomplete="off" />
            </label>
            <label>
                <span>"Agent"</span>
                <input name="agent" value=agent list="agents" autocomplete="off" />
            </label>
            <label>
                <span>"Order"</span>
                <select name="sort">{sorts}</select>
            </label>
            <datalist id="agents">{agents}</datalist>
            <button class="button">"Search"</button>
            {all}
        </form>
    }
    .written()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_carries_its_filters_escaped() {
        let none = Filters::default();
        assert_eq!(none.address("/w/a/tasks"), "/w/a/tasks");
        let some = Filters {
            state: Some(TaskState::InProgress),
            search: "a&b é".to_owned(),
            ..Filters::default()
        };
        assert_eq!(
            some.address("/w/a/tasks"),
            "/w/a/tasks?state=in_progress&q=a%26b%20%C3%A9"
        );
    }
}
