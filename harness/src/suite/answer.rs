//! An answer that a scenario talks about, and the words for expectations on it.

use std::ops::Deref;

use super::expect;
use super::failure::{StepFailure, StepResult};
use crate::wire::Reply;

/// An answer to a request that a step made: a [`Reply`] with expectations.
#[derive(Debug, Clone)]
pub struct Answer(Reply);

impl Deref for Answer {
    type Target = Reply;

    fn deref(&self) -> &Reply {
        &self.0
    }
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Answer {
        Answer(reply)
    }
}

impl Answer {
    /// Fails unless the status is this one.
    pub fn expect_status(&self, status: u16) -> StepResult {
        self.expect_status_among(&[status])
    }

    /// Fails unless the status is one of these.
    pub fn expect_status_among(&self, statuses: &[u16]) -> StepResult {
        if statuses.contains(&self.status) {
            return Ok(());
        }
        let statuses: Vec<_> = statuses.iter().map(ToString::to_string).collect();
        Err(StepFailure::fail(format!("status {}", statuses.join(" or ")), self.summary()))
    }

    /// Fails unless the first field of that name has this value.
    pub fn expect_field(&self, name: &str, value: &str) -> StepResult {
        expect::same(&format!("the field {name}"), Some(value.to_owned()), self.field(name))
    }

    /// Fails if there is such a field.
    pub fn expect_no_field(&self, name: &str) -> StepResult {
        match self.field(name) {
            None => Ok(()),
            Some(value) => Err(StepFailure::fail(format!("no field {name}"), format!("{name}: {value}"))),
        }
    }

    /// The body as JSON; fails the subject if it is none.
    pub fn expect_json(&self) -> StepResult<serde_json::Value> {
        self.json().ok_or_else(|| StepFailure::fail("a body in JSON", self.summary()))
    }

    /// The reason that it gives: the texts of its body in JSON, whatever its members are called (RFC 9457 calls it `detail`,
    /// many a framework nests it). Fails the subject where there is none.
    pub fn expect_reason(&self) -> StepResult<String> {
        let mut texts = Vec::new();
        if let Some(json) = self.json() {
            collect_texts(&json, &mut texts);
        }
        expect::holds(!texts.is_empty(), "a body in JSON with a reason", || self.summary())?;
        let kind = self.field("content-type").unwrap_or_default();
        expect::holds(is_json(&kind), "the Content-Type application/json", || format!("Content-Type: {kind}"))?;
        Ok(texts.join(" "))
    }

    /// Status and beginning of the body, in one line.
    pub fn summary(&self) -> String {
        if self.body.is_empty() {
            return format!("status {} without a body", self.status);
        }
        let (status, text) = (self.status, self.text());
        match is_readable(&text) {
            true => format!("status {status} with the body {}", expect::shortened(&text)),
            false => format!("status {status} with a body of {} bytes that are no text", self.length),
        }
    }
}

/// Whether most of it says something: in an image, a byte each, many are control characters.
fn is_readable(text: &str) -> bool {
    let says_nothing = |c: &char| c.is_control() && !c.is_ascii_whitespace();
    text.chars().filter(says_nothing).count() * 10 <= text.chars().count()
}

fn collect_texts(json: &serde_json::Value, texts: &mut Vec<String>) {
    match json {
        serde_json::Value::String(text) if !text.trim().is_empty() => texts.push(text.clone()),
        serde_json::Value::Array(list) => list.iter().for_each(|member| collect_texts(member, texts)),
        serde_json::Value::Object(members) => members.values().for_each(|member| collect_texts(member, texts)),
        _ => {}
    }
}

/// Media types compare without case (RFC 9110 §8.3.1), and one that ends in `+json` is JSON (RFC 6839 §3.1).
fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Fields;

    fn answer(status: u16, body: &'static str) -> Answer {
        let mut fields = Fields::new();
        fields.push("X-A", "1");
        Answer(Reply {
            version: "HTTP/1.1".into(),
            status,
            fields,
            body: body.into(),
            length: body.len() as u64,
            sha256: String::new(),
            trailers: Fields::new(),
            interim: Vec::new(),
            trace_id: None,
        })
    }

    #[test]
    fn a_reason_is_any_text_in_json() {
        let reason = |kind: &str, body: &'static str| {
            let Answer(mut reply) = answer(422, body);
            reply.fields.push("Content-Type", kind);
            Answer(reply).expect_reason().map_err(|failure| failure.is_fail())
        };
        assert_eq!(reason("application/json", r#"{"reason":"no"}"#), Ok("no".to_owned()));
        let nested = r#"{"detail":[{"loc":["body",1],"msg":"no"}]}"#;
        assert_eq!(reason("Application/Problem+JSON; charset=utf-8", nested), Ok("body no".to_owned()));
        for (kind, body) in [
            ("application/json", "no"),
            ("application/json", ""),
            ("application/json", r#"{"status":422,"reason":""}"#),
            ("text/html", r#"{"reason":"no"}"#),
        ] {
            assert_eq!(reason(kind, body), Err(true), "{kind} {body}");
        }
    }

    #[test]
    fn a_body_that_is_no_text_is_only_measured() {
        let told = |body: &'static [u8]| {
            let Answer(mut reply) = answer(200, "");
            (reply.length, reply.body) = (body.len() as u64, body.into());
            Answer(reply).summary()
        };
        assert_eq!(told(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "status 200 with a body of 16 bytes that are no text");
        assert_eq!(told(b"Zutritt nicht gew\xe4hrt"), "status 200 with the body Zutritt nicht gewährt");
        assert_eq!(told("\u{1b}[31mno entry".as_bytes()), "status 200 with the body \u{1b}[31mno entry");
    }

    #[test]
    fn an_expectation_that_is_not_met_says_what_came() {
        let answer = answer(403, "no");
        answer.expect_status(403).unwrap();
        let failure = answer.expect_status(401).unwrap_err();
        assert!(failure.is_fail());
        assert_eq!((failure.expected(), failure.got()), ("status 401", "status 403 with the body no"));
        assert_eq!(answer.expect_status_among(&[401, 404]).unwrap_err().expected(), "status 401 or 404");
        answer.expect_field("x-a", "1").unwrap();
        assert!(answer.expect_field("x-a", "2").unwrap_err().is_fail());
        assert!(answer.expect_no_field("x-a").unwrap_err().is_fail());
        assert!(answer.expect_json().unwrap_err().is_fail());
    }
}
