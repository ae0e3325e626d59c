//! Where a request goes (PROXY-1): by host, and on the Portal's own host by path.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::refuse::Refusal;
use crate::testbed::faults::{Faults, ProxyFault};

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    /// To an app, once the Core permits.
    App(String),
    /// To the Core, for anyone, with this target.
    Public(String),
    /// To the Core, for terminals, with this target.
    Protected(String),
}

/// The Portal that a proxy stands before.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) domain: String,
    pub(super) public_port: u16,
}

impl Place {
    /// Decides by the Host field or `:authority`, and by path and query as they were sent.
    pub(super) fn route(&self, host: &str, target: &str, faults: Faults) -> Result<Route, Refusal> {
        match self.app_of(host, faults).ok_or_else(|| Refusal::HostUnknown(host.to_owned()))? {
            "" => core_route(target, faults),
            app => Ok(Route::App(app.to_ascii_lowercase())),
        }
    }

    /// The host of an app.
    pub(super) fn host_of(&self, app: &str) -> String {
        match self.public_port {
            443 => format!("{app}.{}", self.domain),
            port => format!("{app}.{}:{port}", self.domain),
        }
    }

    /// Whether the host is one of this Portal's.
    pub(super) fn owns(&self, host: &str) -> bool {
        self.app_of(host, Faults::NONE).is_some()
    }

    /// The label before the Portal's domain; empty for the domain itself.
    fn app_of<'a>(&self, host: &'a str, faults: Faults) -> Option<&'a str> {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.parse() == Ok(self.public_port) && !port.starts_with('+') => name,
            Some(_) => return None,
            None if self.public_port == 443 => host,
            None => return None,
        };
        let at = name.len().checked_sub(self.domain.len())?;
        let (app, domain) = (name.get(..at)?, name.get(at..)?);
        let same = if faults.has(ProxyFault::ComparesHostsByCase) {
            domain == self.domain
        } else {
            domain.eq_ignore_ascii_case(&self.domain)
        };
        match app.strip_suffix('.') {
            _ if !same => None,
            None if app.is_empty() => Some(""),
            Some(label) if is_label(label) => Some(label),
            _ => None,
        }
    }
}

fn core_route(target: &str, faults: Faults) -> Result<Route, Refusal> {
    let (path, query) = match target.find('?') {
        Some(at) => target.split_at(at),
        None => (target, ""),
    };
    if let Some(route) = wrong_route(path, query, faults) {
        return route;
    }
    // Where the path could be taken for another one, it leads nowhere: `/core/public/..%2finternal/` must not lead inside.
    let plain = has_one_reading(path);
    let under = |prefix: &str| (plain && path.starts_with(prefix)).then(|| &path["/core".len()..]);
    if let Some(rest) = under("/core/public/") {
        Ok(Route::Public(format!("{rest}{query}")))
    } else if let Some(rest) = under("/core/protected/") {
        Ok(Route::Protected(format!("{rest}{query}")))
    } else if faults.has(ProxyFault::ServesCoreInternal) && path.starts_with("/core/internal/") {
        Ok(Route::Public(format!("{}{query}", &path["/core".len()..])))
    } else {
        Err(Refusal::PathUnknown)
    }
}

/// Where a proxy that is wrong about the Core's paths leads.
fn wrong_route(path: &str, query: &str, faults: Faults) -> Option<Result<Route, Refusal>> {
    let at_root = path.starts_with("/internal/") || path.starts_with("/protected/");
    if faults.has(ProxyFault::ServesCoreAtRoot) && at_root {
        return Some(Ok(Route::Public(format!("{path}{query}"))));
    }
    if faults.has(ProxyFault::HidesPublicPages) && path.starts_with("/core/public/meta/") {
        return Some(Err(Refusal::PathUnknown));
    }
    let is_closed =
        path.starts_with("/core/internal/") || has_one_reading(path) && path.starts_with("/core/protected/");
    if faults.has(ProxyFault::FollowsDetours) && !is_closed {
        let found = resolved(path);
        return found.strip_prefix("/core").map(|rest| Ok(Route::Public(format!("{rest}{query}"))));
    }
    None
}

/// Decoded, merged, without dots, and in lower case.
fn resolved(path: &str) -> String {
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let mut kept: Vec<&str> = Vec::new();
    for segment in decoded.split('/').filter(|segment| !matches!(*segment, "" | ".")) {
        if segment == ".." {
            kept.pop();
        } else {
            kept.push(segment);
        }
    }
    format!("/{}", kept.join("/")).to_ascii_lowercase()
}

/// Whether no part of the path, percent-decoded once, is one that somebody may resolve, merge or drop.
fn has_one_reading(path: &str) -> bool {
    let decoded: Cow<'_, str> = percent_decode_str(path).decode_utf8_lossy();
    let mut segments = decoded.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let name = segment.split(';').next().unwrap_or_default();
        if segment.contains('\\') || matches!(name, "." | "..") || (name.is_empty() && segments.peek().is_some()) {
            return false;
        }
    }
    true
}

fn is_label(label: &str) -> bool {
    !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(public_port: u16) -> Place {
        Place { domain: "abc123.p.example".to_owned(), public_port }
    }

    fn route(host: &str, target: &str) -> Result<Route, &'static str> {
        place(443).route(host, target, Faults::NONE).map_err(|refusal| refusal.code())
    }

    #[test]
    fn an_app_is_the_one_label_before_the_domain() {
        assert_eq!(route("app.abc123.p.example", "/"), Ok(Route::App("app".into())));
        assert_eq!(route("App.ABC123.p.Example:443", "/core/internal/"), Ok(Route::App("app".into())));
        for host in [
            "x.app.abc123.p.example",
            ".abc123.p.example",
            "appabc123.p.example",
            "app.abc123.p.example.",
            "app.abc123.p.example:8443",
            "app.abc123.p.example:",
            "app.abc123.p.example:+443",
            "u@app.abc123.p.example",
            "app.xyz789.p.example",
            "127.0.0.1",
            "é.abc123.p.example",
            "",
        ] {
            assert_eq!(route(host, "/"), Err("host_unknown"), "{host}");
        }
    }

    #[test]
    fn another_public_port_is_part_of_the_host() {
        let route = |host| place(8443).route(host, "/", Faults::NONE).ok();
        assert_eq!(route("app.abc123.p.example:8443"), Some(Route::App("app".into())));
        assert_eq!(route("app.abc123.p.example"), None);
        assert_eq!(route("app.abc123.p.example:443"), None);
    }

    #[test]
    fn the_core_is_public_or_protected_and_keeps_path_and_query_as_sent() {
        let core = |target| route("abc123.p.example", target);
        assert_eq!(core("/core/public/meta/whoareyou"), Ok(Route::Public("/public/meta/whoareyou".into())));
        assert_eq!(
            core("/core/protected/peers?name=%41/../x"),
            Ok(Route::Protected("/protected/peers?name=%41/../x".into()))
        );
        assert_eq!(core("/core/public/a%20b"), Ok(Route::Public("/public/a%20b".into())));
    }

    #[test]
    fn no_spelling_of_the_path_leads_inside_or_from_public_to_protected() {
        for target in [
            "/",
            "/core",
            "/core/public",
            "/core/internal/auth",
            "/core/public/../internal/auth",
            "/core/public/%2e%2e/internal/auth",
            "/core/public/%2E./protected/peers",
            "/core/public/..%2fprotected/peers",
            "/core/public/..\\internal/auth",
            "/core/public/..%5cinternal/auth",
            "/core/public//../../internal/auth",
            "/core/public/..;/internal/auth",
            "/core/public//x",
            "/core/public/%2fx",
            "/core/protected/../public/x/../../internal/auth",
            "//core/internal/auth",
            "/core//internal/auth",
            "/Core/internal/auth",
            "/x/../core/internal/auth",
            "*",
        ] {
            assert_eq!(route("abc123.p.example", target), Err("path_unknown"), "{target}");
        }
    }
}
