//! Puts the features and the vectors into the binary, so that it works anywhere. Written out rather than left to a macro
//! so that a new file is noticed as well as a changed one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    embed("../features", "features.rs", &|path| path.extension().is_some_and(|extension| extension == "feature"))?;
    embed("../fixtures/vectors", "vectors.rs", &|path| {
        // What a test run leaves behind is no part of it.
        let kinds = ["json", "md", "py", "go"];
        let kind = path.extension().map(|extension| extension.to_string_lossy());
        kind.is_some_and(|kind| kinds.contains(&&*kind)) || path.ends_with("LICENSE") || path.ends_with("VERSION")
    })
}

/// Writes a list of names and texts as Rust.
fn embed(folder: &str, list: &str, wanted: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join(folder);
    println!("cargo::rerun-if-changed={}", folder.display());

    let mut files = Vec::new();
    if folder.is_dir() {
        collect(&folder, &folder, wanted, &mut files)?;
    }
    files.sort();

    let mut code = String::from("&[\n");
    for (name, path) in files {
        writeln!(code, "    ({name:?}, include_str!({:?})),", path.display().to_string()).map_err(io::Error::other)?;
    }
    code.push_str("]\n");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    fs::write(out.join(list), code)
}

fn collect(
    root: &Path,
    folder: &Path,
    wanted: &dyn Fn(&Path) -> bool,
    files: &mut Vec<(String, PathBuf)>,
) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, wanted, files)?;
        } else if wanted(&path) {
            let name = path.strip_prefix(root).map_err(io::Error::other)?;
            files.push((name.to_string_lossy().replace('\\', "/"), fs::canonicalize(&path)?));
        }
    }
    Ok(())
}
