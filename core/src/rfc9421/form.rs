//! `application/x-www-form-urlencoded` (URL Standard §5), as far as `@query-param` needs it.

use std::borrow::Cow;

/// The raw name and value of each parameter of a query; empty sequences between `&` are none.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Decodes a raw name or value (plus and percent) and appends it percent-encoded again, a space as `%20`.
pub(super) fn encode(out: &mut Vec<u8>, raw: &str) {
    for byte in text(&mut Vec::new(), raw).bytes() {
        if is_kept(byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&escaped(byte));
        }
    }
}

/// Whether that gives `wanted`, found out without writing it; `decoded` is scratch space.
pub(super) fn is(decoded: &mut Vec<u8>, raw: &str, mut wanted: &[u8]) -> bool {
    text(decoded, raw).bytes().all(|byte| {
        let rest = if is_kept(byte) { wanted.strip_prefix(&[byte]) } else { wanted.strip_prefix(&escaped(byte)) };
        rest.map(|rest| wanted = rest).is_some()
    }) && wanted.is_empty()
}

/// "UTF-8 decode without BOM": bytes that are no UTF-8 become U+FFFD.
fn text<'t>(decoded: &'t mut Vec<u8>, raw: &'t str) -> Cow<'t, str> {
    if !raw.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Cow::Borrowed(raw);
    }
    decode(decoded, raw);
    String::from_utf8_lossy(decoded)
}

/// The application/x-www-form-urlencoded percent-encode set leaves exactly these as they are.
fn is_kept(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"*-._".contains(&byte)
}

fn escaped(byte: u8) -> [u8; 3] {
    [b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn decode(bytes: &mut Vec<u8>, raw: &str) {
    bytes.clear();
    bytes.reserve(raw.len());
    let mut rest = raw.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        let digit = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'+', _, _) => bytes.push(b' '),
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => bytes.push(*first),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(raw: &str) -> String {
        let mut out = Vec::new();
        encode(&mut out, raw);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn names_and_values_are_encoded_again() {
        for (raw, value) in [
            ("with+plus+whitespace", "with%20plus%20whitespace"),
            ("this%20is%20a%20big%0Amultiline%20value", "this%20is%20a%20big%0Amultiline%20value"),
            ("fa%c3%a7ade%22%3a%20", "fa%C3%A7ade%22%3A%20"),
            ("%41%2d~", "A-%7E"),
            ("%zz%4", "%25zz%254"),
            ("%ff", "%EF%BF%BD"),
            ("*-._(", "*-._%28"),
            ("", ""),
        ] {
            assert_eq!(encoded(raw), value, "{raw}");
            let mut scratch = b"left".to_vec();
            assert!(is(&mut scratch, raw, value.as_bytes()), "{raw}");
            for other in [format!("{value}x"), format!("x{value}"), value.replace('A', "a") + "%20"] {
                assert!(!is(&mut scratch, raw, other.as_bytes()), "{raw} {other}");
            }
        }
    }

    #[test]
    fn empty_sequences_are_no_parameters() {
        assert_eq!(pairs("a=b&&c&=d&e==").collect::<Vec<_>>(), [("a", "b"), ("c", ""), ("", "d"), ("e", "=")]);
    }
}
