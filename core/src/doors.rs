//! One internal listener per app: who calls is known by the door, not by a claim (CALL-2).

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    limits::Limits,
    server::{Listening, Surface},
    tasks::Tasks,
};

/// The doors of all apps.
#[derive(Debug)]
pub(crate) struct Doors {
    interface: IpAddr,
    open: Mutex<BTreeMap<String, Door>>,
}

#[derive(Debug)]
struct Door {
    address: SocketAddr,
    closed: CancellationToken,
}

/// What a door needs to be served.
pub(crate) struct Serving {
    pub(crate) surface: Arc<dyn Surface>,
    pub(crate) limits: Arc<Limits>,
    pub(crate) tasks: Tasks,
    pub(crate) title_case_fields: bool,
}

impl Doors {
    pub(crate) fn new(interface: IpAddr) -> Self {
        Doors { interface, open: Mutex::default() }
    }

    /// The address of an app's door, which is opened if it isn't. It gets the port that it had before, if that is free.
    pub(crate) async fn open(&self, app: &str, port: Option<u16>, serving: Serving) -> io::Result<SocketAddr> {
        if let Some(address) = self.address(app) {
            return Ok(address);
        }
        let before = match port {
            Some(port) => TcpListener::bind((self.interface, port)).await.ok(),
            None => None,
        };
        let listener = match before {
            Some(listener) => listener,
            None => TcpListener::bind((self.interface, 0)).await?,
        };
        let address = listener.local_addr()?;
        let closed = CancellationToken::new();
        {
            let mut open = self.doors();
            // Another install of the same app may have been quicker.
            if let Some(door) = open.get(app) {
                return Ok(door.address);
            }
            open.insert(app.to_owned(), Door { address, closed: closed.clone() });
        }
        let Serving { surface, limits, tasks, title_case_fields } = serving;
        let door = Some(app.into());
        let listening = Listening { listener, door, surface, limits, tasks: tasks.clone(), title_case_fields, closed };
        tasks.spawn(listening.accept());
        Ok(address)
    }

    /// Closes an app's door; requests in flight finish.
    pub(crate) fn close(&self, app: &str) {
        if let Some(door) = self.doors().remove(app) {
            door.closed.cancel();
        }
    }

    /// The address of an app's door.
    pub(crate) fn address(&self, app: &str) -> Option<SocketAddr> {
        self.doors().get(app).map(|door| door.address)
    }

    fn doors(&self) -> MutexGuard<'_, BTreeMap<String, Door>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
