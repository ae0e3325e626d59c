//! An answer that a scenario talks about, and the words for expectations on it.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::expect;
use super::failure::{StepFailure, StepResult};

/// An answer to a request that a step made.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its fields.
    pub fields: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
    /// Under which id the request stands in the trace.
    pub trace_id: Option<String>,
}

impl Answer {
    /// Fails unless the status is this one.
    pub fn expect_status(&self, status: u16) -> StepResult {
        if self.status.as_u16() == status {
            return Ok(());
        }
        Err(StepFailure::fail(format!("status {status}"), self.summary()))
    }

    /// Fails unless the status is one of these.
    pub fn expect_status_among(&self, statuses: &[u16]) -> StepResult {
        if statuses.contains(&self.status.as_u16()) {
            return Ok(());
        }
        let statuses: Vec<_> = statuses.iter().map(ToString::to_string).collect();
        Err(StepFailure::fail(format!("status {}", statuses.join(" or ")), self.summary()))
    }

    /// The first field of that name, as text.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(|value| value.to_str().ok())
    }

    /// Fails unless the field has this value.
    pub fn expect_field(&self, name: &str, value: &str) -> StepResult {
        expect::same(&format!("the field {name}"), Some(value), self.field(name))
    }

    /// Fails if there is such a field.
    pub fn expect_no_field(&self, name: &str) -> StepResult {
        match self.fields.get(name) {
            None => Ok(()),
            Some(value) => Err(StepFailure::fail(
                format!("no field {name}"),
                format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())),
            )),
        }
    }

    /// The body as JSON; fails the subject if it is none.
    pub fn json(&self) -> StepResult<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .map_err(|error| StepFailure::fail("a body in JSON", format!("{} ({error})", self.summary())))
    }

    /// The body as text; fails the subject if it is none.
    pub fn text(&self) -> StepResult<&str> {
        std::str::from_utf8(&self.body).map_err(|_| StepFailure::fail("a body of text", self.summary()))
    }

    /// Status and beginning of the body, in one line.
    pub fn summary(&self) -> String {
        let status = self.status.as_u16();
        if self.body.is_empty() {
            return format!("status {status} without a body");
        }
        format!("status {status} with the body {}", expect::shortened(&String::from_utf8_lossy(&self.body)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Answer {
        let mut fields = HeaderMap::new();
        fields.insert("x-a", "1".parse().unwrap());
        Answer { status: StatusCode::from_u16(status).unwrap(), fields, body: body.into(), trace_id: None }
    }

    #[test]
    fn an_expectation_that_is_not_met_says_what_came() {
        let answer = answer(403, "no");
        answer.expect_status(403).unwrap();
        let failure = answer.expect_status(401).unwrap_err();
        assert!(failure.is_fail());
        assert_eq!((failure.expected(), failure.got()), ("status 401", "status 403 with the body no"));
        assert_eq!(answer.expect_status_among(&[401, 404]).unwrap_err().expected(), "status 401 or 404");
        answer.expect_field("X-A", "1").unwrap();
        assert!(answer.expect_field("x-a", "2").unwrap_err().is_fail());
        assert!(answer.expect_no_field("x-a").unwrap_err().is_fail());
        assert!(answer.json().unwrap_err().is_fail());
    }
}
