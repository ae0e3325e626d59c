//! Cores that the hostile peer gets past by a change on the way: each overlooks one (AUTH-3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use portal_core::CoreBuilder;

use super::lenient::{Asked, Leniency, Reads, STRICT, lenient};
use super::surface::without_dots;
use super::{Mutant, core};

const BREAKS: &str = "AUTH-3";
/// The parameters that RFC 9421 knows.
const KNOWN: &[&str] = &["created", "expires", "keyid", "alg", "nonce", "tag"];

pub(super) const MUTANTS: &[Mutant] = &[
    // The request.
    core("takes-head-for-get", BREAKS, |it| {
        reads(it, Reads::Request(|asked| asked.method = asked.method.replace("HEAD", "GET")))
    }),
    core("believes-a-method-override", BREAKS, |it| {
        let overridden = |asked: &mut Asked| {
            if let Some((_, method)) = asked.fields.iter().find(|(name, _)| name == "x-http-method-override") {
                asked.method.clone_from(method);
            }
        };
        reads(it, Reads::Request(overridden))
    }),
    core("decodes-the-path-that-it-verifies", BREAKS, |it| reads(it, Reads::Path(decoded))),
    core("decodes-the-query-that-it-verifies", BREAKS, |it| reads(it, Reads::Query(decoded))),
    core("forgives-an-ampersand", BREAKS, |it| reads(it, Reads::Query(|query| query.trim_matches('&').to_owned()))),
    core("sorts-the-query", BREAKS, |it| {
        let sorted = |query: &str| {
            let mut pairs: Vec<&str> = query.split('&').collect();
            pairs.sort_unstable();
            pairs.join("&")
        };
        reads(it, Reads::Query(sorted))
    }),
    core("keeps-the-first-of-equal-query-parameters", BREAKS, |it| {
        let first_of_each = |query: &str| {
            let mut kept: Vec<&str> = Vec::new();
            for pair in query.split('&') {
                if !kept.iter().any(|other| name_of(other) == name_of(pair)) {
                    kept.push(pair);
                }
            }
            kept.join("&")
        };
        reads(it, Reads::Query(first_of_each))
    }),
    core("reads-semicolons-as-ampersands", BREAKS, |it| reads(it, Reads::Query(|query| query.replace(';', "&")))),
    core("merges-slashes-before-it-verifies", BREAKS, |it| reads(it, Reads::Path(|path| path.replace("//", "/")))),
    core("resolves-dots-before-it-verifies", BREAKS, |it| reads(it, Reads::Path(without_dots))),
    core("drops-matrix-parameters", BREAKS, |it| {
        reads(it, Reads::Path(|path| path.split(';').next().unwrap_or_default().to_owned()))
    }),
    core("drops-a-slash-behind-the-path", BREAKS, |it| {
        reads(it, Reads::Path(|path| path.trim_end_matches('/').to_owned()))
    }),
    core("drops-a-dot-behind-the-path", BREAKS, |it| {
        reads(it, Reads::Path(|path| path.trim_end_matches('.').to_owned()))
    }),
    core("drops-a-blank-behind-the-path", BREAKS, |it| {
        reads(it, Reads::Path(|path| decoded(path).trim_end().to_owned()))
    }),
    core("ends-a-path-at-a-null", BREAKS, |it| {
        reads(it, Reads::Path(|path| path.split("%00").next().unwrap_or_default().to_owned()))
    }),
    core("drops-backslashes", BREAKS, |it| reads(it, Reads::Path(|path| path.replace('\\', "")))),
    core("knows-no-case-in-paths", BREAKS, |it| reads(it, Reads::Path(str::to_ascii_lowercase))),
    // The covered fields.
    core("knows-no-case-in-values", BREAKS, |it| reads(it, Reads::Field("x-note", str::to_ascii_lowercase))),
    core("merges-blanks-in-values", BREAKS, |it| {
        // One that knows nothing of words: two blanks that nobody wrote between words are none.
        reads(it, Reads::Field("x-note", |value| value.replace("  ", "")))
    }),
    core("overlooks-the-first-line-of-several", BREAKS, |it| {
        reads(it, Reads::Lines("x-step", |all| drop(all.drain(..1.min(all.len())))))
    }),
    core("overlooks-the-last-line-of-several", BREAKS, |it| reads(it, Reads::Lines("x-step", |all| _ = all.pop()))),
    core("knows-no-order-of-lines", BREAKS, |it| reads(it, Reads::Lines("x-step", |all| all.reverse()))),
    // The signature's parameters.
    core("drops-parameters-that-it-does-not-know", BREAKS, |it| {
        reads(it, Reads::Parameters(|all| all.retain(|one| KNOWN.contains(&name_of(one)))))
    }),
    core("knows-no-order-of-parameters", BREAKS, |it| reads(it, Reads::Parameters(|all| all.reverse()))),
    core("takes-the-first-of-two-parameters", BREAKS, |it| {
        let first_of_each = |all: &mut Vec<String>| {
            let mut kept: Vec<String> = Vec::new();
            for one in all.drain(..) {
                if !kept.iter().any(|other| name_of(other) == name_of(&one)) {
                    kept.push(one);
                }
            }
            *all = kept;
        };
        reads(it, Reads::Parameters(first_of_each))
    }),
    core("knows-no-case-in-tags", BREAKS, |it| {
        let lowered = |all: &mut Vec<String>| {
            for one in all.iter_mut().filter(|one| name_of(one) == "tag") {
                *one = one.to_ascii_lowercase();
            }
        };
        reads(it, Reads::Parameters(lowered))
    }),
    core("overlooks-an-end-that-was-added", BREAKS, |it| {
        reads(it, Reads::Parameters(|all| all.retain(|one| name_of(one) != "expires")))
    }),
    // The signature.
    core("overlooks-what-follows-a-signature", BREAKS, |it| reads(it, Reads::Signature(|bytes| bytes.truncate(64)))),
    core("overlooks-the-last-bit-of-a-signature", BREAKS, |it| {
        reads(it, Reads::Signature(|bytes| bytes.iter_mut().last().into_iter().for_each(|last| *last &= 0x7f)))
    }),
    core("reads-signatures-from-their-end", BREAKS, |it| reads(it, Reads::Signature(|bytes| bytes.reverse()))),
    core("overlooks-a-zero-before-a-signature", BREAKS, |it| {
        reads(it, Reads::Signature(|bytes| drop(bytes.drain(..usize::from(bytes.first() == Some(&0))))))
    }),
    core("reads-signatures-in-hexadecimal", BREAKS, |it| {
        let from_hex = |bytes: &mut Vec<u8>| {
            // Hexadecimal digits are Base64 too.
            let text = STANDARD.encode(&*bytes);
            let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
            let pairs = digits.unwrap_or_default();
            *bytes = pairs.chunks(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | *digit as u8)).collect();
        };
        reads(it, Reads::Signature(from_hex))
    }),
    core("decodes-signatures-twice", BREAKS, |it| {
        reads(it, Reads::Signature(|bytes| *bytes = STANDARD.decode(&*bytes).unwrap_or_default()))
    }),
    core("does-not-go-by-labels", BREAKS, |it| reads(it, Reads::Request(change_places))),
];

fn reads(it: CoreBuilder, reads: Reads) -> CoreBuilder {
    lenient(it, Leniency { reads, ..STRICT })
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn name_of(pair: &str) -> &str {
    pair.split('=').next().unwrap_or_default().trim()
}

/// Two signatures change places under their labels.
fn change_places(asked: &mut Asked) {
    let lines = asked.fields.iter().filter(|(name, _)| name == "signature");
    let all: Vec<String> = lines.map(|(_, value)| value.clone()).collect();
    let all = all.join(",");
    let members: Vec<(&str, &str)> = all.split(',').filter_map(|member| member.trim().split_once('=')).collect();
    let [(one, first), (other, second)] = members[..] else { return };
    asked.fields.retain(|(name, _)| name != "signature");
    asked.fields.push(("signature".to_owned(), format!("{one}={second}, {other}={first}")));
}
