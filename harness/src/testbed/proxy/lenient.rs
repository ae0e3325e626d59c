//! What proxies make of a head that read it leniently, and should not.

use bytes::BytesMut;

use super::head::{Lines, trim};
use crate::testbed::faults::{Faults, ProxyFault};

/// The host of a request that names none, where a proxy puts one in.
const NOBODY: &[u8] = b"Host: nobody.invalid\r\n";

/// Spells the head anew that ends at `end`. Where it ends then.
pub(super) fn spelled_anew(raw: &mut BytesMut, end: usize, faults: Faults) -> usize {
    let lenient = [ProxyFault::ReadsLengthsLikeAtoi, ProxyFault::FindsChunkedAnywhere, ProxyFault::RepairsHeads];
    if !lenient.into_iter().any(|fault| faults.has(fault)) {
        return end;
    }
    let rest = raw.split_off(end);
    let text = raw.strip_suffix(b"\r\n\r\n").unwrap_or(raw);
    let spelled = match faults.has(ProxyFault::RepairsHeads) {
        true => repaired(text),
        false => Lines(Some(text)).flat_map(|line| [misread(line, faults), b"\r\n".to_vec()].concat()).collect(),
    };
    let spelled = [spelled, b"\r\n".to_vec()].concat();
    raw.clear();
    raw.extend_from_slice(&spelled);
    raw.unsplit(rest);
    spelled.len()
}

fn misread(line: &[u8], faults: Faults) -> Vec<u8> {
    let (name, value) = apart(line).unwrap_or((line, b""));
    let digits = trim(value).strip_prefix(b"+").unwrap_or_else(|| trim(value));
    let digits = &digits[..digits.iter().take_while(|byte| byte.is_ascii_digit()).count()];
    let is_length = name.eq_ignore_ascii_case(b"content-length") && !digits.is_empty();
    let is_chunked = name.eq_ignore_ascii_case(b"transfer-encoding")
        && value.windows(7).any(|part| part.eq_ignore_ascii_case(b"chunked"));
    match () {
        () if is_length && faults.has(ProxyFault::ReadsLengthsLikeAtoi) => [b"Content-Length: ", digits].concat(),
        () if is_chunked && faults.has(ProxyFault::FindsChunkedAnywhere) => b"Transfer-Encoding: chunked".to_vec(),
        () => line.to_vec(),
    }
}

fn repaired(text: &[u8]) -> Vec<u8> {
    let mut lines = Lines(Some(text));
    let mut repaired = request_line(lines.next().unwrap_or_default());
    let (mut has_host, mut has_length) = (false, false);
    for line in lines {
        let Some((name, value)) = apart(line) else { continue };
        let name = trim(name);
        if name.eq_ignore_ascii_case(b"content-length") {
            let is_number = !trim(value).is_empty() && trim(value).iter().all(u8::is_ascii_digit);
            if has_length || !is_number {
                continue;
            }
            has_length = true;
        }
        has_host |= name.eq_ignore_ascii_case(b"host");
        repaired.extend_from_slice(name);
        repaired.push(b':');
        repaired.extend(value.iter().map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }));
        repaired.extend_from_slice(b"\r\n");
    }
    if !has_host {
        repaired.extend_from_slice(NOBODY);
    }
    repaired
}

/// Whatever stands between the first and the last blank becomes a path.
fn request_line(line: &[u8]) -> Vec<u8> {
    let first = line.iter().position(|byte| *byte == b' ').unwrap_or(0);
    let last = line.iter().rposition(|byte| *byte == b' ').unwrap_or(0);
    let Some(target) = line.get(first + 1..last) else { return [line, b"\r\n"].concat() };
    let mut spelled = line[..=first].to_vec();
    if !target.starts_with(b"/") && !target.windows(3).any(|part| part == b"://") {
        spelled.push(b'/');
    }
    for byte in target {
        match byte {
            b' ' => spelled.extend_from_slice(b"%20"),
            other => spelled.push(*other),
        }
    }
    spelled.extend_from_slice(&line[last..]);
    spelled.extend_from_slice(b"\r\n");
    spelled
}

fn apart(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((&line[..colon], &line[colon + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(head: &str, fault: ProxyFault) -> String {
        let mut raw = BytesMut::from(format!("{head}\r\n\r\nbody").as_bytes());
        let end = spelled_anew(&mut raw, head.len() + 4, fault.into());
        assert_eq!(&raw[end..], b"body");
        String::from_utf8(raw[..end].to_vec()).unwrap()
    }

    #[test]
    fn a_head_that_is_none_becomes_one() {
        let told = spelled(
            "GET x y HTTP/1.1\r\nX-Note\r\nContent-Length : 4\r\nContent-Length: 3\r\nX-Two: a\rb",
            ProxyFault::RepairsHeads,
        );
        assert_eq!(told, "GET /x%20y HTTP/1.1\r\nContent-Length: 4\r\nX-Two: a b\r\nHost: nobody.invalid\r\n\r\n");
        let proper = "GET https://a/b HTTP/1.1\r\nHost: a";
        assert_eq!(spelled(proper, ProxyFault::RepairsHeads), format!("{proper}\r\n\r\n"));
    }

    #[test]
    fn only_what_is_misread_changes() {
        let head = "GET / HTTP/1.1\r\nContent-Length: +5, 3\r\nTransfer-Encoding: chunked, identity";
        let lengths = spelled(head, ProxyFault::ReadsLengthsLikeAtoi);
        assert_eq!(lengths, "GET / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n\r\n");
        let codings = spelled(head, ProxyFault::FindsChunkedAnywhere);
        assert_eq!(codings, "GET / HTTP/1.1\r\nContent-Length: +5, 3\r\nTransfer-Encoding: chunked\r\n\r\n");
    }
}
