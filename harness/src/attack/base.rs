//! The signature base (RFC 9421 §2.5), read a second time: short, for requests and the components that scenarios use.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// A request as the signer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View<'a> {
    /// The method, as sent.
    pub method: &'a str,
    /// `http` or `https`.
    pub scheme: &'a str,
    /// The host, with the port where it is not the scheme's own.
    pub host: &'a str,
    /// The path, as sent; it begins with `/`.
    pub path: &'a str,
    /// The query without `?`, as sent; `None` without one.
    pub query: Option<&'a str>,
    /// The field lines in order.
    pub fields: &'a [(String, String)],
}

/// The base over these component identifiers, each as it stands in the inner list (`"@query-param";name="x"`), closed
/// by `@signature-params` with this value. A value in `instead` stands in place of the true one.
///
/// # Errors
/// A component that this writer does not know, in words.
pub fn base(
    view: &View<'_>,
    items: &[String],
    signature_params: &str,
    instead: &BTreeMap<String, String>,
) -> Result<String, String> {
    let mut base = String::new();
    for item in items {
        let value = match instead.get(item) {
            Some(value) => value.clone(),
            None => value_of(view, item)?,
        };
        base.push_str(&format!("{item}: {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {signature_params}"));
    Ok(base)
}

/// For those of these components that no request has, or not with such parameters: what a careless signer puts down.
pub fn careless_values(view: &View<'_>, items: &[String], signature_params: &str) -> BTreeMap<String, String> {
    let unknown = items.iter().filter(|item| split(item).is_some() && value_of(view, item).is_err());
    let value = |item: &String| match split(item).map_or("", |(name, _)| name) {
        "@status" => "200".to_owned(),
        "@signature-params" => signature_params.to_owned(),
        derived if derived.starts_with('@') => String::new(),
        field => field_value(view.fields, field),
    };
    unknown.map(|item| (item.clone(), value(item))).collect()
}

/// Splits the text of an inner list into its component identifiers: at spaces that stand outside of quotes.
pub fn items(inner_list: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for character in inner_list.chars() {
        match character {
            '"' if !escaped => quoted = !quoted,
            ' ' if !quoted => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        escaped = quoted && character == '\\' && !escaped;
        if let Some(item) = items.last_mut() {
            item.push(character);
        }
    }
    items.retain(|item| !item.is_empty());
    items
}

fn value_of(view: &View<'_>, item: &str) -> Result<String, String> {
    let (name, parameters) = split(item).ok_or_else(|| format!("`{item}` is no component identifier"))?;
    if let Some(parameter) = parameters {
        return match (name, parameter.strip_prefix("name=\"").and_then(|rest| rest.strip_suffix('"'))) {
            ("@query-param", Some(wanted)) => query_param(view.query.unwrap_or_default(), wanted),
            _ => Err(format!("the parameters of `{item}` are not known to this writer")),
        };
    }
    let query = || view.query.map(|query| format!("?{query}"));
    let authority = || authority(view.scheme, view.host);
    match name {
        "@method" => Ok(view.method.to_owned()),
        "@scheme" => Ok(view.scheme.to_owned()),
        "@authority" => Ok(authority()),
        "@path" => Ok(view.path.to_owned()),
        // RFC 9421 §2.2.7: a request without a query has the value `?`.
        "@query" => Ok(query().unwrap_or_else(|| "?".to_owned())),
        "@request-target" => Ok(format!("{}{}", view.path, query().unwrap_or_default())),
        "@target-uri" => Ok(format!("{}://{}{}{}", view.scheme, view.host, view.path, query().unwrap_or_default())),
        derived if derived.starts_with('@') => Err(format!("`{derived}` is not known to this writer")),
        field => Ok(field_value(view.fields, field)),
    }
}

fn split(item: &str) -> Option<(&str, Option<&str>)> {
    let (name, rest) = item.strip_prefix('"')?.split_once('"')?;
    match rest.strip_prefix(';') {
        Some(parameters) => Some((name, Some(parameters))),
        None => rest.is_empty().then_some((name, None)),
    }
}

/// RFC 9421 §2.2.3: lower case, and no default port.
fn authority(scheme: &str, host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let default = if scheme == "https" { ":443" } else { ":80" };
    host.strip_suffix(default).map(str::to_owned).unwrap_or(host)
}

/// RFC 9421 §2.1: every line trimmed, joined by a comma and a space. A field that is not there counts as empty, which
/// only a dishonest signer does.
fn field_value(fields: &[(String, String)], name: &str) -> String {
    let lines = fields.iter().filter(|(candidate, _)| candidate.eq_ignore_ascii_case(name));
    lines.map(|(_, value)| value.trim_matches([' ', '\t'])).collect::<Vec<_>>().join(", ")
}

/// RFC 9421 §2.2.8: taken apart as a form, and put together with everything encoded but letters, digits and `*-._`.
fn query_param(query: &str, wanted: &str) -> Result<String, String> {
    const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let wanted = decode(wanted);
    let mut found = pairs.filter(|(name, _)| decode(name) == wanted).map(|(_, value)| decode(value));
    match (found.next(), found.next()) {
        (Some(value), None) => Ok(utf8_percent_encode(&value, ENCODED).to_string()),
        (None, _) => Err(format!("the query has no parameter `{wanted}`")),
        (Some(_), Some(_)) => Err(format!("the query has several parameters `{wanted}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view<'a>(fields: &'a [(String, String)]) -> View<'a> {
        View {
            method: "POST",
            scheme: "https",
            host: "Example.com:443",
            path: "/foo",
            query: Some("param=Value&Pet=dog&q=a+b%2Fc"),
            fields,
        }
    }

    fn of(items_: &str) -> String {
        let fields: Vec<(String, String)> =
            [("Date", "Tue"), ("X-Twice", " a "), ("x-twice", "b")].map(|(n, v)| (n.into(), v.into())).into();
        base(&view(&fields), &items(items_), "()", &BTreeMap::new()).unwrap()
    }

    #[test]
    fn derived_components_are_as_in_the_rfc() {
        assert_eq!(
            of(r#""@method" "@authority""#),
            "\"@method\": POST\n\"@authority\": example.com\n\"@signature-params\": ()"
        );
        assert!(of(r#""@query""#).starts_with("\"@query\": ?param=Value&Pet=dog"));
        assert!(of(r#""@query-param";name="Pet""#).starts_with("\"@query-param\";name=\"Pet\": dog\n"));
        assert!(of(r#""@query-param";name="q""#).contains(": a%20b%2Fc\n"));
        assert!(of(r#""@target-uri""#).contains("https://Example.com:443/foo?param"));
    }

    #[test]
    fn lines_of_a_field_are_trimmed_and_joined() {
        assert!(of(r#""x-twice" "date""#).starts_with("\"x-twice\": a, b\n\"date\": Tue\n"));
        assert!(of(r#""x-missing""#).starts_with("\"x-missing\": \n"));
    }

    #[test]
    fn identifiers_are_split_outside_of_quotes() {
        assert_eq!(items(r#""@query-param";name="a b" "date""#), [r#""@query-param";name="a b""#, r#""date""#]);
        assert!(items("").is_empty());
    }

    #[test]
    fn what_is_not_known_is_an_error_and_not_a_guess() {
        let view = view(&[]);
        let none = BTreeMap::new();
        assert!(base(&view, &items(r#""@status""#), "()", &none).is_err());
        assert!(base(&view, &items(r#""date";bs"#), "()", &none).is_err());
        assert!(base(&view, &items(r#""@query-param";name="x""#), "()", &none).is_err());
        let all = items(r#""@method" "@status" "date";req"#);
        let fields = [("Date".to_owned(), "today".to_owned())];
        let careless = careless_values(&View { fields: &fields, ..view.clone() }, &all, "()");
        let careless: Vec<_> = careless.iter().map(|(item, value)| format!("{item}: {value}")).collect();
        assert_eq!(careless, ["\"@status\": 200", "\"date\";req: today"]);
        let instead = [("\"@status\"".to_owned(), "200".to_owned())].into();
        assert!(base(&view, &items(r#""@status""#), "()", &instead).unwrap().starts_with("\"@status\": 200\n"));
    }
}
