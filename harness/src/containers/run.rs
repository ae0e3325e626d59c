//! One run of this program: its labels, and the end of all that carries them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

use super::clean;
use super::engine::{Engine, EngineError};

/// The label with the run's id.
pub(super) const RUN: &str = "countersign.run";
/// The label with the process that made it: machine's boot, number, start.
pub(super) const MAKER: &str = "countersign.maker";

/// One run. When the last handle is dropped, everything that it made is taken away.
pub struct Run {
    engine: Engine,
    id: String,
    made: AtomicU32,
    /// Something was asked for whose answer nobody waited for.
    unanswered: AtomicBool,
}

impl Run {
    /// Begins one. What is left of runs whose process is gone is taken away.
    ///
    /// # Errors
    /// When there is no engine.
    pub async fn begin() -> Result<Arc<Run>, EngineError> {
        let engine = Engine::connect().await?;
        match clean::dead(&engine).await {
            Ok(left) => left.iter().for_each(|left| {
                tracing::warn!("a run whose process is gone had left {}: they are taken away", left.left);
            }),
            // Several may be at it at once, and what others left does not keep this one from beginning.
            Err(error) => tracing::warn!("what a run left whose process is gone is still there: {error}"),
        }
        let mut random = [0; 5];
        let drawn = SystemRandom::new().fill(&mut random);
        drawn.map_err(|_| EngineError::Absent("this machine has no randomness".to_owned()))?;
        let id = random.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Arc::new(Run { engine, id, made: AtomicU32::new(0), unanswered: AtomicBool::new(false) }))
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Its id, which the label `countersign.run` of all it makes has.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A name that nobody else gives.
    pub(super) fn name(&self, what: &str) -> String {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let what: String = what.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        format!("countersign-{}-{number}-{what}", self.id)
    }

    /// Waits for what something new is asked for. Dropped before that, the engine makes it all the same, and the end of the run
    /// looks for it.
    pub(super) async fn asked<T>(&self, answer: impl Future<Output = T>) -> T {
        let unanswered = Unanswered(Some(&self.unanswered));
        let answer = answer.await;
        unanswered.answered();
        answer
    }

    /// What all that it makes is labelled with.
    pub(super) fn labels(&self) -> HashMap<String, String> {
        HashMap::from([(RUN.to_owned(), self.id.clone()), (MAKER.to_owned(), maker())])
    }
}

struct Unanswered<'a>(Option<&'a AtomicBool>);

impl Unanswered<'_> {
    fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(unanswered) = self.0 {
            unanswered.store(true, Ordering::Relaxed);
        }
    }
}

/// A thread with a runtime of its own: the one that is used may be about to end.
impl Drop for Run {
    fn drop(&mut self) {
        let (id, unanswered) = (self.id.clone(), self.unanswered.load(Ordering::Relaxed));
        let sweeping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let engine = Engine::connect().await.map_err(std::io::Error::other)?;
                clean::run(&engine, &id).await.map_err(std::io::Error::other)?;
                match unanswered {
                    true => clean::latecomers(&engine, &id).await.map_err(std::io::Error::other),
                    false => Ok(()),
                }
            })
        });
        match sweeping.join() {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!("containers of this run are left: {error}; `countersign clean` takes them away")
            }
            Err(_) => tracing::warn!("containers of this run are left; `countersign clean` takes them away"),
        }
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("id", &self.id).finish_non_exhaustive()
    }
}

/// This process: which boot of which machine, its number, and when it started, so that no other one is taken for it.
fn maker() -> String {
    let number = std::process::id();
    format!("{} {number} {}", boot(), started(number).unwrap_or_default())
}

/// Whether the process with this label runs. One of another machine or boot is not known to: its containers, on this
/// engine, outlived it, or it works from afar.
pub(super) fn lives(maker: &str) -> Option<bool> {
    let mut parts = maker.split(' ');
    let (boot_then, number, start) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
    if boot_then != boot() {
        return None;
    }
    Some(started(number).is_some_and(|now| now == start))
}

/// The number of the process with this label.
pub(super) fn pid(maker: &str) -> Option<u32> {
    maker.split(' ').nth(1)?.parse().ok()
}

/// Changes with every boot; empty where that can't be told.
fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// When a process started, in ticks since the boot; none where there is no such process.
fn started(number: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name, in brackets, may hold anything; what follows are numbers. A zombie does nothing any more.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace();
    let state = fields.next()?;
    (state != "Z").then(|| fields.nth(18).map(str::to_owned))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_others_do_not_pass_for_it() {
        let own = maker();
        assert_eq!(lives(&own), Some(true));
        let mut parts: Vec<&str> = own.split(' ').collect();
        parts[2] = "1";
        assert_eq!(lives(&parts.join(" ")), Some(false), "the number was another's");
        parts[0] = "another-boot";
        assert_eq!(lives(&parts.join(" ")), None);
        assert_eq!(lives("nonsense"), None);
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let label = format!("{} {} {}", boot(), child.id(), started(child.id()).unwrap_or_default());
        child.wait().unwrap();
        assert_eq!(lives(&label), Some(false));
    }
}
