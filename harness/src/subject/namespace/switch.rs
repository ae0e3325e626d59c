//! The testbed's side: which name has which address within, and where connections to it go.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UnixListener, UnixStream};

use super::relay;
use crate::testbed::connect_proxy::SwitchableNames;
use crate::testbed::names::{AskedHosts, Names};
use crate::testbed::proxy::tasks::Tasks;

/// How many names can have an address; what is asked for beyond is not known.
const ADDRESSES: usize = 1 << 16;
/// The first address that is given to a name: far from those that programs use themselves.
const FIRST: u32 = u32::from_be_bytes([127, 64, 0, 1]);

/// Clones share their memory.
#[derive(Debug, Clone)]
pub(super) struct Switch {
    names: SwitchableNames,
    asked: AskedHosts,
    tasks: Tasks,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    addresses: HashMap<String, Ipv4Addr>,
    hosts: Vec<String>,
}

impl Switch {
    pub(super) fn new(names: SwitchableNames) -> Switch {
        Switch { names, asked: AskedHosts::default(), tasks: Tasks::default(), table: Arc::default() }
    }

    /// The hosts that were looked up.
    pub(super) fn asked(&self) -> &AskedHosts {
        &self.asked
    }

    /// Goes by these names from now on: connections end, what was asked for is forgotten. Addresses stay those of their
    /// names: somebody within may remember them.
    pub(super) async fn lend(&self, names: Names) {
        self.names.switch(names);
        self.tasks.end_connections().await;
        self.asked.forget();
    }

    /// Ends all connections.
    pub(super) fn end(&self) {
        self.tasks.end();
    }

    /// Answers whoever connects to the socket.
    pub(super) async fn serve(self, listener: UnixListener) {
        relay::accept(listener, |stream| {
            let switch = self.clone();
            async move {
                // That somebody within hung up is their affair.
                let _ = switch.answer(stream).await;
            }
        })
        .await;
    }

    async fn answer(&self, stream: UnixStream) -> io::Result<()> {
        let mut stream = BufReader::new(stream);
        let asked = relay::line(&mut stream).await?;
        match asked.split_once(' ').unwrap_or((&asked, "")) {
            (kind @ ("name" | "other"), host) => {
                let address = self.look_up(host, kind == "name");
                let told = address.map_or_else(|| "-".to_owned(), |address| address.to_string());
                stream.write_all(format!("{told}\n").as_bytes()).await
            }
            ("open", address) => {
                let host = address.parse().ok().and_then(|address| self.host_at(address));
                self.connect(stream, host.as_deref()).await
            }
            ("host", host) => self.connect(stream, Some(host)).await,
            // It listens for the end of this connection, and we for its.
            ("stay", _) => stream.read(&mut [0]).await.map(drop),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The address of a name within; an unknown one has none. Either way it was looked up: most resolvers ask for an
    /// address of IPv6 beside, which is one lookup with it.
    fn look_up(&self, host: &str, for_address: bool) -> Option<Ipv4Addr> {
        let host = host.to_ascii_lowercase();
        let known = self.names.current().target(&host).is_some();
        let asked = self.asked.hosts();
        // And for a name that there is not they ask again, with a domain behind it, which here is none.
        let again = !known && asked.last() == Some(&host);
        if (for_address && !again) || !asked.contains(&host) {
            self.asked.note(host.clone());
        }
        let mut table = self.table();
        if !known {
            return None;
        }
        if let Some(address) = table.addresses.get(&host) {
            return Some(*address);
        }
        let next = u32::try_from(table.hosts.len()).ok().filter(|_| table.hosts.len() < ADDRESSES)?;
        let address = Ipv4Addr::from(FIRST + next);
        table.hosts.push(host.clone());
        table.addresses.insert(host, address);
        Some(address)
    }

    async fn connect(&self, stream: BufReader<UnixStream>, host: Option<&str>) -> io::Result<()> {
        // Where the name leads now, not where it led when it was looked up.
        let target = host.and_then(|host| self.names.current().address(host)).ok_or(io::ErrorKind::NotFound)?;
        let mut stream = stream;
        let tcp = TcpStream::connect(target).await?;
        stream.write_all(b"ok\n").await?;
        self.tasks.spawn_connection(relay::join(tcp, stream));
        Ok(())
    }

    fn host_at(&self, address: Ipv4Addr) -> Option<String> {
        let position = usize::try_from(u32::from(address).checked_sub(FIRST)?).ok()?;
        self.table().hosts.get(position).cloned()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[tokio::test]
    async fn each_known_name_has_an_address_of_its_own_and_all_lookups_are_told() {
        let names = Names::new().unwrap();
        names.insert_address("abc123.p.example", SocketAddr::from(([127, 0, 0, 1], 7)));
        let switch = Switch::new(names.clone().into());
        let portal = switch.look_up("abc123.p.example", true).unwrap();
        let app = switch.look_up("Chat.abc123.p.example", true).unwrap();
        assert!(portal.is_loopback() && app.is_loopback() && portal != app);
        assert_eq!(switch.look_up("chat.ABC123.p.example", true), Some(app));
        assert_eq!(switch.look_up("evil.example", true), None);
        assert_eq!(switch.host_at(app).as_deref(), Some("chat.abc123.p.example"));
        assert_eq!(switch.host_at(Ipv4Addr::LOCALHOST), None);
        assert_eq!(switch.host_at(Ipv4Addr::new(127, 64, 0, 3)), None);
        names.insert_address("def456.p.example", SocketAddr::from(([127, 0, 0, 1], 8)));
        assert!(switch.look_up("def456.p.example", true).is_some(), "names appear while it runs");
        let looked_up = switch.asked().hosts();
        assert_eq!(switch.look_up("evil.example", false), None);
        assert_eq!(switch.look_up("six.example", false), None);
        assert_eq!(switch.asked().hosts()[5..], ["six.example"], "asked for IPv6 alone");
        assert_eq!(looked_up[1..4], ["chat.abc123.p.example", "chat.abc123.p.example", "evil.example"]);
    }
}
