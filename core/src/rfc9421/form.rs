//! `application/x-www-form-urlencoded` (URL Standard §5), as far as `@query-param` needs it.

/// The raw name and value of each parameter of a query; empty sequences between `&` are none.
pub(super) fn pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

/// Decodes a raw name or value (plus and percent) and appends it percent-encoded again, a space as `%20`.
pub(super) fn encode(out: &mut Vec<u8>, raw: &str) {
    let mut decoded = None;
    if raw.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        // "UTF-8 decode without BOM": bytes that are no UTF-8 become U+FFFD.
        decoded = Some(String::from_utf8_lossy(&decode(raw)).into_owned());
    }
    for byte in decoded.as_deref().unwrap_or(raw).bytes() {
        // The application/x-www-form-urlencoded percent-encode set leaves exactly these as they are.
        if byte.is_ascii_alphanumeric() || b"*-._".contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

fn decode(raw: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(raw.len());
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
    bytes
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
        }
    }

    #[test]
    fn empty_sequences_are_no_parameters() {
        assert_eq!(pairs("a=b&&c&=d&e==").collect::<Vec<_>>(), [("a", "b"), ("c", ""), ("", "d"), ("e", "=")]);
    }
}
