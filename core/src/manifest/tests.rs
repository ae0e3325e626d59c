use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn parse(document: &Value) -> Result<Manifest, ManifestError> {
    Manifest::parse(document.to_string().as_bytes())
}

/// A manifest that is accepted, with one change.
fn changed(pointer: &str, value: Value) -> Result<Manifest, ManifestError> {
    let mut document = json!({
        "v": "4.0",
        "name": "myapp",
        "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}],
        "paths": {"": {"access": "private"}, "/public/": {"access": "public", "headers": {"X-Ptl-Foo": "bar"}}},
    });
    assert!(parse(&document).is_ok());
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    let key = key.replace("~1", "/");
    match (parent, value) {
        (Value::Object(object), Value::Null) => drop(object.remove(&key)),
        (Value::Object(object), value) => drop(object.insert(key, value)),
        (Value::Array(list), value) => list[key.parse::<usize>().unwrap()] = value,
        _ => panic!("{pointer}"),
    }
    parse(&document)
}

#[track_caller]
fn refused(result: Result<Manifest, ManifestError>, code: &str, path: &str, words: &str) {
    let error = result.expect_err("accepted");
    assert_eq!((error.code(), error.path()), (code, path), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

#[test]
fn every_format_is_read() {
    let paths = json!({"": {"access": "private"}});
    let entrypoints = json!([{"container_name": "app", "container_port": 80, "entrypoint_port": "http"}]);
    for (version, format) in [
        ("1.0", Format::AppJson1),
        ("2.0", Format::AppJson2),
        ("3.0", Format::AppJson3),
        ("3.1", Format::AppJson3_1),
        ("3.2", Format::AppJson3_2),
    ] {
        let manifest = parse(&json!({"v": version, "name": "a", "port": 8080, "paths": paths})).unwrap();
        assert_eq!((manifest.format(), manifest.http_port()), (format, Some(8080)));
        assert_eq!(format.to_string(), format!("app.json {version}"));
    }
    for (version, format) in [
        ("1.0", Format::AppMeta1),
        ("1.1", Format::AppMeta1_1),
        ("1.2", Format::AppMeta1_2),
        ("1.3", Format::AppMeta1_3),
        ("4.0", Format::AppJson4),
    ] {
        let document = json!({"v": version, "name": "a", "entrypoints": entrypoints, "paths": paths});
        let manifest = parse(&document).unwrap();
        assert_eq!((manifest.format(), manifest.http_port()), (format, Some(80)));
    }
}

#[test]
fn the_first_format_becomes_paths() {
    let document = json!({"name": "a", "port": 80, "authentication": {
        "default_access": "public", "private_paths": ["/admin/"], "public_paths": ["/x/"], "peer_paths": ["/p/"]}});
    let manifest = parse(&document).unwrap();
    assert_eq!(manifest.format(), Format::AppJson0);
    let rule = |prefix: &str| manifest.rules().iter().find(|rule| rule.prefix() == prefix).unwrap();
    let headers = |prefix: &str| format!("{:?}", rule(prefix).headers());
    assert_eq!((rule("").access(), rule("/admin/").access()), (Access::Public, Access::Private));
    assert_eq!((rule("/x/").access(), rule("/p/").access()), (Access::Public, Access::Peer));
    assert_eq!(headers(""), "[x-ptl-client-type: public]");
    assert_eq!(
        headers("/admin/"),
        "[x-ptl-client-type: terminal, x-ptl-client-id: {{ auth.client_id }}, x-ptl-client-name: {{ auth.client_name }}]"
    );
    for authentication in [json!({}), Value::Null] {
        let document = json!({"name": "a", "port": 80, "authentication": authentication});
        assert_eq!(parse(&document).unwrap().rules()[0].access(), Access::Private);
    }
    let document = json!({"name": "a", "port": 80, "authentication": {"default_access": "all"}});
    refused(parse(&document), "manifest_access_unknown", "$.authentication.default_access", "\"all\"");
    let twice = json!({"name": "a", "port": 80, "authentication": {"private_paths": ["/a/"], "public_paths": ["/a/"]}});
    refused(parse(&twice), "manifest_duplicate_key", "$.authentication.public_paths[0]", "/a/");
}

#[test]
fn an_unknown_version_is_named() {
    for (version, named) in
        [(json!("5.0"), "\"5.0\""), (json!("v4"), "\"v4\""), (json!(""), "\"\""), (json!(4.0), "4.0")]
    {
        refused(changed("/v", version), "manifest_version_unknown", "$.v", named);
    }
    refused(changed("/v", json!("5.0")), "manifest_version_unknown", "$.v", "3.2, 4.0 (app.json)");
    refused(changed("/v", json!(true)), "manifest_wrong_type", "$.v", "a boolean");
    refused(changed("/v", Value::Null), "manifest_version_missing", "$.v", "\"v\": \"4.0\"");
}

#[test]
fn without_a_default_or_with_an_unknown_access_it_is_refused() {
    refused(changed("/paths/", Value::Null), "manifest_default_missing", "$.paths", "\"\"");
    for access in ["Public", "", "terminal", "private "] {
        let result = changed("/paths/~1public~1/access", json!(access));
        refused(result, "manifest_access_unknown", "$.paths[\"/public/\"].access", "\"peer\"");
    }
    let result = changed("/paths/~1public~1/access", Value::Null);
    refused(result, "manifest_missing", "$.paths[\"/public/\"].access", "add \"public\"");
    let result = changed("/paths/~1public~1/access", json!(1));
    refused(result, "manifest_wrong_type", "$.paths[\"/public/\"].access", "a string");
}

#[test]
fn what_else_is_malformed_is_refused_with_its_place() {
    refused(changed("/paths", json!([])), "manifest_wrong_type", "$.paths", "an object");
    refused(changed("/paths", Value::Null), "manifest_missing", "$.paths", "add");
    refused(changed("/paths/", json!("private")), "manifest_wrong_type", "$.paths[\"\"]", "an object");
    refused(changed("/entrypoints", json!([])), "manifest_missing", "$.entrypoints", "http");
    refused(changed("/entrypoints", Value::Null), "manifest_missing", "$.entrypoints", "container_port");
    let at = "$.entrypoints[0].container_port";
    for port in [json!(0), json!(65_536), json!(-1), json!(80.5)] {
        refused(changed("/entrypoints/0/container_port", port), "manifest_port_out_of_range", at, "1 to 65535");
    }
    refused(changed("/entrypoints/0/container_port", json!("80")), "manifest_wrong_type", at, "a string");
    let at = "$.entrypoints[0].entrypoint_port";
    refused(changed("/entrypoints/0/entrypoint_port", json!("ftp")), "manifest_entrypoint_unknown", at, "\"ftp\"");
    for name in ["", "My-App", "a.b", "a/b", "-a", "a-", &"a".repeat(64), "ä", "a\n"] {
        refused(changed("/name", json!(name)), "manifest_name_malformed", "$.name", "host name");
    }
    for name in ["a", "paperless-ngx", "mock_app", "3d"] {
        assert_eq!(changed("/name", json!(name)).unwrap().name(), name);
    }
    let old = json!({"v": "3.2", "name": "a", "entrypoints": [], "paths": {"": {"access": "private"}}});
    refused(parse(&old), "manifest_missing", "$.port", "entrypoints");
}

#[test]
fn what_is_no_json_object_is_refused() {
    for source in ["", "{", "nul", "{} x", "{\"v\": \"4.0\",}", "\u{feff}{}"] {
        refused(Manifest::parse(source.as_bytes()), "manifest_not_json", "$", "JSON");
    }
    refused(Manifest::parse(b"\xff"), "manifest_not_json", "$", "JSON");
    for source in ["[]", "1", "null"] {
        refused(Manifest::parse(source.as_bytes()), "manifest_wrong_type", "$", "an object");
    }
    let source = br#"{"v": "4.0", "paths": {"/a/": {"access": "private"}, "/a/": {"access": "public"}}}"#;
    refused(Manifest::parse(source), "manifest_duplicate_key", "$.paths", "\"/a/\"");
    let large = vec![b' '; MAX_MANIFEST_BYTES + 1];
    refused(Manifest::parse(&large), "manifest_too_large", "$", "262144");
    let many: serde_json::Map<String, Value> =
        (0..=MAX_PATHS).map(|n| (format!("/{n}/"), json!({"access": "public"}))).collect();
    refused(changed("/paths", Value::Object(many)), "manifest_too_many", "$.paths", "1001");
}

#[test]
fn header_names_begin_with_x_ptl() {
    for name in
        ["Authorization", "X-Ptl-", "X-Ptl_Foo", "X_Ptl_Foo", "X-Ptl-Föö", "X-Ptl-A B", "X-Ptl-A:", "X-Ptl-\r\n", ""]
    {
        let result = changed("/paths/~1public~1/headers", json!({ name: "x" }));
        let at = format!("$.paths[\"/public/\"].headers[{name:?}]");
        refused(result, "manifest_header_name_refused", &at, "X-Ptl-");
    }
    let manifest = changed("/paths/~1public~1/headers", json!({"x-pTL-foo": "x"})).unwrap();
    assert_eq!(manifest.rules()[0].headers()[0].name(), "x-ptl-foo");
    let twice = changed("/paths/~1public~1/headers", json!({"X-Ptl-Foo": "x", "x-ptl-foo": "y"}));
    refused(twice, "manifest_header_duplicate", "$.paths[\"/public/\"].headers[\"x-ptl-foo\"]", "twice");
    let result = changed("/paths/~1public~1/headers", json!({"X-Ptl-Foo": 1}));
    refused(result, "manifest_wrong_type", "$.paths[\"/public/\"].headers[\"X-Ptl-Foo\"]", "a string");
}

#[test]
fn an_unknown_variable_is_refused_and_named() {
    let result = changed("/paths/~1public~1/headers", json!({"X-Ptl-Foo": "{{ auth.client_nam }}"}));
    let at = "$.paths[\"/public/\"].headers[\"X-Ptl-Foo\"]";
    refused(result, "manifest_variable_unknown", at, "`auth.client_nam` does not exist; there are auth.client_type");
}

#[test]
fn the_longest_prefix_stands_first_in_whatever_order_they_were_written() {
    let paths = json!({"": {"access": "private"}, "/a/": {"access": "public"}, "/a/b/": {"access": "peer"}});
    let manifest = changed("/paths", paths).unwrap();
    let prefixes: Vec<_> = manifest.rules().iter().map(Rule::prefix).collect();
    assert_eq!(prefixes, ["/a/b/", "/a/", ""]);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    for (prefix, code) in [
        ("/public", Some("prefix_opens_neighbours")),
        ("public/", Some("prefix_never_matches")),
        ("/a?b/", Some("prefix_never_matches")),
        ("/a/../b/", Some("prefix_not_normal")),
        ("/a//b/", Some("prefix_not_normal")),
        ("/caf%C3%A9/", Some("prefix_not_normal")),
        ("/public/", None),
        ("/", None),
        ("", None),
    ] {
        let mut paths = json!({"": {"access": "private"}});
        paths[prefix] = json!({"access": "public"});
        let manifest = changed("/paths", paths).unwrap();
        let codes: Vec<_> = manifest.warnings().iter().map(|warning| warning.code).collect();
        assert_eq!(codes, code.into_iter().collect::<Vec<_>>(), "{prefix}");
        assert!(manifest.warnings().iter().all(|warning| warning.path == format!("$.paths[{prefix:?}]")));
    }
    let mqtt =
        json!([{"container_port": 80, "entrypoint_port": "http"}, {"container_port": 1883, "entrypoint_port": "mqtt"}]);
    let manifest = changed("/entrypoints", mqtt).unwrap();
    assert_eq!((manifest.warnings()[0].code, manifest.http_port()), ("mqtt_is_public", Some(80)));
    let manifest = changed("/paths/~1public~1/acess", json!("private")).unwrap();
    assert_eq!(manifest.warnings()[0].code, "key_without_effect");
}

#[test]
fn the_documented_example_is_taken_without_a_warning() {
    let document = json!({
        "v": "4.0", "name": "myapp", "image": "myapp:1.2.3",
        "entrypoints": [{"container_port": 80, "entrypoint_port": "http"}],
        "data_dirs": ["/user_data", {"path": "/more", "uid": 1000, "gid": 1000}],
        "services": ["postgres"], "env_vars": {"DATABASE_URL": "{{ postgres.connection_string }}"},
        "paths": {
            "": {"access": "private", "headers": {"X-Ptl-Client-Id": "{{ auth.client_id }}", "X-Ptl-Foo": "bar"}},
            "/peer/": {"access": "peer", "headers": {"X-Ptl-Client-Name": "{{ auth.client_name }}"}},
            "/public/": {"access": "public", "headers": {"X-Ptl-Client-Type": "{{ auth.client_type }}"}},
        },
        "lifecycle": {"always_on": false, "idle_time_for_shutdown": 60},
    });
    assert_eq!(parse(&document).unwrap().warnings(), []);
}

proptest! {
    #[test]
    fn no_input_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Manifest::parse(&bytes);
    }

    #[test]
    fn nor_does_any_prefix_header_or_template(prefix in ".{0,20}", name in ".{0,20}", template in r"(\{\{|\}\}|\{%|%\}|auth\.|portal|client_id|[a-z|.\[\]:' %0-9]|\PC){0,24}") {
        let paths = json!({"": {"access": "private"}, prefix: {"access": "public", "headers": {name: template.clone(), "X-Ptl-A": template}}});
        let _ = changed("/paths", paths);
    }
}
