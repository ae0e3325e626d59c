//! What the pages of this program are made of: the report, and the live view. Each is one file without network, whose
//! policy names the hashes of its own style and script, so that nothing else runs, whatever its data holds.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// Colours in the light and in the dark, and what pages have in common.
macro_rules! base_style {
    () => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/page/base.css"))
    };
}

/// Elements, the two signature bases side by side, and the sequence diagram. A script that goes before a page's own.
macro_rules! base_script {
    () => {
        concat!(
            "\"use strict\";\n",
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/page/dom.js")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/page/bases.js")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/page/diagram.js"))
        )
    };
}

// Their paths are whole: one beside a macro would be looked for beside whoever uses it.
pub(crate) use {base_script, base_style};

/// JSON that can stand in a script element: nothing in it ends the element, or begins a comment or another one.
pub(crate) fn in_script(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// As a content security policy names a script.
pub(crate) fn hash(text: &str) -> String {
    BASE64.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// A text in a message longer than this is shown with its middle left out, in bytes.
const LONGEST: usize = 4 << 10;

/// A text of a message, short enough to be shown.
pub(crate) fn clipped(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let boundary = |from: usize| (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let (head, tail) = (boundary(LONGEST / 2), boundary(text.len() - LONGEST / 4));
    format!("{} … {} bytes left out … {}", &text[..head], tail - head, &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_both_its_ends() {
        let long = format!("{}ü{}", "a".repeat(5000), "z".repeat(5000));
        let clipped = clipped(&long);
        assert!(clipped.len() < LONGEST && clipped.starts_with("aaa") && clipped.ends_with("zzz"), "{clipped}");
        assert!(clipped.contains(" bytes left out "), "{clipped}");
    }
}
