//! Secrets in bodies: as they are, as they are written in forms and in JSON, in Base64, and cut at the end.

use std::borrow::Cow;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use base64::{alphabet, engine};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;

use super::{BLANK, SHORTEST, Secrets, text};
use crate::trace::{Body, BodyEnd, Entry, Hop, What};

/// What a form leaves as it is.
const IN_FORMS: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// With or without padding, and whatever the last bits are: what is looked at may be a part.
const LENIENT: GeneralPurposeConfig = engine::GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);

/// In both alphabets.
const DECODERS: [GeneralPurpose; 2] =
    [GeneralPurpose::new(&alphabet::STANDARD, LENIENT), GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT)];

/// What may be Base64 of something that is long enough to be secret.
static ENCODED: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("[A-Za-z0-9+/_-]{11,}={0,2}").ok());

impl Secrets {
    /// Blanks them in the body of an entry alone.
    pub(crate) fn body_of(&self, entry: &mut Entry) {
        if let What::Hop(Hop { body: Some(body), .. }) = &mut entry.what {
            self.body(body);
        }
    }

    /// Blanks them in a body. One that is no text is blanked as a whole: what is around a secret there tells nothing.
    pub(super) fn body(&self, body: &mut Body) {
        let is_cut = body.left_out > 0 || body.end != BodyEnd::Complete;
        if let Some(text) = &mut body.text {
            self.blank_content(text, is_cut);
        }
        if let Some(base64) = &body.base64 {
            let bytes = BASE64_STANDARD.decode(base64).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if self.shows(&text, is_cut) {
                (body.text, body.base64) = (Some(BLANK.to_owned()), None);
            }
        }
    }

    pub(super) fn blank_content(&self, content: &mut String, is_cut: bool) {
        self.blank(content);
        for secret in &self.0 {
            for form in forms(secret) {
                if content.contains(&form) {
                    *content = content.replace(&form, BLANK);
                }
            }
        }
        if is_cut && let Some(at) = self.0.iter().filter_map(|secret| cut_off(content, secret)).min() {
            content.truncate(at);
            content.push_str(BLANK);
        }
        if let Cow::Owned(changed) = self.without_encoded(content) {
            *content = changed;
        }
    }

    fn without_encoded<'a>(&self, content: &'a str) -> Cow<'a, str> {
        let Some(encoded) = &*ENCODED else { return Cow::Borrowed(content) };
        encoded.replace_all(content, |word: &regex::Captures<'_>| {
            let word = &word[0];
            let shows =
                DECODERS.iter().filter_map(|decoder| decoded(decoder, word)).any(|text| self.shows(&text, true));
            if shows { BLANK.to_owned() } else { word.to_owned() }
        })
    }

    /// Whether there is one in it.
    fn shows(&self, content: &str, is_cut: bool) -> bool {
        let known = self.0.iter().filter(|secret| !BLANK.contains(secret.as_str()));
        let mut known = known.flat_map(|secret| std::iter::once(secret.clone()).chain(forms(secret)));
        known.any(|form| content.contains(&form))
            || is_cut && self.0.iter().any(|secret| cut_off(content, secret).is_some())
            || matches!(text(content), Cow::Owned(changed) if changed != content)
    }
}

/// A secret as it is written elsewhere, where that is in another way.
fn forms(secret: &str) -> impl Iterator<Item = String> {
    let in_form = utf8_percent_encode(secret, IN_FORMS).to_string();
    let in_json = secret.replace('/', "\\/");
    [in_form, in_json].into_iter().filter(move |form| form != secret).collect::<Vec<_>>().into_iter()
}

/// Where a secret begins that the end of this cuts off.
fn cut_off(content: &str, secret: &str) -> Option<usize> {
    let ends = (SHORTEST..secret.len()).rev().filter(|end| secret.is_char_boundary(*end));
    ends.into_iter().find(|end| content.ends_with(&secret[..*end])).map(|end| content.len() - end)
}

/// What this word is in Base64, where that is text. Of a word that is cut, what can be told.
fn decoded(decoder: &GeneralPurpose, word: &str) -> Option<String> {
    let whole = word.trim_end_matches('=');
    // A single digit at the end is of no byte.
    let whole = if whole.len() % 4 == 1 { &whole[..whole.len() - 1] } else { whole };
    String::from_utf8(decoder.decode(whole).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{EXCERPT, Party};

    const COOKIE: &str = "Zm9v/mFy+mF6-SeCrEt";
    const JWT: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";

    fn secrets() -> Secrets {
        let mut fields = http::HeaderMap::new();
        fields.append("cookie", format!("session={COOKIE}").parse().unwrap());
        let hop = Hop::request(Party::Outside, Party::proxy("bob"), "GET", "/", &fields);
        Secrets::of(&[Entry { seq: 0, what: What::Hop(hop) }])
    }

    fn blanked(bytes: &[u8]) -> Body {
        let mut body = Body::new(bytes, bytes.len() as u64, BodyEnd::Complete);
        secrets().body(&mut body);
        body
    }

    fn text_of(body: &str) -> String {
        blanked(body.as_bytes()).text.unwrap()
    }

    #[test]
    fn a_secret_of_the_fields_is_blanked_in_bodies_however_it_is_written() {
        assert_eq!(text_of(&format!("{{\"a\": \"{COOKIE}\"}}")), r#"{"a": "[blanked]"}"#);
        assert_eq!(text_of(&format!("a={}&b=1", utf8_percent_encode(COOKIE, IN_FORMS))), "a=[blanked]&b=1");
        assert_eq!(text_of(&format!("{{\"a\": \"{}\"}}", COOKIE.replace('/', "\\/"))), r#"{"a": "[blanked]"}"#);
        let encoded = BASE64_STANDARD.encode(format!("x {COOKIE} y"));
        assert_eq!(text_of(&format!("{{\"body\": \"{encoded}\", \"n\": 1}}")), r#"{"body": "[blanked]", "n": 1}"#);
    }

    #[test]
    fn what_looks_like_a_secret_is_blanked_in_bodies_too() {
        assert_eq!(text_of(&format!("{{\"token\": \"{JWT}\"}}")), r#"{"token": "[blanked]"}"#);
        assert_eq!(text_of(&BASE64_STANDARD.encode(format!("a {JWT}"))), BLANK);
        let echo = r#"{"fields": [["Authorization", "Bearer a\"b"], ["accept", "*/*"]]}"#;
        assert_eq!(text_of(echo), r#"{"fields": [["Authorization", "[blanked]"], ["accept", "*/*"]]}"#);
    }

    #[test]
    fn a_secret_that_is_cut_at_the_end_is_blanked() {
        let whole = format!("{}{COOKIE}", "x ".repeat((EXCERPT - 10) / 2));
        assert!(text_of(&whole).ends_with("x [blanked]"));
        let encoded = BASE64_STANDARD.encode(format!("{COOKIE} and more"));
        let cut = format!("{} {encoded}", "x".repeat(EXCERPT - 21));
        assert!(text_of(&cut).ends_with(BLANK), "{}", text_of(&cut));
    }

    #[test]
    fn a_body_that_is_no_text_is_blanked_as_a_whole() {
        let binary = blanked(&[b"\x00\xff", COOKIE.as_bytes(), b"\xfe"].concat());
        assert_eq!((binary.text.as_deref(), binary.base64), (Some(BLANK), None));
        assert!(blanked(b"\x00\xff and no secret").base64.is_some());
    }

    #[test]
    fn what_is_no_secret_stays_as_it_came() {
        for body in [
            r#"{"text":  "hello \"you\"", "sha256": "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}"#,
            "aGVsbG8gaGVsbG8gaGVsbG8=",
            "",
        ] {
            let shown = blanked(body.as_bytes()).text.unwrap_or_default();
            assert_eq!(shown, body);
        }
        let once = blanked(format!("{COOKIE} {JWT}").as_bytes());
        let mut twice = once.clone();
        secrets().body(&mut twice);
        assert_eq!(once, twice, "to blank twice is to blank once");
    }
}
