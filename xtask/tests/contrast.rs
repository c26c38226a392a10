#![cfg(test)]
//! Measures the colours of `style/tokens.css` against each other (WCAG 2.2: 1.4.3 and 1.4.11), in both
//! themes. A colour that comes to mean something is added to a list here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// What text stands on.
const GROUNDS: [&str; 3] = ["surface", "panel", "sunken"];
/// What text is set in, on every ground.
const TEXTS: [&str; 8] = [
    "ink",
    "ink-quiet",
    "accent",
    "good",
    "busy",
    "wait",
    "bad",
    "turn",
];
/// Text on a ground of its own.
const PAIRS: [(&str, &str); 9] = [
    ("accent-ink", "accent"),
    ("accent-ink", "bad"),
    ("ink", "accent-soft"),
    ("accent", "accent-soft"),
    ("ink", "good-soft"),
    ("ink", "busy-soft"),
    ("ink", "wait-soft"),
    ("ink", "bad-soft"),
    ("bad", "bad-soft"),
];
/// Shapes and edges that say something, on every ground.
const MARKS: [&str; 7] = [
    "line-strong",
    "hue-1",
    "hue-2",
    "hue-3",
    "hue-4",
    "hue-5",
    "hue-6",
];

const TEXT_LEAST: f64 = 4.5;
const MARK_LEAST: f64 = 3.0;

/// Relative luminance by token and theme.
type Luminances = BTreeMap<String, [f64; 2]>;

#[test]
fn text_and_marks_are_told_from_their_ground_in_both_themes() {
    let colours = luminances(&tokens());
    let of = |name: &str| {
        *colours
            .get(name)
            .unwrap_or_else(|| panic!("no colour --{name}"))
    };
    let on_grounds = |names: &[&'static str], least: f64| -> Vec<_> {
        let pair = |name| GROUNDS.map(|ground| (name, ground, least));
        names.iter().copied().flat_map(pair).collect()
    };
    let mut wanted = on_grounds(&TEXTS, TEXT_LEAST);
    wanted.extend(on_grounds(&MARKS, MARK_LEAST));
    wanted.extend(PAIRS.map(|(text, ground)| (text, ground, TEXT_LEAST)));
    let mut faint = Vec::new();
    for (front, ground, least) in wanted {
        for (theme, name) in ["light", "dark"].into_iter().enumerate() {
            let ratio = contrast(of(front)[theme], of(ground)[theme]);
            if ratio < least {
                faint.push(format!(
                    "{name}: --{front} on --{ground} has {ratio:.2}, not {least}"
                ));
            }
        }
    }
    assert!(faint.is_empty(), "{}", faint.join("\n"));
}

#[test]
fn contrast_is_measured_as_the_standard_does() {
    let white = luminance("1 0 0");
    let black = luminance("0 0 0");
    assert!((contrast(white, black) - 21.0).abs() < 0.01);
    // sRGB #777 is the well-known grey that just misses on white: 4.48.
    let grey = luminance("0.5693 0 0");
    assert!((contrast(white, grey) - 4.48).abs() < 0.03);
}

fn tokens() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../style/tokens.css");
    fs::read_to_string(path).unwrap()
}

/// Every `--name: light-dark(oklch(…), oklch(…));`.
fn luminances(sheet: &str) -> Luminances {
    let colour = |line: &str| {
        let (name, value) = line
            .trim()
            .strip_prefix("--")?
            .split_once(": light-dark(oklch(")?;
        let (light, rest) = value.split_once("), oklch(")?;
        let (dark, _) = rest.split_once("))")?;
        Some((name.to_owned(), [luminance(light), luminance(dark)]))
    };
    sheet.lines().filter_map(colour).collect()
}

fn contrast(one: f64, other: f64) -> f64 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Of `lightness chroma hue`, cut to what a screen of sRGB shows. The matrices are Björn Ottosson's.
fn luminance(oklch: &str) -> f64 {
    let parts: Vec<f64> = oklch.split(' ').map(|part| part.parse().unwrap()).collect();
    let (lightness, chroma, hue) = (parts[0], parts[1], parts[2].to_radians());
    let (green_red, blue_yellow) = (chroma * hue.cos(), chroma * hue.sin());
    let cone = |by_red: f64, by_yellow: f64| {
        (lightness + by_red * green_red + by_yellow * blue_yellow).powi(3)
    };
    let long = cone(0.396_337_777_4, 0.215_803_757_3);
    let medium = cone(-0.105_561_345_8, -0.063_854_172_8);
    let short = cone(-0.089_484_177_5, -1.291_485_548_0);
    let light = |of: [f64; 3]| (of[0] * long + of[1] * medium + of[2] * short).clamp(0.0, 1.0);
    let red = light([4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2]);
    let green = light([-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5]);
    let blue = light([-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701_0]);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}
