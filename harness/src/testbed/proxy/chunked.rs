//! Finds the end of a chunked body (RFC 9112 §7.1), so that the next head is known for what it is. Strict: what hyper or
//! an app might read otherwise is an error.

use super::head::field;

/// Chunk extensions and trailers together: nobody needs many.
const MAX_BESIDE: usize = 16 * 1024;

/// How far a chunked body has been read.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    state: State,
    size: u64,
    digits: u8,
    line: Vec<u8>,
    beside: usize,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    Trailer,
    TrailerLf,
    Done,
}

/// The body is not chunked as it must be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl Chunked {
    /// Takes from `bytes` what belongs to the body: how many bytes that are.
    pub(super) fn advance(&mut self, bytes: &[u8]) -> Result<usize, Malformed> {
        let mut at = 0;
        while at < bytes.len() && !self.is_done() {
            if self.state == State::Data {
                let part = usize::try_from(self.size).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += part;
                self.size -= part as u64;
                if self.size == 0 {
                    self.state = State::DataCr;
                }
            } else {
                self.state = self.step(bytes[at])?;
                at += 1;
            }
        }
        Ok(at)
    }

    /// Whether the body is complete, trailers included.
    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    fn step(&mut self, byte: u8) -> Result<State, Malformed> {
        match (self.state, byte) {
            (State::Size, b';') if self.digits > 0 => Ok(State::Extension),
            (State::Size, b'\r') if self.digits > 0 => Ok(State::SizeLf),
            (State::Size, digit) => self.digit(digit),
            (State::Extension, b'\r') => Ok(State::SizeLf),
            (State::Extension, b'\n' | 0) => Err(Malformed),
            (State::Extension, _) => self.count().map(|()| State::Extension),
            (State::SizeLf, b'\n') if self.size == 0 => Ok(State::Trailer),
            (State::SizeLf, b'\n') => Ok(State::Data),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => {
                self.digits = 0;
                Ok(State::Size)
            }
            (State::Trailer, b'\r') => Ok(State::TrailerLf),
            (State::Trailer, b'\n') => Err(Malformed),
            (State::Trailer, other) => {
                self.count()?;
                self.line.push(other);
                Ok(State::Trailer)
            }
            (State::TrailerLf, b'\n') => self.trailer_line(),
            _ => Err(Malformed),
        }
    }

    fn digit(&mut self, byte: u8) -> Result<State, Malformed> {
        let value = char::from(byte).to_digit(16).ok_or(Malformed)?;
        self.size = if self.digits == 0 { 0 } else { self.size } << 4 | u64::from(value);
        self.digits += 1;
        if self.digits > 15 { Err(Malformed) } else { Ok(State::Size) }
    }

    fn trailer_line(&mut self) -> Result<State, Malformed> {
        if self.line.is_empty() {
            return Ok(State::Done);
        }
        let (name, _) = field(&self.line).map_err(|_| Malformed)?;
        // RFC 9110 §6.5.1: never what says how to read or route the message.
        let forbidden: [&[u8]; 4] = [b"content-length", b"transfer-encoding", b"host", b"connection"];
        if forbidden.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            return Err(Malformed);
        }
        self.line.clear();
        Ok(State::Trailer)
    }

    fn count(&mut self) -> Result<(), Malformed> {
        self.beside += 1;
        if self.beside > MAX_BESIDE { Err(Malformed) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end_of(bytes: &[u8], piece: usize) -> Result<(usize, bool), Malformed> {
        let mut chunked = Chunked::default();
        let mut at = 0;
        for part in bytes.chunks(piece) {
            at += chunked.advance(part)?;
        }
        Ok((at, chunked.is_done()))
    }

    #[test]
    fn the_end_is_found_in_pieces_of_any_size() {
        let body = b"5\r\nhello\r\n0A;x=\"y\"\r\n0123456789\r\n0\r\nX-Sum: 1\r\nB:\r\n\r\nGET / HTTP/1.1\r\n";
        let length = body.len() - b"GET / HTTP/1.1\r\n".len();
        for piece in 1..=body.len() {
            assert_eq!(end_of(body, piece), Ok((length, true)), "pieces of {piece}");
        }
        assert_eq!(end_of(b"0\r\n\r\n", 9), Ok((5, true)));
        assert_eq!(end_of(b"5\r\nhel", 9), Ok((6, false)));
    }

    #[test]
    fn what_could_be_read_otherwise_is_malformed() {
        let cases: [&[u8]; 15] = [
            b"\r\n",
            b";x\r\n",
            b"0x5\r\n",
            b" 5\r\n",
            b"5 \r\n",
            b"+5\r\n",
            b"5\n",
            b"5;x\nhello",
            b"5\rhello",
            b"2\r\nabc\r\n",
            b"2\r\nab\n",
            b"1000000000000000\r\n",
            b"0\r\nA : b\r\n",
            b"0\r\nA: b\r\n c\r\n",
            b"0\r\nContent-Length: 5\r\n",
        ];
        for bytes in cases {
            assert_eq!(end_of(bytes, 1), Err(Malformed), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn trailers_and_extensions_are_bounded() {
        let trailers = |length: usize| [b"0\r\nA:".as_slice(), &vec![b'x'; length], b"\r\n\r\n"].concat();
        assert!(end_of(&trailers(MAX_BESIDE - 2), 99).is_ok());
        assert_eq!(end_of(&trailers(MAX_BESIDE - 1), 99), Err(Malformed));
        assert_eq!(end_of(&[b"1;".as_slice(), &vec![b'x'; MAX_BESIDE + 1]].concat(), 99), Err(Malformed));
    }
}
