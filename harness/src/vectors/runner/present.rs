//! Vectors for subjects that take the time from the system: signed anew around the present.
//!
//! All times in the signature's parameters are moved by as much as lies between the vector's time and the present, so that
//! what had expired has expired, and what was young is young. Then the changed parameters are signed anew by whoever
//! signed them before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::prepare::decoded;
use crate::vectors::corpus::{Key, Part, Vector, VectorFile};
use crate::vectors::crypto::{Algorithm, Jwk};
use crate::vectors::judge::with_params;
use crate::vectors::parsed;

/// A vector in the present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) message: Vec<u8>,
    pub(super) base: Option<Vec<u8>>,
    pub(super) signed_base: Option<Vec<u8>>,
}

/// Moves a vector for `verify` into the present, or says why that can't be.
pub(super) fn moved(file: &VectorFile, vector: &Vector, message: &[u8], now: u64) -> Result<Moved, String> {
    let base = vector.expected_base_b64.as_deref().map(decoded);
    let signed_base = vector.signed_base_b64.as_deref().map(decoded);
    let then = vector.now.unwrap_or(now);
    let by = i128::from(now) - i128::from(then);
    let impossible = |why: &str| Err(format!("its clock can't be set, and {why}"));

    let text = parsed::text(message);
    let label = vector.label.as_deref().unwrap_or_default();
    let Some(input) = member(&text, label, '(') else {
        return impossible("the vector's Signature-Input is not one whose times can be moved");
    };
    let new_input = shifted(&text[input.clone()], by);
    if new_input == text[input.clone()] {
        return Ok(Moved { message: message.to_vec(), base, signed_base });
    }
    if is_delicate(vector, &text[input.clone()], then) {
        return impossible("this vector is about single seconds");
    }
    let Some(signed) = signed_base.as_ref().or(base.as_ref()) else {
        return impossible("it is not known what was signed here");
    };
    let Some((signature_at, signature)) = signature(&text, label) else {
        return impossible("the vector's Signature is not one that can be made anew");
    };
    let renew = |base: &[u8]| {
        let start = base.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let last = parsed::text(&base[start..]);
        let params = last.strip_prefix("\"@signature-params\": ").unwrap_or(&last).to_owned();
        with_params(base, &shifted(&params, by))
    };
    let Some(new_signature) = sign_again(file, vector, signed, &signature, &renew(signed)) else {
        return impossible("the vector's signature can't be made anew with its defect");
    };

    let mut edits = [(input, new_input), (signature_at, STANDARD.encode(new_signature))];
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::new();
    let mut from = 0;
    for (range, new) in edits {
        out.push_str(&text[from..range.start]);
        out.push_str(&new);
        from = range.end;
    }
    out.push_str(&text[from..]);
    let message = out.chars().map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?')).collect();
    Ok(Moved { message, base: base.as_deref().map(&renew), signed_base: signed_base.as_deref().map(&renew) })
}

/// Whether a few seconds more or less would change what has to come out: so much passes until the subject looks at its clock.
fn is_delicate(vector: &Vector, input: &str, then: u64) -> bool {
    const NEAR: i128 = 5;
    let then = i128::from(then);
    let value = |name: &str| {
        let at = input.rfind(name)? + name.len();
        let digits = input[at..].split(|character: char| !character.is_ascii_digit()).next()?;
        digits.parse::<i128>().ok()
    };
    let near = |moment: i128| (moment - then).abs() <= NEAR;
    let (skew, max_age) = (i128::from(vector.policy.skew.unwrap_or(0)), vector.policy.max_age.map(i128::from));
    let created = value(";created=").is_some_and(|created| {
        near(created)
            || near(created - skew)
            || max_age.is_some_and(|age| near(created + age) || near(created + age + skew))
    });
    created || value(";expires=").is_some_and(|expires| near(expires) || near(expires + skew))
}

/// By whoever made the first signature; where it has a defect, with the same one.
fn sign_again(file: &VectorFile, vector: &Vector, base: &[u8], signature: &[u8], new_base: &[u8]) -> Option<Vec<u8>> {
    let signers = || {
        file.keys.values().flat_map(|key| {
            let own = |algorithm: &Algorithm| key.alg.as_deref().is_none_or(|name| name == algorithm.name());
            let fitting = Algorithm::ALL.into_iter().filter(|algorithm| algorithm.fits(&key.jwk));
            // Also with an algorithm that is not its own: some vectors are about that.
            let (own, others): (Vec<_>, Vec<_>) = fitting.partition(own);
            own.into_iter().chain(others).map(move |algorithm| (algorithm, key))
        })
    };
    let signs = |(algorithm, key): &(Algorithm, &Key)| algorithm.verifies(&key.jwk, base, signature) == Ok(true);
    if let Some((algorithm, key)) = signers().find(signs) {
        return algorithm.sign(private(key), new_base).ok();
    }
    let defect = vector.defect.as_ref().filter(|defect| defect.part == Part::Signature)?;
    let kind = defect.to.as_deref()?;
    if kind == "empty" || kind == "zeros" || kind.starts_with("base64:") {
        return Some(signature.to_vec());
    }
    let key = file.keys.get(vector.keys.first()?)?;
    let algorithm = Algorithm::ALL
        .into_iter()
        .find(|algorithm| key.alg.as_deref().map_or(algorithm.fits(&key.jwk), |name| name == algorithm.name()))?;
    spoilt(kind, algorithm.sign(private(key), new_base).ok()?)
}

/// The same defect on another signature, where it is one of its bytes.
fn spoilt(kind: &str, mut signature: Vec<u8>) -> Option<Vec<u8>> {
    match kind.split_once(':').unwrap_or((kind, "")) {
        ("flip-first-bit", _) => *signature.first_mut()? ^= 0x80,
        ("flip-last-bit", _) => *signature.last_mut()? ^= 1,
        ("truncated", _) => {
            signature.pop();
        }
        ("extended", _) => signature.push(0),
        ("swapped", _) => {
            let half = signature.len() / 2;
            signature.rotate_left(half);
        }
        ("mac", length) => signature.truncate(length.parse().ok()?),
        _ => return None,
    }
    Some(signature)
}

fn private(key: &Key) -> &Jwk {
    key.private_jwk.as_ref().unwrap_or(&key.jwk)
}

/// Where the value of the only member of this name that begins like this stands, up to its end.
fn member(text: &str, label: &str, begins: char) -> Option<std::ops::Range<usize>> {
    let needle = format!("{label}={begins}");
    let is_key = |character: char| character.is_ascii_alphanumeric() || "_-.*".contains(character);
    let mut places = text.match_indices(&needle).map(|(at, _)| at).filter(|at| !text[..*at].ends_with(is_key));
    let (at, None) = (places.next()?, places.next()) else { return None };
    let start = at + label.len() + 1;
    let (mut quoted, mut escaped, mut depth) = (false, false, 0);
    for (at, character) in text[start..].char_indices() {
        match character {
            '"' if !escaped => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => return Some(start..start + at),
            '\r' | '\n' => return Some(start..start + at),
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
    }
    Some(start..text.len())
}

/// Where the Base64 of a signature stands, and its bytes.
fn signature(text: &str, label: &str) -> Option<(std::ops::Range<usize>, Vec<u8>)> {
    let member = member(text, label, ':')?;
    let start = member.start + 1;
    let end = start + text[start..member.end].find(':')?;
    Some((start..end, STANDARD.decode(&text[start..end]).ok()?))
}

/// The text with all integers of `created` and `expires` moved. Only parameters of the whole list count.
fn shifted(input: &str, by: i128) -> String {
    let mut out = String::new();
    let (mut quoted, mut escaped, mut depth) = (false, false, 0);
    let mut rest = input;
    while let Some(character) = rest.chars().next() {
        let parameter = (character == ';' && !quoted && depth == 0).then(|| time(rest)).flatten();
        if let Some((before, digits)) = parameter {
            let value: i128 = digits.parse().unwrap_or_default();
            out.push_str(before);
            // Zeros in front can be what the case is about.
            let zeros = digits.len() - digits.trim_start_matches('0').len().max(1);
            out.push_str(&digits[..zeros]);
            out.push_str(&(value + by).to_string());
            rest = &rest[before.len() + digits.len()..];
            continue;
        }
        match character {
            '"' if !escaped => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
        out.push(character);
        rest = &rest[character.len_utf8()..];
    }
    out
}

/// `;created=` or `;expires=`, and the integer after it.
fn time(text: &str) -> Option<(&str, &str)> {
    let name = text[1..].trim_start_matches(' ');
    let value = name.strip_prefix("created=").or_else(|| name.strip_prefix("expires="))?;
    let end = value.find(|character: char| !character.is_ascii_digit()).unwrap_or(value.len());
    // No integer of a structured field is longer; a decimal is none.
    let is_integer = (1..=15).contains(&end) && !value[end..].starts_with('.');
    let before = &text[..text.len() - value.len()];
    is_integer.then(|| (before, &value[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_moved_and_nothing_else() {
        let moved = |input: &str| shifted(input, 100);
        assert_eq!(moved("();created=5;expires=50"), "();created=105;expires=150");
        assert_eq!(
            moved("(\"x\";created=5); created=5;nonce=\";created=5\""),
            "(\"x\";created=5); created=105;nonce=\";created=5\""
        );
        for kept in ["();created=\"5\"", "();created=5.0", "();created", "();createdx=5", "();created=1234567890123456"]
        {
            assert_eq!(moved(kept), kept);
        }
        assert_eq!(shifted("();created=5", -3), "();created=2");
        assert_eq!(moved("();created=0005;expires=0"), "();created=000105;expires=100");
    }

    #[test]
    fn only_one_member_can_be_meant() {
        let text = "Signature-Input: a=(\"x,y\");n=\"p,q\", bb=()\r\nSignature: a=:AAAA:, bb=:AQ==:\r\n";
        assert_eq!(&text[member(text, "a", '(').unwrap()], "(\"x,y\");n=\"p,q\"");
        assert_eq!(&text[member(text, "bb", '(').unwrap()], "()");
        assert_eq!(member(text, "b", '('), None);
        assert_eq!(member(&text.repeat(2), "a", '('), None);
        assert_eq!(signature(text, "bb").unwrap().1, [1]);
    }

    #[test]
    fn a_defect_of_a_signature_is_made_again() {
        assert_eq!(spoilt("flip-first-bit", vec![0, 1]), Some(vec![0x80, 1]));
        assert_eq!(spoilt("truncated", vec![0, 1]), Some(vec![0]));
        assert_eq!(spoilt("mac:1", vec![0, 1]), Some(vec![0]));
        assert_eq!(spoilt("swapped", vec![0, 1]), Some(vec![1, 0]));
        assert_eq!(spoilt("salt:0", vec![0, 1]), None);
    }
}
