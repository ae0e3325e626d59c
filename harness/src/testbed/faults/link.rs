//! A relay between two Portals: bytes come through late, slowly, not at all, or only so many.
//!
//! A piece of data is stamped with the moment at which it is due, and written then, so that what is on its way holds nothing
//! up. A connection that is broken off ends with a reset, never with an end that could pass for the whole.

use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, timeout, timeout_at};

use super::way::{Cut, Pace, Part, Passage, Way};
use crate::testbed::proxy::tasks::{Owned, Tasks};

/// Open connections; more wait to be taken.
const CONNECTIONS: usize = 1024;
/// The largest piece that is passed on.
const PIECE: usize = 16 * 1024;
/// How many pieces are on their way in one direction; then the sender has to wait.
const ON_THEIR_WAY: usize = 64;
/// How long a piece lasts on a narrow line.
const SLICES: u64 = 50;
/// For the connection to the other side.
const CONNECT: Duration = Duration::from_secs(10);

/// Finds out where the other side is now; none where nobody is.
pub(crate) type Target = dyn Fn() -> Option<SocketAddr> + Send + Sync;

/// A relay that runs. Dropped, it ends with all its connections.
pub(crate) struct Link {
    address: SocketAddr,
    road: Arc<Road>,
    tasks: Tasks,
    flapping: Mutex<Option<Owned>>,
}

/// What all connections of a relay share.
struct Road {
    state: watch::Sender<State>,
    target: Box<Target>,
    seed: u64,
    connections: AtomicU64,
}

/// How things are at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct State {
    pace: Pace,
    flow: Flow,
    cut: Option<Cut>,
    /// How often a cut was set: each counts from its own beginning.
    cuts: u64,
    /// How often all that was open was broken off.
    resets: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Flow {
    #[default]
    Open,
    Refused,
    Held,
}

/// The connection does not go on.
#[derive(Debug)]
struct Broken;

impl Link {
    /// Begins to relay, with nothing wrong. To be called within a runtime; returns at once.
    pub(crate) fn open(target: Box<Target>, seed: u64) -> io::Result<Link> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let road = Arc::new(Road { state: watch::Sender::default(), target, seed, connections: AtomicU64::new(0) });
        let tasks = Tasks::default();
        tasks.spawn(accept(listener, Arc::clone(&road), tasks.clone()));
        Ok(Link { address, road, tasks, flapping: Mutex::default() })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether connections are refused now. Whoever asks where to connect to must not be led here then.
    pub(crate) fn refuses(&self) -> bool {
        self.road.state.borrow().flow == Flow::Refused
    }

    /// From now on it is like this.
    pub(crate) fn set(&self, way: Way) {
        let flow = match way.passage {
            Passage::Open => Flow::Open,
            Passage::BlackHole => Flow::Held,
            Passage::Refused | Passage::Flapping(_) => Flow::Refused,
        };
        let mut flapping = self.flapping.lock().unwrap_or_else(PoisonError::into_inner);
        *flapping = None;
        self.road.state.send_modify(|state| {
            let cuts = state.cuts + u64::from(way.cut != state.cut);
            *state = State { pace: way.pace, flow, cut: way.cut, cuts, resets: state.resets };
        });
        if let Passage::Flapping(every) = way.passage {
            *flapping = Some(self.tasks.spawn_owned(flap(Arc::clone(&self.road), every)));
        }
    }

    /// Breaks off all connections that are open; new ones are taken as before.
    pub(crate) fn reset(&self) {
        self.road.state.send_modify(|state| state.resets += 1);
    }

    /// Ends it with all its connections.
    pub(crate) fn end(&self) {
        self.tasks.end();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end();
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").field("address", &self.address).field("state", &*self.road.state.borrow()).finish()
    }
}

/// It was refused to begin with; then it changes, and so on.
async fn flap(road: Arc<Road>, every: Duration) {
    let mut next = Instant::now();
    loop {
        next += every;
        until(next).await;
        road.state.send_modify(|state| {
            state.flow = if state.flow == Flow::Open { Flow::Refused } else { Flow::Open };
        });
    }
}

async fn accept(listener: TcpListener, road: Arc<Road>, tasks: Tasks) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        // A connection that was gone before it was taken, or no file left for it: the next one may do better.
        let Ok((caller, _)) = listener.accept().await else {
            tokio::task::yield_now().await;
            continue;
        };
        let carried = carry(caller, Arc::clone(&road));
        tasks.spawn_connection(async move {
            carried.await;
            drop(place);
        });
    }
}

/// One end of a connection. Dropped before all came through, it resets.
struct Side {
    stream: TcpStream,
    done: bool,
}

impl Side {
    fn new(stream: TcpStream) -> Side {
        // Small messages must not wait for each other.
        let _ = stream.set_nodelay(true);
        Side { stream, done: false }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        if !self.done {
            let _ = self.stream.set_zero_linger();
        }
    }
}

async fn carry(caller: TcpStream, road: Arc<Road>) {
    let mut near = Side::new(caller);
    let mut state = road.state.subscribe();
    let resets = state.borrow().resets;
    if flows(&mut state).await.is_err() {
        return;
    }
    let Some(address) = (road.target)() else { return };
    let Ok(Ok(far)) = timeout(CONNECT, TcpStream::connect(address)).await else { return };
    let mut far = Side::new(far);
    let number = road.connections.fetch_add(1, Ordering::Relaxed);
    let chance = |part: u64| Chance(road.seed.wrapping_add((2 * number + part).wrapping_mul(0x2545_f491_4f6c_dd1d)));
    let passed = {
        let ((near_read, near_write), (far_read, far_write)) = (near.stream.split(), far.stream.split());
        let mut refused = road.state.subscribe();
        tokio::select! {
            biased;
            // Refused to all means that what was open breaks off.
            _ = refused.wait_for(|state| state.flow == Flow::Refused || state.resets != resets) => Err(Broken),
            passed = async {
                tokio::try_join!(
                    pass(near_read, far_write, Part::Request, &road, chance(0)),
                    pass(far_read, near_write, Part::Answer, &road, chance(1)),
                )
            } => passed.map(|_| ()),
        }
    };
    near.done = passed.is_ok();
    far.done = passed.is_ok();
}

/// Passes on what comes from one side, each piece at its time, to its end.
async fn pass(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    part: Part,
    road: &Road,
    chance: Chance,
) -> Result<(), Broken> {
    let (sender, mut due) = mpsc::channel::<(Instant, Bytes)>(ON_THEIR_WAY);
    let reading = async move {
        let mut line = Line::new(chance);
        loop {
            let pace = road.state.borrow().pace;
            let limit = piece_of(pace);
            let mut piece = BytesMut::with_capacity(limit);
            let count = (&mut from).take(limit as u64).read_buf(&mut piece).await.map_err(|_| Broken)?;
            // The pace of when it came, not of when it was waited for.
            let pace = road.state.borrow().pace;
            let at = line.due(Instant::now(), count, pace);
            sender.send((at, piece.freeze())).await.map_err(|_| Broken)?;
            if count == 0 {
                return Ok(());
            }
        }
    };
    let writing = async move {
        let mut state = road.state.subscribe();
        let mut meter = Meter::default();
        while let Some((at, piece)) = due.recv().await {
            until(at).await;
            flows(&mut state).await?;
            if piece.is_empty() {
                return to.shutdown().await.map_err(|_| Broken);
            }
            let now = *state.borrow();
            let (allowed, breaks) = meter.allow(piece.len(), part, &now);
            to.write_all(&piece[..allowed]).await.map_err(|_| Broken)?;
            if breaks {
                return Err(Broken);
            }
        }
        Ok(())
    };
    tokio::try_join!(reading, writing).map(|_| ())
}

/// Waits while things are held up.
async fn flows(state: &mut watch::Receiver<State>) -> Result<(), Broken> {
    let flow = state.wait_for(|state| state.flow != Flow::Held).await.map(|state| state.flow);
    match flow {
        Ok(Flow::Open) => Ok(()),
        _ => Err(Broken),
    }
}

/// Counts what came through since a cut was set.
#[derive(Debug, Default)]
struct Meter {
    cuts: u64,
    passed: u64,
}

impl Meter {
    /// How many of these bytes may go, and whether it breaks off after them.
    fn allow(&mut self, count: usize, part: Part, state: &State) -> (usize, bool) {
        if state.cuts != self.cuts {
            *self = Meter { cuts: state.cuts, passed: 0 };
        }
        let Some(cut) = state.cut.filter(|cut| cut.of == part) else { return (count, false) };
        let left = usize::try_from(cut.bytes.saturating_sub(self.passed)).unwrap_or(usize::MAX);
        let allowed = count.min(left);
        self.passed += allowed as u64;
        (allowed, allowed == left)
    }
}

/// When each piece is due: one after the other, at the pace of the line.
#[derive(Debug)]
struct Line {
    chance: Chance,
    /// Until then the line is busy with what came before.
    busy: Option<Instant>,
    last: Option<Instant>,
}

impl Line {
    fn new(chance: Chance) -> Line {
        Line { chance, busy: None, last: None }
    }

    fn due(&mut self, now: Instant, bytes: usize, pace: Pace) -> Instant {
        if pace.is_instant() {
            // Behind what is still on its way.
            return self.last.map_or(now, |last| last.max(now));
        }
        let begins = self.busy.map_or(now, |busy| busy.max(now));
        let lasts = pace.bandwidth.map_or(Duration::ZERO, |each| Duration::from_secs_f64(bytes as f64 / each as f64));
        self.busy = Some(begins + lasts);
        let at = begins + lasts + pace.latency + pace.jitter.mul_f64(self.chance.fraction());
        let at = self.last.map_or(at, |last| last.max(at));
        self.last = Some(at);
        at
    }
}

/// On a narrow line, small pieces, so that they come through evenly.
fn piece_of(pace: Pace) -> usize {
    let slice = |each: u64| usize::try_from(each / SLICES).unwrap_or(PIECE).clamp(1, PIECE);
    pace.bandwidth.map_or(PIECE, slice)
}

/// Draws follow from the seed (splitmix64).
#[derive(Debug, Clone, Copy)]
struct Chance(u64);

impl Chance {
    /// From 0 to 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 11) as f64 / (1u64 << 53) as f64
    }
}

async fn until(moment: Instant) {
    let _ = timeout_at(moment, pending::<()>()).await;
}

#[cfg(test)]
mod tests;
