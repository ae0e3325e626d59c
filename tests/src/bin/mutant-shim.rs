//! The built-in engine's shim with one thing wrong about the protocol, named on the command line: `shim check` must
//! find it.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use countersign::vectors::shim::core::Core;
use countersign::vectors::shim::serve::serve;
use serde_json::{Value, json};

fn main() -> io::Result<ExitCode> {
    let defect = std::env::args().nth(1).unwrap_or_default();
    let defect = defect.as_str();
    let mut input = BufReader::with_capacity(1 << 20, io::stdin().lock());
    let mut output = io::stdout().lock();
    match defect {
        "dies at once" => return Ok(ExitCode::from(3)),
        "says a greeting" => writeln!(output, "Ready.")?,
        "logs on standard error" => writeln!(io::stderr(), "verbose, but where it belongs")?,
        _ => {}
    }
    let mut held_back: Vec<String> = Vec::new();
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        let more = !input.buffer().is_empty();
        let request: Value = serde_json::from_str(&line).unwrap_or_default();
        if defect == "dies of what it does not know" && request["message_b64"].is_null() && request["op"] != "hello" {
            return Ok(ExitCode::from(101));
        }
        let mut lines = answer(&line)?;
        if request.is_null() && defect == "answers what is no request" {
            lines.push(r#"{"id":null,"outcome":"error"}"#.to_owned());
        }
        let answers = lines.iter().map(|line| spoilt(defect, &request, line).to_string());
        match defect {
            "does not answer" => {}
            "reads only the last line" if more => {}
            "answers in the opposite order" => {
                held_back.splice(0..0, answers);
                if !more {
                    say(&mut output, &held_back.split_off(0))?;
                }
            }
            _ => say(&mut output, &answers.collect::<Vec<_>>())?,
        }
        line.clear();
    }
    match defect {
        "stays" => loop {
            std::thread::park();
        },
        "says goodbye" => writeln!(output, "{{\"bye\":true}}")?,
        "ends with an error" => return Ok(ExitCode::from(1)),
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn say(output: &mut dyn io::Write, lines: &[String]) -> io::Result<()> {
    for line in lines {
        writeln!(output, "{line}")?;
    }
    output.flush()
}

/// What the true shim says to a line: a line, or nothing.
fn answer(line: &str) -> io::Result<Vec<String>> {
    let mut output = Vec::new();
    serve(&Core, &mut line.as_bytes(), &mut output, &mut io::sink())?;
    Ok(String::from_utf8_lossy(&output).lines().map(str::to_owned).collect())
}

fn spoilt(defect: &str, request: &Value, line: &str) -> Value {
    let mut answer: Value = serde_json::from_str(line).unwrap_or_default();
    let op = request["op"].as_str().unwrap_or_default();
    match (defect, op) {
        ("says hello without a clock", "hello") => drop(answer.as_object_mut().and_then(|hello| hello.remove("clock"))),
        ("invents a feature", "hello") => answer["features"] = json!(["sf", "trailers"]),
        ("knows only RSA", "hello") => answer["algs"] = json!(["rsa-pss-sha512"]),
        ("can only digest", "hello") => answer["ops"] = json!(["digest"]),
        ("does not show the base", "hello") => answer["ops"] = json!(["verify"]),
        ("does not show the base", _) => answer["base_b64"] = Value::Null,
        ("declares no op for the base", "hello") => answer["ops"] = json!(["verify"]),
        ("forgets the id", "hello") => {}
        ("forgets the id", _) => answer["id"] = json!(0),
        ("writes the id as text", _) => answer["id"] = json!(answer["id"].to_string()),
        // As a language does whose numbers are all floating point, of 32 bits here.
        ("rounds the id", _) => {
            let id = answer["id"].as_u64().unwrap_or_default();
            answer["id"] = json!(if id > 1 << 24 { id & !((1 << 30) - 1) } else { id });
        }
        ("accepts everything", "verify" | "digest") if answer["outcome"] == "rejected" => {
            answer["outcome"] = json!("accepted");
        }
        ("refuses everything", "verify" | "digest") if answer["outcome"] == "accepted" => {
            answer["outcome"] = json!("rejected");
        }
        ("says valid", "verify") => answer["outcome"] = json!("valid"),
        ("says base", "base") => {
            answer["base"] = answer["base_b64"].take();
        }
        ("ends the base with a line feed", "base") => change_base(&mut answer, |base| base.push('\n')),
        ("leaves the authority out", "base") => {
            change_base(&mut answer, |base| *base = base.replace("\"@authority\": example.com\n", ""));
        }
        ("signs something else", "sign") => {
            let input = answer["signature_input"].as_str().unwrap_or_default().replace("created=", "created=1");
            answer["signature_input"] = json!(input);
        }
        ("writes base64url", "sign") => {
            let bytes = STANDARD.decode(answer["signature_b64"].as_str().unwrap_or_default()).unwrap_or_default();
            answer["signature_b64"] = json!(URL_SAFE.encode(bytes).replace('A', "-"));
        }
        ("forgets what is asked for", "accept") => answer["signature_input"] = json!("(\"@method\")"),
        ("rejects what is incomplete", _) if answer["outcome"] == "error" => answer["outcome"] = json!("rejected"),
        _ => {}
    }
    answer
}

fn change_base(answer: &mut Value, change: impl FnOnce(&mut String)) {
    let bytes = STANDARD.decode(answer["base_b64"].as_str().unwrap_or_default()).unwrap_or_default();
    let mut base = String::from_utf8_lossy(&bytes).into_owned();
    change(&mut base);
    answer["base_b64"] = json!(STANDARD.encode(base));
}
