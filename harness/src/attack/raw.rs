//! A request as the bytes of its message, for what can't be said in any other way.

use super::draft::Draft;

/// The parts of a message, each as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raw {
    /// The request line, without its line end.
    pub start: Vec<u8>,
    /// The field lines, without their line ends.
    pub lines: Vec<Vec<u8>>,
    /// What ends the start line and each field line.
    pub line_end: &'static [u8],
    /// What stands after the empty line.
    pub body: Vec<u8>,
}

impl Raw {
    /// A request over HTTP/1.1.
    pub fn of(draft: &Draft) -> Raw {
        let mut raw = Raw {
            start: format!("{} {} HTTP/1.1", draft.method, draft.target()).into_bytes(),
            lines: vec![format!("Host: {}", draft.host).into_bytes()],
            line_end: b"\r\n",
            body: draft.body.clone().unwrap_or_default(),
        };
        for (name, value) in draft.lines() {
            raw.add(&name, &value);
        }
        if let Some(body) = &draft.body {
            raw.add("Content-Length", &body.len().to_string());
        }
        raw
    }

    /// All of it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The start line and the field lines, without the empty line.
    pub fn head(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in std::iter::once(&self.start).chain(&self.lines) {
            bytes.extend_from_slice(line);
            bytes.extend_from_slice(self.line_end);
        }
        bytes
    }

    /// Adds a line at the end.
    pub fn add(&mut self, name: &str, value: &str) {
        self.lines.push(format!("{name}: {value}").into_bytes());
    }

    /// Adds a line as it is written.
    pub fn add_line(&mut self, line: impl Into<Vec<u8>>) {
        self.lines.push(line.into());
    }

    /// Writes all lines of a field as one such line; nothing where there is none.
    pub fn rewrite(&mut self, name: &str, line: &str) {
        for written in self.lines.iter_mut().filter(|written| is_named(written, name)) {
            *written = line.as_bytes().to_vec();
        }
    }

    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.lines.iter().any(|line| is_named(line, name))
    }

    /// Takes all lines of a field out.
    pub fn remove(&mut self, name: &str) {
        self.lines.retain(|line| !is_named(line, name));
    }

    /// Sends the body as chunks, written like this.
    pub fn chunked(&mut self, chunks: &[u8]) {
        self.remove("Content-Length");
        self.add("Transfer-Encoding", "chunked");
        self.body = chunks.to_vec();
    }
}

fn is_named(line: &[u8], name: &str) -> bool {
    let written = line.split(|byte| *byte == b':').next().unwrap_or_default();
    written.eq_ignore_ascii_case(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_written_as_its_parts_say() {
        let mut draft = Draft::new("POST", "chat.example", "/a?b");
        draft.fields.push(("X-A".into(), "1".into()));
        draft.body = Some(b"hello".to_vec());
        let mut raw = Raw::of(&draft);
        assert_eq!(
            raw.to_bytes(),
            b"POST /a?b HTTP/1.1\r\nHost: chat.example\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello"
        );
        raw.rewrite("host", "Host : x");
        raw.remove("x-a");
        assert!(raw.has("content-length") && !raw.has("x-a"));
        raw.chunked(b"0\r\n\r\n");
        raw.line_end = b"\n";
        assert_eq!(raw.to_bytes(), b"POST /a?b HTTP/1.1\nHost : x\nTransfer-Encoding: chunked\n\r\n0\r\n\r\n");
    }
}
