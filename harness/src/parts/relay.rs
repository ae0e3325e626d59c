//! Carries connections on, as they are.

use std::io;
use std::net::SocketAddr;
use std::str::FromStr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// So many connections at a time; more wait.
const CONNECTIONS: usize = 512;

/// From where to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lead {
    /// Where it listens.
    pub from: SocketAddr,
    /// The host and port where connections go on. The name is looked up for each anew.
    pub to: String,
}

impl FromStr for Lead {
    type Err = String;

    /// `0.0.0.0:8081=portal_core:80`.
    fn from_str(text: &str) -> Result<Lead, String> {
        let wrong = || format!("`{text}` says not from where to where: give for example 0.0.0.0:8081=portal_core:80");
        let (from, to) = text.split_once('=').ok_or_else(wrong)?;
        let from = from.parse().map_err(|_| wrong())?;
        let fits = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0);
        to.rsplit_once(':').filter(|parts| fits(*parts)).ok_or_else(wrong)?;
        Ok(Lead { from, to: to.to_owned() })
    }
}

/// Carries until the future is dropped.
///
/// # Errors
/// When an address is not to be had.
pub async fn carry(leads: &[Lead]) -> io::Result<()> {
    let mut carrying = JoinSet::new();
    for lead in leads {
        let listener = TcpListener::bind(lead.from).await;
        let listener = listener.map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", lead.from)))?;
        carrying.spawn(lead_on(listener, lead.to.clone()));
    }
    carrying.join_all().await;
    Ok(())
}

/// Carries all that comes to this listener on to that host and port, until the future is dropped.
pub(crate) async fn lead_on(listener: TcpListener, to: String) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS {
            connections.join_next().await;
            continue;
        }
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(carry_one(stream, to.clone()));
                }
                // Of descriptors, say: until a connection ends.
                Err(_) => {
                    connections.join_next().await;
                    tokio::task::yield_now().await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Whoever can't be reached shows as an end of the connection.
async fn carry_one(mut stream: TcpStream, to: String) {
    let _ = stream.set_nodelay(true);
    if let Ok(mut on) = TcpStream::connect(&to).await {
        let _ = on.set_nodelay(true);
        let _ = copy_bidirectional(&mut stream, &mut on).await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[test]
    fn a_lead_says_from_where_to_where() {
        let lead: Lead = "0.0.0.0:81=portal_core:80".parse().unwrap();
        assert_eq!((lead.from.port(), lead.to.as_str()), (81, "portal_core:80"));
        for wrong in ["", "81=core:80", "0.0.0.0:81=core", "0.0.0.0:81=:80", "0.0.0.0:81=core:0"] {
            assert!(wrong.parse::<Lead>().unwrap_err().contains("from where to where"), "{wrong}");
        }
    }

    #[tokio::test]
    async fn what_is_said_is_carried_both_ways_and_ends_are_told() {
        let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let carrying = tokio::spawn(lead_on(listener, target.local_addr().unwrap().to_string()));
        let mut near = TcpStream::connect(at).await.unwrap();
        let (mut far, _) = target.accept().await.unwrap();
        near.write_all(b"there").await.unwrap();
        near.shutdown().await.unwrap();
        let mut said = String::new();
        far.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "there");
        far.write_all(b"and back").await.unwrap();
        drop(far);
        said.clear();
        near.read_to_string(&mut said).await.unwrap();
        assert_eq!(said, "and back");
        drop(target);
        let mut near = TcpStream::connect(at).await.unwrap();
        assert_eq!(near.read(&mut [0; 1]).await.unwrap_or(0), 0, "nobody is there");
        carrying.abort();
    }
}
