//! What Baton does, as a picture, for who has not come in yet: work that is done, work that runs up
//! to the baton at now, and notes that wait.

use leptos::prelude::*;

use crate::markup::{Markup, Written};

/// Bars on the lines: from where, how long, on which line; the last three still run.
const BARS: [(u32, u32, u32); 9] = [
    (16, 76, 0),
    (108, 54, 1),
    (56, 122, 3),
    (186, 102, 0),
    (200, 66, 4),
    (230, 96, 2),
    (320, 160, 0),
    (390, 90, 1),
    (412, 68, 4),
];
const RUNNING_FROM: usize = 6;
/// Notes that wait: where, and on which line.
const WAITING: [(u32, u32); 4] = [(534, 2), (570, 1), (606, 3), (642, 2)];

const fn line(at: u32) -> u32 {
    40 + at * 20
}

/// The picture and its sentence.
#[component]
pub fn Hall() -> Markup {
    let bar = |(at, &(x, width, on)): (usize, &(u32, u32, u32))| {
        let class = if at < RUNNING_FROM {
            "note-done"
        } else {
            "note-running"
        };
        view! { <rect class=class x=x y=line(on) - 6 width=width height="12" rx="6" /> }
    };
    let note = |&(x, on): &(u32, u32)| {
        let y = line(on);
        let turned = format!("rotate(-18 {x} {y})");
        view! { <ellipse class="note-waiting" cx=x cy=y rx="9.5" ry="7" transform=turned /> }
    };
    view! {
        <div class="hall">
            <svg viewBox="0 0 680 152" aria-hidden="true">
                <path
                    class="stave-lines"
                    d="M-900 40H1600M-900 60H1600M-900 80H1600M-900 100H1600M-900 120H1600"
                />
                {BARS.iter().enumerate().map(bar).collect_view()}
                {WAITING.iter().map(note).collect_view()}
                <path class="logo-baton" d="M484 128 542 2l4 2L491 132Z" />
                <circle class="logo-grip" cx="486" cy="134" r="12" />
            </svg>
            <p>"Which task runs next, when, and by which agent. And always why."</p>
        </div>
    }
    .written()
}
