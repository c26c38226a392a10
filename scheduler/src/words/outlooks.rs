//! What would follow from a change, in a colleague's words.

use super::numbers::{count, duration};
use crate::{Course, Outlook, Span, TaskCourse, Time};

/// How the times of an outlook are found.
pub const PLAYED: &str = "simulated with the rules that decide, expected durations and what is \
    reserved, as if no new work came and agents asked again as soon as they have room";

/// What would start now, and when the rest, beside how it goes as it is.
#[must_use]
pub fn outlook(outlook: &Outlook) -> String {
    let Outlook {
        at,
        as_it_is,
        changed,
        played,
        left_out,
        ..
    } = outlook;
    if *played == 0 {
        return "Nothing waits, so nothing would change for now.".to_owned();
    }
    let those = count((*played).into(), "waiting task");
    let those = match (*played, *left_out) {
        (1, 0) => "one task that waits".to_owned(),
        (_, 0) => those,
        _ => format!("first {those}"),
    };
    let rest = rest(*at, as_it_is, changed, &those);
    format!("{} {rest}{}", now(changed), moved(&outlook.tasks))
}

/// How many of those that are named would start sooner or later, and half of them by how much.
fn moved(tasks: &[TaskCourse]) -> String {
    let (mut sooner, mut later) = (Vec::new(), Vec::new());
    for task in tasks.iter().filter(|task| task.differs()) {
        match (task.as_it_is, task.changed) {
            (Some(before), Some(after)) if after < before => sooner.push(before.since(after)),
            (Some(before), Some(after)) => later.push(after.since(before)),
            _ => {}
        }
    }
    let said = |mut spans: Vec<Span>, when: &str| {
        spans.sort_unstable();
        let half = spans.get(spans.len() / 2).copied();
        half.map_or_else(String::new, |half| {
            let tasks = count(spans.len() as u64, "task");
            match spans.len() {
                1 => format!(" One would start {} {when}.", duration(half)),
                _ => format!(
                    " {tasks} would start {when}, half of them by {} or more.",
                    duration(half)
                ),
            }
        })
    };
    said(sooner, "sooner") + &said(later, "later")
}

fn now(course: &Course) -> String {
    let would = |tasks: u32| count(tasks.into(), "task");
    match (course.starting_now, course.starting_soon) {
        (0, 0) => "No task would start at once.".to_owned(),
        (0, soon) => format!(
            "{} would start as soon as agents that have room ask.",
            would(soon)
        ),
        (now, 0) => format!("{} would start at once.", would(now)),
        (now, soon) => format!(
            "{} would start at once, and {soon} more as soon as agents that have room ask.",
            would(now)
        ),
    }
}

fn rest(at: Time, as_it_is: &Course, changed: &Course, of: &str) -> String {
    if changed.starts + as_it_is.starts == 0 {
        return format!("Of the {of}, none starts by this: something else holds them.");
    }
    match (changed.all_by, as_it_is.all_by) {
        (Some(then), Some(before)) => {
            let (then, before) = (span(at, then), span(at, before));
            let last = last(of);
            if then == before {
                format!("{last} would start {then}, as it would anyway.")
            } else {
                format!("{last} would start {then} instead of {before}.")
            }
        }
        (Some(then), None) => format!(
            "{} would start {}; as it is, {} would.",
            last(of),
            span(at, then),
            only(as_it_is)
        ),
        (None, _) => format!(
            "Of the {of}, {} would start; as it is, {} would.",
            only(changed),
            only(as_it_is)
        ),
    }
}

/// The last of so many, or the only one.
fn last(of: &str) -> String {
    if of.starts_with("one ") {
        format!("The {of}")
    } else {
        format!("The last of the {of}")
    }
}

fn only(course: &Course) -> String {
    match course.starts {
        0 => "none".to_owned(),
        starts => starts.to_string(),
    }
}

fn span(from: Time, to: Time) -> String {
    match to.since(from) {
        span if span <= Span::from_secs(1) => "within a second".to_owned(),
        span => format!("in {}", duration(span)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(starting_now: u32, starts: u32, all_after_s: Option<i64>) -> Course {
        Course {
            starting_now,
            starts,
            all_by: all_after_s.map(|s| Time(0) + Span::from_secs(s)),
            ..Course::default()
        }
    }

    fn said(as_it_is: Course, changed: Course) -> String {
        outlook(&Outlook {
            at: Time(0),
            as_it_is,
            changed,
            tasks: Vec::new(),
            played: 8,
            left_out: 0,
        })
    }

    #[test]
    fn what_was_left_out_is_not_spoken_for() {
        let outlook = Outlook {
            at: Time(0),
            as_it_is: course(0, 8, Some(540)),
            changed: course(2, 8, Some(240)),
            tasks: Vec::new(),
            played: 2_000,
            left_out: 5,
        };
        let said = super::outlook(&outlook);
        assert!(
            said.contains("The last of the first 2,000 waiting tasks would start in 4 min"),
            "{said}"
        );
    }

    #[test]
    fn what_moves_is_counted_and_what_stays_is_not_spoken_of() {
        let at = |s: i64| Some(Time(0) + Span::from_secs(s));
        let task = |as_it_is, changed| TaskCourse {
            task: crate::TaskId::default(),
            as_it_is,
            changed,
        };
        let tasks = [
            task(at(0), at(0)),
            task(at(60), at(20)),
            task(at(90), at(60)),
            task(at(9), at(21)),
            task(None, at(5)),
        ];
        assert_eq!(
            moved(&tasks),
            " 2 tasks would start sooner, half of them by 40 s or more. One would start 12 s later."
        );
        let differ = tasks.map(|task| task.differs());
        assert_eq!(differ, [false, true, true, true, true]);
        assert_eq!(moved(&tasks[..1]), "");
    }

    #[test]
    fn two_courses_are_compared_in_words() {
        assert_eq!(
            said(course(0, 8, Some(540)), course(2, 8, Some(240))),
            "2 tasks would start at once. The last of the 8 waiting tasks would start in 4 min instead of in 9 min."
        );
        assert_eq!(
            said(course(0, 0, None), course(0, 3, None)),
            "No task would start at once. Of the 8 waiting tasks, 3 would start; as it is, none would."
        );
    }
}
