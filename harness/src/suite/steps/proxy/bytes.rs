//! Requests as bytes, well-formed or not, and the answers to them.

use std::time::Duration;

use super::super::drafts::addressed;
use super::super::prelude::*;
use crate::suite::kit::body::Fingerprint;
use crate::suite::kit::exchange::Outcome;
use crate::wire::{Content, Reply, WireError};

/// How long a proxy may leave a connection open after its last answer; only such a one costs so much.
pub(crate) const OPEN: Duration = Duration::from_secs(2);

pub(super) fn register(steps: &mut Steps) {
    steps.when("^these bytes are sent to ({portal})'s proxy$", are_sent);
    steps.then(r"^the answers are (\d{3}(?:, \d{3})*)$", answers_are);
    steps.then(r"^it is told to continue, and the answer is (\d{3})$", is_told_to_continue);
}

async fn are_sent(world: &mut World, args: Args) -> StepResult {
    let bytes = unescaped(&args.doc_string()?.replace('\n', "\r\n"))?;
    let portal = world.scene().portal(args.text(0))?;
    let outside = world.scene().testbed()?.outside().clone();
    let named = host_named(&bytes).filter(|host| host.ends_with(&format!(".{}", portal.domain().to_ascii_lowercase())));
    let host = named.unwrap_or_else(|| portal.domain().to_owned());
    let addressed = addressed(world, &host)?;

    world.begin_sending().await;
    let (replies, end) = match outside.connect(&host).await {
        Ok(mut channel) => channel.raw_replies(&bytes, OPEN).await,
        Err(error @ WireError::NoSuchHost(_)) => return Err(error.into()),
        Err(error) => (Vec::new(), error),
    };
    world.sent(exchange(&bytes, addressed, replies, end));
    Ok(())
}

/// What came of bytes that were sent.
pub(crate) fn exchange(bytes: &[u8], addressed: Option<Receiver>, replies: Vec<Reply>, end: WireError) -> Exchange {
    let start_line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let start_line = crate::wire::readable(start_line);
    let mut words = start_line.splitn(2, ' ');
    let (method, rest) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let target = rest.rsplit_once(' ').map_or(rest, |(target, _)| target);
    let mut replies = replies.into_iter();
    let outcome = match (replies.next(), end) {
        (Some(first), _) => Outcome::Answered(Box::new(first.into())),
        (None, WireError::Cut { reply, cause }) => Outcome::BrokenOff(reply, cause),
        (None, error) => Outcome::Nothing(error),
    };
    let exchange = Exchange {
        method: method.to_owned(),
        target: target.to_owned(),
        body: Fingerprint::of(&Content::None),
        addressed,
        asked: None,
        outcome,
        further: Vec::new(),
        took: Duration::ZERO,
        trace_id: None,
        call: None,
        way: None,
    };
    exchange.followed_by(replies.collect())
}

/// The value of the first Host line, in lower case and without a port.
fn host_named(bytes: &[u8]) -> Option<String> {
    let text = crate::wire::readable(bytes).to_ascii_lowercase();
    let line = text.split("\r\n").find_map(|line| line.strip_prefix("host:").map(str::trim).map(str::to_owned))?;
    Some(line.split(':').next().unwrap_or_default().to_owned())
}

/// `\r`, `\n`, `\t` and `\x00` stand for the bytes that can't be written.
fn unescaped(text: &str) -> StepResult<Vec<u8>> {
    let unknown = || StepFailure::mistake("after a backslash there is r, n, t or x with two digits");
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (byte, length) = match after.as_bytes() {
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b't', ..] => (b'\t', 1),
            [b'x', ..] => {
                let digits = after.get(1..3).ok_or_else(unknown)?;
                (u8::from_str_radix(digits, 16).map_err(|_| unknown())?, 3)
            }
            _ => return Err(unknown()),
        };
        bytes.push(byte);
        rest = &after[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Ok(bytes)
}

async fn answers_are(world: &mut World, args: Args) -> StepResult {
    let expected: Vec<u16> = args.text(0).split(", ").map(str::parse).collect::<Result<_, _>>()?;
    let exchange = world.exchange()?;
    let got = exchange.statuses();
    expect::holds(got == expected, format!("the answers {}", args.text(0)), || match got.as_slice() {
        [] => exchange.told(),
        statuses => statuses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    })
}

/// RFC 9110 §15.2: a client takes any number of interim answers, so a proxy may give one beside the app's.
async fn is_told_to_continue(world: &mut World, args: Args) -> StepResult {
    let expected: u16 = args.text(0).parse()?;
    let exchange = world.exchange()?;
    let got = exchange.statuses();
    let kept = matches!(got.split_last(), Some((last, interim))
        if *last == expected && !interim.is_empty() && interim.iter().all(|status| *status == 100));
    expect::holds(kept, format!("100 once or more, then {expected}"), || match got.as_slice() {
        [] => exchange.told(),
        statuses => statuses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_stand_for_bytes() {
        assert_eq!(unescaped("a\\r\\n\\tb\\x00\\xFFc").unwrap(), b"a\r\n\tb\0\xffc");
        assert_eq!(unescaped("no escape").unwrap(), b"no escape");
        for wrong in ["\\", "\\q", "\\x1", "\\xzz", "\\xé"] {
            assert!(!unescaped(wrong).unwrap_err().is_fail(), "{wrong}");
        }
    }

    #[test]
    fn the_first_host_line_leads_the_way() {
        let named = |text: &str| host_named(text.as_bytes());
        assert_eq!(named("GET / HTTP/1.1\r\nA: b\r\nHOST: Chat.x:8443\r\nHost: y\r\n\r\n").as_deref(), Some("chat.x"));
        assert_eq!(named("GET / HTTP/1.1\r\nX-Host: y\r\n\r\n"), None);
    }

    #[test]
    fn the_answers_are_told_in_order_with_interim_ones() {
        let reply = |status: u16, interim: Vec<u16>| Reply {
            version: "HTTP/1.1".into(),
            status,
            fields: crate::wire::Fields::new(),
            body: Default::default(),
            length: 0,
            sha256: String::new(),
            trailers: crate::wire::Fields::new(),
            interim,
            trace_id: None,
        };
        let bytes = b"POST /a b HTTP/1.1\r\n\r\n";
        let exchange = exchange(bytes, None, vec![reply(200, vec![100]), reply(401, vec![])], WireError::Closed);
        assert_eq!(exchange.statuses(), [100, 200, 401]);
        assert_eq!((exchange.method.as_str(), exchange.target.as_str()), ("POST", "/a b"));
        let none = super::exchange(bytes, None, Vec::new(), WireError::Closed);
        assert!(none.statuses().is_empty() && none.answer().unwrap_err().is_fail());
    }
}
