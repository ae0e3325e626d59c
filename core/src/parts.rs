//! The parts that a Core is put together from. Each has a default that follows the contract; another one makes another
//! Core, which is how a Core that is wrong in one way only is made.

use std::{fmt::Debug, net::IpAddr, sync::Arc};

use aws_lc_rs::rand;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderMap;

use crate::{
    acl::{Decide, LongestPrefix},
    auth::{AsTheRfcSays, FromForwarded, Rebuild, RecogniseTerminal, SignedCookie, VerifyPeer},
    call_peer::{ByIdOrPrefix, RouteCall},
    clock::{Clock, SystemClock},
    limits::Limits,
    observe::{Observe, Unobserved},
    outgoing::{ChooseFields, EndToEnd},
    peers::{CheckPeerKey, PinnedKey},
    profile::Profile,
    replay::ReplayMemory,
    resolve::{Resolve, SystemResolver},
    server::Surface,
    signing::{SignAsPortal, SignCall},
    store::{MemoryStore, Store},
    transport::Transport,
    way_out::WayOut,
};

/// What a Core is put together from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Keeps the state.
    pub store: Arc<dyn Store>,
    /// What a Portal signature covers, how old it may be, names and ports.
    pub profile: Profile,
    /// Limits on what comes from outside.
    pub limits: Limits,
    /// The interface on which apps get their doors.
    pub doors: IpAddr,
    /// Looks up peers' names.
    pub resolver: Arc<dyn Resolve>,
    /// Straight to peers' proxies, or through a proxy of the network.
    pub way_out: WayOut,
    /// How peers' proxies are connected to: trust roots above all. None for the system's roots.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// Gets told what happens.
    pub observer: Arc<dyn Observe>,
    /// Makes nonces.
    pub nonces: Arc<dyn MakeNonce>,
    /// Tells which app calls (CALL-2).
    pub caller: Arc<dyn RecogniseCaller>,
    /// Tells which peer is meant, and where the call goes (CALL-1, CALL-6).
    pub route: Arc<dyn RouteCall>,
    /// Chooses the fields that go on (CALL-3).
    pub fields: Arc<dyn ChooseFields>,
    /// Signs (contract §7).
    pub signer: Arc<dyn SignCall>,
    /// Rebuilds the request that a proxy asks about (AUTH-2).
    pub rebuild: Arc<dyn Rebuild>,
    /// Tells whether a cookie is that of a terminal (TERM-3).
    pub session: Arc<dyn RecogniseTerminal>,
    /// Verifies peers' signatures (AUTH-3 to AUTH-8).
    pub verifier: Arc<dyn VerifyPeer>,
    /// Remembers nonces (AUTH-9); none for the default, which the store carries across restarts.
    pub replay: Option<Arc<dyn ReplayMemory>>,
    /// Decides whether a key is a peer's (PEER-6, PEER-11).
    pub peer_key: Arc<dyn CheckPeerKey>,
    /// Decides who may come where (contract §5).
    pub decide: Arc<dyn Decide>,
    /// Writes the names of fields as `Content-Type` instead of `content-type` over HTTP/1.1, as some do: names have no
    /// case (RFC 9110 §5.1).
    pub title_case_fields: bool,
    /// Put around the part that sends, the last one outermost.
    pub around_transport: Vec<Around<dyn Transport>>,
    /// Put around everything that answers HTTP, the last one outermost.
    pub around_surface: Vec<Around<dyn Surface>>,
}

/// Puts something around a part.
pub struct Around<T: ?Sized>(Arc<dyn Fn(Arc<T>) -> Arc<T> + Send + Sync>);

impl<T: ?Sized> Around<T> {
    /// Puts `around` around a part.
    pub fn new(around: impl Fn(Arc<T>) -> Arc<T> + Send + Sync + 'static) -> Self {
        Around(Arc::new(around))
    }

    pub(crate) fn put_around(all: &[Self], inner: Arc<T>) -> Arc<T> {
        all.iter().fold(inner, |inner, around| (around.0)(inner))
    }
}

impl<T: ?Sized> Clone for Around<T> {
    fn clone(&self) -> Self {
        Around(self.0.clone())
    }
}

impl<T: ?Sized> Debug for Around<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Around")
    }
}

impl Default for Parts {
    fn default() -> Self {
        Parts {
            clock: Arc::new(SystemClock),
            store: Arc::new(MemoryStore::new()),
            profile: Profile::default(),
            limits: Limits::default(),
            doors: IpAddr::from([127, 0, 0, 1]),
            resolver: Arc::new(SystemResolver),
            way_out: WayOut::straight(),
            tls: None,
            observer: Arc::new(Unobserved),
            nonces: Arc::new(RandomNonce),
            caller: Arc::new(DoorThenAddress),
            route: Arc::new(ByIdOrPrefix),
            fields: Arc::new(EndToEnd),
            signer: Arc::new(SignAsPortal),
            rebuild: Arc::new(FromForwarded),
            session: Arc::new(SignedCookie),
            verifier: Arc::new(AsTheRfcSays),
            replay: None,
            peer_key: Arc::new(PinnedKey),
            decide: Arc::new(LongestPrefix),
            title_case_fields: false,
            around_transport: Vec::new(),
            around_surface: Vec::new(),
        }
    }
}

/// Makes nonces.
pub trait MakeNonce: Send + Sync + Debug {
    /// A value that was never used before. None if there is no randomness.
    fn nonce(&self) -> Option<String>;
}

/// 144 random bits (SIG-6 asks for 128), which base64 writes without padding.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomNonce;

impl MakeNonce for RandomNonce {
    fn nonce(&self) -> Option<String> {
        let mut bits = [0_u8; 18];
        rand::fill(&mut bits).ok()?;
        Some(URL_SAFE_NO_PAD.encode(bits))
    }
}

/// What is known of a caller.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The app whose door the request came through.
    pub door: Option<&'a str>,
    /// The app that has the request's source address now.
    pub at_address: Option<&'a str>,
    /// The source address.
    pub source: IpAddr,
    /// What the caller says, which is a claim.
    pub fields: &'a HeaderMap,
}

/// Tells which app calls.
pub trait RecogniseCaller: Send + Sync + Debug {
    /// The name of the app; none if the caller is not known.
    fn recognise(&self, caller: &Caller<'_>) -> Option<String>;
}

/// The app whose door it is; on the main listener the one that has the address.
#[derive(Clone, Copy, Debug, Default)]
pub struct DoorThenAddress;

impl RecogniseCaller for DoorThenAddress {
    fn recognise(&self, caller: &Caller<'_>) -> Option<String> {
        caller.door.or(caller.at_address).map(str::to_owned)
    }
}
