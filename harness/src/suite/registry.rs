//! The steps that there are: a sentence, and what it does.

use std::collections::HashSet;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use gherkin::StepType;
use regex::Regex;

use super::args::{Args, Captures};
use super::expression;
use super::failure::StepResult;
use super::world::World;

type Body = Arc<dyn for<'a> Fn(&'a mut World, Args) -> LocalBoxFuture<'a, StepResult> + Send + Sync>;

/// All steps, registered explicitly: nothing is found by magic, nothing is dropped by a linker.
#[derive(Default)]
pub struct Steps {
    steps: Vec<Step>,
}

/// One step.
#[derive(Clone)]
pub(crate) struct Step {
    pub(crate) types: &'static [StepType],
    pub(crate) sentence: String,
    pub(crate) pattern: Regex,
    pub(crate) at: &'static Location<'static>,
    pub(crate) body: Body,
    pub(crate) nested: Option<Nested>,
}

/// A sentence with another one in it: `within 5 seconds, the answer is 200`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Nested {
    /// The `Then` that stands in it, as a scenario would say it alone.
    pub(crate) sentence: fn(&Args) -> String,
    /// How much longer than other steps it may take.
    pub(crate) patience: fn(&Args) -> Duration,
}

impl Steps {
    /// No steps.
    pub fn new() -> Steps {
        Steps::default()
    }

    /// A step that sets the stage.
    #[track_caller]
    pub fn given<F>(&mut self, sentence: &str, body: F)
    where
        F: AsyncFn(&mut World, Args) -> StepResult + Clone + Send + Sync + 'static,
    {
        self.add(&[StepType::Given], sentence, body);
    }

    /// A step that does something.
    #[track_caller]
    pub fn when<F>(&mut self, sentence: &str, body: F)
    where
        F: AsyncFn(&mut World, Args) -> StepResult + Clone + Send + Sync + 'static,
    {
        self.add(&[StepType::When], sentence, body);
    }

    /// A step that checks something.
    #[track_caller]
    pub fn then<F>(&mut self, sentence: &str, body: F)
    where
        F: AsyncFn(&mut World, Args) -> StepResult + Clone + Send + Sync + 'static,
    {
        self.add(&[StepType::Then], sentence, body);
    }

    /// A step that reads well after `Given` and after `When`.
    #[track_caller]
    pub fn given_or_when<F>(&mut self, sentence: &str, body: F)
    where
        F: AsyncFn(&mut World, Args) -> StepResult + Clone + Send + Sync + 'static,
    {
        self.add(&[StepType::Given, StepType::When], sentence, body);
    }

    /// A step that reads well after `Given`, `When` and `Then`.
    #[track_caller]
    pub fn anywhere<F>(&mut self, sentence: &str, body: F)
    where
        F: AsyncFn(&mut World, Args) -> StepResult + Clone + Send + Sync + 'static,
    {
        self.add(&[StepType::Given, StepType::When, StepType::Then], sentence, body);
    }

    /// A step that checks what another one does, more than once.
    #[track_caller]
    pub(crate) fn then_that<F>(&mut self, sentence: &str, nested: Nested, body: F)
    where
        F: AsyncFn(&mut World, Args) -> StepResult + Clone + Send + Sync + 'static,
    {
        self.add(&[StepType::Then], sentence, body);
        if let Some(step) = self.steps.last_mut() {
            step.nested = Some(nested);
        }
    }

    #[track_caller]
    fn add<F>(&mut self, types: &'static [StepType], sentence: &str, body: F)
    where
        F: AsyncFn(&mut World, Args) -> StepResult + Clone + Send + Sync + 'static,
    {
        let at = Location::caller();
        let pattern = match expression::pattern(sentence) {
            Ok(pattern) => pattern,
            // The tests register every step: this can't reach a user.
            Err(error) => panic!("the step at {at} has a broken pattern: {error}"),
        };
        let body: Body = Arc::new(move |world, args| {
            let body = body.clone();
            async move { body(world, args).await }.boxed_local()
        });
        self.steps.push(Step { types, sentence: sentence.to_owned(), pattern, at, body, nested: None });
    }

    /// Every step that matches this one of a scenario, with the captures.
    pub(crate) fn find(&self, step: &gherkin::Step) -> Vec<(&Step, Args)> {
        let found = self.matching(step.ty, &step.value);
        found.map(|(candidate, captures)| (candidate, Args::new(captures, step))).collect()
    }

    /// Every `Then` that matches this sentence, with the captures and with what stands under the step `around` it.
    pub(crate) fn find_then(&self, sentence: &str, around: &Args) -> Vec<(&Step, Args)> {
        let found = self.matching(StepType::Then, sentence);
        found.map(|(candidate, captures)| (candidate, around.with_captures(captures))).collect()
    }

    /// All of them, in the order in which they were registered.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter()
    }

    fn matching(&self, kind: StepType, sentence: &str) -> impl Iterator<Item = (&Step, Captures)> {
        let of_kind = self.steps.iter().filter(move |candidate| candidate.types.contains(&kind));
        of_kind.filter_map(move |candidate| Some((candidate, candidate.captures(sentence)?)))
    }

    /// The steps that would match if the keyword were another one.
    pub(crate) fn find_with_other_keyword(&self, step: &gherkin::Step) -> Option<&Step> {
        self.steps.iter().find(|candidate| candidate.pattern.is_match(&step.value))
    }

    /// The known sentence that comes nearest, if any comes near at all.
    pub(crate) fn most_similar(&self, step: &gherkin::Step) -> Option<String> {
        most_similar(&step.value, self.steps.iter().map(|candidate| candidate.sentence.as_str())).map(str::to_owned)
    }
}

/// The one of these that has the most words in common with a sentence, if that is many.
pub(crate) fn most_similar<'a>(sentence: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let words: HashSet<&str> = sentence.split_whitespace().collect();
    let score = |candidate: &str| {
        let theirs: HashSet<&str> = candidate.split_whitespace().collect();
        2 * words.intersection(&theirs).count() * 100 / (words.len() + theirs.len()).max(1)
    };
    known.max_by_key(|candidate| score(candidate)).filter(|best| score(best) >= 40)
}

impl Step {
    fn captures(&self, sentence: &str) -> Option<Captures> {
        // Most patterns don't match, and captures are dear.
        if !self.pattern.is_match(sentence) {
            return None;
        }
        let found = self.pattern.captures(sentence)?;
        let captures = self.pattern.capture_names().zip(found.iter()).skip(1);
        let captures = captures.map(|(name, text)| {
            (name.map(str::to_owned), text.map(|text| text.as_str().to_owned()).unwrap_or_default())
        });
        Some(captures.collect())
    }
}

impl fmt::Debug for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.steps.iter().map(|step| step.pattern.as_str())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> gherkin::Step {
        let source = format!("Feature: f\n  Scenario: s\n    {text}\n");
        let feature = gherkin::Feature::parse(source, gherkin::GherkinEnv::default()).unwrap();
        feature.scenarios[0].steps[0].clone()
    }

    #[test]
    fn a_step_is_found_by_its_keyword_and_sentence() {
        let mut steps = Steps::new();
        steps.given("the Portals {list}", async |_, _| Ok(()));
        steps.when(r"^(\w+) calls(?: (?<peer>\w+))?$", async |_, _| Ok(()));

        let given = step("Given the Portals Ada and Bob");
        let found = steps.find(&given);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1.list(0), ["Ada", "Bob"]);

        let calls = step("When Ada calls");
        assert_eq!(steps.find(&calls)[0].1.named("peer"), "");
        assert!(steps.find(&step("Then Ada calls")).is_empty());
        assert!(steps.find_with_other_keyword(&step("Then Ada calls")).is_some());
        assert!(steps.find(&step("When Ada calls Bob twice")).is_empty());
    }

    #[test]
    fn a_step_knows_where_it_was_written() {
        let mut steps = Steps::new();
        steps.then("it works", async |_, _| Ok(()));
        assert!(steps.steps[0].at.file().ends_with("registry.rs"));
    }
}
