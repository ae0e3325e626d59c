//! The files within that say who is where and who is trusted, laid over those of the system in a mount namespace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::mount_bind;

const HOSTS: &str = "127.0.0.1 localhost\n";
// No domain is tried behind a name; the resolver is there or never, so there is no sense in waiting long.
const RESOLVER: &str = "nameserver 127.0.0.1\nsearch .\noptions timeout:2 attempts:2\n";
/// Where systems keep the certificates that they trust.
const BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];
/// The cache of names of the system's, which would answer for outside.
const CACHE: &str = "/var/run/nscd";

/// Lays them, with `folder` for what has to be written.
///
/// # Errors
/// When one can't be; the text says which.
pub(super) fn lay(folder: &Path, ca_file: Option<&Path>) -> io::Result<()> {
    lay_text(folder, "hosts", HOSTS)?;
    lay_text(folder, "resolv.conf", RESOLVER)?;
    let switch = fs::read_to_string("/etc/nsswitch.conf").unwrap_or_default();
    lay_text(folder, "nsswitch.conf", &with_hosts_from_files_and_dns(&switch))?;
    if let Some(cache) = existing(CACHE) {
        let empty = folder.join("empty");
        fs::create_dir_all(&empty)?;
        bind(&empty, &cache)?;
    }
    for bundle in BUNDLES.into_iter().filter_map(existing) {
        ca_file.map_or(Ok(()), |file| bind(file, &bundle))?;
    }
    Ok(())
}

/// A file of /etc. One that is not there can't be laid over, but what its absence stands for does as well: a resolver on
/// this host, hosts from files and DNS.
fn lay_text(folder: &Path, name: &str, text: &str) -> io::Result<()> {
    let Some(target) = existing(&format!("/etc/{name}")) else { return Ok(()) };
    let source = folder.join(name);
    fs::write(&source, text)?;
    bind(&source, &target)
}

/// Where it really is: often they are links.
fn existing(path: &str) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

fn bind(source: &Path, target: &Path) -> io::Result<()> {
    mount_bind(source, target)
        .map_err(|error| io::Error::new(io::Error::from(error).kind(), format!("{}: {error}", target.display())))
}

/// The same with other sources of hosts: no cache, no multicast, nobody who knows better.
fn with_hosts_from_files_and_dns(switch: &str) -> String {
    let others = switch.lines().filter(|line| !line.trim_start().starts_with("hosts:"));
    let mut text: String = others.flat_map(|line| [line, "\n"]).collect();
    text.push_str("hosts: files dns\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_come_from_files_and_dns_and_all_else_stays() {
        let given = "passwd: files systemd\n hosts: files mdns4_minimal [NOTFOUND=return] dns\nnetworks: files\n";
        assert_eq!(with_hosts_from_files_and_dns(given), "passwd: files systemd\nnetworks: files\nhosts: files dns\n");
    }
}
