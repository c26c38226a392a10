//! Instants as people say them: how long ago, or in how long.

use leptos::wasm_bindgen::JsCast;
use web_sys::js_sys::Date;
use web_sys::{Document, Element};

/// Rewrites every instant of a document. The exact one stays in its title.
pub fn relate(document: &Document) {
    let Ok(moments) = document.query_selector_all("time.moment") else {
        return;
    };
    let now_ms = Date::now();
    for moment in (0..moments.length()).filter_map(|at| moments.get(at)) {
        let Ok(moment) = moment.dyn_into::<Element>() else {
            continue;
        };
        let at_ms = moment
            .get_attribute("datetime")
            .map_or(f64::NAN, |at| Date::parse(&at));
        if at_ms.is_nan() {
            continue;
        }
        let text = words((now_ms - at_ms) / 1_000.0);
        if moment.text_content().as_deref() != Some(&text) {
            moment.set_text_content(Some(&text));
        }
    }
}

/// In the units of the server's durations, and from one to the next where those go.
fn words(seconds_ago: f64) -> String {
    let seconds = seconds_ago.abs().round();
    let span = match seconds {
        // What is over stays so in every sentence.
        0.0..5.0 if seconds_ago >= 0.0 => return "just now".to_owned(),
        0.0..5.0 => return "now".to_owned(),
        // Seconds in steps, so that a page at rest is not rewritten every second.
        5.0..60.0 => format!("{} s", (seconds / 5.0).floor() * 5.0),
        60.0..7_200.0 => format!("{} min", (seconds / 60.0).round()),
        // What is to come is told as sentences tell it, so that no two of them differ on a page.
        7_200.0..86_400.0 if seconds_ago < 0.0 => {
            let minutes = (seconds / 60.0).round() as u64;
            match (minutes / 60, minutes % 60) {
                (hours, 0) => format!("{hours} h"),
                (hours, rest) => format!("{hours} h {rest} min"),
            }
        }
        7_200.0..172_800.0 => format!("{} h", (seconds / 3_600.0).round()),
        172_800.0..8_640_000.0 => format!("{} d", (seconds / 86_400.0).round()),
        8_640_000.0..63_113_904.0 => format!("{} months", (seconds / 2_629_746.0).round()),
        _ => format!("{} years", (seconds / 31_556_952.0).round()),
    };
    if seconds_ago >= 0.0 {
        format!("{span} ago")
    } else {
        format!("in {span}")
    }
}
