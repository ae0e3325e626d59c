//! A command as one text, taken apart like a shell does it, but without a shell.

use std::fmt;
use std::str::FromStr;

/// A program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandLine {
    text: String,
    program: String,
    args: Vec<String>,
}

/// The text is no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CommandLineError {
    /// Nothing in it.
    #[error("the command is empty: give a program and its arguments, such as \"python shim.py\"")]
    Empty,
    /// A quote that does not end.
    #[error("a {0} in the command has no end")]
    OpenQuote(char),
}

impl CommandLine {
    /// The program.
    pub fn program(&self) -> &str {
        &self.program
    }

    /// Its arguments.
    pub fn args(&self) -> &[String] {
        &self.args
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for CommandLine {
    type Err = CommandLineError;

    /// Words are separated by whitespace; `'…'` keeps all, `"…"` and `\` keep whitespace and quotes.
    fn from_str(text: &str) -> Result<CommandLine, CommandLineError> {
        let mut words: Vec<String> = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match (quote, character) {
                (Some(open), close) if open == close => quote = None,
                (None, '\'' | '"') => {
                    quote = Some(character);
                    word.get_or_insert_default();
                }
                (None | Some('"'), '\\') => word.get_or_insert_default().extend(characters.next()),
                (None, space) if space.is_whitespace() => words.extend(word.take()),
                _ => word.get_or_insert_default().push(character),
            }
        }
        if let Some(open) = quote {
            return Err(CommandLineError::OpenQuote(open));
        }
        words.extend(word);
        let mut words = words.into_iter();
        let program = words.next().ok_or(CommandLineError::Empty)?;
        Ok(CommandLine { text: text.trim().to_owned(), program, args: words.collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_words(text: &str, words: &[&str]) {
        let line: CommandLine = text.parse().unwrap();
        let found: Vec<&str> = [line.program()].into_iter().chain(line.args().iter().map(String::as_str)).collect();
        assert_eq!(found, words);
    }

    #[test]
    fn words_are_taken_apart_like_a_shell_does_it() {
        assert_words(" python3  shim.py\t-v ", &["python3", "shim.py", "-v"]);
        assert_words(r#"'my shim' "a \"b\" c" d\ e '' x'y'z"#, &["my shim", "a \"b\" c", "d e", "", "xyz"]);
        assert_words(r"'a\b'", &[r"a\b"]);
    }

    #[test]
    fn what_is_no_command_is_said_to_be_none() {
        assert_eq!("  ".parse::<CommandLine>(), Err(CommandLineError::Empty));
        assert_eq!("python 'x".parse::<CommandLine>(), Err(CommandLineError::OpenQuote('\'')));
    }
}
