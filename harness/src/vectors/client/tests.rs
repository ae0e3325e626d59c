use super::*;

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(20);

/// A shim in a line of shell.
fn shim(script: &str) -> Shim {
    Shim::start(&format!("sh -c '{script}'").parse().unwrap()).unwrap()
}

const HELLO: &str =
    r#"{"id":0,"impl":"x","version":"1","ops":["verify"],"algs":["ed25519"],"features":[],"clock":"injected"}"#;

#[tokio::test]
async fn a_shim_that_answers() {
    let mut shim = shim(&format!(r#"read line; echo "$line" >&2; echo "{}"; cat"#, HELLO.replace('"', "\\\"")));
    let hello = shim.hello(LONG).await.unwrap();
    assert_eq!((hello.implementation.as_str(), hello.version.as_str()), ("x", "1"));
    assert_eq!(shim.exchange("ping", LONG).await.unwrap(), b"ping");
    assert!(shim.said.text().contains(r#""op":"hello""#));
    shim.end().await;
}

#[tokio::test]
async fn one_that_can_t_be_started_is_named() {
    let fault = Shim::start(&"no/such/program --x".parse().unwrap()).unwrap_err();
    assert!(matches!(&fault, Fault::NotStarted { command, .. } if command == "no/such/program --x"), "{fault}");
}

#[tokio::test]
async fn a_crash_says_how_and_with_which_last_words() {
    let fault = shim("read line; echo why it went wrong >&2; exit 7").hello(LONG).await.unwrap_err();
    let Fault::Crashed { how, said } = &fault else { panic!("{fault}") };
    assert_eq!((how.as_str(), said.as_str()), ("exit status: 7", "why it went wrong"));
    let fault = shim("read line; printf half; kill -9 $$").hello(LONG).await.unwrap_err();
    assert!(fault.to_string().contains("SIGKILL), in the middle of a line: half"), "{fault}");
}

#[tokio::test]
async fn one_that_hangs_is_given_up() {
    let fault = shim("echo busy >&2; cat >/dev/null; sleep 100").hello(SHORT).await.unwrap_err();
    assert!(matches!(fault, Fault::TooSlow { within: SHORT, .. }), "{fault}");
    // One that never reads fills the pipe.
    let fault = shim("sleep 100").exchange(&"x".repeat(1 << 20), SHORT).await.unwrap_err();
    assert!(matches!(fault, Fault::TooSlow { .. }), "{fault}");
}

#[tokio::test]
async fn what_is_no_answer_is_shown() {
    let why = async |script: &str| match shim(script).hello(LONG).await.unwrap_err() {
        Fault::Garbage { why, line, .. } => format!("{why} | {line}"),
        other => panic!("{other}"),
    };
    let said = why("echo Loading...; cat").await;
    assert!(said.contains("no line of JSON") && said.ends_with("| Loading..."), "{said}");
    assert!(why(r#"echo {\"id\":0}; cat"#).await.contains("does not keep to the protocol: missing field `impl`"));
    let wrong_id = HELLO.replace(r#""id":0"#, r#""id":3"#).replace('"', "\\\"");
    assert!(why(&format!(r#"echo "{wrong_id}""#)).await.contains("the id 3"));
    assert!(why("yes x | tr -d \"\\n\"").await.contains("a line of more than"));
}

#[tokio::test]
async fn nothing_that_it_started_outlives_it() {
    let mut shim = shim("sleep 100 & echo $!; cat");
    let grandchild: u32 = String::from_utf8(shim.exchange("", LONG).await.unwrap()).unwrap().parse().unwrap();
    let child = shim.child.id().unwrap();
    let state = |pid: u32| std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
    if state(grandchild).is_none() {
        return; // No /proc here.
    }
    drop(shim);
    assert_eq!(state(child), None);
    // It is nobody's child any more: when it is reaped is up to the system.
    let dead = || state(grandchild).is_none_or(|stat| stat.contains(") Z ") || stat.contains(") X "));
    let gone = timeout(LONG, async {
        while !dead() {
            tokio::task::yield_now().await;
        }
    });
    assert!(gone.await.is_ok(), "{:?}", state(grandchild));
}

#[tokio::test]
async fn a_shim_ends_when_its_input_does() {
    let mut both = shim("read a; echo 1; echo 2; cat >/dev/null; exit 5");
    assert_eq!(both.exchange("ping", LONG).await.unwrap(), b"1");
    assert_eq!(both.next_line(LONG).await.unwrap(), b"2");
    assert_eq!(both.finish(LONG).await.unwrap().code(), Some(5));
    let fault = shim("cat >/dev/null; echo bye").finish(LONG).await.unwrap_err();
    assert!(matches!(&fault, Fault::Garbage { line, .. } if line == "bye"), "{fault}");
    for stays in ["sleep 100", "exec >&-; sleep 100"] {
        let fault = shim(stays).finish(SHORT).await.unwrap_err();
        assert!(matches!(fault, Fault::TooSlow { .. }), "{fault}");
    }
}
