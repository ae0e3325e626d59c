use super::*;

const SMALL: &str = "name = \"x\"\n[start]\ncommand = [\"x\"]\n";

fn parse(text: &str) -> Result<Descriptor, DescriptorError> {
    Descriptor::parse(text, Path::new("conf/core.toml"))
}

#[track_caller]
fn refused(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

/// The small descriptor with something more at its end.
fn with(more: &str) -> String {
    format!("{SMALL}{more}\n")
}

fn command(descriptor: &Descriptor) -> &Command {
    match &descriptor.start {
        Start::Command(command) => command,
        Start::Running(_) | Start::BuiltIn => panic!("not a command"),
    }
}

#[test]
fn a_name_and_a_command_are_enough() {
    let small = parse(SMALL).unwrap();
    assert_eq!((small.name.as_str(), small.kind()), ("x", "command"));
    assert_eq!(small.profile, Profile::default());
    assert_eq!(small.names, NamesBy::Proxy);
    assert_eq!(small.pairing, Pairing::Contract);
    assert_eq!(small.state, State::default());
    assert_eq!(small.endpoints.auth, "/internal/auth");
    let command = command(&small);
    assert_eq!(command.ready, Ready { path: "/public/meta/whoareyou".into(), within: Duration::from_secs(30) });
    assert_eq!((command.portals, command.stop_within), (Portals::Pooled, Duration::from_secs(5)));
    assert_eq!(command.directory, Path::new("conf"));
    assert_eq!(small.apps, Apps::default());
}

#[test]
fn all_of_it_is_taken() {
    let text = r#"
name = "my-core"
version = "1.2"
profile = "portal-2022"
names = "none"
connections = "close"

[start]
command = ["my-core", "--listen", "{{ core.address }}", "--data", "{{ core.data_dir }}"]
env = { HTTPS_PROXY = "{{ names.connect_proxy }}", SSL_CERT_FILE = "{{ pki.ca_file }}" }
files = { "core.toml" = "zone = '{{ profile.zone }}'\n" }
address_from = '"address":"([^"]+)"'
ready = { get = "/ready", within = "1500ms" }
stop_within = "2m"
portals = "fresh"

[apps]
install = { command = ["install", "{{ app.name }}", "{{ app.address }}"] }
uninstall = { file = "apps/{{ app.name }}", text = "" }
recognised_by = "source-address"

[terminals]
pair = { command = ["pair", "{{ terminal.name }}"] }

[limits]
answer = "10s"
step = "60s"
parallel = 4

[state]
reset = { post = "/testing/reset" }
restart = "process"
kill = { command = ["kill-it"] }
set_clock = { file = "{{ core.data_dir }}/clock", text = "{{ clock.unix }}" }
import_identity = { file = "identity.pem", text = "{{ identity.private_key_pem }}" }
profile = true

[endpoints]
auth = "/auth"

[overrides]
client_id = "short"
tag = "mine"

[proxy]
command = ["nginx", "-c", "{{ proxy.folder }}/nginx.conf"]
files = { "nginx.conf" = "listen {{ proxy.address }}; proxy_pass http://{{ core.address }};" }
ready = { get = "/core/public/meta/whoareyou", within = "3s" }
"#;
    let all = parse(text).unwrap();
    assert_eq!((all.version.as_deref(), all.profile_name.as_str()), (Some("1.2"), "portal-2022"));
    assert_eq!((all.names, all.connections), (NamesBy::None, Connections::Close));
    let start = command(&all);
    assert_eq!(start.argv.len(), 5);
    assert_eq!(start.ready.within, Duration::from_millis(1500));
    assert_eq!((start.stop_within, start.portals), (Duration::from_secs(120), Portals::Fresh));
    assert_eq!(start.address_from.as_ref().unwrap().captures_len(), 2);
    assert_eq!(all.apps.recognition, Recognition::SourceAddress);
    assert!(matches!(all.apps.install, Hook::Command(ref argv) if argv.len() == 3));
    assert!(matches!(all.pairing, Pairing::Hook(Hook::Command(_))));
    assert_eq!(all.limits.step, Some(Duration::from_secs(60)));
    assert_eq!(all.limits.parallel, Some(4));
    assert_eq!(all.state.restart, Some(Again::Process));
    assert!(matches!(all.state.kill, Some(Again::Hook(Hook::Command(_)))));
    assert!(all.state.profile && all.state.import_identity.is_some() && all.state.set_clock.is_some());
    assert_eq!(all.endpoints.auth, "/auth");
    assert_eq!(all.endpoints.authenticate_terminal, "/internal/authenticate_terminal");
    assert_eq!(all.profile.tag.as_deref(), Some("mine"));
    assert_eq!(all.profile.client_id, portal_core::profile::IdForm::Short);
    assert_eq!(all.profile.window_seconds, 24 * 3600, "the rest is the profile's");
    let proxy = all.proxy.unwrap();
    assert_eq!((proxy.command.len(), proxy.files.len()), (3, 1));
    assert_eq!(proxy.ready.path.as_deref(), Some("/core/public/meta/whoareyou"));
    assert_eq!(proxy.ready.within, Duration::from_secs(3));
}

#[test]
fn a_file_about_a_proxy_alone_has_the_built_in_core_behind_it() {
    let proxy = parse("name = \"x\"\nversion = \"2\"\n[proxy]\ncommand = [\"caddy\"]\n").unwrap();
    assert!(matches!(proxy.start, Start::BuiltIn));
    assert_eq!((proxy.kind(), proxy.proxy.unwrap().ready.path), ("built-in", None));
    let old = parse(
        "name = \"x\"\nprofile = \"portal-2022\"\n[proxy]\ncommand = [\"x\"]\n[overrides]\nzone = \"z.example\"\n",
    );
    let core = crate::subject::Subject::described(old.unwrap());
    assert_eq!((core.profile().window_seconds, core.profile().zone.as_str()), (24 * 3600, "z.example"));
    assert!(core.off().contains_key("SIG-6"), "{:?}", core.off());
    let neither = refused("name = \"x\"\n");
    assert!(neither.starts_with("conf/core.toml:1: `start`: is missing: give a `command` or `urls`"), "{neither}");
    let idle = refused("name = \"x\"\n[proxy]\ncommand = [\"x\"]\n[apps]\ndoor_from = \"/d\"\n");
    assert!(idle.starts_with("conf/core.toml:4: `apps`: is about a Core that is started"), "{idle}");
}

#[test]
fn mistakes_about_a_proxy_are_told() {
    let of = |proxy: &str| refused(&format!("name = \"x\"\n[proxy]\n{proxy}\n"));
    assert!(of("url = \"https://x\"").contains("conf/core.toml:3: `proxy.url`: a proxy that runs already"));
    assert!(of("command = []").contains("conf/core.toml:3: `proxy.command`: give the program"));
    assert!(of("env = { A = \"1\" }").contains("`proxy.command`: give the program"));
    let escaping = of("command = [\"x\"]\nfiles = { \"../x\" = \"\" }");
    assert!(escaping.contains("conf/core.toml:4: `proxy.files.../x`: give a path below"), "{escaping}");
    let unknown = of("command = [\"x\", \"{{ proxy.adress }}\"]");
    assert!(unknown.contains("there is no `proxy.adress`; did you mean `address`?"), "{unknown}");
    assert!(of("command = [\"{{ core.data_dir }}\"]").contains("there is no `core.data_dir`"));
}

#[test]
fn cores_that_run_already_have_a_url_each() {
    let running = parse("name = \"x\"\n[start]\nurls = [\"http://127.0.0.1:8001\", \"http://[::1]\"]\n").unwrap();
    let Start::Running(start) = &running.start else { panic!("not running") };
    assert_eq!(start.authorities, ["127.0.0.1:8001", "[::1]:80"]);
    assert_eq!((running.kind(), running.names), ("url", NamesBy::None));
    let text = "name = \"x\"\n[start]\nurl = \"http://a\"\nconnect_proxy = \"127.0.0.1:3128\"\nca_file = \"ca.pem\"\n";
    let with_names = parse(text).unwrap();
    let Start::Running(start) = &with_names.start else { panic!("not running") };
    assert_eq!(start.connect_proxy, Some(([127, 0, 0, 1], 3128).into()));
    assert_eq!(start.ca_file.as_deref(), Some(Path::new("conf/ca.pem")));
    assert_eq!(with_names.names, NamesBy::Proxy);
}

#[test]
fn what_toml_says_comes_with_file_line_key_and_the_nearest_word() {
    let message = refused("name = \"x\"\n\n[start]\ncommnad = [\"x\"]\n");
    assert!(message.starts_with("conf/core.toml:4: `start.commnad`: unknown field `commnad`"), "{message}");
    assert!(message.ends_with("did you mean `command`?"), "{message}");
    let message = refused("name = \"x\"\nnames = \"proxi\"\n[start]\ncommand = [\"x\"]\n");
    assert!(message.starts_with("conf/core.toml:2: `names`: unknown variant `proxi`"), "{message}");
    assert!(message.ends_with("did you mean `proxy`?"), "{message}");
    let message = refused(&with("[apps]\ninstall = { putt = \"/x\" }"));
    assert!(message.starts_with("conf/core.toml:5: `apps.install`: unknown field `putt`"), "{message}");
    assert!(message.ends_with("did you mean `put`?"), "{message}");
    let message = refused(&with("[state]\nrestart = { comand = [\"x\"] }"));
    assert!(message.starts_with("conf/core.toml:5: `state.restart`: unknown field `comand`"), "{message}");
    let message = refused(&with("[stat]\nprofile = true"));
    assert!(message.contains("unknown field `stat`") && message.contains("did you mean"), "{message}");
    let message = refused("[start]\ncommand = [\"x\"]\n");
    assert_eq!(message, "conf/core.toml:1: missing field `name`");
    let message = refused("name = \"x\n");
    assert!(message.starts_with("conf/core.toml:1: `name`: "), "{message}");
    let message = refused("name = \"x\"\n[start]\ncommand = \"x\"\n");
    assert!(message.starts_with("conf/core.toml:3: `start.command`: invalid type"), "{message}");
}

#[test]
fn an_image_may_have_arguments_a_port_and_a_folder() {
    let image = |more: &str| format!("name = \"x\"\n[start]\nimage = \"me/core:1\"\n{more}");
    let plain = parse(&image("")).unwrap();
    let Start::Command(start) = &plain.start else { panic!("no command") };
    assert!(start.argv.is_empty(), "the image's own command");
    let known = start.image.as_ref().unwrap();
    assert_eq!((known.name.as_deref(), known.port, known.data.as_str()), (Some("me/core:1"), 80, "/data"));
    assert_eq!(plain.kind(), "image");
    let more =
        "command = [\"--listen\", \"{{ core.address }}\"]\nport = 8000\ndata = \"/var/lib/core\"\nuser = \"1000\"\n";
    let full = parse(&image(more)).unwrap();
    let Start::Command(start) = &full.start else { panic!("no command") };
    let known = start.image.as_ref().unwrap();
    assert_eq!((known.port, known.data.as_str(), known.user.as_deref()), (8000, "/var/lib/core", Some("1000")));
    assert_eq!(start.argv.len(), 2);

    assert!(
        refused("name = \"x\"\n[start]\nimage = \"a b\"\n").contains("conf/core.toml:3: `start.image`: give the name")
    );
    let message = refused("name = \"x\"\n[start]\nimage = \"a\"\nurls = [\"http://a\"]\n");
    assert!(message.contains("conf/core.toml:3: `start.image`: there are `urls` too"), "{message}");
    assert!(refused(&image("port = 0\n")).contains("conf/core.toml:4: `start.port`: give the port"));
    for folder in ["data", "/", "/a:b"] {
        let message = refused(&image(&format!("data = \"{folder}\"\n")));
        assert!(message.contains("conf/core.toml:4: `start.data`: give the folder"), "{message}");
    }
    assert!(refused(&image("address_from = \"(x)\"\n")).contains("`start.address_from`: a container has an address"));
    assert!(refused(&with("port = 80")).contains("`start.port`: this goes with `image` only"));
}

#[test]
fn there_is_exactly_one_way_to_start() {
    let message = refused("name = \"x\"\n[start]\nstop_within = \"1s\"\n");
    assert!(message.contains(": `start`: give a `command` that starts the Core"), "{message}");
    let message = refused("name = \"x\"\n[start]\ncommand = [\"x\"]\nurls = [\"http://a\"]\n");
    assert!(message.contains("conf/core.toml:3: `start.command`: there are `urls` too"), "{message}");
    let message = refused("name = \"x\"\n[start]\nurl = \"http://a\"\nurls = [\"http://a\"]\n");
    assert!(message.contains("`start.url`: there is `urls` too"), "{message}");
    let message = refused("name = \"x\"\n[start]\ncommand = []\n");
    assert!(message.contains("conf/core.toml:3: `start.command`: give a program"), "{message}");
    let message = refused("name = \"x\"\n[start]\nurls = []\n");
    assert!(message.contains("`start.urls`: give one URL for each Portal"), "{message}");
}

#[test]
fn urls_are_plain_http_and_each_stands_once() {
    let url = |url: &str| refused(&format!("name = \"x\"\n[start]\nurl = \"{url}\"\n"));
    assert!(url("https://a").contains("conf/core.toml:3: `start.urls`: `https://a` is not plain HTTP"));
    assert!(url("http://a/b").contains("has a path"));
    assert!(url("http://u@a").contains("has no host"));
    assert!(url("a b").contains("is no URL"));
    let message = refused("name = \"x\"\n[start]\nurls = [\"http://a\", \"http://a:80/\"]\n");
    assert!(message.contains("stands there twice"), "{message}");
}

#[test]
fn what_goes_with_a_command_only_is_refused_for_a_url() {
    let url = |more: &str| refused(&format!("name = \"x\"\n[start]\nurl = \"http://a\"\n{more}\n"));
    for key in ["directory = \".\"", "address_from = \"(x)\"", "stop_within = \"1s\"", "portals = \"fresh\""] {
        assert!(url(key).contains("goes with `command` or `image` only"), "{key}");
    }
    assert!(url("env = { A = \"b\" }").contains("`start.env`: this goes with `command` or `image` only"));
    assert!(url("[state]\nrestart = \"process\"").contains("`state.restart`: the testbed did not start this Core"));
    assert!(url("[state]\nreset = { signal = \"SIGHUP\" }").contains("gets no signals"));
    assert!(
        url("[state]\nset_clock = { file = \"{{ core.data_dir }}/c\", text = \"\" }").contains("no `core.data_dir`")
    );
    assert!(url("[state]\nimport_identity = { file = \"k\", text = \"\" }").contains("before the Core starts"));
    assert!(url("connect_proxy = \"3128\"").contains("`start.connect_proxy`: give the address"));
    let message = refused("name = \"x\"\nnames = \"proxy\"\n[start]\nurl = \"http://a\"\n");
    assert!(message.contains("conf/core.toml:2: `names`: say with `start.connect_proxy`"), "{message}");
    assert!(refused(&with("ca_file = \"x\"")).contains("`start.ca_file`: this goes with `urls` only"));
    let message = refused("name = \"x\"\nnames = \"namespace\"\n[start]\nurl = \"http://a\"\n");
    assert!(message.contains("conf/core.toml:2: `names`: a Core that runs already can't"), "{message}");
}

#[test]
fn templates_are_checked_where_they_stand() {
    let message = refused("name = \"x\"\n[start]\ncommand = [\n  \"x\",\n  \"{{ core.adress }}\",\n]\n");
    assert!(
        message.starts_with("conf/core.toml:5: `start.command`: there is no `core.adress`; did you mean"),
        "{message}"
    );
    let message = refused(&with("env = { A = \"{{ app.name }}\" }"));
    assert!(message.starts_with("conf/core.toml:4: `start.env.A`: there is no `app.name` here"), "{message}");
    let message = refused(&with("[state]\nset_clock = { post = \"/clock/{{ clock.unx }}\" }"));
    assert!(message.contains("`state.set_clock`: there is no `clock.unx`; did you mean `unix`?"), "{message}");
}

#[test]
fn a_hook_does_exactly_one_thing() {
    let hook = |hook: &str| refused(&with(&format!("[state]\nreset = {hook}")));
    assert!(hook("{ }").contains("conf/core.toml:5: `state.reset`: give exactly one of `get`"));
    assert!(hook("{ get = \"/\", put = \"/\" }").contains("give exactly one of"));
    assert!(hook("{ get = \"x\" }").contains("begins with `/`"));
    assert!(hook("{ command = [] }").contains("give a program"));
    assert!(hook("{ command = [\"x\"], body = \"y\" }").contains("`body` goes with a request only"));
    assert!(hook("{ file = \"x\" }").contains("say with `text`"));
    assert!(hook("{ get = \"/\", text = \"y\" }").contains("`text` goes with `file` only"));
    assert!(hook("{ signal = \"SIGKILL\" }").contains("there is no signal `SIGKILL` here; there are SIGHUP"));
    let message = refused(&with("[state]\nrestart = \"proces\""));
    assert!(message.contains("`state.restart`: `proces` can't be"), "{message}");
    let message = refused(&with("[state]\nimport_identity = { post = \"/key\" }"));
    assert!(message.contains("the key comes before the Core starts"), "{message}");
    let message = refused(&with("[terminals]\npair = \"contrakt\""));
    assert!(message.contains("`terminals.pair`: `contrakt` is no way to pair"), "{message}");
}

#[test]
fn how_apps_are_recognised_is_whole() {
    let apps = |text: &str| refused(&with(&format!("[apps]\n{text}")));
    assert!(apps("recognised_by = \"header\"").contains("give the field with which apps say who they are"));
    assert!(apps("recognised_by = \"header\"\nheader = \"X App\"").contains("conf/core.toml:6: `apps.header`"));
    assert!(apps("header = \"X-App: x\"").contains("goes with recognised_by = \"header\" only"));
    assert!(
        apps("recognised_by = \"source-address\"\ndoor_from = \"/door\"")
            .contains("goes with recognised_by = \"door\" only")
    );
    assert!(apps("door_from = \"door\"").contains("give a JSON pointer"));
    let by_header = parse(&with("[apps]\nrecognised_by = \"header\"\nheader = \"X-App: {{ app.name }}\"")).unwrap();
    let expected = Recognition::Header { name: "X-App".into(), value: Template::new("{{ app.name }}") };
    assert_eq!(by_header.apps.recognition, expected);
    let own = parse(&with("[apps]\ninstall = { post = \"/install\", body = \"{{ app.manifest }}\" }")).unwrap();
    assert_eq!(own.apps.uninstall, None, "who installs in his own way says how to uninstall, too");
}

#[test]
fn profiles_and_their_values_are_checked() {
    let message = refused("name = \"x\"\nprofile = \"portal-2023\"\n[start]\ncommand = [\"x\"]\n");
    assert!(
        message
            .starts_with("conf/core.toml:2: `profile`: there is no profile `portal-2023`; did you mean `portal-2022`?"),
        "{message}"
    );
    let value = |text: &str| refused(&with(&format!("[overrides]\n{text}")));
    assert!(value("client_it = \"short\"").starts_with(
        "conf/core.toml:5: `overrides.client_it`: a profile has no such value; did you mean `client_id`?"
    ));
    assert!(value("client_id = \"long\"").contains("unknown variant `long`"));
    assert!(value("public_port = \"x\"").contains("`overrides.public_port`: invalid type"));
    assert!(value("algorithms = [\"rot13\"]").contains("`rot13` is no algorithm"));
    assert!(value("zone = \"a..b\"").contains("is no DNS name"));
    assert!(value("public_port = 0").contains("0 is no port"));
    assert!(value("internal_hosts = []").contains("portal_core"));
    assert_eq!(parse(&with("[overrides]\ntag = \"\"")).unwrap().profile.tag, None);
    let message = refused(&with("[state]\nprofile = true"));
    assert!(
        message.contains("conf/core.toml:5: `state.profile`: no template of `start` asks for a value"),
        "{message}"
    );
}

#[test]
fn the_rest_is_checked_too() {
    assert!(refused(&with("stop_within = \"5\"")).contains("conf/core.toml:4: `start.stop_within`: `5` is no time"));
    assert!(refused(&with("stop_within = \"0s\"")).contains("is no time"));
    assert!(refused(&with("ready = { within = \"2h\" }")).contains("`start.ready.within`: `2h` is no time"));
    assert!(refused(&with("ready = { get = \"x\" }")).contains("`start.ready.get`: give a path"));
    assert!(refused(&with("[limits]\nparallel = 0")).contains("`limits.parallel`: at least 1"));
    assert!(refused(&with("address_from = \"x\"")).contains("put the address into one group"));
    assert!(refused(&with("address_from = \"(\"")).contains("`start.address_from`: "));
    assert!(refused(&with("directory = \"nowhere\"")).contains("there is no folder conf/nowhere"));
    assert!(refused(&with("files = { \"../x\" = \"\" }")).contains("`../x` is not below the Core's folder"));
    assert!(refused(&with("files = { \"/x\" = \"\" }")).contains("is not below the Core's folder"));
    assert!(refused(&with("[endpoints]\nauth = \"x\"")).contains("`endpoints.auth`: give a path"));
    assert!(refused("name = \" \"\n[start]\ncommand = [\"x\"]\n").contains("conf/core.toml:1: `name`: give one line"));
}

#[test]
fn all_mistakes_are_told_in_the_order_of_the_file() {
    let message =
        refused("name = \"x\"\nprofile = \"y\"\n[start]\ncommand = [\"{{ x.y }}\"]\n[limits]\nanswer = \"z\"\n");
    let lines: Vec<_> = message.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(lines, ["conf/core.toml:2", "conf/core.toml:4", "conf/core.toml:6"]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let message = Descriptor::read(Path::new("no-such-folder/core.toml")).unwrap_err().to_string();
    assert!(message.starts_with("no-such-folder/core.toml: can't be read"), "{message}");
}
