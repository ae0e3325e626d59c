//! Derived components (RFC 9421 §2.2): values from the control data of a message.

use super::component::Derived;
use super::form;
use super::message::Request;
use super::reject::Reason;
use super::target::{Authority, Form};

/// Appends the value of a component that is derived from a request.
pub(super) fn write(out: &mut Vec<u8>, component: &Derived, request: &Request) -> Result<(), Reason> {
    match component {
        Derived::Method => out.extend_from_slice(request.method().as_bytes()),
        Derived::RequestTarget => out.extend_from_slice(request.target().as_bytes()),
        Derived::Scheme => write_lower(out, scheme(request)),
        Derived::Authority => write_authority(out, request)?,
        Derived::Path => {
            let path = request.target.path();
            // §2.2.6: an empty path string is normalized as a single slash.
            out.extend_from_slice(if path.is_empty() { b"/" } else { path.as_bytes() });
        }
        Derived::Query => {
            // §2.2.7: the leading `?` is there even where the request has no query.
            out.push(b'?');
            out.extend_from_slice(request.target.query().unwrap_or_default().as_bytes());
        }
        Derived::TargetUri => write_target_uri(out, request)?,
        Derived::QueryParam(name) => write_query_param(out, request, name)?,
        Derived::Status => return Err(Reason::WrongMessageKind),
    }
    Ok(())
}

/// How much room the value of a component can take at most.
pub(super) fn room(component: &Derived, request: &Request) -> usize {
    let host = || {
        let hosts = request.fields().values("host").map(<[u8]>::len).sum::<usize>();
        hosts + request.authority.as_deref().map_or(0, str::len)
    };
    match component {
        Derived::Method => request.method().len(),
        Derived::RequestTarget => request.target().len(),
        Derived::Scheme | Derived::Status => 8,
        Derived::Authority => host() + request.target.authority().map_or(0, str::len),
        Derived::Path => request.target.path().len() + 1,
        Derived::Query => request.target.query().map_or(0, str::len) + 1,
        Derived::TargetUri => host() + request.target().len() + 9,
        // A byte becomes three at most, an invalid one (U+FFFD) nine.
        Derived::QueryParam(_) => request.target.query().map_or(0, str::len) * 3,
    }
}

fn scheme(request: &Request) -> &str {
    request.target.scheme().unwrap_or(request.scheme().as_str())
}

/// RFC 9110 §7.1, normalized as §4.2.3 says, so that absolute and origin form of one target give one value.
fn write_target_uri(out: &mut Vec<u8>, request: &Request) -> Result<(), Reason> {
    write_lower(out, scheme(request));
    out.extend_from_slice(b"://");
    write_authority(out, request)?;
    let path = request.target.path();
    // RFC 9110 §4.2.3: an empty path becomes "/", but not that of an OPTIONS request; CONNECT has none at all.
    let has_none = request.target.form() == Form::Authority || request.method() == "OPTIONS";
    out.extend_from_slice(if path.is_empty() && !has_none { b"/" } else { path.as_bytes() });
    if let Some(query) = request.target.query() {
        out.push(b'?');
        out.extend_from_slice(query.as_bytes());
    }
    Ok(())
}

/// §2.2.3: from the target where it has an authority, else from `:authority`, else from the one Host field; lower case,
/// default port left out.
fn write_authority(out: &mut Vec<u8>, request: &Request) -> Result<(), Reason> {
    let scheme = scheme(request);
    let mut hosts = request.fields().values("host").map(|host| {
        let text = std::str::from_utf8(host).map_err(|_| Reason::AuthorityMalformed)?;
        Authority::parse(text.trim_matches([' ', '\t'])).ok_or(Reason::AuthorityMalformed)
    });
    let authority = if let Some(authority) = request.target.authority() {
        Authority::parse(authority).ok_or(Reason::AuthorityMalformed)?
    } else if let Some(authority) = &request.authority {
        let authority = Authority::parse(authority).ok_or(Reason::AuthorityMalformed)?;
        // RFC 9113 §8.3.1: a Host beside :authority must not identify another entity.
        if !hosts.all(|host| host.is_ok_and(|host| host.is_same(&authority, scheme))) {
            return Err(Reason::AuthorityAmbiguous);
        }
        authority
    } else {
        let host = hosts.next().ok_or(Reason::AuthorityMissing)?;
        if hosts.next().is_some() {
            return Err(Reason::AuthorityAmbiguous);
        }
        host?
    };
    write_lower(out, authority.host);
    if let Some(port) = authority.port_beside(scheme) {
        out.push(b':');
        out.extend_from_slice(port.as_bytes());
    }
    Ok(())
}

/// §2.2.8: the one parameter of that name, parsed as a form and encoded again.
fn write_query_param(out: &mut Vec<u8>, request: &Request, wanted: &str) -> Result<(), Reason> {
    let query = request.target.query().ok_or(Reason::QueryParamMissing)?;
    let mut found = None;
    let mut decoded = Vec::new();
    for (name, value) in form::pairs(query) {
        if form::is(&mut decoded, name, wanted.as_bytes()) && found.replace(value).is_some() {
            // "If a parameter name occurs multiple times in a request, the named query parameter MUST NOT be included."
            return Err(Reason::QueryParamRepeated);
        }
    }
    form::encode(out, found.ok_or(Reason::QueryParamMissing)?);
    Ok(())
}

fn write_lower(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().map(|byte| byte.to_ascii_lowercase()));
}
