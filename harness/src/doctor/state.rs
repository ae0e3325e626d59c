//! What the descriptor says about a Core's state, each as far as it is declared.

use std::time::Duration;

use portal_core::clock::unix_seconds;

use super::text::shown;
use super::walk::{Walk, Wrong, answer, of_the_core, task, wrong};
use crate::subject::descriptor::{Again, State};
use crate::testbed::identity::TestIdentity;
use crate::testbed::{Portal, Testbed, TestbedError};
use crate::topology::{KeyPlan, PortalPlan};
use crate::wire::Call;

const DAY: Duration = Duration::from_secs(24 * 3_600);
/// How far the Core's clock may be from the one that it was set to, in seconds.
const NEAR: f64 = 60.0;

impl Walk<'_> {
    /// Restart, kill, set the clock, bring a key, bring another one, reset.
    pub(super) async fn again(&mut self, testbed: &Testbed, portal: &Portal) -> Result<(), TestbedError> {
        let State { restart, kill, set_clock, import_identity, reset, .. } = self.descriptor.state.clone();
        let same = "it is ready again, as the same Portal";
        match restart {
            None => self.not_declared("restart"),
            Some(again) => {
                let came = told(portal.restart_core().await, portal)?;
                self.note(task("restart", how(&again, "stopped the process and started it again"), same), came);
            }
        }
        match kill {
            None => self.not_declared("kill"),
            Some(again) => {
                let came = match portal.kill_core().await {
                    Ok(()) => portal.start_core().await,
                    Err(error) => Err(error),
                };
                let came = told(came, portal)?;
                self.note(task("kill", how(&again, "killed the process and started it again"), same), came);
            }
        }
        match set_clock {
            None => self.not_declared("set_clock"),
            Some(hook) => {
                let did = format!("set the clock a day ahead: {}", shown(&hook));
                let came = clock(portal).await?;
                self.note(task("set_clock", did, "a pairing code's `created` is of tomorrow"), came);
            }
        }
        let with_key = match import_identity {
            None => {
                self.not_declared("import_identity");
                None
            }
            Some(hook) => {
                let did = format!("started another Core with a key: {}", shown(&hook));
                let identity = TestIdentity::generate()?;
                let expected = format!("it is {}", identity.short_id());
                let plan = PortalPlan::new("ida").key(KeyPlan::Pem(identity.private_key_pem().to_owned()));
                let came = match testbed.add_portal(plan).await {
                    Ok(portal) => {
                        let got = format!("it is {}", portal.short_id());
                        Ok((portal, got))
                    }
                    Err(error) => Err(wrong(
                        of_the_core(error)?,
                        "the key has to be there before the first start, and be used in place of a new one",
                    )),
                };
                self.note(task("import_identity", did, expected), came)
            }
        };
        match with_key {
            Some(portal) if self.subject.capabilities().rotate => {
                let did = "stopped it, and started it on the same data with another key; then with its first one";
                let came = rotated(&portal).await?;
                self.note(task("rotate", did, "it is somebody else, then itself again"), came);
            }
            _ => self.leave_out(
                "rotate",
                "that takes import_identity, and restart = \"process\": scenarios that need it are unsupported",
            ),
        }
        match reset {
            None => self.not_declared("reset"),
            Some(hook) => {
                // Whether or not there is a peer by now.
                let id = TestIdentity::generate()?.id().to_owned();
                let _ = portal.put_peer(&id, Some("somebody")).await;
                let hands = portal.hands();
                let done = hands.insist(&hook, hands.values(), portal.core_address()).await;
                let came = match done {
                    Err(error) => Err(wrong(
                        error,
                        "see [state] reset; without it, peers, apps and terminals are removed one by one",
                    )),
                    Ok(()) => match portal.peers().await {
                        Ok(peers) if peers.is_empty() => Ok(((), "no peer is left".to_owned())),
                        Ok(peers) => {
                            Err(wrong(format!("{} peers are left", peers.len()), "forget peers, apps and terminals"))
                        }
                        Err(error) => Err(wrong(of_the_core(error)?, "after a reset it has to answer as before")),
                    },
                };
                self.note(task("reset", shown(&hook), "the Core has forgotten its peers"), came);
            }
        }
        Ok(())
    }

    fn not_declared(&mut self, name: &'static str) {
        self.leave_out(name, "not in [state]: scenarios that need it are unsupported");
    }
}

fn how(again: &Again, process: &str) -> String {
    match again {
        Again::Process => process.to_owned(),
        Again::Hook(hook) => shown(hook),
    }
}

fn told(came: Result<(), TestbedError>, portal: &Portal) -> Result<Result<((), String), Wrong>, TestbedError> {
    Ok(match came {
        Ok(()) => Ok(((), format!("it is {} again", portal.short_id()))),
        Err(error) => {
            let advice = "keep key and state in {{ core.data_dir }}, and be ready again as at the first start";
            Err(wrong(of_the_core(error)?, advice))
        }
    })
}

/// Another key, and the first one again.
async fn rotated(portal: &Portal) -> Result<Result<((), String), Wrong>, TestbedError> {
    let came = match portal.rotate_key().await {
        Ok(()) => portal.restore_key().await,
        Err(error) => Err(error),
    };
    Ok(match came {
        Ok(()) => Ok(((), format!("so it was; it is {} again", portal.short_id()))),
        Err(error) => {
            let advice = "a key that import_identity brings has to be used even where there was another one before";
            Err(wrong(of_the_core(error)?, advice))
        }
    })
}

/// A day ahead, a look at it, and back.
async fn clock(portal: &Portal) -> Result<Result<((), String), Wrong>, TestbedError> {
    portal.clock().advance(DAY);
    let set = portal.clock_changed().await;
    let seen = portal.ask_core(Call::get("/protected/terminals/pairing-code")).await;
    let expected = unix_seconds(portal.clock());
    portal.clock().rewind(DAY);
    let back = portal.clock_changed().await;
    if let Err(error) = set.and(back) {
        return Ok(Err(wrong(
            of_the_core(error)?,
            "see [state] set_clock: {{ clock.unix }} or {{ clock.offset }}, in seconds",
        )));
    }
    let reply = match seen {
        Ok(reply) => reply,
        Err(error) => return Ok(Err(wrong(error, "it has to answer with another time, too"))),
    };
    let created = reply.json().and_then(|body| body.get("created")?.as_f64());
    Ok(match created {
        None => Ok(((), format!("taken; whether it holds can't be seen: {}", answer(&reply)))),
        Some(created) if (created - expected as f64).abs() < NEAR => Ok(((), "so it is".to_owned())),
        Some(created) => {
            let off = created - expected as f64;
            let got = format!("`created` is {off:.0} s off");
            Err(wrong(got, "all that depends on the time has to go by the clock that is set"))
        }
    })
}
