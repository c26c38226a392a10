//! A list as a file, written page by page as it is read.

use std::collections::HashMap;

use axum::body::{Body, Bytes};
use axum::http::Uri;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use futures::stream;
use scheduler::bounds::is_invisible;
use serde::Serialize;
use serde_json::Value;
use store::StoreError;
use store::read::{Listed, MAX_PAGE, Page};
use uuid::Uuid;

use super::param;
use crate::problem::Problem;

/// Rows of one file. A JSON file says where the next begins.
const MOST_ROWS: usize = 100_000;

#[derive(Clone, Copy)]
enum Format {
    Csv,
    Json,
}

/// One page of rows, and where the next begins.
#[derive(Clone, Default)]
pub(super) struct Rows {
    pub(super) rows: Vec<Value>,
    pub(super) next: Option<Uuid>,
}

/// A page of a list as rows.
pub(super) fn rows<R, V: Serialize + From<R>>(listed: Listed<R>) -> Rows {
    let rows = listed.items.into_iter().map(V::from);
    Rows {
        rows: rows
            .map(|row| serde_json::to_value(row).unwrap_or_default())
            .collect(),
        next: listed.next,
    }
}

/// A file that is being written, page after page until the list or its bound ends. A read that fails
/// on the way breaks the download off, so that nobody takes part of it for all.
pub(super) struct Writer<Read> {
    read: Read,
    format: Format,
    columns: &'static [&'static str],
    after: Option<Uuid>,
    written: usize,
    ended: bool,
}

impl<Read, Reading> Writer<Read>
where
    Read: Fn(Page) -> Reading + Send + 'static,
    Reading: Future<Output = Result<Rows, StoreError>> + Send,
{
    /// A file that begins where the address says, in the format it ends in.
    pub(super) fn new(
        read: Read,
        columns: &'static [&'static str],
        uri: &Uri,
        pairs: &HashMap<String, String>,
    ) -> Result<Self, Problem> {
        let after = param(pairs, "after").map(|after| after.parse());
        let format = match uri.path().rsplit_once('.') {
            Some((_, "csv")) => Format::Csv,
            _ => Format::Json,
        };
        Ok(Self {
            read,
            format,
            columns,
            after: after.transpose().map_err(|_| Problem::not_found())?,
            written: 0,
            ended: false,
        })
    }

    /// The answer, under that name.
    pub(super) fn respond(self, name: &str) -> Response {
        let (kind, ending) = match self.format {
            Format::Csv => ("text/csv; charset=utf-8", "csv"),
            Format::Json => ("application/json", "json"),
        };
        let attached = format!("attachment; filename=\"{name}.{ending}\"");
        let chunks = stream::unfold(self, async |mut writer| {
            let chunk = writer.chunk().await?;
            Some((chunk, writer))
        });
        let headers = [
            (CONTENT_TYPE, kind.to_owned()),
            (CONTENT_DISPOSITION, attached),
        ];
        (headers, Body::from_stream(chunks)).into_response()
    }

    async fn chunk(&mut self) -> Option<Result<Bytes, StoreError>> {
        if self.ended {
            return None;
        }
        let page = Page {
            limit: MAX_PAGE,
            after: self.after,
        };
        let page = match (self.read)(page).await {
            Ok(page) => page,
            Err(error) => {
                self.ended = true;
                return Some(Err(error));
            }
        };
        let mut text = String::new();
        self.rows(&page.rows, &mut text);
        self.after = page.next;
        self.ended = page.next.is_none() || self.written >= MOST_ROWS;
        if self.ended && matches!(self.format, Format::Json) {
            let next = serde_json::to_string(&self.after).unwrap_or_default();
            text.push_str(&format!("\n],\"next_cursor\":{next}}}\n"));
        }
        Some(Ok(text.into()))
    }

    fn rows(&mut self, rows: &[Value], text: &mut String) {
        if self.written == 0 {
            match self.format {
                Format::Csv => text.push_str(&format!("{}\r\n", self.columns.join(","))),
                Format::Json => text.push_str("{\"items\":["),
            }
        }
        for row in rows {
            match self.format {
                Format::Csv => line(row, self.columns, text),
                Format::Json => {
                    text.push_str(if self.written == 0 { "\n" } else { ",\n" });
                    text.push_str(&row.to_string());
                }
            }
            self.written += 1;
        }
    }
}

/// A row of a CSV file (RFC 4180).
fn line(row: &Value, columns: &[&str], text: &mut String) {
    let cells: Vec<_> = columns.iter().map(|column| cell(&row[column])).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => words(value),
        _ => quoted(&words(value)),
    }
}

/// A value as a reader of a spreadsheet expects it: names rather than what they are made of.
fn words(value: &Value) -> String {
    let all = |items: &mut dyn Iterator<Item = String>, between: &str| {
        let said: Vec<_> = items.filter(|one| !one.is_empty()).collect();
        said.join(between)
    };
    match value {
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(items) => all(&mut items.iter().map(words), "; "),
        Value::Object(fields) => {
            let of = |name: &str| fields.get(name).map(words).unwrap_or_default();
            match of("type").as_str() {
                "" if fields.contains_key("outcome") => of("outcome"),
                "" if fields.contains_key("resource") => {
                    format!("{} {}", of("amount"), of("resource"))
                }
                "" => {
                    let mut pairs = fields.iter().map(|(name, value)| match words(value) {
                        value if value.is_empty() => value,
                        value => format!("{name} {value}"),
                    });
                    all(&mut pairs, ", ")
                }
                "scheduler" => "Baton".to_owned(),
                "user" | "agent" if fields.contains_key("name") => of("name"),
                sort if fields.contains_key("name") => format!("{sort} {}", of("name")),
                sort => format!("{sort} {}", of("id")),
            }
        }
    }
}

/// Between quotes. Spreadsheets take what begins with certain characters for a formula, also behind
/// what is not seen, and these texts are written by agents: an apostrophe before it makes it a text.
fn quoted(text: &str) -> String {
    const SIGNS: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];
    let seen = text.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c));
    let formula = seen.starts_with(SIGNS) || text.starts_with(['\t', '\r', '\n']);
    let apostrophe = if formula { "'" } else { "" };
    format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        assert_eq!(
            cell(&json!("=HYPERLINK(\"x\")")),
            "\"'=HYPERLINK(\"\"x\"\")\""
        );
        for formula in ["+1", "-1", "@a", "\tx", "\rx", " =1", "\u{200b}=1", "＝1"] {
            assert!(cell(&json!(formula)).starts_with("\"'"), "{formula:?}");
        }
        assert_eq!(cell(&json!(-1)), "-1");
        assert_eq!(cell(&json!(["a", "b"])), "\"a; b\"");
        assert_eq!(cell(&json!("a, \"b\"")), "\"a, \"\"b\"\"\"");
    }

    #[test]
    fn who_and_what_are_named_as_a_reader_would() {
        let id = "0190";
        for (value, expected) in [
            (
                json!({ "type": "user", "id": id, "name": "ada@x.org" }),
                "ada@x.org",
            ),
            (
                json!({ "type": "agent", "id": id, "name": "=scout" }),
                "'=scout",
            ),
            (json!({ "type": "key", "id": id, "name": "ci" }), "key ci"),
            (json!({ "type": "scheduler" }), "Baton"),
            (json!({ "type": "task", "id": id }), "task 0190"),
            (json!([{ "resource": "gpu", "amount": 2 }]), "2 gpu"),
            (
                json!({ "outcome": "completed", "state": "done" }),
                "completed",
            ),
            (json!({ "agent": "scout" }), "agent scout"),
            (json!({ "model": null }), ""),
        ] {
            assert_eq!(cell(&value), format!("\"{expected}\""), "{value}");
        }
    }
}
