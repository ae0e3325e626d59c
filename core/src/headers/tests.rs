use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn peer(name: &str) -> Client {
    Client::Peer { id: "b8rk3f".into(), name: name.into() }
}

fn portal() -> PortalFacts {
    sample_portal()
}

#[track_caller]
fn rendered(source: &str, client: &Client) -> String {
    let header = HeaderTemplate::parse("X-Ptl-A", source).unwrap_or_else(|error| panic!("{source}: {error}"));
    header.render(client, &portal()).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn variables_subscripts_and_filters_in_common_use() {
    let anna = peer("Anna Lee");
    for (source, value) in [
        ("bar", "bar"),
        ("", ""),
        ("{{ auth.client_type }}/{{auth.client_id}}/{{ auth.client_name }}", "peer/b8rk3f/Anna Lee"),
        ("{{ portal.id[:6] }}", "c0p3x5"),
        ("{{ portal.id[0] }}{{ portal.id[1:3] }}{{ portal.id[-1] }}", "c0pc"),
        ("{{ portal['short_id'] }}@{{ portal.domain }}", "c0p3x5@c0p3x5.p.getportal.org"),
        ("{{ auth.client_name | upper }}{{ auth.client_name|lower }}", "ANNA LEEanna lee"),
        ("{{ auth.client_name | title | replace(' ', '_') | trim }}", "Anna_Lee"),
        ("{{ auth.client_name | default('nobody') }}", "Anna Lee"),
        ("{{ auth.client_name | length }}", "8"),
        ("{{ auth.client_name.split(' ') | join('+') }}", "Anna+Lee"),
        ("{{ auth.client_name.upper() }}/{{ auth.client_name.replace('n', 'm') }}", "ANNA LEE/Amma Lee"),
        ("{{ 'yes' if auth.client_type == 'peer' else 'no' }}", "yes"),
        ("{% if auth.client_type == 'peer' %}p{% else %}n{% endif %}", "p"),
        ("{{ auth.client_type ~ ':' ~ auth.client_id }}", "peer:b8rk3f"),
        ("{% set n = auth.client_name %}{{ n | first }}", "A"),
        ("{{ auth.client_id or 'none' }}", "b8rk3f"),
        ("{# comment #}x", "x"),
        ("{{ auth.client_name | reverse }}", "eeL annA"),
        ("{{ '%s-%s' | format(auth.client_type, auth.client_id) }}", "peer-b8rk3f"),
    ] {
        assert_eq!(rendered(source, &anna), value, "{source}");
    }
}

#[test]
fn an_anonymous_client_has_a_type_and_nothing_else() {
    let source = "[{{ auth.client_type }}][{{ auth.client_id }}][{{ auth.client_name }}]";
    assert_eq!(rendered(source, &Client::Anonymous), "[anonymous][][]");
    assert_eq!(rendered("{{ auth.client_name | default('x', true) }}", &Client::Anonymous), "x");
}

#[test]
fn values_are_values_and_no_templates() {
    assert_eq!(rendered("{{ auth.client_name }}", &peer("{{ 7*7 }} own")), "{{ 7*7 }} own");
    assert_eq!(rendered("{{ auth.client_name }}", &peer("<b>&\"'")), "<b>&\"'");
}

#[test]
fn what_a_header_can_not_hold_is_percent_encoded_and_so_is_the_percent_sign_beside_it() {
    for (name, value) in [
        ("Al\r\nX-Ptl-Admin: yes", "Al%0D%0AX-Ptl-Admin: yes"),
        ("Al\0\u{7f}\t", "Al%00%7F%09"),
        ("Zoë", "Zo%C3%AB"),
        ("🦊 100%", "%F0%9F%A6%8A 100%25"),
        ("%0d%0a", "%0d%0a"),
        ("%0d%0a\n", "%250d%250a%0A"),
        (" ~", " ~"),
    ] {
        assert_eq!(rendered("{{ auth.client_name }}", &peer(name)), value, "{name:?}");
    }
    let pem = rendered("{{ portal.public_key_pem }}", &Client::Anonymous);
    assert_eq!(pem, "-----BEGIN PUBLIC KEY-----%0A-----END PUBLIC KEY-----%0A");
}

#[test]
fn unknown_variables_and_broken_templates_are_refused() {
    for (source, name) in [
        ("{{ client_id }}", "client_id"),
        ("{{ auth.nope }}", "auth.nope"),
        ("{{ portal.key }}", "portal.key"),
        ("{% if false %}{{ auth.nope }}{% endif %}", "auth.nope"),
        ("{{ auth.nope.deeper }}", "auth.nope.deeper"),
        ("{{ request.path }}", "request.path"),
        ("{{ env('HOME') }}", "env"),
        ("{{ lipsum() }}", "lipsum"),
    ] {
        match HeaderTemplate::parse("X-Ptl-A", source) {
            Err(Problem::VariableUnknown { name: refused, .. }) => assert_eq!(refused, name, "{source}"),
            other => panic!("{source}: {other:?}"),
        }
    }
    for source in [
        "{{",
        "{{ auth.client_id",
        "{% for %}",
        "{{ auth['nope'] }}",
        "{{ auth.client_id | nofilter }}",
        "{{ auth.client_id.format('x') }}",
        "{{ auth.client_id.__class__ }}",
        "{{ portal.id.mro() }}",
        "{% include '/etc/passwd' %}",
        "{% import '/etc/passwd' as x %}",
        "{% extends '/etc/passwd' %}",
        "{{ 1 / 0 }}",
        &"x".repeat(MAX_TEMPLATE_BYTES + 1),
    ] {
        assert!(HeaderTemplate::parse("X-Ptl-A", source).is_err(), "{source:.60} was accepted");
    }
}

#[test]
fn a_template_can_neither_loop_for_ever_nor_eat_memory() {
    let doubling =
        format!("{{% set x = 'aaaaaaaaaaaaaaaa' %}}{}{{{{ x | length }}}}", "{% set x = x ~ x %}".repeat(60));
    let replacing = format!("{{{{ 'aaaaaaaa'{} | length }}}}", " | replace('a', 'aaaaaaaaaaaaaaaaaaaa')".repeat(40));
    let methods = format!("{{{{ ('aaaaaaaa'{}) | length }}}}", ".replace('a', 'aaaaaaaaaaaaaaaaaaaa')".repeat(40));
    for source in [
        "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in range(99999999999) %}x{% endfor %}",
        "{{ range(10000) | map('string') | join(range(10000) | join) | length }}",
        "{{ 'a' * 1000000000 }}",
        "{{ ([1] * 100000000) | list | length }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ 'x' | indent(1000000000, true) }}",
        &doubling,
        &replacing,
        &methods,
    ] {
        let (done, outcome) = std::sync::mpsc::sync_channel(1);
        let text = source.to_owned();
        let thread = std::thread::spawn(move || done.send(HeaderTemplate::parse("X-Ptl-A", &text)));
        let outcome = outcome.recv_timeout(Duration::from_secs(20));
        let outcome = outcome.unwrap_or_else(|_| panic!("{source:.60} takes too long"));
        assert!(matches!(outcome, Err(Problem::TemplateRefused { .. })), "{source:.60}: {outcome:?}");
        thread.join().unwrap().unwrap();
    }
}

#[test]
fn a_method_is_refused_before_it_makes_something_large() {
    let source = format!("{{{{ 'aaaaaaaaa'.replace('a', '{}') | length }}}}", "b".repeat(1_000));
    match HeaderTemplate::parse("X-Ptl-A", &source) {
        Err(Problem::TemplateRefused { why }) => assert!(why.contains("too long"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_value_that_can_not_be_rendered_is_empty_and_no_error() {
    // Accepted with every sample, and too long for this client.
    let header = HeaderTemplate::parse("X-Ptl-A", "{{ auth.client_name * 20 }}").unwrap();
    assert!(header.render(&peer(&"é".repeat(256)), &portal()).is_err());
    let source = format!(
        r#"{{"v":"3.2","name":"a","port":80,"paths":{{"":{{"access":"public","headers":{{"X-Ptl-A":"{}","X-Ptl-B":"b"}}}}}}}}"#,
        header.source()
    );
    let manifest = crate::manifest::Manifest::parse(source.as_bytes()).unwrap();
    let permit = crate::acl::decide(&peer(&"é".repeat(256)), &manifest, "/").unwrap();
    let headers = render(&permit, &portal());
    assert_eq!(headers[0], (HeaderName::from_static("x-ptl-a"), HeaderValue::from_static("")));
    assert_eq!(headers[1], (HeaderName::from_static("x-ptl-b"), HeaderValue::from_static("b")));
}

proptest! {
    #[test]
    fn whatever_a_name_is_the_header_can_hold_it_and_it_can_be_read_back(name in ".{0,60}|[\\x00-\\xff]{0,60}") {
        let value = rendered("{{ auth.client_name }}", &peer(&name));
        prop_assert!(value.bytes().all(|b| (b' '..=b'~').contains(&b)));
        if name.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            prop_assert_eq!(value, name);
        } else {
            let back: Vec<u8> = percent_encoding::percent_decode_str(&value).collect();
            prop_assert_eq!(back, name.into_bytes());
        }
    }
}
