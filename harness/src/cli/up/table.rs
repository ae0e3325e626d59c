//! What is up, for people: who is where, and how a browser and other clients get there.

use std::io::{self, Write};
use std::path::Path;

use crate::live::{AppView, PortalView, State};
use crate::shell::quoted;
use crate::testbed::real_app::{AppState, News};

/// The Portals, and how to get to them.
pub(in crate::cli) fn write(out: &mut dyn Write, state: &State, page: &str) -> io::Result<()> {
    portals(out, state)?;
    writeln!(out, "\nEvery call as it happens: {page}")?;
    let ca = quoted(&state.ca_file.display().to_string());
    writeln!(out, "\nBrowsers trust it once they trust {ca}, which is good for names under {} alone:", state.zone)?;
    for (system, command) in trust(&state.ca_file) {
        writeln!(out, "  {system:<9} {command}")?;
    }
    let Some((portal, app)) = state.portals.iter().find_map(|portal| Some((portal, portal.apps.first()?))) else {
        return Ok(());
    };
    let host = format!("{}.{}", app.name, portal.domain);
    writeln!(out, "Other clients:")?;
    writeln!(out, "  {:<9} curl --cacert {ca} --resolve {host}:127.0.0.1 {}", "curl", app.url)?;
    writeln!(out, "  {:<9} HTTPS_PROXY={} SSL_CERT_FILE={ca}", "any", state.https_proxy)?;
    writeln!(out, "Then:")?;
    let there = elsewhere(&state.folder);
    writeln!(out, "  {:<9} countersign terminal {} --open{there}", "log in", portal.name)?;
    if let Some(peer) = portal.peers.iter().find_map(|peer| peer.portal.as_ref()) {
        let path = called(app);
        writeln!(out, "  {:<9} countersign call {} {} {peer} {path}{there}", "call", portal.name, app.name)?;
    }
    Ok(())
}

/// What commands have to be told where they are not given in the folder of the project.
fn elsewhere(project: &Path) -> String {
    let here = std::env::current_dir().and_then(std::fs::canonicalize);
    match here.is_ok_and(|here| here == project) {
        true => String::new(),
        false => format!(" --dir {}", quoted(&project.display().to_string())),
    }
}

/// A path that a peer may come to, where there is one.
fn called(app: &AppView) -> String {
    let of_peers = app.paths.iter().find(|(_, access)| access == "peer").map(|(prefix, _)| prefix.as_str());
    let prefix = of_peers.unwrap_or("/");
    if prefix.starts_with('/') { prefix.to_owned() } else { format!("/{prefix}") }
}

/// The table: Portal, short ID, app, address.
pub(in crate::cli) fn portals(out: &mut dyn Write, state: &State) -> io::Result<()> {
    let mut rows = vec![["Portal", "Short ID", "App", "Address"].map(str::to_owned)];
    for portal in &state.portals {
        let first = [portal.name.clone(), portal.short_id.clone()];
        let home = || format!("https://{}/", portal.domain);
        if portal.apps.is_empty() {
            let [name, short_id] = first.clone();
            rows.push([name, short_id, "(none)".to_owned(), home()]);
        }
        for (n, app) in portal.apps.iter().enumerate() {
            let [name, short_id] = if n == 0 { first.clone() } else { Default::default() };
            rows.push([name, short_id, app.name.clone(), format!("{}{}", app.url, remark(portal, app, n))]);
        }
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2)];
    for row in &rows {
        let [name, short_id, app, address] = row;
        let [a, b, c] = widths;
        writeln!(out, "{name:<a$}  {short_id:<b$}  {app:<c$}  {address}")?;
    }
    Ok(())
}

/// What is not as one would think.
fn remark(portal: &PortalView, app: &AppView, position: usize) -> String {
    let mut remarks = Vec::new();
    match &app.state {
        None => remarks.push("echo: answers with what arrived".to_owned()),
        Some(AppState::Ready { .. }) => {}
        Some(AppState::Starting) => remarks.push("starting".to_owned()),
        Some(AppState::Frozen) => remarks.push("frozen".to_owned()),
        Some(AppState::Stopped) => remarks.push("stopped".to_owned()),
        Some(AppState::Died { why, .. }) => {
            remarks.push(format!("died: {}", why.lines().next().unwrap_or_default().trim_end_matches([';', ' '])))
        }
    }
    if let (Some(door), "url") = (&app.door, app.kind.as_str()) {
        remarks.push(format!("its PORTAL_CORE_URL is {door}"));
    }
    if position == 0 && portal.clock_ahead != 0 {
        let (by, way) = (portal.clock_ahead.unsigned_abs(), if portal.clock_ahead > 0 { "ahead" } else { "behind" });
        remarks.push(format!("clock {by} s {way}"));
    }
    if position == 0 && portal.core != "built-in" {
        remarks.push(format!("Core: {}", portal.core));
    }
    if remarks.is_empty() { String::new() } else { format!("  ({})", remarks.join("; ")) }
}

/// How each system is told to trust an authority.
fn trust(ca_file: &Path) -> [(&'static str, String); 4] {
    let file = quoted(&ca_file.display().to_string());
    [
        ("Linux", format!("certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n countersign -i {file}   # Chromium")),
        ("macOS", format!("security add-trusted-cert -r trustRoot -k ~/Library/Keychains/login.keychain-db {file}")),
        ("Windows", format!("certutil -user -addstore Root {file}")),
        ("Firefox", "Settings > Privacy & Security > View Certificates > Authorities > Import".to_owned()),
    ]
}

/// One piece of news, in a line; what an app said goes behind its name.
pub(super) fn told(news: &News) -> String {
    match news {
        News::Said { portal, app, line } => format!("{portal}/{app} | {line}"),
        News::Slow { portal, app, since } => {
            format!("{app} on {portal} does not listen yet, {} s after it was started", since.as_secs())
        }
        News::Ready { portal, app, took, again: true } => {
            format!("{app} on {portal} is there again after {:.1} s", took.as_secs_f64())
        }
        News::Ready { portal, app, took, again: false } => {
            format!("{app} on {portal} is there after {:.1} s", took.as_secs_f64())
        }
        News::Died { portal, app, why, again_in } => {
            format!("{app} on {portal} died and is started again in {:.1} s: {why}", again_in.as_secs_f64())
        }
        News::ManifestTaken { portal, app, warnings } => {
            let warnings: String = warnings.iter().map(|warning| format!("\n  warning: {warning}")).collect();
            format!("{app} on {portal}: its manifest changed, and holds from now on{warnings}")
        }
        News::ManifestRefused { app, why } => format!("{app}: its manifest changed and is not taken: {why}"),
    }
}
