//! One request from within a network of containers, where there is no shell and no curl.

use crate::testbed::client::connect;
use crate::wire::{Call, Channel, Reply};

/// Makes it. `url` is plain HTTP, as that to one's own Core is.
///
/// # Errors
/// When no whole answer comes, with what is known.
pub async fn ask(method: &str, url: &str, body: Option<&str>) -> Result<Reply, String> {
    let (authority, target) = parts(url)?;
    let with_port = if authority.contains(':') { authority.clone() } else { format!("{authority}:80") };
    let address = super::look_up(&with_port).await.map_err(|error| error.to_string())?;
    let mut call = Call::new(method, target);
    if let Some(body) = body {
        call = call.body(body.to_owned());
    }
    let stream = connect(address).await.map_err(|error| error.to_string())?;
    Channel::new(stream).exchange(&call, &authority).await.map_err(|error| error.to_string())
}

/// `http://portal_core/a?b` → `portal_core`, `/a?b`. The name has an underscore, which not all that read URLs take.
fn parts(url: &str) -> Result<(String, String), String> {
    let wrong =
        || format!("`{url}` is no URL of plain HTTP: give for example http://portal_core/internal/call_peer/abc123/");
    let rest = url.strip_prefix("http://").ok_or_else(wrong)?;
    let cut = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at(cut);
    if authority.is_empty() || authority.contains(|c: char| c.is_whitespace() || c == '@') {
        return Err(wrong());
    }
    let slash = if target.starts_with('/') { "" } else { "/" };
    Ok((authority.to_owned(), format!("{slash}{target}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let of = |url: &str| parts(url).unwrap();
        assert_eq!(of("http://portal_core/a?b"), ("portal_core".into(), "/a?b".into()));
        assert_eq!(of("http://chat:8080"), ("chat:8080".into(), "/".into()));
        assert_eq!(of("http://chat?x"), ("chat".into(), "/?x".into()));
        for wrong in ["https://chat/", "chat", "http://", "http://a b/"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }
}
