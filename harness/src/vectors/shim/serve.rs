//! A subject on standard input and output: one JSON object a line, each way.

use std::io::{self, BufRead, Read as _, Write};

use serde_json::Value;

use super::Subject;
use crate::vectors::protocol::{Answer, Outcome, Request, VERSION};

/// The longest line that is read, in bytes. The corpus stays far below it.
pub const MAX_LINE: u64 = 16 * 1024 * 1024;

/// Answers line by line until the input ends. What is wrong with a line is said in its answer; where no `id` can be
/// read, there is nothing to answer, and it is said in `log`.
///
/// # Errors
/// The input can't be read, or the output can't be written.
pub fn serve(
    subject: &dyn Subject,
    input: &mut dyn BufRead,
    output: &mut dyn Write,
    log: &mut dyn Write,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.take(MAX_LINE + 1).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        if line.len() as u64 > MAX_LINE {
            // The log is for people; without it, the work goes on.
            let _ = writeln!(log, "a line is longer than {MAX_LINE} bytes: not answered");
            skip_line(input, &line)?;
            continue;
        }
        match answer(subject, line.trim_ascii()) {
            Ok(Some(answer)) => {
                output.write_all(answer.as_bytes())?;
                output.write_all(b"\n")?;
                output.flush()?;
            }
            Ok(None) => {}
            Err(unanswerable) => {
                let _ = writeln!(log, "not answered: {unanswerable}");
            }
        }
    }
}

fn skip_line(input: &mut dyn BufRead, read: &[u8]) -> io::Result<()> {
    if read.ends_with(b"\n") {
        return Ok(());
    }
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() {
            return Ok(());
        }
        let end = available.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(available.len(), |end| end + 1);
        input.consume(length);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn answer(subject: &dyn Subject, line: &[u8]) -> Result<Option<String>, String> {
    if line.is_empty() {
        return Ok(None);
    }
    let value: Value = serde_json::from_slice(line).map_err(|error| format!("the line is not JSON: {error}"))?;
    let id = value.get("id").and_then(Value::as_u64).ok_or("the line is no object with a number `id`")?;
    let answer = match (read(&value), value.get("op").and_then(Value::as_str)) {
        (Ok(Request::Hello { v, .. }), _) if v != VERSION => {
            let reason = format!("version {v} of the protocol is not known; this is version {VERSION}");
            serde_json::to_string(&Answer::new(id, Outcome::Error).because(reason))
        }
        (Ok(Request::Hello { .. }), _) => serde_json::to_string(&super::Hello { id, ..subject.hello() }),
        (Ok(request), _) => serde_json::to_string(&subject.answer(&request)),
        (Err(_), Some(op)) if !OPS.contains(&op) => {
            let reason = format!("there is no operation `{op}`; there are: {}", OPS.join(", "));
            serde_json::to_string(&Answer::new(id, Outcome::Unsupported).because(reason))
        }
        (Err(error), _) => serde_json::to_string(&Answer::new(id, Outcome::Error).because(error)),
    };
    answer.map(Some).map_err(|error| error.to_string())
}

const OPS: [&str; 6] = ["hello", "base", "sign", "verify", "digest", "accept"];

fn read(value: &Value) -> serde_json::Result<Request> {
    serde::Deserialize::deserialize(value)
}
