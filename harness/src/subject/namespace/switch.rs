//! The testbed's side: which name has which address within, and where connections to it go.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpStream, UnixListener, UnixStream};

use super::relay;
use crate::testbed::names::Names;

/// How many lookups are kept; the oldest go first.
const LOOKUPS: usize = 4096;
/// How many names can have an address; what is asked for beyond is not known.
const ADDRESSES: usize = 1 << 16;
/// The first address that is given to a name: far from those that programs use themselves.
const FIRST: u32 = u32::from_be_bytes([127, 64, 0, 1]);

/// Clones share their memory.
#[derive(Debug, Clone)]
pub(super) struct Switch {
    names: Names,
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    addresses: HashMap<String, Ipv4Addr>,
    hosts: Vec<String>,
    lookups: VecDeque<String>,
}

impl Switch {
    pub(super) fn new(names: Names) -> Switch {
        Switch { names, table: Arc::default() }
    }

    pub(super) fn lookups(&self) -> Vec<String> {
        self.table().lookups.iter().cloned().collect()
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
            ("name", host) => {
                let address = self.look_up(host);
                let told = address.map_or_else(|| "-".to_owned(), |address| address.to_string());
                stream.write_all(format!("{told}\n").as_bytes()).await
            }
            ("open", address) => self.connect(stream, address).await,
            // It listens for the end of this connection, and we for its.
            ("stay", _) => stream.read(&mut [0]).await.map(drop),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// The address of a name within; an unknown one has none. Either way it was looked up.
    fn look_up(&self, host: &str) -> Option<Ipv4Addr> {
        let host = host.to_ascii_lowercase();
        let known = self.names.target(&host).is_some();
        let mut table = self.table();
        if table.lookups.len() == LOOKUPS {
            table.lookups.pop_front();
        }
        table.lookups.push_back(host.clone());
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

    async fn connect(&self, stream: BufReader<UnixStream>, address: &str) -> io::Result<()> {
        let host = address.parse::<Ipv4Addr>().ok().and_then(|address| self.host_at(address));
        // Where the name leads now, not where it led when it was looked up.
        let target = host.and_then(|host| self.names.address(&host)).ok_or(io::ErrorKind::NotFound)?;
        let mut stream = stream;
        let tcp = TcpStream::connect(target).await?;
        stream.write_all(b"ok\n").await?;
        relay::join(tcp, stream).await;
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
        let switch = Switch::new(names.clone());
        let portal = switch.look_up("abc123.p.example").unwrap();
        let app = switch.look_up("Chat.abc123.p.example").unwrap();
        assert!(portal.is_loopback() && app.is_loopback() && portal != app);
        assert_eq!(switch.look_up("chat.ABC123.p.example"), Some(app));
        assert_eq!(switch.look_up("evil.example"), None);
        assert_eq!(switch.host_at(app).as_deref(), Some("chat.abc123.p.example"));
        assert_eq!(switch.host_at(Ipv4Addr::LOCALHOST), None);
        assert_eq!(switch.host_at(Ipv4Addr::new(127, 64, 0, 3)), None);
        names.insert_address("def456.p.example", SocketAddr::from(([127, 0, 0, 1], 8)));
        assert!(switch.look_up("def456.p.example").is_some(), "names appear while it runs");
        let looked_up = switch.lookups();
        assert_eq!(looked_up[1..4], ["chat.abc123.p.example", "chat.abc123.p.example", "evil.example"]);
    }
}
