//! What the testbed costs, and what Portals on it do: start, decisions of `/internal/auth`, calls to peers, long bodies.
//!
//! Everything goes over real sockets with its trace, client and server in one process.
#![expect(clippy::unwrap_used, reason = "a benchmark may fail loudly")]
#![expect(clippy::print_stdout, reason = "memory and throughput are no criterion measures")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use countersign::subject::Subject;
use countersign::testbed::faults::ProxyFault;
use countersign::testbed::identity::TestIdentity;
use countersign::testbed::keys::RSA_4096;
use countersign::testbed::{Answer, Forwarded, Options, Portal, Testbed};
use countersign::topology::{AppPlan, KeyPlan, Peering, PortalPlan, Topology};
use countersign::wire::{Call, Fields, generated_sha256};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use portal_core::rfc9421::{Message, Request, Scheme, SignatureInput, SigningKey, sign};
use tokio::runtime::{Builder, Runtime};

fn two_threads() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn chat() -> AppPlan {
    AppPlan::with_paths("chat", [("", "private"), ("/public/", "public"), ("/peers/", "peer")])
}

/// A line `name:  1234 kB` of what the system tells about this process; none on systems that don't.
fn kilobytes(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let value = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    value.trim().strip_suffix(" kB")?.parse().ok()
}

/// Seconds of processor time that this process has used, where the system tells; in ticks of 10 ms.
fn processor() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut after_name = stat.rsplit(')').next()?.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (after_name.next()?.parse().ok()?, after_name.next()?.parse().ok()?);
    Some((user + system) as f64 / 100.0)
}

/// Portals with one app each, every one with the next as its peer: keys are exchanged over TLS before it counts as started.
fn starts(c: &mut Criterion) {
    let mut group = c.benchmark_group("start");
    group.sample_size(10).warm_up_time(Duration::from_millis(500));
    for count in [2, 100, 1000] {
        let topology = || {
            let names = (0..count).map(|n| format!("p{n}"));
            Topology::new().portals(names).app_on_all(&chat()).peering(Peering::Ring)
        };
        let runtime = two_threads();
        let (memory, time) = (kilobytes("VmRSS"), processor());
        let testbed = runtime.block_on(Testbed::start(topology())).unwrap();
        if let (Some(memory), Some(time)) = (memory, time) {
            let resident = kilobytes("VmRSS").unwrap_or(memory).saturating_sub(memory) / 1024;
            let busy = processor().unwrap_or(time) - time;
            println!("start/{count} Portals: {resident} MiB resident, {busy:.2} s of processor time");
        }
        runtime.block_on(testbed.shutdown()).unwrap();
        group.bench_function(format!("{count} Portals"), |b| {
            b.iter_custom(|iterations| {
                let mut took = Duration::ZERO;
                for _ in 0..iterations {
                    let begin = Instant::now();
                    let testbed = runtime.block_on(Testbed::start(topology())).unwrap();
                    took += begin.elapsed();
                    runtime.block_on(testbed.shutdown()).unwrap();
                }
                took
            });
        });
    }
    group.finish();
}

/// A signed GET of `/peers/inbox` at this host, as the fields of the question about it.
fn signed(identity: &TestIdentity, key: &SigningKey, host: &str, nonce: u64) -> Fields {
    let mut request = Request::new("GET", "/peers/inbox", Scheme::Https).unwrap();
    request.fields_mut().push("Host", host).unwrap();
    let now = portal_core::clock::unix_seconds(&portal_core::clock::SystemClock);
    let input = SignatureInput::builder()
        .components(["@method", "@target-uri"])
        .created(now)
        .keyid(identity.short_id())
        .nonce(&format!("{nonce:032x}"))
        .build()
        .unwrap();
    let signature = sign(&Message::Request(&request), "sig1", &input, key).unwrap();
    [("Signature-Input", signature.signature_input_value), ("Signature", signature.signature_value)]
        .into_iter()
        .collect()
}

/// Questions and answers one after the other on one connection; asking takes its share of the one thread.
fn decisions(c: &mut Criterion) {
    let mut group = c.benchmark_group("/internal/auth on one thread");
    group.throughput(Throughput::Elements(1));
    let runtime = one_thread();
    let (testbed, bob) = runtime.block_on(async {
        let testbed = Testbed::start(Topology::new().portals(["bob"]).app_on_all(&chat())).await.unwrap();
        let bob = testbed.portal("bob").unwrap();
        (testbed, bob)
    });
    let host = bob.host_of("chat");
    let mut core = runtime.block_on(bob.open_core()).unwrap();
    let mut ask = |group: &mut BenchmarkGroup<'_, WallTime>, name: &str, status, question: &mut dyn FnMut() -> Call| {
        group.bench_function(name, |b| {
            b.iter_custom(|iterations| {
                let questions: Vec<_> = (0..iterations).map(|_| question()).collect();
                let begin = Instant::now();
                runtime.block_on(async {
                    for question in &questions {
                        let reply = core.exchange(question, "portal_core").await.unwrap();
                        assert_eq!(black_box(reply).status, status);
                    }
                });
                begin.elapsed()
            });
        });
    };
    let public = Forwarded::new("GET", &host, "/public/x").question(&Fields::new());
    ask(&mut group, "anonymous on a public path", 200, &mut || public.clone());
    let private = Forwarded::new("GET", &host, "/notes").question(&Fields::new());
    ask(&mut group, "anonymous refused", 401, &mut || private.clone());
    let phone = runtime.block_on(bob.pair("phone")).unwrap();
    let terminal = Forwarded::new("GET", &host, "/notes").question(&[("Cookie", &phone.cookie)].into_iter().collect());
    ask(&mut group, "terminal", 200, &mut || terminal.clone());
    let mut nonce = 0;
    for (name, key) in
        [("peer, ed25519", KeyPlan::Ed25519), ("peer, rsa-pss-sha512 4096", KeyPlan::Pem(RSA_4096[0].to_owned()))]
    {
        let fake = runtime.block_on(testbed.fake_portal(name, &key)).unwrap();
        runtime.block_on(bob.add_peer(fake.id())).unwrap();
        let key = SigningKey::from_pem(fake.identity().private_key_pem()).unwrap();
        if name.contains("rsa") {
            // Making the signatures takes longer than what is measured.
            group.sample_size(10).measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_secs(1));
        }
        ask(&mut group, name, 200, &mut || {
            nonce += 1;
            Forwarded::new("GET", &host, "/peers/inbox").question(&signed(fake.identity(), &key, &host, nonce))
        });
    }
    group.finish();
    drop(core);
    runtime.block_on(testbed.shutdown()).unwrap();
}

/// The whole sequence against a direct HTTPS request to the same app through the same proxy; all connections are reused.
fn round_trips(c: &mut Criterion) {
    let mut group = c.benchmark_group("round trip");
    let runtime = two_threads();
    let pair = |key: KeyPlan, subject| {
        let plan = |name: &str| PortalPlan::new(name).key(key.clone());
        let topology =
            Topology::new().portal(plan("alice")).portal(plan("bob")).app_on_all(&chat()).peering(Peering::All);
        let options = Options { subject, ..Options::default() };
        let testbed = runtime.block_on(Testbed::start_with(topology, options)).unwrap();
        let portals = ["alice", "bob"].map(|name| testbed.portal(name).unwrap());
        for portal in &portals {
            portal.app("chat").unwrap().echo().answer_with(Answer::status(204));
        }
        (testbed, portals)
    };
    let mut call_peer = |name: &str, key| {
        let (testbed, [alice, bob]) = pair(key, Subject::builtin());
        let mut door = runtime.block_on(alice.app("chat").unwrap().open_door()).unwrap();
        group.bench_function(name, |b| {
            b.iter(|| runtime.block_on(door.call_peer(bob.id(), Call::get("/peers/inbox"))).unwrap());
        });
        drop(door);
        runtime.block_on(testbed.shutdown()).unwrap();
    };
    call_peer("call_peer, ed25519", KeyPlan::Ed25519);
    call_peer("call_peer, rsa-pss-sha512 2048", KeyPlan::RsaPss2048);
    let mut direct = |name: &str, subject| {
        let (testbed, [_, bob]): (_, [Portal; 2]) = pair(KeyPlan::Ed25519, subject);
        let mut channel = runtime.block_on(testbed.outside().connect(&bob.host_of("chat"))).unwrap();
        group.bench_function(name, |b| {
            b.iter(|| runtime.block_on(channel.send(Call::get("/public/inbox"))).unwrap());
        });
        drop(channel);
        runtime.block_on(testbed.shutdown()).unwrap();
    };
    direct("direct HTTPS, the Core is asked", Subject::builtin());
    direct("direct HTTPS, nobody is asked", Subject::builtin().with_faults(ProxyFault::SkipsAuthForGet));
    group.finish();
}

/// 1 GiB there and 1 GiB back in one call, and how much memory that takes at most.
fn long_bodies(_: &mut Criterion) {
    const LENGTH: u64 = 1 << 30;
    // Too long to be sampled, so criterion does not choose here.
    if std::env::args().skip(1).any(|argument| !argument.starts_with('-') && !"long bodies".contains(&argument)) {
        return;
    }
    let runtime = two_threads();
    runtime.block_on(async {
        let topology = Topology::new().portals(["alice", "bob"]).app_on_all(&chat()).peering(Peering::All);
        let testbed = Testbed::start(topology).await.unwrap();
        let (alice, bob) = (testbed.portal("alice").unwrap(), testbed.portal("bob").unwrap());
        bob.app("chat").unwrap().echo().answer_with(Answer::generated(LENGTH));
        // Linux: the peak starts anew from what is resident now.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        let before = kilobytes("VmHWM");
        let begin = Instant::now();
        let call = Call::new("PUT", "/peers/up").generated(LENGTH).within(Duration::from_secs(600));
        let reply = alice.app("chat").unwrap().call_peer(bob.id(), call).await.unwrap();
        let took = begin.elapsed();
        assert_eq!((reply.length, &reply.sha256), (LENGTH, &generated_sha256(LENGTH)));
        let received = bob.app("chat").unwrap().echo().last_received().unwrap();
        assert_eq!((received.body_length, &received.body_sha256), (LENGTH, &reply.sha256));
        print!("1 GiB each way: {:.1} s", took.as_secs_f64());
        match (before, kilobytes("VmHWM")) {
            (Some(before), Some(peak)) => println!(", {} MiB more at the peak", peak.saturating_sub(before) / 1024),
            _ => println!(),
        }
        testbed.shutdown().await.unwrap();
    });
}

criterion_group!(benches, starts, decisions, round_trips, long_bodies);
criterion_main!(benches);
