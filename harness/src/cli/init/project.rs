//! `countersign init`: for the app in a folder, its Portals and its first feature.

use std::io::Write;
use std::path::Path;

use crate::cli::CommandFailure;
use crate::cli::check::ignoring_closed_pipe;
use crate::cli::exit::Exit;
use crate::live::FOLDER;
use crate::topology::guess::{COMPOSE, Guess, guess};
use crate::topology::project::{FILE, MANIFESTS, Project};

/// What is written, with places to be filled in.
const PROJECT: &str = include_str!("countersign.toml");
const FEATURE: &str = include_str!("first.feature");
/// For editors: what may stand in the file.
const SCHEMA: &str = include_str!("../../../../fixtures/countersign.schema.json");
const SCHEMA_FILE: &str = "countersign.schema.json";
const FIRST: &str = "features/first.feature";

/// Writes them. A file that is there is left as it is, and then nothing is written.
pub(super) fn write(folder: &Path, out: &mut dyn Write) -> Result<Exit, CommandFailure> {
    let project = Project::of_app(folder, 2)?;
    let app = &project.apps[0];
    let manifest = MANIFESTS.iter().find(|name| folder.join(name).is_file()).copied().unwrap_or(MANIFESTS[0]);
    let paths = Paths::of(&app.manifest);
    let guess = guess(folder);
    for file in [FILE, FIRST] {
        if folder.join(file).exists() {
            let shown = folder.join(file);
            let what = format!("{} is there already and stays as it is: nothing was written", shown.display());
            return Err(CommandFailure::usage(what));
        }
    }
    let fill = |text: &str| text.replace("{{ name }}", &app.name).replace("{{ manifest }}", manifest);
    let text = fill(PROJECT).replace("{{ path }}", &paths.called).replace("{{ source }}", &source(&guess));
    let feature = fill(FEATURE).replace("{{ scenarios }}", paths.scenarios(&app.name).trim_end());
    let kept = folder.join(FOLDER);
    for folder in [folder.join("features"), kept.clone()] {
        std::fs::create_dir_all(&folder)
            .map_err(|error| CommandFailure::usage(format!("{}: {error}", folder.display())))?;
    }
    super::write_new(&folder.join(FILE), &text)?;
    super::write_new(&folder.join(FIRST), &feature)?;
    // These are ours: a newer one takes the place of an older one.
    for (name, text) in [(SCHEMA_FILE, SCHEMA), (".gitignore", "*\n")] {
        let file = kept.join(name);
        std::fs::write(&file, text).map_err(|error| CommandFailure::usage(format!("{}: {error}", file.display())))?;
    }
    let found = match &guess {
        Guess::Run(command, file) => {
            format!("{file} is there, so it is started with `{command}`: change `run` if that is wrong")
        }
        Guess::Compose => format!("it is started as {COMPOSE} says"),
        Guess::Nothing => {
            "nothing here says how it is started, so the testbed answers in its place: see `run`".to_owned()
        }
    };
    let told = writeln!(
        out,
        "{FILE} puts {} on two Portals; {found}.\n{FIRST} has the first scenarios.\n\n  \
         countersign up      # start them, with an address each for your browser\n  \
         countersign call alice {} bob {}    # one call to a peer, hop by hop\n  \
         countersign test    # run the scenarios",
        app.name, app.name, paths.called
    );
    ignoring_closed_pipe(told)?;
    Ok(Exit::Conforms)
}

/// The lines that say where the app comes from.
fn source(guess: &Guess) -> String {
    let usual = "# How it is started, once for each Portal: it listens on PORT, and finds its Core at PORTAL_CORE_URL. A hard-coded\n\
                 # http://portal_core works, too, for HTTP_PROXY is set; PORTAL_ID and PORTAL_DOMAIN say where it is.";
    let others = "# In place of `run`: an app that runs already, a container, or nothing, and the testbed answers with what arrived.\n\
                  # url = \"http://127.0.0.1:5000\"\n# image = \"guestbook:latest\"\n# compose = \"docker-compose.yml.template\"\n\
                  # echo = true";
    let started = "# directory = \".\"\n# env = { COLOUR = \"green\" }";
    match guess {
        Guess::Run(command, _) => format!("{usual}\nrun = \"{command}\"\n{started}\n{others}"),
        Guess::Compose => format!(
            "# Its containers, as it says itself.\ncompose = \"{COMPOSE}\"\n{usual}\n# run = \"exec python3 -u main.py\"\n{started}"
        ),
        Guess::Nothing => format!(
            "{usual}\n# Nothing here tells how, so the testbed answers in its place with what arrived.\n\
             # run = \"exec python3 -u main.py\"\n{started}\n{others}"
        ),
    }
}

/// Paths of the app that are worth a scenario.
struct Paths {
    /// One that a peer may come to, or any.
    called: String,
    /// Whether a peer may.
    peers: bool,
    /// One that a stranger may not come to.
    closed: Option<String>,
}

impl Paths {
    fn of(manifest: &str) -> Paths {
        use portal_core::acl::Access;
        let manifest = portal_core::manifest::Manifest::parse(manifest.as_bytes()).ok();
        let rules = manifest.iter().flat_map(|manifest| manifest.rules());
        let rules: Vec<(String, Access)> = rules.map(|rule| (path(rule.prefix()), rule.access())).collect();
        let with =
            |wanted: &[Access]| rules.iter().find(|(_, access)| wanted.contains(access)).map(|(path, _)| path.clone());
        let peer = with(&[Access::Peer]).or_else(|| with(&[Access::Public]));
        Paths {
            peers: peer.is_some(),
            closed: with(&[Access::Private]).or_else(|| with(&[Access::Peer])),
            called: peer.unwrap_or_else(|| "/".to_owned()),
        }
    }

    fn scenarios(&self, app: &str) -> String {
        let called = &self.called;
        let mut text = match self.peers {
            true => format!(
                "  Scenario: The app of a peer is let in\n    When alice's {app} calls bob with GET {called}\n    \
                 Then bob's {app} received GET {called}\n\n"
            ),
            false => format!(
                "  Scenario: The app of a peer is not let in, as the manifest says\n    \
                 When alice's {app} calls bob with GET {called}\n    Then it is refused\n\n"
            ),
        };
        if let Some(closed) = &self.closed {
            text.push_str(&format!(
                "  Scenario: A stranger is not let in\n    When a stranger sends GET {closed} to bob's {app}\n    \
                 Then it is refused\n"
            ));
        }
        text
    }
}

/// A path under a prefix.
fn path(prefix: &str) -> String {
    if prefix.starts_with('/') { prefix.to_owned() } else { format!("/{prefix}") }
}
