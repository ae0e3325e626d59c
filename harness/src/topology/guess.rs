//! How an app is probably started, by what lies in its folder.

use std::path::Path;

/// What today's apps have beside their `app_meta.json`.
pub(crate) const COMPOSE: &str = "docker-compose.yml.template";

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Guess {
    /// A command, and the file that says so.
    Run(String, String),
    /// The Compose file of the app.
    Compose,
    /// Nothing that tells.
    Nothing,
}

/// Files that say how an app is started, the surest first.
const COMMANDS: [(&str, &str); 14] = [
    ("run.sh", "exec sh run.sh"),
    ("start.sh", "exec sh start.sh"),
    ("main.py", "exec python3 -u main.py"),
    ("app.py", "exec python3 -u app.py"),
    ("server.py", "exec python3 -u server.py"),
    ("server.js", "exec node server.js"),
    ("index.js", "exec node index.js"),
    ("main.js", "exec node main.js"),
    ("app.js", "exec node app.js"),
    ("go.mod", "exec go run ."),
    ("Cargo.toml", "exec cargo run --quiet"),
    ("config.ru", "exec rackup -o 127.0.0.1 -p $PORT"),
    ("app.rb", "exec ruby app.rb"),
    ("index.php", "exec php -S 127.0.0.1:$PORT"),
];

/// Looks into the folder of an app.
pub(crate) fn guess(folder: &Path) -> Guess {
    let package = std::fs::read(folder.join("package.json")).ok();
    let package = package.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
    if package.is_some_and(|package| package["scripts"]["start"].is_string()) {
        return Guess::Run("exec npm start".to_owned(), "package.json".to_owned());
    }
    if let Some((file, command)) = COMMANDS.iter().find(|(file, _)| folder.join(file).is_file()) {
        return Guess::Run((*command).to_owned(), (*file).to_owned());
    }
    if let Some(script) = only_script(folder) {
        return Guess::Run(format!("exec python3 -u {}", crate::shell::quoted(&script)), script);
    }
    if folder.join(COMPOSE).is_file() { Guess::Compose } else { Guess::Nothing }
}

/// The one Python file of the folder.
fn only_script(folder: &Path) -> Option<String> {
    let names = std::fs::read_dir(folder).ok()?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut scripts = names.filter(|name| name.ends_with(".py") && !name.starts_with("test_"));
    scripts.next().filter(|_| scripts.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_say_how_an_app_is_started() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(guess(folder.path()), Guess::Nothing);
        std::fs::write(folder.path().join(COMPOSE), "").unwrap();
        assert_eq!(guess(folder.path()), Guess::Compose);
        std::fs::write(folder.path().join("guestbook.py"), "").unwrap();
        std::fs::write(folder.path().join("test_guestbook.py"), "").unwrap();
        let script = Guess::Run("exec python3 -u guestbook.py".to_owned(), "guestbook.py".to_owned());
        assert_eq!(guess(folder.path()), script);
        std::fs::write(folder.path().join("package.json"), "{}").unwrap();
        std::fs::write(folder.path().join("app.py"), "").unwrap();
        assert_eq!(guess(folder.path()), Guess::Run("exec python3 -u app.py".to_owned(), "app.py".to_owned()));
        std::fs::write(folder.path().join("package.json"), r#"{"scripts": {"start": "x"}}"#).unwrap();
        assert_eq!(guess(folder.path()), Guess::Run("exec npm start".to_owned(), "package.json".to_owned()));
    }
}
