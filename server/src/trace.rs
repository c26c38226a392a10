//! Traces of requests to a model: when each came, and how many tokens it read and wrote.

use anyhow::{Context, bail};
use scheduler::Time;
use time::PrimitiveDateTime;
use time::macros::format_description;

/// One request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When it came.
    pub at: Time,
    /// Tokens the model read.
    pub read: u32,
    /// Tokens the model wrote.
    pub written: u32,
}

/// Reads a trace as CSV with a header, into the order of arrival.
pub fn read(text: &str) -> anyhow::Result<Vec<Request>> {
    let lines = text
        .lines()
        .enumerate()
        .skip(1)
        .filter(|(_, line)| !line.trim().is_empty());
    let mut requests = lines
        .map(|(at, line)| request(line).with_context(|| format!("line {}: {line:?}", at + 1)))
        .collect::<anyhow::Result<Vec<_>>>()?;
    requests.sort_by_key(|request| request.at);
    Ok(requests)
}

fn request(line: &str) -> anyhow::Result<Request> {
    let mut fields = line.split(',').map(str::trim);
    let (Some(at), Some(read), Some(written)) = (fields.next(), fields.next(), fields.next())
    else {
        bail!("three fields are needed: arrival, tokens read, tokens written");
    };
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond]");
    let at = PrimitiveDateTime::parse(at, format).context("the arrival is no date and time")?;
    Ok(Request {
        at: at.assume_utc().into(),
        read: read.parse().context("the tokens read are no number")?,
        written: written
            .parse()
            .context("the tokens written are no number")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:04.0319600,3180,8\n2023-11-16 18:17:03.9799600,4808,10\n";

    #[test]
    fn a_trace_is_read_in_order_of_arrival() {
        let tokens = |request: &Request| (request.read, request.written);
        let read: Vec<_> = read(TRACE).unwrap().iter().map(tokens).collect();
        assert_eq!(read, [(4_808, 10), (3_180, 8)]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        let error = read("header\n2023-11-16 18:17:04.0,many,8\n").unwrap_err();
        assert!(format!("{error:#}").contains("line 2"), "{error:#}");
    }
}
