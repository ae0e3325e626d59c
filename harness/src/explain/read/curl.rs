//! What `curl -v` prints: requests behind `> `, responses behind `< `, curl's own words behind `* `, and between them
//! counts of bytes, the progress meter and the content of the response.

use portal_core::rfc9421::Scheme;

use super::head::{self, FieldLines, Line, is_request_line, is_status_line, lines};
use super::raw::{Length, content_length};
use super::{BadInput, Body, Choice, Input, Located, Side, Start, Subject};

/// The exchanges of a transcript, in order.
#[derive(Debug, Clone)]
pub struct Transcript {
    /// Never empty.
    pub exchanges: Vec<Exchange>,
}

/// A request and its response; one of them may be missing.
#[derive(Debug, Clone, Default)]
pub struct Exchange {
    /// The request.
    pub request: Option<Located>,
    /// The final response.
    pub response: Option<Located>,
}

/// Whether it is a transcript: one line begins a request or a response behind curl's mark.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    lines(bytes).any(|line| match unmark(line.text) {
        Some((Mark::Sent, text)) => is_request_line(text),
        Some((Mark::Received, text)) => is_status_line(text),
        _ => false,
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Sent,
    Received,
    Info,
}

/// curl's mark, and the text behind it. Whitespace at the end of a line does not survive every copy.
fn unmark(text: &[u8]) -> Option<(Mark, &[u8])> {
    let mark = match text.first()? {
        b'>' => Mark::Sent,
        b'<' => Mark::Received,
        b'*' => Mark::Info,
        _ => return None,
    };
    match &text[1..] {
        [] => Some((mark, &[])),
        [b' ', rest @ ..] => Some((mark, rest)),
        _ => None,
    }
}

/// Reads a transcript.
pub(super) fn read(input: &Input, scheme: Option<Scheme>) -> Result<Transcript, BadInput> {
    let mut reader = Reader {
        input,
        given: scheme,
        exchanges: Vec::new(),
        state: State::Between,
        tls: false,
        pseudo: Pseudo::default(),
    };
    for line in lines(&input.bytes) {
        reader.line(line)?;
    }
    reader.close()?;
    reader.exchanges.iter_mut().for_each(Building::settle);
    Ok(Transcript { exchanges: reader.exchanges.into_iter().map(|building| building.exchange).collect() })
}

struct Reader<'i> {
    input: &'i Input,
    given: Option<Scheme>,
    exchanges: Vec<Building>,
    state: State,
    tls: bool,
    pseudo: Pseudo,
}

enum State {
    Between,
    /// In the head of a request or response.
    Head(Mark, Box<Located>, FieldLines),
    /// Behind the head of a response.
    Behind,
}

/// An exchange, and what stood behind the head of its response without a mark.
#[derive(Default)]
struct Building {
    exchange: Exchange,
    unmarked: Vec<u8>,
    /// Whether curl said that it sent content.
    sent_content: bool,
    received_content: bool,
}

/// The pseudo-header fields of HTTP/2 and HTTP/3, which curl tells in words of its own.
#[derive(Default)]
struct Pseudo {
    scheme: Option<Scheme>,
    authority: Option<(String, usize)>,
}

impl Reader<'_> {
    fn line(&mut self, line: Line<'_>) -> Result<(), BadInput> {
        match unmark(line.text) {
            Some((Mark::Info, text)) => {
                self.info(&String::from_utf8_lossy(text), line.number);
                Ok(())
            }
            Some((mark, text)) => self.marked(mark, Line { text, ..line }),
            None => {
                self.unmarked(line);
                Ok(())
            }
        }
    }

    fn marked(&mut self, mark: Mark, line: Line<'_>) -> Result<(), BadInput> {
        let begins = match mark {
            Mark::Sent => is_request_line(line.text),
            _ => is_status_line(line.text),
        };
        match &mut self.state {
            State::Head(current, _, fields) if *current == mark && !begins => {
                if !line.text.is_empty() {
                    return fields.add(&self.input.name, line);
                }
                self.close()
            }
            _ if begins => {
                self.close()?;
                self.begin(mark, line)
            }
            State::Behind => {
                // A line of the content that happens to begin like that.
                self.keep(&self.input.bytes[line.offset..line.next]);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, mark: Mark, line: Line<'_>) -> Result<(), BadInput> {
        let text = line.text.trim_ascii_end();
        let (scheme, scheme_from) = match (self.given, self.pseudo.scheme) {
            (Some(given), _) => (given, "--scheme"),
            (None, Some(told)) => (told, ":scheme"),
            (None, None) if self.tls => (Scheme::Https, "curl connected with TLS"),
            (None, None) => (Scheme::Http, "curl connected without TLS"),
        };
        let (start, first_line) = head::start(&self.input.name, Line { text, ..line }, scheme)?;
        let located = Located {
            file: self.input.name.clone(),
            start,
            first_line,
            first_line_at: line.number,
            field_lines: Vec::new(),
            trailer_lines: Vec::new(),
            body: Body::Known(Vec::new()),
            scheme_from,
            authority_line: None,
            notes: Vec::new(),
            layout: None,
        };
        self.state = State::Head(mark, Box::new(located), FieldLines::default());
        Ok(())
    }

    /// Ends the head that is being read.
    fn close(&mut self) -> Result<(), BadInput> {
        let State::Head(mark, mut message, fields) = std::mem::replace(&mut self.state, State::Between) else {
            return Ok(());
        };
        message.field_lines = fields.finish(&self.input.name, message.fields_mut())?;
        if mark == Mark::Sent {
            self.authority(&mut message);
            self.exchanges.push(Building {
                exchange: Exchange { request: Some(*message), response: None },
                ..Building::default()
            });
            return Ok(());
        }
        self.state = State::Behind;
        let is_interim =
            |response: &Located| matches!(&response.start, Start::Response(r) if r.status() < 200 && r.status() != 101);
        let open = self.exchanges.last().is_some_and(|last| last.exchange.response.as_ref().is_none_or(is_interim));
        if !open {
            self.exchanges.push(Building::default());
        }
        if let Some(last) = self.exchanges.last_mut() {
            last.exchange.response = Some(*message);
        }
        Ok(())
    }

    /// In HTTP/2 and later, `:authority` is what was sent; the Host that curl shows is its own.
    fn authority(&mut self, message: &mut Located) {
        let Some((authority, line)) = std::mem::take(&mut self.pseudo).authority else { return };
        let shown = message.fields().values("host").next().map(|host| String::from_utf8_lossy(host).trim().to_owned());
        if shown.as_deref() == Some(&authority) {
            message.authority_line = Some(line);
            return;
        }
        if let Some(shown) = shown {
            message
                .notes
                .push(format!("Host is shown as {shown}, but :authority is {authority}: that is what was sent"));
            let kept = message.fields().iter().zip(&message.field_lines);
            message.field_lines =
                kept.filter(|((name, _), _)| !name.eq_ignore_ascii_case("host")).map(|(_, line)| *line).collect();
            message.fields_mut().remove("host");
        }
        if message.fields_mut().push("Host", &authority).is_ok() {
            message.field_lines.push(line);
            message.authority_line = Some(line);
        }
    }

    fn info(&mut self, text: &str, number: usize) {
        if text.starts_with("Connected to ") || text.starts_with("Established connection ") {
            self.tls = false;
        } else if text.starts_with("SSL connection using ") || text.starts_with("ALPN") {
            self.tls = true;
        }
        let Some((before, field)) = text.strip_suffix(']').and_then(|text| text.split_once("[:")) else { return };
        if !before.starts_with("h2") && !before.starts_with("[HTTP/") && !before.starts_with("h3") {
            return;
        }
        match field.split_once(": ") {
            Some(("scheme", "https")) => self.pseudo.scheme = Some(Scheme::Https),
            Some(("scheme", "http")) => self.pseudo.scheme = Some(Scheme::Http),
            Some(("authority", authority)) => self.pseudo.authority = Some((authority.to_owned(), number)),
            _ => {}
        }
    }

    fn unmarked(&mut self, line: Line<'_>) {
        let counts = line.text.ends_with(b" bytes data]");
        // With TLS the counts are of records, not of content.
        let tls = self.tls;
        if counts && (line.text.starts_with(b"} [") || line.text.starts_with(b"{ [")) {
            if let Some(last) = self.exchanges.last_mut() {
                last.sent_content |= !tls && line.text[0] == b'}' && last.exchange.response.is_none();
                last.received_content |= line.text[0] == b'{' && last.exchange.response.is_some();
            }
            return;
        }
        if !is_progress(line.text) && matches!(self.state, State::Behind) {
            self.keep(&self.input.bytes[line.offset..line.next]);
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        if let Some(last) = self.exchanges.last_mut() {
            last.unmarked.extend_from_slice(bytes);
        }
    }
}

/// A line of the progress meter: twelve columns of numbers, redrawn behind a CR; or its heading.
fn is_progress(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    if text.starts_with("  % Total    % Received") || text.trim_start().starts_with("Dload  Upload") {
        return true;
    }
    let last = text.rsplit('\r').find(|part| !part.is_empty()).unwrap_or_default();
    let words: Vec<&str> = last.split_whitespace().collect();
    let is_number = |word: &&str| word.bytes().all(|byte| byte.is_ascii_digit() || b".kMGTP:-".contains(&byte));
    words.len() >= 12 && words[..11].iter().all(is_number) && words[8..11].iter().any(|word| word.contains(':'))
}

impl Building {
    /// Decides what is known of the contents.
    fn settle(&mut self) {
        let is_head = self.exchange.request.as_ref().and_then(Located::request).is_some_and(|r| r.method() == "HEAD");
        if let Some(request) = &mut self.exchange.request {
            let announced = request.fields().contains("transfer-encoding")
                || matches!(content_length(request.fields()), Length::Is(1..) | Length::Malformed);
            if announced || self.sent_content {
                request.body = Body::Unknown("curl -v doesn't print what it sends; --body FILE gives it".to_owned());
            }
        }
        let Some(response) = &mut self.exchange.response else { return };
        let without =
            is_head || matches!(&response.start, Start::Response(r) if matches!(r.status(), 100..=199 | 204 | 304));
        if without {
            return;
        }
        let length = match content_length(response.fields()) {
            Length::Is(length) => Some(length),
            _ => None,
        };
        response.body = received(&self.unmarked, length, self.received_content, &mut response.notes);
    }
}

/// The content of a response, where the lines without a mark can be told to be it.
fn received(unmarked: &[u8], length: Option<usize>, told: bool, notes: &mut Vec<String>) -> Body {
    match length {
        Some(0) => return Body::Known(Vec::new()),
        Some(length) => {
            if let Some((content, behind)) = unmarked.split_at_checked(length)
                && (behind.trim_ascii().is_empty() || behind.starts_with(b"* "))
            {
                return Body::Known(content.to_vec());
            }
            let what = if unmarked.is_empty() {
                "the content is not in the transcript"
            } else {
                "the content can't be told from curl's words"
            };
            return Body::Unknown(format!("{what}; --body FILE gives it"));
        }
        None => {}
    }
    if unmarked.is_empty() {
        return if told {
            Body::Unknown("the content is not in the transcript; --body FILE gives it".to_owned())
        } else {
            Body::Known(Vec::new())
        };
    }
    // curl's next words follow the content without a line end.
    let end = (0..unmarked.len()).rev().find(|at| {
        [&b"* Connection #"[..], b"* Closing connection", b"* Found bundle"]
            .iter()
            .any(|words| unmarked[*at..].starts_with(words))
    });
    notes.push("no Content-Length: the content is what stands in the transcript without a mark".to_owned());
    Body::Known(unmarked[..end.unwrap_or(unmarked.len())].to_vec())
}

impl Transcript {
    /// Chooses a message: the one that is asked for, or the only one with a signature, or the last request.
    pub(super) fn choose(self, file: &str, choice: Choice) -> Result<Subject, BadInput> {
        let count = self.exchanges.len();
        let candidates: Vec<(usize, Exchange)> = self.exchanges.into_iter().enumerate().collect();
        let candidates = match choice.exchange {
            None => candidates,
            Some(number) => {
                let only: Vec<_> = candidates.into_iter().filter(|(at, _)| at + 1 == number).collect();
                if only.is_empty() {
                    let what = format!("has {count} exchange{}, no number {number}", if count == 1 { "" } else { "s" });
                    return Err(BadInput::file(
                        file,
                        what,
                        "Count from 1: --exchange 1 is the first request and its response.",
                    ));
                }
                only
            }
        };
        let has = |exchange: &Exchange, side: Side| match side {
            Side::Request => exchange.request.as_ref().map(Located::is_signed),
            Side::Response => exchange.response.as_ref().map(Located::is_signed),
        };
        let sides = choice.side.map_or(vec![Side::Request, Side::Response], |side| vec![side]);
        let all: Vec<(usize, Side, bool)> = candidates
            .iter()
            .flat_map(|(at, exchange)| sides.iter().filter_map(|side| Some((*at, *side, has(exchange, *side)?))))
            .collect();
        let signed: Vec<_> = all.iter().filter(|(_, _, signed)| choice.signed && *signed).collect();
        let chosen = match &signed[..] {
            [one] => **one,
            [] => {
                // Without a signature to go by: the last request, or what side was asked for.
                let last = all.iter().rev().find(|(_, side, _)| *side == Side::Request).or(all.last());
                match last {
                    Some(last) => *last,
                    None => {
                        return Err(BadInput::file(
                            file,
                            "has no message of that side",
                            "Leave out --request-side and --response to see what there is.",
                        ));
                    }
                }
            }
            several => return Err(ambiguous(file, several)),
        };
        let (at, side, _) = chosen;
        let exchange =
            candidates.into_iter().find(|(number, _)| *number == at).map(|(_, exchange)| exchange).unwrap_or_default();
        let (message, related) = match side {
            Side::Request => (exchange.request, None),
            Side::Response => (exchange.response, exchange.request),
        };
        let mut message =
            message.ok_or_else(|| BadInput::file(file, "has no such message", "Leave out --exchange."))?;
        if count > 1 {
            message.notes.insert(0, format!("exchange {} of {count} in the transcript", at + 1));
        }
        Ok(Subject { message, related })
    }
}

fn ambiguous(file: &str, several: &[&(usize, Side, bool)]) -> BadInput {
    let one_exchange = several.iter().all(|(at, _, _)| *at == several[0].0);
    let one_side = several.iter().all(|(_, side, _)| *side == several[0].1);
    let advice = match (one_exchange, one_side) {
        (true, _) => "Say which: --request-side or --response.".to_owned(),
        (false, true) => format!("Say which: --exchange {}.", numbers(several)),
        (false, false) => format!("Say which: --exchange {}, and --request-side or --response.", numbers(several)),
    };
    BadInput::file(file, format!("has {} messages with a signature", several.len()), advice)
}

fn numbers(several: &[&(usize, Side, bool)]) -> String {
    let mut numbers: Vec<String> = several.iter().map(|(at, _, _)| (at + 1).to_string()).collect();
    numbers.dedup();
    numbers.join(", ")
}
