//! Why this and not that: two tasks as the conductor ranks and holds them now, side by side.

use leptos::prelude::*;
use leptos_meta::Title;
use scheduler::{Explanation, FactorName, Query, Score, TaskId, View};
use store::read::TaskListed;

use super::{Asked, loaded};
use crate::access::{PageError, Seat};
use crate::components::mark::StateMark;
use crate::components::title::{title_begins, title_link};
use crate::markup::{Markup, Written};
use crate::text;

/// Two tasks of one workspace.
#[component]
pub fn Compare() -> impl IntoView {
    loaded(load(Asked::now()), show)
}

/// A task with what is decided of it.
struct Side {
    task: TaskListed,
    /// `None` for tasks that are over, and while the conductor changes hands.
    score: Option<Score>,
    explanation: Option<Explanation>,
}

struct Data {
    seat: Seat,
    this: Side,
    that: Side,
}

async fn load(asked: Asked) -> Result<Data, PageError> {
    let named = |name| -> Result<TaskId, PageError> {
        let id = asked.param(name).unwrap_or_default();
        id.parse().map_err(|_| PageError::NotFound)
    };
    let (this, that) = (named("this")?, named("that")?);
    let seat = asked.seat().await?;
    let tasks = seat
        .store()
        .tasks_by_id(seat.workspace, &[this.0, that.0])
        .await?;
    let [this, that]: [TaskListed; 2] = tasks.try_into().map_err(|_| PageError::NotFound)?;
    let (this, that) = futures::join!(side(&seat, this), side(&seat, that));
    Ok(Data { seat, this, that })
}

async fn side(seat: &Seat, task: TaskListed) -> Side {
    let id = task.id;
    let (score, explanation) = futures::join!(
        seat.ask(Query::Score { task: id }),
        seat.ask(Query::Explain { task: id })
    );
    Side {
        task,
        score: match score {
            Ok(View::Score { score }) => score,
            _ => None,
        },
        explanation: match explanation {
            Ok(View::Explanation { explanation }) => explanation.map(|found| *found),
            _ => None,
        },
    }
}

fn show(data: Data) -> Markup {
    let Data { seat, this, that } = data;
    let verdict = verdict(&this, &that);
    let table = this
        .score
        .as_ref()
        .zip(that.score.as_ref())
        .map(|(one, other)| factors(one, other));
    view! {
        <Title text="Why this and not that" />
        <div id="compare" data-live class="column">
            <header class="page-head">
                <p class="eyebrow"><a href=seat.path("tasks")>"Tasks"</a></p>
                <h1>"Why this and not that"</h1>
            </header>
            <section class="panel why" aria-labelledby="verdict">
                <h2 id="verdict" class="headline">{verdict}</h2>
            </section>
            <div class="two">{panel(&this, &seat)} {panel(&that, &seat)}</div>
            {table}
        </div>
    }
    .written()
}

/// Who goes first, and what tips it: the ranks are compared as the conductor compares them.
fn verdict(this: &Side, that: &Side) -> String {
    let (Some(one), Some(other)) = (&this.score, &that.score) else {
        let over = if this.score.is_none() { this } else { that };
        return format!(
            "“{}” is {}, so there is nothing to choose between.",
            title_begins(&over.task.title),
            text::state(over.task.state)
        );
    };
    let (first, second, ahead, behind) = if one.rank >= other.rank {
        (this, that, one, other)
    } else {
        (that, this, other, one)
    };
    let order = format!(
        "“{}” goes before “{}”",
        title_begins(&first.task.title),
        title_begins(&second.task.title)
    );
    let tips = differences(ahead, behind)
        .into_iter()
        .max_by(|one, other| one.difference().total_cmp(&other.difference()))
        .filter(|tips| tips.difference() >= 0.5);
    let why = match tips {
        Some(Difference {
            name: FactorName::Pin,
            ..
        }) => " because a person pinned it".to_owned(),
        Some(tips) => format!(
            ": {} gives it {} points more",
            text::factor(tips.name).to_lowercase(),
            text::number(tips.difference().round())
        ),
        None => " because it came first".to_owned(),
    };
    let held = first
        .explanation
        .as_ref()
        .and_then(|found| found.blockers.first());
    let held = held.map(|blocker| format!(" It is held all the same: {}.", text::reason(blocker)));
    format!("{order}{why}.{}", held.unwrap_or_default())
}

fn panel(side: &Side, seat: &Seat) -> Markup {
    let task = &side.task;
    let headline = side
        .explanation
        .as_ref()
        .map(|found| view! { <p>{found.headline.clone()}</p> });
    view! {
        <section class="panel">
            <h2>{title_link(seat.path(&format!("tasks/{}", task.id)), &task.title)}</h2>
            <p class="marks"><StateMark state=task.state /></p>
            {headline}
        </section>
    }
    .written()
}

/// A factor's points on both sides.
struct Difference {
    name: FactorName,
    one: f64,
    other: f64,
}

impl Difference {
    fn difference(&self) -> f64 {
        self.one - self.other
    }
}

fn differences(one: &Score, other: &Score) -> Vec<Difference> {
    let points = |score: &Score, name: FactorName| {
        let found = score.factors.iter().find(|factor| factor.name == name);
        found.map_or(0.0, |factor| factor.effect)
    };
    let mut names: Vec<_> = one.factors.iter().map(|factor| factor.name).collect();
    let only_other = other.factors.iter().map(|factor| factor.name);
    names.extend(only_other.filter(|name| !one.factors.iter().any(|factor| factor.name == *name)));
    names
        .into_iter()
        .map(|name| Difference {
            name,
            one: points(one, name),
            other: points(other, name),
        })
        .collect()
}

fn factors(one: &Score, other: &Score) -> Markup {
    let row = |found: Difference| {
        let number = |points: f64| text::number((points * 10.0).round() / 10.0);
        view! {
            <tr>
                <th scope="row">{text::factor(found.name)}</th>
                <td class="number">{number(found.one)}</td>
                <td class="number">{number(found.other)}</td>
                <td class="number strong">{number(found.difference())}</td>
            </tr>
        }
    };
    let rows = differences(one, other).into_iter().map(row).collect_view();
    view! {
        <section class="panel" aria-labelledby="factors">
            <h2 id="factors">"What speaks for each, in points"</h2>
            <div class="scroll" tabindex="0" role="group" aria-labelledby="factors">
                <table class="rows points">
                    <thead>
                        <tr>
                            <th scope="col">"Factor"</th>
                            <th scope="col" class="number">"This"</th>
                            <th scope="col" class="number">"That"</th>
                            <th scope="col" class="number">"Difference"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
    }
    .written()
}
