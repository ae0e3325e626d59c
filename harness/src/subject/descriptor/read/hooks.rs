//! Things that are done to a Core: hooks, and how it is stopped and started again.

use toml::Spanned;

use super::super::format::{HookFile, StateFile, Text, WordOrHook};
use super::super::templates::Place;
use super::super::{Again, Hook, Signal, State};
use super::Reader;

impl Reader<'_> {
    pub(super) fn state(&mut self, state: StateFile) -> State {
        State {
            reset: self.hook("state.reset", state.reset, Place::Core),
            restart: self.again("state.restart", state.restart),
            kill: self.again("state.kill", state.kill),
            set_clock: self.hook("state.set_clock", state.set_clock, Place::Clock),
            import_identity: self.import_identity(state.import_identity),
            profile: state.profile.is_some_and(Spanned::into_inner),
        }
    }

    /// It is there before the Core is: nothing can be asked of that.
    fn import_identity(&mut self, written: Option<Spanned<HookFile>>) -> Option<Hook> {
        let span = written.as_ref()?.span();
        let hook = self.hook("state.import_identity", written, Place::Identity)?;
        if self.runs_already || matches!(hook, Hook::Http { .. } | Hook::Signal(_)) {
            let what = "the key comes before the Core starts: use { file = …, text = … } or { command = … }, with a `start.command`";
            self.source.wrong(span, "state.import_identity", what);
        }
        Some(hook)
    }

    fn again(&mut self, key: &str, written: Option<Spanned<WordOrHook>>) -> Option<Again> {
        let written = written?;
        let span = written.span();
        match written.into_inner() {
            WordOrHook::Word(word) if word == "process" && self.runs_already => {
                let what = "the testbed did not start this Core: give a hook, or leave it out";
                self.source.wrong(span, key, what);
                None
            }
            WordOrHook::Word(word) if word == "process" => Some(Again::Process),
            WordOrHook::Word(word) => {
                let what = format!("`{word}` can't be: give \"process\", or a hook such as {{ command = [\"…\"] }}");
                self.source.wrong(span, key, what);
                None
            }
            WordOrHook::Hook(hook) => self.hook(key, Some(Spanned::new(span, *hook)), Place::Core).map(Again::Hook),
        }
    }

    /// One thing to do: exactly one of a request, a command, a file, a signal.
    pub(in crate::subject::descriptor) fn hook(
        &mut self,
        key: &str,
        written: Option<Spanned<HookFile>>,
        place: Place,
    ) -> Option<Hook> {
        let written = written?;
        let span = written.span();
        let HookFile { get, put, post, delete, body, command, file, text, signal } = written.into_inner();
        let requests = [("GET", get), ("PUT", put), ("POST", post), ("DELETE", delete)];
        let mut requests: Vec<_> =
            requests.into_iter().filter_map(|(method, target)| Some((method, target?))).collect();
        let kinds = requests.len()
            + [command.is_some(), file.is_some(), signal.is_some()].into_iter().filter(|given| *given).count();
        if kinds != 1 {
            let what = "give exactly one of `get`, `put`, `post`, `delete`, `command`, `file`, `signal`";
            self.source.wrong(span, key, what);
            return None;
        }
        if let (Some(body), true) = (&body, requests.is_empty()) {
            self.source.wrong(body.span(), key, "`body` goes with a request only");
        }
        if let (Some(text), None) = (&text, &file) {
            self.source.wrong(text.span(), key, "`text` goes with `file` only");
        }
        if let Some((method, target)) = requests.pop() {
            if !target.get_ref().starts_with('/') {
                self.source.wrong(target.span(), key, "give the path on the Core, which begins with `/`");
            }
            let target = self.template(key, target.get_ref(), target.span(), place);
            let body = body.map(|body| self.template(key, body.get_ref(), body.span(), place));
            return Some(Hook::Http { method, target, body });
        }
        if let Some(command) = command {
            if command.get_ref().is_empty() {
                self.source.wrong(command.span(), key, "give a program and its arguments");
            }
            return Some(Hook::Command(self.templates(key, command.into_inner(), place)));
        }
        if let Some(file) = file {
            let path = self.template(key, file.get_ref(), file.span(), place);
            let Some(text) = text else {
                self.source.wrong(file.span(), key, "say with `text` what is written into the file");
                return None;
            };
            let text = self.template(key, text.get_ref(), text.span(), place);
            return Some(Hook::File { path, text });
        }
        self.signal(key, signal?)
    }

    fn signal(&mut self, key: &str, written: Text) -> Option<Hook> {
        if self.runs_already {
            let what = "a Core at a URL gets no signals: the testbed does not know its process";
            self.source.wrong(written.span(), key, what);
            return None;
        }
        let found = Signal::ALL.iter().find(|(name, _)| *name == written.get_ref());
        if found.is_none() {
            let names: Vec<_> = Signal::ALL.iter().map(|(name, _)| *name).collect();
            let what = format!("there is no signal `{}` here; there are {}", written.get_ref(), names.join(", "));
            self.source.wrong(written.span(), key, what);
        }
        found.map(|(_, signal)| Hook::Signal(*signal))
    }
}
