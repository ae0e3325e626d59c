//! Namespaces for Cores that ignore proxies: programs that know nothing of the testbed find it within, and are found.

#![cfg(target_os = "linux")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use countersign::subject::namespace::{Namespace, NamespacePlan};
use countersign::testbed::{Portal, Testbed};
use countersign::topology::{AppPlan, PortalPlan, Topology};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};

const WAIT: Duration = Duration::from_secs(20);
const HOLDER: &str = "COUNTERSIGN_TEST_HOLDS_A_NAMESPACE";

/// None, with a word about it, where there are no namespaces or there is no such program.
async fn namespace(testbed: &Testbed, needs: &str) -> Option<Namespace> {
    let plan = NamespacePlan {
        names: testbed.names().clone().into(),
        public_port: 443,
        ca_file: Some(testbed.pki().ca_file().to_owned()),
        program: PathBuf::from(env!("CARGO_BIN_EXE_countersign-tested")),
    };
    let namespace = Namespace::open(plan).unwrap();
    if let Err(error) = namespace.try_out().await {
        println!("skipped: {error}");
        return None;
    }
    let there = Command::new(needs).arg("--version").output().await.is_ok_and(|output| output.status.success());
    if !there {
        println!("skipped: there is no {needs}");
    }
    there.then_some(namespace)
}

async fn testbed() -> Testbed {
    let chat = AppPlan::with_paths("chat", [("", "private"), ("/public/", "public")]);
    Testbed::start(Topology::new().portals(["bob"]).app_on_all(&chat)).await.unwrap()
}

fn command(namespace: &Namespace, line: &[&str]) -> Command {
    let line = namespace.command(line);
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]).process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn run(namespace: &Namespace, line: &[&str]) -> Output {
    tokio::time::timeout(WAIT, command(namespace, line).output()).await.unwrap().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn page(portal: &Portal) -> String {
    format!("https://{}/public/page", portal.host_of("chat"))
}

#[tokio::test]
async fn a_program_that_ignores_proxies_finds_the_portals_and_nobody_else() {
    let testbed = testbed().await;
    let Some(namespace) = namespace(&testbed, "curl").await else { return };
    let bob = testbed.portal("bob").unwrap();

    let found = run(&namespace, &["curl", "-sS", "--noproxy", "*", "--fail", &page(&bob)]).await;
    assert!(found.status.success(), "{}", text(&found.stderr));
    assert_eq!(bob.app("chat").unwrap().echo().received().len(), 1);
    assert_eq!(namespace.lookups(), [bob.host_of("chat")]);

    // No such name, nobody there, no way there.
    for stranger in ["https://evil.example/", "https://127.0.0.1/", "https://192.0.2.1/"] {
        let missed = run(&namespace, &["curl", "-sS", "--max-time", "5", stranger]).await;
        assert!([6, 7, 35].map(Some).contains(&missed.status.code()), "{stranger}: {}", text(&missed.stderr));
    }
    assert_eq!(namespace.lookups(), [bob.host_of("chat"), "evil.example".to_owned()]);

    bob.leave().await;
    let gone = run(&namespace, &["curl", "-sS", &page(&bob)]).await;
    assert!([7, 35].map(Some).contains(&gone.status.code()), "the connection breaks off: {}", text(&gone.stderr));
    assert_eq!(bob.app("chat").unwrap().echo().received().len(), 1);
    testbed.shutdown().await.unwrap();
}

#[tokio::test]
async fn names_appear_while_it_runs() {
    let testbed = testbed().await;
    let Some(namespace) = namespace(&testbed, "curl").await else { return };
    let script = "echo ready; while read url; do curl -sS -o /dev/null -w '%{http_code}\\n' $url; done; true";
    let mut shell = command(&namespace, &["sh", "-c", script]).spawn().unwrap();
    let mut said = BufReader::new(shell.stdout.take().unwrap()).lines();
    let mut asked = shell.stdin.take().unwrap();
    assert_eq!(said.next_line().await.unwrap().as_deref(), Some("ready"));

    let plan = PortalPlan::new("carol").app(AppPlan::with_paths("chat", [("", "public")]));
    let carol = testbed.add_portal(plan).await.unwrap();
    for (url, outcome) in [(page(&carol), "200"), ("https://chat.zzzzzz.p.example/".to_owned(), "000")] {
        asked.write_all(format!("{url}\n").as_bytes()).await.unwrap();
        let line = tokio::time::timeout(WAIT, said.next_line()).await.unwrap().unwrap();
        assert_eq!(line.as_deref(), Some(outcome), "{url}");
    }
    drop(asked);
    assert!(shell.wait().await.unwrap().success());
}

/// Serves HTTP on port 8080 and tells where who asks comes from.
const SERVER: &str = "
import http.server
class Teller(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = self.client_address[0].encode()
        self.send_response(200)
        self.send_header('content-length', str(len(told)))
        self.end_headers()
        self.wfile.write(told)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(('127.0.0.1', 8080), Teller)
print('ready', flush=True)
server.serve_forever()
";

async fn server(namespace: &Namespace) -> Child {
    let mut child = command(namespace, &["python3", "-c", SERVER]).spawn().unwrap();
    let mut ready = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    tokio::time::timeout(WAIT, output.read_line(&mut ready)).await.unwrap().unwrap();
    assert_eq!(ready.trim(), "ready");
    child
}

async fn asked_from(source: [u8; 4], outer: SocketAddr) -> Option<String> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((source, 0))).unwrap();
    let mut stream = socket.connect(outer).await.ok()?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    Some(answer.rsplit("\r\n").next().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn what_listens_within_is_reached_from_outside_and_sees_who_comes() {
    let testbed = testbed().await;
    let Some(namespace) = namespace(&testbed, "python3").await else { return };
    let inner = SocketAddr::from(([127, 0, 0, 1], 8080));
    let outer = namespace.reach(inner).await.unwrap();
    assert_eq!(namespace.reach(inner).await.unwrap(), outer, "the same address each time");
    assert_eq!(asked_from([127, 0, 0, 1], outer).await, None, "nobody listens there yet");

    let mut child = server(&namespace).await;
    assert_eq!(asked_from([127, 0, 0, 1], outer).await.as_deref(), Some("127.0.0.1"));
    assert_eq!(asked_from([127, 0, 0, 9], outer).await.as_deref(), Some("127.0.0.9"));

    // Killed with all that it started, as the testbed does it, and another one at the same place.
    let group = format!("-{}", child.id().unwrap());
    assert!(Command::new("kill").args(["-KILL", "--", &group]).status().await.unwrap().success());
    child.wait().await.unwrap();
    let mut child = server(&namespace).await;
    assert_eq!(asked_from([127, 0, 0, 1], outer).await.as_deref(), Some("127.0.0.1"));

    drop(namespace);
    let status = tokio::time::timeout(WAIT, child.wait()).await.unwrap().unwrap();
    assert!(!status.success(), "it ends with the testbed's side: {status}");
    assert!(TcpStream::connect(outer).await.is_err());
}

#[tokio::test]
async fn it_ends_as_the_command_does() {
    let testbed = testbed().await;
    let Some(namespace) = namespace(&testbed, "curl").await else { return };
    assert_eq!(run(&namespace, &["sh", "-c", "exit 7"]).await.status.code(), Some(7));
    assert_eq!(run(&namespace, &["sh", "-c", "kill -15 $$"]).await.status.code(), Some(128 + 15));
    let missing = run(&namespace, &["/no/such/program"]).await;
    assert_eq!(missing.status.code(), Some(3));
    assert!(text(&missing.stderr).contains("starting /no/such/program: No such file"), "{}", text(&missing.stderr));

    // A signal to the group reaches the command once, and what it does then is what counts.
    let script = "trap 'echo told; exit 3' TERM; echo ready; while :; do read -r line || exit 9; done";
    let mut child = command(&namespace, &["bash", "-c", script]).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let _input = child.stdin.take();
    assert_eq!(said.next_line().await.unwrap().as_deref(), Some("ready"));
    let group = child.id().unwrap().to_string();
    Command::new("kill").args(["-TERM", "--", &format!("-{group}")]).status().await.unwrap();
    assert_eq!(said.next_line().await.unwrap().as_deref(), Some("told"));
    assert_eq!(child.wait().await.unwrap().code(), Some(3));
}

/// The compact Core as a process that is told of no proxy: in a namespace it calls its peers all the same.
#[tokio::test]
async fn a_core_that_knows_no_proxy_calls_its_peers() {
    {
        let testbed = testbed().await;
        if namespace(&testbed, "sh").await.is_none() {
            return;
        }
    }
    let program = Path::new(env!("CARGO_BIN_EXE_countersign-tested"));
    if !program.with_file_name("portal-core").is_file() {
        println!("skipped: portal-core is not built; cargo test --workspace builds it");
        return;
    }
    let cores = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("fixtures/cores");
    let described = std::fs::read_to_string(cores.join("portal-core.toml")).unwrap();
    let profile = "profile = \"portal\"\n";
    assert!(described.contains(profile) && !described.contains("connect_proxy"));
    let folder = tempfile::tempdir().unwrap();
    let tags = "@CALL-1 or @CALL-2 or @CALL-6 or @CALL-8 or @CALL-9 or @PEER-6";
    let file = folder.path().join("core.toml");
    std::fs::write(&file, described.replace(profile, &format!("{profile}names = \"namespace\"\n"))).unwrap();
    let mut check = Command::new(program);
    check.args(["check", "--tags", tags, "--core"]).arg(&file).env("NO_PROXY", "*").kill_on_drop(true);
    let output = check.output().await.unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", text(&output.stderr));
    for kept in ["CALL-1 ", "CALL-2 ", "CALL-8 ", "CALL-9 "] {
        let line = said.lines().find(|line| line.trim_start().starts_with(kept)).unwrap_or_default();
        assert!(line.contains(" pass "), "{kept}: {said}");
    }
}

/// Not a test: the process that holds a namespace in the one below, until it is killed.
#[tokio::test]
async fn holds_a_namespace() {
    let Some(folder) = std::env::var_os(HOLDER) else { return };
    let testbed = testbed().await;
    let namespace = namespace(&testbed, "sh").await.unwrap();
    let file = Path::new(&folder).join("pid");
    let script = format!("echo $$ > {0}.new && mv {0}.new {0}; exec sleep 600", file.display());
    let _ = run_for_ever(&namespace, &script).await;
}

async fn run_for_ever(namespace: &Namespace, script: &str) -> std::io::Result<std::process::ExitStatus> {
    command(namespace, &["sh", "-c", script]).spawn()?.wait().await
}

#[tokio::test]
async fn what_runs_within_ends_when_the_testbed_is_killed() {
    {
        let testbed = testbed().await;
        if namespace(&testbed, "sh").await.is_none() {
            return;
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut holder = Command::new(std::env::current_exe().unwrap());
    holder.args(["--exact", "namespace::holds_a_namespace", "--nocapture"]).env(HOLDER, folder.path());
    let mut holder = holder.stdout(Stdio::null()).kill_on_drop(true).spawn().unwrap();
    let file = folder.path().join("pid");
    eventually(|| file.exists()).await;
    let pid = std::fs::read_to_string(&file).unwrap();
    let process = Path::new("/proc").join(pid.trim());
    assert!(process.exists());
    holder.kill().await.unwrap();
    // It may stay as a zombie where nobody reaps orphans.
    let is_gone = || {
        let status = std::fs::read_to_string(process.join("status")).unwrap_or_default();
        !process.exists() || status.contains("State:\tZ")
    };
    eventually(is_gone).await;
}

/// Looks again and again, with what else there is to do in between.
async fn eventually(done: impl Fn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(20));
    let looking = async {
        while !done() {
            look.tick().await;
        }
    };
    tokio::time::timeout(WAIT, looking).await.unwrap();
}
