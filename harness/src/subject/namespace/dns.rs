//! As much of DNS as a resolver needs that asks for an address (RFC 1035).

use std::net::Ipv4Addr;

/// The longest message over UDP that everybody takes (RFC 1035 §2.3.4).
pub(super) const MESSAGE: usize = 512;
const HEADER: usize = 12;
const TYPE_A: u16 = 1;
const CLASS_IN: u16 = 1;
const NAME_ERROR: u8 = 3;

/// A question for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    /// The name in lower case, without the last dot.
    pub(super) name: String,
    id: [u8; 2],
    wants_recursion: bool,
    /// Whether an address of IPv4 is asked for.
    pub(super) is_for_address: bool,
    // As it came: it is part of the answer.
    section: Vec<u8>,
}

impl Question {
    /// Reads a query with one question; anything else is none of ours.
    pub(super) fn parse(message: &[u8]) -> Option<Question> {
        let (header, rest) = message.split_at_checked(HEADER)?;
        let is_query = header[2] & 0xf8 == 0;
        if !is_query || header[4..6] != [0, 1] {
            return None;
        }
        let mut labels = Vec::new();
        let mut at = 0;
        loop {
            let length = usize::from(*rest.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            // Two bits on top mean a pointer (§4.1.4), which a question has no use for.
            let label = rest.get(at..at + length).filter(|_| length < 64)?;
            let label =
                std::str::from_utf8(label).ok().filter(|label| label.bytes().all(|byte| byte.is_ascii_graphic()))?;
            labels.push(label.to_ascii_lowercase());
            at += length;
        }
        let kind = rest.get(at..at + 4)?;
        let name = labels.join(".");
        if name.len() > 253 {
            return None;
        }
        Some(Question {
            name,
            id: [header[0], header[1]],
            wants_recursion: header[2] & 1 == 1,
            is_for_address: kind[..2] == TYPE_A.to_be_bytes() && kind[2..] == CLASS_IN.to_be_bytes(),
            section: rest[..at + 4].to_vec(),
        })
    }

    /// The answer: the address of a name that there is, to be asked for again each time; that it has nothing of the kind
    /// that was asked for; or that there is no such name.
    pub(super) fn answer(&self, address: Option<Ipv4Addr>) -> Vec<u8> {
        let told = address.filter(|_| self.is_for_address);
        let code = if address.is_none() { NAME_ERROR } else { 0 };
        let mut message = self.id.to_vec();
        // An authoritative response, recursion available.
        message.extend([0x84 | u8::from(self.wants_recursion), 0x80 | code]);
        message.extend([0, 1, 0, u8::from(told.is_some()), 0, 0, 0, 0]);
        message.extend(&self.section);
        if let Some(address) = told {
            // The name is the one at byte 12; then type, class, a life of 0 seconds, 4 bytes.
            message.extend([0xc0, 12]);
            message.extend(TYPE_A.to_be_bytes());
            message.extend(CLASS_IN.to_be_bytes());
            message.extend([0, 0, 0, 0, 0, 4]);
            message.extend(address.octets());
        }
        message
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in super::super) fn query(name: &str, kind: u8) -> Vec<u8> {
        let mut message = vec![0xab, 0xcd, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in name.split('.') {
            message.push(u8::try_from(label.len()).unwrap());
            message.extend(label.as_bytes());
        }
        message.extend([0, 0, kind, 0, 1]);
        message
    }

    #[test]
    fn a_name_is_asked_for_and_its_address_told() {
        let asked = query("Chat.abc123.p.example", 1);
        let question = Question::parse(&asked).unwrap();
        assert_eq!(question.name, "chat.abc123.p.example");
        let answer = question.answer(Some(Ipv4Addr::new(127, 64, 0, 5)));
        assert_eq!(answer[..12], [0xab, 0xcd, 0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
        assert_eq!(answer[12..asked.len()], asked[12..], "the question, spelled as it was");
        assert_eq!(answer[asked.len()..], [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 64, 0, 5]);
    }

    #[test]
    fn no_name_and_no_such_address_are_told_apart() {
        let six = Question::parse(&query("chat.example", 28)).unwrap();
        let nothing = six.answer(Some(Ipv4Addr::LOCALHOST));
        assert_eq!((nothing[3] & 15, nothing[7]), (0, 0));
        let unknown = six.answer(None);
        assert_eq!((unknown[3] & 15, unknown[7]), (NAME_ERROR, 0));
    }

    #[test]
    fn what_is_no_question_for_a_name_is_left_alone() {
        let good = query("a.example", 1);
        assert!(Question::parse(&good).is_some());
        let changed = |at: usize, byte: u8| {
            let mut message = good.clone();
            message[at] = byte;
            Question::parse(&message)
        };
        assert_eq!(changed(2, 0x81), None, "an answer");
        assert_eq!(changed(5, 2), None, "two questions");
        assert_eq!(changed(12, 0xc0), None, "a pointer");
        assert_eq!(changed(13, b' '), None, "a name that can't be written");
        assert_eq!(Question::parse(&good[..good.len() - 1]), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_without_harm(message in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Some(question) = Question::parse(&message) {
                prop_assert!(question.answer(Some(Ipv4Addr::LOCALHOST)).len() <= message.len() + 16);
            }
        }
    }
}
