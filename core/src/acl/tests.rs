use proptest::prelude::*;
use serde_json::json;

use super::*;

fn manifest(paths: &[(&str, &str)]) -> Manifest {
    let paths: serde_json::Map<_, _> = paths
        .iter()
        .map(|(prefix, access)| {
            let headers = json!({"X-Ptl-Prefix": format!("of {prefix}")});
            ((*prefix).to_owned(), json!({"access": access, "headers": headers}))
        })
        .collect();
    let source = json!({"v": "3.2", "name": "a", "port": 80, "paths": paths}).to_string();
    Manifest::parse(source.as_bytes()).unwrap()
}

fn terminal() -> Client {
    Client::Terminal { id: "eie767".into(), name: "phone".into() }
}

fn peer() -> Client {
    Client::Peer { id: "b8rk3f".into(), name: "Anna".into() }
}

#[track_caller]
fn check(manifest: &Manifest, client: &Client, cases: &[(&str, Option<&str>)]) {
    for (path, prefix) in cases {
        let permit = decide(client, manifest, path);
        let got = permit.as_ref().ok().map(Permit::prefix);
        assert_eq!(got, *prefix, "{path}");
        if let Err(refusal) = permit {
            assert_eq!(refusal, Refusal::AccessDenied);
        }
    }
}

#[test]
fn each_access_has_its_clients() {
    let manifest = manifest(&[("", "private"), ("/public/", "public"), ("/peer/", "peer")]);
    for (client, public, private, peer) in
        [(Client::Anonymous, true, false, false), (terminal(), true, true, false), (peer(), true, false, true)]
    {
        let open = |path: &str| decide(&client, &manifest, path).is_ok();
        assert_eq!((open("/public/"), open("/x"), open("/peer/")), (public, private, peer), "{client:?}");
    }
}

#[test]
fn the_longest_prefix_decides_literally() {
    let manifest = manifest(&[("", "public"), ("/a/", "private"), ("/a/b/", "public"), ("/a/b/c", "private")]);
    check(
        &manifest,
        &Client::Anonymous,
        &[
            ("/", Some("")),
            ("/a", Some("")),
            ("/a/", None),
            ("/a/b", None),
            ("/a/b/", Some("/a/b/")),
            ("/a/b/x", Some("/a/b/")),
            ("/a/b/c", None),
            ("/a/b/cde", None),
            ("/A/x", Some("")),
            ("/x/a/", Some("")),
            ("", Some("")),
            ("*", Some("")),
        ],
    );
}

#[test]
fn the_query_takes_no_part() {
    let manifest = manifest(&[("", "private"), ("/public/", "public")]);
    check(
        &manifest,
        &Client::Anonymous,
        &[
            ("/public/?next=/x", Some("/public/")),
            ("/x?/public/", None),
            ("/?/public/", None),
            ("/public/?/../x", Some("/public/")),
            ("/public?/", None),
        ],
    );
}

#[test]
fn no_detour_leads_from_an_open_path_to_a_closed_one() {
    let manifest = manifest(&[("", "private"), ("/public/", "public")]);
    check(
        &manifest,
        &Client::Anonymous,
        &[
            ("/public/../private", None),
            ("/public/%2e%2e/private", None),
            ("/public/.%2E/private", None),
            ("/public/%2e%2e%2fprivate", None),
            ("/public/..%2fprivate", None),
            ("/public/a/../../private", None),
            ("/public//../private", None),
            ("/public/..\\private", None),
            ("/public/..%5cprivate", None),
            ("/public\\..\\private", None),
            ("/public/..;x/private", None),
            ("/public/..;/private", None),
            ("/public/%2e%2e;x=1/private", None),
            ("/public/..", None),
            ("/public/../", None),
            ("https://a.b8rk3f.p.getportal.org/public/../private", None),
            ("https://a.b8rk3f.p.getportal.org/private", None),
            ("https://public/private", None),
            // The twins that stay open.
            ("/public/a/../b", Some("/public/")),
            ("/public/./a", Some("/public/")),
            ("/public/a//b", Some("/public/")),
            ("/public/a%20b%2Fc", Some("/public/")),
            ("/public/%252e%252e/private", Some("/public/")),
            ("/public/..private", Some("/public/")),
            ("/public/a\\b", Some("/public/")),
            ("/public/a;b=c", Some("/public/")),
            ("/public/%zz%", Some("/public/")),
            ("https://a.b8rk3f.p.getportal.org/public/x", Some("/public/")),
        ],
    );
}

#[test]
fn no_spelling_of_a_closed_path_opens_it() {
    let manifest = manifest(&[("", "public"), ("/admin/", "private")]);
    check(
        &manifest,
        &Client::Anonymous,
        &[
            ("/admin/users", None),
            ("//admin/users", None),
            ("/./admin/users", None),
            ("/x/../admin/users", None),
            ("/../admin/users", None),
            ("/%61dmin/users", None),
            ("/admin%2Fusers", None),
            ("/admin%5cusers", None),
            ("\\admin\\users", None),
            ("/admin;x/users", None),
            ("admin/users", None),
            ("/admin//", None),
            ("/admin/.", None),
            ("/admin/x/..", None),
            ("https://a.b8rk3f.p.getportal.org//admin/users", None),
            ("/administrators", Some("")),
            ("/admin", Some("")),
            ("//x", Some("")),
            ("/%2561dmin/users", Some("")),
        ],
    );
}

#[test]
fn the_raw_path_counts_too() {
    // Its normal form is open, the path itself is not.
    let manifest = manifest(&[("", "public"), ("/private/", "private")]);
    check(&manifest, &Client::Anonymous, &[("/private/../x", None), ("/private/%2e%2e/x", None)]);
}

#[test]
fn a_prefix_may_be_encoded_or_begin_with_a_dot() {
    let manifest = manifest(&[("", "private"), ("/caf%C3%A9/", "public"), ("/.", "public"), ("/a;b/", "public")]);
    check(
        &manifest,
        &Client::Anonymous,
        &[
            ("/caf%C3%A9/x", Some("/caf%C3%A9/")),
            ("/.well-known/x", Some("/.")),
            ("/x", None),
            ("/./x", None),
            // The literal prefix decides, also where another spelling means the same.
            ("/caf%c3%a9/x", None),
        ],
    );
}

#[test]
fn the_headers_are_those_of_the_raw_match() {
    let manifest = manifest(&[("", "public"), ("/sale/", "public")]);
    let permit = decide(&peer(), &manifest, "/x/../sale/1").unwrap();
    assert_eq!((permit.prefix(), permit.client()), ("", &peer()));
    assert_eq!(format!("{:?}", permit.headers()), "[x-ptl-prefix: of ]");
    let permit = decide(&peer(), &manifest, "/sale/1").unwrap();
    assert_eq!(format!("{:?}", permit.headers()), "[x-ptl-prefix: of /sale/]");
}

/// The same decision by the book, without tables and orders.
fn by_the_book(paths: &[(&str, &str)], client: &Client, path: &str) -> bool {
    let (_, access) = paths.iter().filter(|(prefix, _)| path.starts_with(prefix)).max_by_key(|(p, _)| p.len()).unwrap();
    match *access {
        "public" => true,
        "private" => matches!(client, Client::Terminal { .. }),
        _ => matches!(client, Client::Peer { .. }),
    }
}

proptest! {
    #[test]
    fn on_plain_paths_it_decides_by_the_book(path in "(/[abc]{1,2}){0,4}/?", shuffle in any::<bool>()) {
        let path = format!("/{}", path.trim_start_matches('/'));
        let mut paths = vec![("", "private"), ("/a", "public"), ("/a/", "peer"), ("/a/b/", "private"), ("/ab", "peer"), ("/b/c/", "public")];
        if shuffle {
            paths.reverse();
        }
        let manifest = manifest(&paths);
        for client in [Client::Anonymous, terminal(), peer()] {
            prop_assert_eq!(decide(&client, &manifest, &path).is_ok(), by_the_book(&paths, &client, &path), "{} {:?}", path, client);
        }
    }

    #[test]
    fn what_is_open_stays_open_in_its_normal_form_and_nothing_panics(path in r"([/.;\\?%ab]|%2e|%2f|%5c|private|\PC){0,16}") {
        let manifest = manifest(&[("", "public"), ("/private/", "private"), ("/a/", "private"), ("/a/b/", "public")]);
        if decide(&Client::Anonymous, &manifest, &path).is_ok() {
            for reading in readings(path::without_query(&path)) {
                let reading = String::from_utf8_lossy(&reading).into_owned();
                prop_assert!(!reading.starts_with("/private/"), "{} is read as {}", path, reading);
                prop_assert!(!reading.starts_with("/a/") || reading.starts_with("/a/b/"), "{} is read as {}", path, reading);
            }
        }
    }
}
