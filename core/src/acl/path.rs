//! What an app may take a path for. Apps decode, resolve and merge in different ways; a path is open only if each reading is.

use std::collections::BTreeSet;

/// The part of a target that access is decided on: without query, and without scheme and authority where the target has them.
pub(super) fn without_query(target: &str) -> &str {
    let target = target.split_once('?').map_or(target, |(path, _)| path);
    if target.starts_with('/') {
        return target;
    }
    match target.split_once("://") {
        // Absolute form, RFC 9112 §3.2.2; an empty path stands for `/`.
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None if target.is_empty() => "/",
        None => target,
    }
}

/// The normal forms of a path: percent-decoded once, `.` and `..` resolved, slashes merged (ACL-8), in each of the ways in which this is
/// done: slashes merged before or after, `\` taken as `/` or not (WHATWG URL), `;parameters` kept or dropped (RFC 3986 §3.3).
pub fn readings(path: &str) -> BTreeSet<Vec<u8>> {
    let decoded = rooted(percent_decoded(path));
    let mut readings = BTreeSet::new();
    for backslash_separates in [false, true] {
        let mut path = decoded.clone();
        if backslash_separates {
            replace_backslashes(&mut path);
        }
        let segments: Vec<&[u8]> = path.split(|b| *b == b'/').skip(1).collect();
        for drop_parameters in [false, true] {
            for merge_first in [false, true] {
                readings.insert(resolved(&segments, drop_parameters, merge_first));
            }
        }
    }
    readings
}

/// The normal form of a declared prefix. Its last segment is a beginning of one and stays as it is, but decoded.
pub fn normalised_prefix(prefix: &str) -> Vec<u8> {
    let decoded = percent_decoded(prefix);
    let Some(last_slash) = decoded.iter().rposition(|b| *b == b'/') else {
        return decoded;
    };
    let (whole, begun) = decoded.split_at(last_slash + 1);
    let whole = rooted(whole.to_vec());
    let segments: Vec<&[u8]> = whole.split(|b| *b == b'/').skip(1).collect();
    let mut normal = resolved(&segments, false, true);
    normal.extend_from_slice(begun);
    normal
}

fn percent_decoded(path: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(path).collect()
}

fn rooted(mut path: Vec<u8>) -> Vec<u8> {
    if path.first() != Some(&b'/') {
        path.insert(0, b'/');
    }
    path
}

fn replace_backslashes(path: &mut [u8]) {
    for byte in path {
        if *byte == b'\\' {
            *byte = b'/';
        }
    }
}

/// `segments` are what stands between the slashes; an empty last one means that the path ends with a slash.
fn resolved(segments: &[&[u8]], drop_parameters: bool, merge_first: bool) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::with_capacity(segments.len());
    let mut ends_with_slash = true;
    for segment in segments {
        let name = match drop_parameters {
            true => segment.split(|b| *b == b';').next().unwrap_or(segment),
            false => segment,
        };
        ends_with_slash = matches!(name, b"" | b"." | b"..");
        match name {
            b"." => {}
            b".." => {
                kept.pop();
            }
            b"" if merge_first => {}
            name => kept.push(name),
        }
    }
    let mut path = Vec::new();
    for segment in kept.iter().filter(|segment| !segment.is_empty()) {
        path.push(b'/');
        path.extend_from_slice(segment);
    }
    if ends_with_slash || path.is_empty() {
        path.push(b'/');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn texts(path: &str) -> Vec<String> {
        readings(path).into_iter().map(|reading| String::from_utf8_lossy(&reading).into_owned()).collect()
    }

    #[test]
    fn the_path_of_a_target() {
        for (target, path) in [
            ("/a/b?c=/d", "/a/b"),
            ("/a?b?c", "/a"),
            ("/", "/"),
            ("", "/"),
            ("?x", "/"),
            ("https://app.abcdef.p.getportal.org/a?b", "/a"),
            ("https://app.abcdef.p.getportal.org?b", "/"),
            ("https://app.abcdef.p.getportal.org", "/"),
            ("*", "*"),
            ("/a://b/c", "/a://b/c"),
        ] {
            assert_eq!(without_query(target), path, "{target}");
        }
    }

    #[test]
    fn a_plain_path_has_one_reading_itself() {
        for path in ["/", "/a", "/a/", "/a/b.c/..d/.e", "/caf%C3%A9/"] {
            let decoded = path.replace("%C3%A9", "é");
            assert_eq!(texts(path), [decoded], "{path}");
        }
    }

    #[test]
    fn decoded_once_resolved_and_merged() {
        for (path, reading) in [
            ("/public/../private", "/private"),
            ("/public/%2e%2E/private/x", "/private/x"),
            ("//private", "/private"),
            ("/a///b", "/a/b"),
            ("/../../a", "/a"),
            ("/a/.", "/a/"),
            ("/a/b/..", "/a/"),
            ("/a/%2fb", "/a/b"),
            ("/public%2f..%2Fprivate/x", "/private/x"),
            ("/%70rivate/", "/private/"),
            // Once, and not twice.
            ("/public/%252e%252e/private", "/public/%2e%2e/private"),
            ("/a/%zz%", "/a/%zz%"),
            ("private/x", "/private/x"),
        ] {
            assert_eq!(texts(path), [reading], "{path}");
        }
    }

    #[test]
    fn where_apps_differ_each_reading_is_there() {
        let has = |path: &str, reading: &str| {
            assert!(texts(path).iter().any(|r| r == reading), "{path}: {:?}", texts(path));
        };
        has("/public//../private", "/private");
        has("/public//../private", "/public/private");
        has("/public/..\\private", "/private");
        has("/public/..%5cprivate", "/private");
        has("/public/..\\private", "/public/..\\private");
        has("/public/..;x=y/private", "/private");
        has("/private;x/secret", "/private/secret");
        has("/private;x/secret", "/private;x/secret");
    }

    #[test]
    fn a_prefix_keeps_the_segment_that_it_begins() {
        for (prefix, normal) in [
            ("", ""),
            ("/", "/"),
            ("/a", "/a"),
            ("/a/", "/a/"),
            ("/.", "/."),
            ("/a/..", "/a/.."),
            ("/a/../b/", "/b/"),
            ("//a", "/a"),
            ("/caf%C3%A9/", "/café/"),
            ("a", "a"),
            ("a/b", "/a/b"),
        ] {
            assert_eq!(String::from_utf8_lossy(&normalised_prefix(prefix)), normal, "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn a_reading_is_rooted_and_has_nothing_left_to_resolve(path in r"([/.;\\%a2eEfF5cC]|%2e|%2f|%5c|\PC){0,24}") {
            for reading in readings(&path) {
                prop_assert_eq!(reading.first(), Some(&b'/'));
                let text = String::from_utf8_lossy(&reading).into_owned();
                prop_assert!(!text.contains("//"), "{}", text);
                prop_assert!(!text.split('/').any(|segment| segment == "." || segment == ".."), "{}", text);
            }
            normalised_prefix(&path);
            without_query(&path);
        }
    }
}
