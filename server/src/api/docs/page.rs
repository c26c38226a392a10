//! Renders a description of the interface as one page without scripts.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use app::theme::Theme;
use serde_json::{Map, Value};

/// The page's style, on the tokens of all pages; its hash stands in the page's policy.
pub const STYLE: &str = concat!(
    include_str!("../../../../style/tokens.css"),
    include_str!("page.css")
);

/// What each problem's code means, for the links in problems.
const CODES: [(&str, &str); 19] = [
    ("unreadable", "400. The body or a header cannot be read."),
    (
        "unauthenticated",
        "401. No key, or one that is unknown, expired or revoked.",
    ),
    ("forbidden", "403. The key's role does not allow it."),
    (
        "agent_key_needed",
        "403. Only an agent's own key can do it.",
    ),
    ("not_found", "404. Not there, or in another workspace."),
    (
        "method_not_allowed",
        "405. The path does not take that method.",
    ),
    (
        "lease_lost",
        "409. The lease is over, or has another epoch; what is written under it is not accepted, though what was used under one that ran out is counted, each time it is said; a repetition under the same Idempotency-Key is not.",
    ),
    (
        "wrong_state",
        "409. The state of the task, or of what was to be removed, does not go with what was asked.",
    ),
    (
        "version_conflict",
        "409. It was changed since it was read; read it again.",
    ),
    (
        "still_running",
        "409. The request with this Idempotency-Key is still running.",
    ),
    (
        "too_slow",
        "408. The rest of the body did not come in time.",
    ),
    ("too_large", "413. The body is larger than 1 MiB."),
    ("unsupported_media_type", "415. Bodies are JSON."),
    (
        "invalid",
        "422. Values cannot be used; errors says which, and what they must be.",
    ),
    (
        "fuse_blown",
        "422. A fuse refused: fuse, limit and count say which.",
    ),
    (
        "idempotency_mismatch",
        "422. The Idempotency-Key was used with another request.",
    ),
    (
        "busy",
        "503. Too much waits; Retry-After says when to try again.",
    ),
    (
        "unavailable",
        "503. The database or the workspace's server is away for a moment.",
    ),
    ("internal", "500. Something broke; it has been logged."),
];

/// The whole page, in the colours of that choice.
pub fn render(api: &Value, theme: Theme) -> String {
    let mut by_tag: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (path, item) in entries(&api["paths"]) {
        for (method, operation) in entries(item) {
            let tag = operation["tags"][0].as_str().unwrap_or("other");
            by_tag
                .entry(tag)
                .or_default()
                .push(render_operation(method, path, operation));
        }
    }
    let mut body = String::new();
    for (tag, operations) in &by_tag {
        push(
            &mut body,
            format_args!(
                "<section><h2 id=\"{0}\">{0}</h2>{1}</section>",
                escape(tag),
                operations.concat()
            ),
        );
    }
    body.push_str("<section><h2 id=\"problems\">problems</h2><dl class=\"problems\">");
    for (code, meaning) in CODES {
        push(
            &mut body,
            format_args!("<dt id=\"{code}\"><code>{code}</code></dt><dd>{meaning}</dd>"),
        );
    }
    body.push_str("</dl></section><section><h2 id=\"schemas\">schemas</h2>");
    for (name, schema) in entries(&api["components"]["schemas"]) {
        let name = escape(name);
        push(
            &mut body,
            format_args!(
                "<article id=\"schema-{name}\"><h3>{name}</h3>{}</article>",
                render_schema(schema)
            ),
        );
    }
    body.push_str("</section>");
    let mut nav = String::new();
    for tag in by_tag.keys().copied().chain(["problems", "schemas"]) {
        push(
            &mut nav,
            format_args!("<li><a href=\"#{0}\">{0}</a></li>", escape(tag)),
        );
    }
    format!(
        "<!DOCTYPE html><html lang=\"en\" data-theme=\"{}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>Interface · Baton</title>\
         <link rel=\"preload\" href=\"/fonts/newsreader.woff2\" as=\"font\" type=\"font/woff2\" crossorigin>\
         <link rel=\"icon\" href=\"/favicon.svg\" type=\"image/svg+xml\"><style>{STYLE}</style></head>\
         <body><header class=\"bar\"><a class=\"skip\" href=\"#content\">To the content</a>\
         <a class=\"site-name\" href=\"/\">{LOGO}Baton</a>\
         <nav aria-label=\"Parts of the interface\"><ul class=\"parts\">{nav}</ul></nav></header>\
         <main id=\"content\"><h1>The interface for programs</h1><p class=\"introduction\">{INTRODUCTION}</p>{body}</main>\
         </body></html>",
        theme.name()
    )
}

/// As on the other pages (`app/src/components/logo.rs`).
const LOGO: &str = "<svg viewBox=\"0 0 32 32\" width=\"26\" height=\"26\" aria-hidden=\"true\">\
    <path class=\"logo-lines\" d=\"M3 9.5h26M3 16h26M3 22.5h26\"/>\
    <path class=\"logo-baton\" d=\"M9.2 24.4 27.5 4.3l.9.8L11.6 26.6Z\"/>\
    <circle class=\"logo-grip\" cx=\"8.4\" cy=\"25.9\" r=\"4.1\"/></svg>";

const INTRODUCTION: &str = "JSON over HTTP. Send <code>Authorization: Bearer baton_…</code>; a key belongs to one \
    workspace and one role, so paths name no workspace. Every POST takes an <code>Idempotency-Key</code>, good for a \
    day. Lists take <code>limit</code> (1 to 200) and <code>cursor</code>. Errors are \
    <code>application/problem+json</code>. The same in a form for machines: \
    <a href=\"/api/openapi.json\">/api/openapi.json</a>.";

fn render_operation(method: &str, path: &str, operation: &Value) -> String {
    let mut out = String::new();
    let id = escape(operation["operationId"].as_str().unwrap_or(path));
    push(
        &mut out,
        format_args!(
            "<article id=\"{id}-{method}\"><h3><span class=\"method method-{method}\">{}</span> <code>{}</code></h3>",
            method.to_uppercase(),
            escape(path),
        ),
    );
    for text in ["summary", "description"] {
        if let Some(text) = operation[text].as_str().filter(|text| !text.is_empty()) {
            push(&mut out, format_args!("<p>{}</p>", prose(text)));
        }
    }
    if let Some(who) = operation["x-who"].as_str() {
        push(
            &mut out,
            format_args!("<p class=\"who\">Takes {}.</p>", escape(who)),
        );
    }
    if let Some(parameters) = operation["parameters"].as_array() {
        out.push_str("<h4>Parameters</h4><dl>");
        for parameter in parameters {
            push(
                &mut out,
                format_args!(
                    "<dt><code>{}</code> <span class=\"type\">{}</span></dt><dd>{}</dd>",
                    escape(parameter["name"].as_str().unwrap_or_default()),
                    type_of(&parameter["schema"]),
                    prose(parameter["description"].as_str().unwrap_or_default()),
                ),
            );
        }
        out.push_str("</dl>");
    }
    if let Some((_, content)) = entries(&operation["requestBody"]["content"]).next() {
        push(
            &mut out,
            format_args!("<h4>Body</h4><p>{}</p>", type_of(&content["schema"])),
        );
    }
    out.push_str("<h4>Answers</h4><dl>");
    for (status, response) in entries(&operation["responses"]) {
        let body = entries(&response["content"])
            .next()
            .map(|(_, content)| type_of(&content["schema"]));
        push(
            &mut out,
            format_args!(
                "<dt>{}</dt><dd>{} {}</dd>",
                escape(status),
                body.unwrap_or_default(),
                prose(response["description"].as_str().unwrap_or_default()),
            ),
        );
    }
    out.push_str("</dl></article>");
    out
}

fn render_schema(schema: &Value) -> String {
    let mut out = String::new();
    if let Some(text) = schema["description"].as_str() {
        push(&mut out, format_args!("<p>{}</p>", prose(text)));
    }
    let parts = ["allOf", "oneOf", "anyOf"]
        .into_iter()
        .filter_map(|kind| schema[kind].as_array())
        .flatten();
    let whole: Vec<&Value> = if schema["properties"].is_object() {
        vec![schema]
    } else {
        parts.collect()
    };
    if whole.is_empty() {
        push(
            &mut out,
            format_args!("<p class=\"type\">{}</p>", type_of(schema)),
        );
    }
    for part in whole {
        if !part["properties"].is_object() {
            push(
                &mut out,
                format_args!("<p class=\"type\">{}</p>", type_of(part)),
            );
            continue;
        }
        let required = part["required"].as_array().cloned().unwrap_or_default();
        out.push_str("<dl>");
        for (name, property) in entries(&part["properties"]) {
            let must = if required.iter().any(|required| required == name) {
                " required"
            } else {
                ""
            };
            push(
                &mut out,
                format_args!(
                    "<dt><code>{}</code> <span class=\"type\">{}{must}</span></dt><dd>{}</dd>",
                    escape(name),
                    type_of(property),
                    prose(property["description"].as_str().unwrap_or_default()),
                ),
            );
        }
        out.push_str("</dl>");
    }
    out
}

/// A type in words, with links to named schemas.
fn type_of(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        return format!("<a href=\"#schema-{0}\">{0}</a>", escape(name));
    }
    if let Some(words) = schema["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("<code>{}</code>", escape(word.as_str().unwrap_or("?"))))
            .collect::<Vec<_>>()
            .join(" | ");
    }
    for kind in ["oneOf", "anyOf", "allOf"] {
        if let Some(parts) = schema[kind].as_array() {
            return parts
                .iter()
                .map(type_of)
                .collect::<Vec<_>>()
                .join(if kind == "allOf" { " & " } else { " | " });
        }
    }
    match &schema["type"] {
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .map(|one| plain_type(one, schema))
            .collect::<Vec<_>>()
            .join(" | "),
        Value::String(one) => plain_type(one, schema),
        _ => "anything".to_owned(),
    }
}

fn plain_type(name: &str, schema: &Value) -> String {
    match (name, schema["format"].as_str()) {
        ("array", _) => format!("array of {}", type_of(&schema["items"])),
        (name, Some(format)) if name != "null" => format!("{} ({})", escape(name), escape(format)),
        (name, _) => escape(name),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = out.write_fmt(text);
}

/// What a description says, with what stands between backticks as code.
fn prose(text: &str) -> String {
    let parts = escape(text);
    let parts = parts.split('`').enumerate().map(|(at, part)| {
        if at % 2 == 0 {
            part.to_owned()
        } else {
            format!("<code>{part}</code>")
        }
    });
    parts.collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
