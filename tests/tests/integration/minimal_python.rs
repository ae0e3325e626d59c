//! The Core in Python, which shares no code with ours, under the whole suite: where there is a Python with its packages.

#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Parser as _;
use countersign::cli::Cli;
use countersign::cli::exit::Exit;

use crate::containers::{ready, said};

/// Not counting blank ones.
const MOST_LINES: usize = 400;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn folder() -> PathBuf {
    root().join("fixtures/cores/minimal-python")
}

/// `COUNTERSIGN_PYTHON`, or `target/python`, if it has what the Core imports.
fn python() -> Option<PathBuf> {
    let ours = root().join("target/python/bin/python");
    let python = std::env::var_os("COUNTERSIGN_PYTHON").map_or(ours, Into::into);
    let mut imports = Command::new(&python);
    imports.args(["-c", "import aiohttp, http_message_signatures, http_sf, jinja2"]).stderr(Stdio::null());
    let has_packages = imports.status().is_ok_and(|status| status.success());
    if !has_packages {
        println!("skipped: {} has not the packages of the Core in Python", python.display());
    }
    has_packages.then_some(python)
}

/// Checks the Core in this folder with its own descriptor, but for the Python that runs it.
fn check(python: &Path, directory: &Path, more: &[&str]) -> Exit {
    let to = tempfile::tempdir().unwrap();
    let file = described(python, directory, to.path());
    run(&[&["check", "-q", "--core", &file], more].concat())
}

/// The descriptor, in a file of the folder `to`.
fn described(python: &Path, directory: &Path, to: &Path) -> String {
    let written = fs::read_to_string(folder().join("core.toml")).unwrap();
    assert!(written.contains("\"python3\"") && written.contains("[start]\n"), "core.toml is written otherwise now");
    let start = format!("[start]\ndirectory = '{}'\n", directory.display());
    let changed = written.replace("\"python3\"", &format!("'{}'", python.display())).replace("[start]\n", &start);
    let file = to.join("core.toml");
    fs::write(&file, changed).unwrap();
    file.display().to_string()
}

fn run(words: &[&str]) -> Exit {
    Cli::try_parse_from(["countersign"].iter().chain(words)).unwrap().run()
}

#[test]
fn a_failure_of_it_is_replayed_on_it_and_on_another_core() {
    let Some(python) = python() else { return };
    let to = tempfile::tempdir().unwrap();
    let core = described(&python, &folder(), to.path());
    let bundles = to.path().join("bundles").display().to_string();
    let oldest = "^manifest/the-oldest-format-without-a-version-is-read$";
    assert_eq!(
        run(&["check", "-q", "--core", &core, "--level", "may", "--name", oldest, "--bundles", &bundles]),
        Exit::DoesNotConform
    );
    let files: Vec<_> = fs::read_dir(&bundles).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [bundle] = &files[..] else { panic!("{files:?}") };
    let bundle = bundle.display().to_string();
    assert_eq!(run(&["replay", &bundle, "--core", &core]), Exit::DoesNotConform);
    assert_eq!(run(&["replay", &bundle, "--core", "built-in"]), Exit::Conforms);
    assert_eq!(run(&["replay", &bundle]), Exit::Usage, "a Core is started only where it was named");
}

/// A third of the suite; `.ci/run` runs it all.
#[test]
fn it_conforms_but_for_what_is_known() {
    let Some(python) = python() else { return };
    let known = folder().join("known-failures.toml");
    let more = ["--level", "should", "--shard", "1/3", "--known-failures", known.to_str().unwrap()];
    assert_eq!(check(&python, &folder(), &more), Exit::Conforms);
}

/// An image of it, made of the Python of this machine, which goes when this does.
struct Image(String);

impl Image {
    fn make(python: &Path) -> Image {
        let image = Image(format!("countersign-test-python:{}", std::process::id()));
        let mut files =
            Command::new(python).arg("image.py").current_dir(folder()).stdout(Stdio::piped()).spawn().unwrap();
        let mut import = Command::new("docker");
        import.args(["import", "--change", "ENV PYTHONPATH=/core/packages"]);
        import.args(["--change", r#"ENTRYPOINT ["/core/python", "-u", "/core/contained.py"]"#, "-", &image.0]);
        let imported = import.stdin(files.stdout.take().unwrap()).output().unwrap();
        assert!(files.wait().unwrap().success() && imported.status.success(), "{}", said(&imported));
        image
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = Command::new("docker").args(["rmi", "--force", &self.0]).stdout(Stdio::null()).status();
    }
}

#[test]
fn as_an_image_it_does_the_same_whether_it_heeds_proxies_or_not() {
    let (Some(python), Some(program)) = (python(), ready()) else { return };
    let image = Image::make(&python);
    let written = fs::read_to_string(folder().join("core-image.toml")).unwrap();
    let to = tempfile::tempdir().unwrap();
    let known = folder().join("known-failures.toml");
    let check = |name: &str, changes: &[(&str, &str)], chosen: &[&str]| {
        let changed = changes.iter().fold(written.clone(), |text, (from, to)| {
            assert!(text.contains(from), "core-image.toml is written otherwise now");
            text.replace(from, to)
        });
        let file = to.path().join(name);
        fs::write(&file, changed).unwrap();
        let given = ["check", "-q", "--core", file.to_str().unwrap(), "--known-failures", known.to_str().unwrap()];
        let output = Command::new(program).args(given).args(chosen).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    };
    let named = ("minimal-python:1", image.0.as_str());
    check("heeds.toml", &[named], &["--name", "^(identity|call_peer)/", "--shard", "1/2"]);
    let ignores =
        [named, ("names = \"proxy\"", "names = \"namespace\""), ("HTTPS_PROXY = \"{{ names.connect_proxy }}\", ", "")];
    check("ignores.toml", &ignores, &["--name", "^call_peer/", "--shard", "1/4"]);
}

#[test]
fn a_mistake_in_it_is_found() {
    let Some(python) = python() else { return };
    let to = tempfile::tempdir().unwrap();
    let written = fs::read_to_string(folder().join("core.py")).unwrap();
    let mistaken = written.replace("=(\"@method\", \"@target-uri\")", "=(\"@target-uri\",)");
    assert_ne!(mistaken, written);
    fs::write(to.path().join("core.py"), mistaken).unwrap();
    let more = ["--name", "^signatures/method-and-target-are-covered$"];
    assert_eq!(check(&python, to.path(), &more), Exit::DoesNotConform);
}

#[test]
fn it_is_as_short_as_it_says() {
    let lines =
        fs::read_to_string(folder().join("core.py")).unwrap().lines().filter(|line| !line.trim().is_empty()).count();
    assert!(lines < MOST_LINES, "core.py has {lines} lines that are not blank");
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    assert!(readme.contains(&format!("{lines} lines")), "README.md should say {lines} lines");
}
