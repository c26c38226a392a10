//! Facts of tasks that a conductor let go of: which commands may need them, and adding them.

use std::collections::HashSet;

use scheduler::{Command, CreateTasks, Overrule, Request, TaskFact, TaskId};

/// Whether a command names tasks that a conductor may not hold any more.
pub(crate) fn may_need_facts(command: &Command) -> bool {
    match &command.request {
        Request::CreateTasks(CreateTasks { tasks, .. }) => {
            if tasks
                .iter()
                .all(|task| task.depends_on.is_empty() && task.parent.is_none())
            {
                return false;
            }
            let own: HashSet<TaskId> = tasks.iter().map(|task| task.id).collect();
            let mut named = tasks
                .iter()
                .flat_map(|task| task.depends_on.iter().chain(&task.parent));
            named.any(|task| !own.contains(task))
        }
        Request::Overrule(_) => true,
        _ => false,
    }
}

/// Adds what is new; false when nothing is, so that asking again would change nothing.
pub(crate) fn add_facts(request: &mut Request, found: Vec<TaskFact>) -> bool {
    let (Request::CreateTasks(CreateTasks { facts, .. })
    | Request::Overrule(Overrule { facts, .. })) = request
    else {
        return false;
    };
    let known: HashSet<TaskId> = facts.iter().map(|fact| fact.id).collect();
    let before = facts.len();
    facts.extend(found.into_iter().filter(|fact| !known.contains(&fact.id)));
    facts.len() > before
}
