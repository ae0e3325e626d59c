//! The steps themselves.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::checker::{Checker, STAY, Trouble, Wanted, differs, hello_line, parsed, to_line};
use super::{Findings, Sample, State, Step, brief, shape};
use crate::attack::DraftError;
use crate::vectors::client::CommandLine;
use crate::vectors::protocol::Request;

/// The greatest number that every language reads as it is.
const GREATEST_ID: u64 = 9_007_199_254_740_991;
/// A request that is cut off.
const MALFORMED: &str = r#"{"op":"verify","message_b64":"R0VUIC9mb28gSFRUU"#;
/// The body of the big message, in bytes.
const BIG: usize = 1 << 20;

const SHAPE: &str = "The fields of all messages are in fixtures/shim-protocol.schema.json.";
const COME_UP: &str = "It ended before its first answer: mend what standard error says. Then: read line by line until standard \
    input ends, and answer each line.";
const CORE_SET: &str = "Without the op verify, the base (the op base, or base_b64 in the answers to verify) and ed25519, countersign \
    vectors can say no more than partial. If the library can do it, declare it in hello.";

/// Walks through all steps; `told` learns of each as it is done.
///
/// # Errors
/// The samples can't be signed.
pub async fn check(
    command: &CommandLine,
    now: u64,
    limit: Duration,
    told: &mut dyn FnMut(&Step),
) -> Result<Findings, DraftError> {
    let samples =
        Samples { ed25519: Sample::ed25519(now)?, hmac: Sample::hmac(now)?, big: Sample::big(now, BIG)?, now };
    let mut checker = Checker::new(command, limit, told);
    if let Some(hello) = checker.hello().await {
        let sample = match hello.declares("algs", "ed25519") {
            true => Some(&samples.ed25519),
            false => hello.declares("algs", "hmac-sha256").then_some(&samples.hmac),
        };
        checker.cases(&hello, sample, &samples).await;
        checker.lines(&hello, sample, &samples).await;
        checker.end().await;
    }
    Ok(checker.findings)
}

struct Samples {
    ed25519: Sample,
    hmac: Sample,
    big: Sample,
    now: u64,
}

/// The answer to hello.
struct Declared(Value);

impl Declared {
    fn declares(&self, field: &str, word: &str) -> bool {
        self.0[field].as_array().is_some_and(|words| words.iter().any(|known| known == word))
    }
}

impl Checker<'_> {
    async fn hello(&mut self) -> Option<Declared> {
        let line = hello_line();
        let name = "the shim starts and answers hello";
        let expected = format!("a line of JSON within {} s", self.limit.as_secs_f64());
        let started = self.answer(&line).await;
        let answer = match started {
            Ok(answer) => answer,
            Err(Trouble { came, state }) => {
                // Whatever it is: it did not come up.
                let state = match state {
                    State::Wrong { advice } => State::Died { advice },
                    State::Died { advice: STAY } => State::Died { advice: COME_UP },
                    other => other,
                };
                self.tell(Step { name, sent: line, expected, came, state });
                return None;
            }
        };
        let step = Step { name, sent: line.clone(), expected, came: brief(&answer), state: State::Fine };
        self.tell(step);

        let mut wrong = shape::hello(&answer);
        if answer["id"].is_u64() && answer["id"] != 0 {
            wrong.push(format!("`id` is {}, the request's was 0", answer["id"]));
        }
        let expected = "id, impl, version, ops, algs, features, clock, and no more".to_owned();
        self.judged("hello says who it is and what it can do", line.clone(), expected, &answer, &wrong, SHAPE);

        let hello = Declared(answer);
        let mut lacks = Vec::new();
        if !hello.declares("ops", "verify") {
            lacks.push("it does not declare the op verify".to_owned());
        }
        if !hello.declares("algs", "ed25519") {
            lacks.push("it does not declare the algorithm ed25519".to_owned());
        }
        let state = if lacks.is_empty() { State::Fine } else { State::Partial { advice: CORE_SET } };
        self.tell(Step {
            name: "hello declares the core set",
            sent: line,
            expected: "ops with verify, algs with ed25519".to_owned(),
            came: std::iter::once(brief(&hello.0)).chain(lacks).collect::<Vec<_>>().join("\n"),
            state,
        });
        Some(hello)
    }

    /// What each declared operation makes of a simple message.
    async fn cases(&mut self, hello: &Declared, sample: Option<&Sample>, samples: &Samples) {
        let now = samples.now;
        let Some(sample) = sample else {
            self.skip(
                "verify, base and sign",
                "hello declares neither ed25519 nor hmac-sha256: there is no sample to send",
            );
            return self.without_signatures(hello, samples).await;
        };
        let mut verified_base = None;
        if hello.declares("ops", "verify") {
            let name = "verify: a signature that holds is accepted";
            let request = Request::Verify(Box::new(sample.to_verify(self.new_id(), now)));
            let advice = "Look the key up in `keys` by the signature's keyid (it is the key's `kid`), take the message from `parsed` \
                or `message_b64`, the scheme from `scheme`, the time from `now`. `reason` should say what the library says.";
            let wanted = Wanted { name, request, outcome: "accepted", advice };
            let answer = self.case(wanted, |_| Ok(())).await;
            verified_base = answer.and_then(|answer| answer["base_b64"].as_str().map(str::to_owned));
            let name = "verify: a signature that does not hold is rejected";
            let request = Request::Verify(Box::new(sample.forged().to_verify(self.new_id(), now)));
            let advice = "A field that is covered was changed after signing. Make the outcome from what the library returns: does it \
                return false where you wait for an exception?";
            self.case(Wanted { name, request, outcome: "rejected", advice }, |_| Ok(())).await;
        } else {
            self.skip("verify", "hello does not declare it");
        }
        self.base(hello, sample, now, verified_base).await;
        if hello.declares("ops", "sign") {
            let name = "sign: the signature is that of what signature_input says";
            let request = Request::Sign(Box::new(sample.to_sign(self.new_id(), now)));
            let advice = "Sign with `key` what `signature_input` says; answer with the bytes of the signature in base64, and with what \
                was really signed: what the library puts after `label=` in Signature-Input.";
            let holds = |answer: &Value| {
                let text = |field: &str| answer[field].as_str().unwrap_or_default();
                sample.is_signed_by(text("signature_input"), text("signature_b64"))
            };
            self.case(Wanted { name, request, outcome: "ok", advice }, holds).await;
        } else {
            self.skip("sign", "hello does not declare it");
        }
        self.without_signatures(hello, samples).await;
    }

    /// The base, byte for byte.
    async fn base(&mut self, hello: &Declared, sample: &Sample, now: u64, verified: Option<String>) {
        let name = "base: the base is right, byte for byte";
        let advice = "base_b64 is the text that the library signs, in base64 of its UTF-8: lines ended by LF but for the last, which is \
            \"@signature-params\". Take it from the library; don't make it yourself.";
        let right = |answer: &Value| same_base(sample.base(), answer["base_b64"].as_str().unwrap_or_default());
        if hello.declares("ops", "base") {
            let request = Request::Base(Box::new(sample.to_base(self.new_id(), now)));
            self.case(Wanted { name, request, outcome: "ok", advice }, right).await;
        } else if let Some(base) = verified {
            let answer = Value::Object([("base_b64".to_owned(), Value::from(base))].into_iter().collect());
            let wrong: Vec<String> = right(&answer).err().into_iter().collect();
            let expected = "the base in the answer to verify".to_owned();
            self.judged(name, "verify, as above".to_owned(), expected, &answer, &wrong, advice);
        } else {
            self.tell(Step {
                name,
                sent: String::new(),
                expected: "the op base, or base_b64 in the answers to verify".to_owned(),
                came: "neither".to_owned(),
                state: State::Partial { advice: CORE_SET },
            });
        }
    }

    async fn without_signatures(&mut self, hello: &Declared, samples: &Samples) {
        let (sample, now) = (&samples.ed25519, samples.now);
        if hello.declares("ops", "digest") {
            let name = "digest: content that its digest fits is accepted";
            let request = Request::Digest(Box::new(sample.to_digest(self.new_id(), now)));
            let advice = "Check the content (`parsed.body_b64`, without its transfer coding) against Content-Digest; signatures don't matter.";
            self.case(Wanted { name, request, outcome: "accepted", advice }, |_| Ok(())).await;
            let name = "digest: other content is rejected";
            let request = Request::Digest(Box::new(sample.with_other_content().to_digest(self.new_id(), now)));
            self.case(Wanted { name, request, outcome: "rejected", advice }, |_| Ok(())).await;
        } else {
            self.skip("digest", "hello does not declare it");
        }
        if hello.declares("ops", "accept") {
            let name = "accept: what is asked for is what would be signed";
            let request = Request::Accept(Box::new(sample.to_accept(self.new_id(), now)));
            let advice = "Read Accept-Signature under `label`; `signature_input` is what a signature that answers it would have after \
                `label=` in Signature-Input, with `created` from `now`.";
            let wanted = sample.input();
            let same = |answer: &Value| {
                let came = answer["signature_input"].as_str().unwrap_or_default();
                if same_input(&wanted, came) {
                    Ok(())
                } else {
                    Err(format!("asked for is {wanted}\nthis is      {came}"))
                }
            };
            self.case(Wanted { name, request, outcome: "ok", advice }, same).await;
        } else {
            self.skip("accept", "hello does not declare it");
        }
    }

    /// What is about lines rather than messages.
    async fn lines(&mut self, hello: &Declared, sample: Option<&Sample>, samples: &Samples) {
        let sample = sample.filter(|_| hello.declares("ops", "verify"));
        self.pipelined(sample, samples.now).await;
        self.unknown_op().await;
        self.incomplete().await;
        self.malformed(sample, samples.now).await;
        let name = "a message of one MiB is taken";
        if hello.declares("ops", "verify") && hello.declares("algs", "ed25519") {
            let request = Request::Verify(Box::new(samples.big.to_verify(self.new_id(), samples.now)));
            let advice = "A line can be of several MiB: don't limit the length of lines, and read while you write.";
            self.case(Wanted { name, request, outcome: "accepted", advice }, |_| Ok(())).await;
        } else {
            self.skip(name, "verify or ed25519 is not declared");
        }
    }

    async fn pipelined(&mut self, sample: Option<&Sample>, now: u64) {
        let name = "several requests at once are each answered with their own id";
        let advice = "Keep the id of the request with it, as a number, and put it into its answer. The order of the answers is free, but \
            none may be lost: with a buffered reader, take all lines out of the buffer before you wait for more.";
        let Some(sample) = sample else { return self.skip(name, "there is no sample to verify") };
        let (first, last) = (self.new_id(), self.new_id());
        let wanted = [(first, "accepted"), (GREATEST_ID, "rejected"), (last, "accepted")];
        let requests = wanted.map(|(id, outcome)| {
            let sample = if outcome == "accepted" { sample.clone() } else { sample.forged() };
            to_line(&Request::Verify(Box::new(sample.to_verify(id, now))))
        });
        let sent = format!("verify, three times in one go, with the ids {first}, {GREATEST_ID} and {last}");
        let expected =
            "three lines, in any order, with these ids and the outcomes accepted, rejected, accepted".to_owned();
        let mut came = Vec::new();
        let mut trouble = None;
        for at in 0..wanted.len() {
            let line = match at {
                0 => self.exchange(&requests.join("\n")).await,
                _ => self.next_line().await,
            };
            match line.and_then(|line| parsed(&line)) {
                Ok(answer) => came.push(answer),
                Err(why) => {
                    trouble = Some(why);
                    break;
                }
            }
        }
        let mut wrong: Vec<String> = Vec::new();
        for (id, outcome) in wanted {
            let with_id: Vec<_> = came.iter().filter(|answer| answer["id"] == id).collect();
            match with_id.as_slice() {
                [answer] if answer["outcome"] == outcome => {}
                [answer] => wrong.push(format!("the answer to {id} has the outcome {}", answer["outcome"])),
                [] => wrong.push(format!("there is no answer to {id}")),
                _ => wrong.push(format!("there are {} answers to {id}", with_id.len())),
            }
        }
        let shown: Vec<String> = came.iter().map(brief).collect();
        let (shown, state) = match trouble {
            Some(Trouble { came, state }) => ([shown, vec![came]].concat(), state),
            None if wrong.is_empty() => (shown, State::Fine),
            None => (shown, State::Wrong { advice }),
        };
        let state = state.advised(advice);
        if state != State::Fine {
            self.shim = None;
        }
        self.tell(Step { name, sent, expected, came: [shown, wrong].concat().join("\n"), state });
    }

    async fn unknown_op(&mut self) {
        let id = self.new_id();
        let line = format!(r#"{{"op":"frobnicate","id":{id}}}"#);
        let advice =
            "Later versions of the protocol may have more operations: answer with the outcome unsupported, and go on.";
        self.told_off("an unknown op is unsupported, and no reason to die", line, id, "unsupported", advice).await;
    }

    async fn incomplete(&mut self) {
        let id = self.new_id();
        let line = format!(r#"{{"op":"verify","id":{id}}}"#);
        let advice = "Here everything but the id is missing. Catch whatever goes wrong in the shim itself, answer with the outcome error and \
            the reason, and go on. It must not be rejected: that would be a verdict of the library.";
        self.told_off("an incomplete request is an error, and no reason to die", line, id, "error", advice).await;
    }

    /// A line that is answered, but not in the sense of whoever wrote it.
    async fn told_off(
        &mut self,
        name: &'static str,
        line: String,
        id: u64,
        outcome: &'static str,
        advice: &'static str,
    ) {
        let expected = format!("the id {id}, the outcome {outcome}");
        match self.answer(&line).await {
            Ok(answer) => {
                let mut wrong = shape::answer(&answer, "verify");
                wrong.extend(differs(&answer, id, outcome));
                self.judged(name, line, expected, &answer, &wrong, advice);
            }
            Err(Trouble { came, state }) => {
                let state = state.advised(advice);
                self.tell(Step { name, sent: line, expected, came, state });
            }
        }
    }

    async fn malformed(&mut self, sample: Option<&Sample>, now: u64) {
        let name = "a line that is no JSON is passed over";
        let advice = "There is no id to answer to: write nothing to standard output (to standard error, if you like), and go on with the \
            next line.";
        let id = self.new_id();
        let next = match sample {
            Some(sample) => to_line(&Request::Verify(Box::new(sample.to_verify(id, now)))),
            None => format!(r#"{{"op":"frobnicate","id":{id}}}"#),
        };
        let sent = format!("{MALFORMED}\nand, without waiting, a request with the id {id}");
        let expected = format!("one line: the answer to the request, with the id {id}");
        match self.answer(&format!("{MALFORMED}\n{next}")).await {
            Ok(answer) => {
                let wrong: Vec<String> =
                    (answer["id"] != id).then(|| format!("its id is {}", answer["id"])).into_iter().collect();
                if !wrong.is_empty() {
                    // There is one line more on its way than expected.
                    self.shim = None;
                }
                self.judged(name, sent, expected, &answer, &wrong, advice);
            }
            Err(Trouble { came, state }) => {
                let state = state.advised(advice);
                self.tell(Step { name, sent, expected, came, state });
            }
        }
    }

    async fn end(&mut self) {
        let name = "the shim ends when its input ends";
        let advice =
            "At the end of standard input leave the loop and end with exit code 0; don't wait for anything else.";
        let expected = format!("exit code 0 within {} s, and no further line", self.limit.as_secs_f64());
        let sent = "the end of standard input".to_owned();
        if let Err(fault) = self.running().await {
            let Trouble { came, state } = Trouble::from(fault);
            return self.tell(Step { name, sent, expected, came, state });
        }
        let Some(shim) = self.shim.take() else { return };
        let said = shim.said();
        let (came, state) = match shim.finish(self.limit).await {
            Ok(status) if status.success() => (status.to_string(), State::Fine),
            Ok(status) => (status.to_string(), State::Wrong { advice }),
            Err(fault) => (fault.to_string(), State::Wrong { advice }),
        };
        self.tell(Step { name, sent, expected, came, state });
        if !said.is_empty() {
            self.skip(
                "standard error",
                &format!("is free for whatever helps people; it ended with: {}", last_line(&said)),
            );
        }
    }
}

fn same_base(expected: &str, base_b64: &str) -> Result<(), String> {
    let bytes = STANDARD.decode(base_b64).unwrap_or_default();
    let came = String::from_utf8_lossy(&bytes);
    if came == expected {
        return Ok(());
    }
    let mut lines = expected.split('\n').zip(came.split('\n')).enumerate();
    Err(match lines.find(|(_, (expected, came))| expected != came) {
        Some((at, (expected, came))) => format!("line {} of the base is\n  {came}\nand must be\n  {expected}", at + 1),
        None => format!(
            "the base has {} lines and must have {}, without a line feed behind the last",
            came.split('\n').count(),
            expected.split('\n').count()
        ),
    })
}

/// Whether two inner lists cover the same in the same order with the same parameters in any order.
fn same_input(wanted: &str, came: &str) -> bool {
    let split = |input: &str| {
        let (covered, parameters) = input.split_once(')')?;
        let mut parameters: Vec<String> = parameters.split(';').map(str::to_owned).collect();
        parameters.sort();
        Some((covered.to_owned(), parameters))
    };
    split(wanted) == split(came)
}

fn last_line(text: &str) -> &str {
    text.lines().next_back().unwrap_or_default()
}
