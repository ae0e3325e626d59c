use super::*;

#[derive(Debug, Clone)]
struct One {
    id: &'static str,
    requirements: Vec<String>,
    verdict: Verdict,
    known: Option<Known>,
}

impl Case for One {
    fn id(&self) -> &str {
        self.id
    }

    fn requirements(&self) -> &[String] {
        &self.requirements
    }
}

impl CaseResult for One {
    fn verdict(&self) -> Verdict {
        self.verdict
    }

    fn change(&mut self, verdict: Verdict, known: &Known) {
        self.verdict = verdict;
        self.known = Some(known.clone());
    }
}

fn one(id: &'static str, requirement: &str, verdict: Verdict) -> One {
    One { id, requirements: vec![requirement.to_owned()], verdict, known: None }
}

fn all() -> Vec<One> {
    vec![
        one("2.1-a", "R-fields", Verdict::Fail),
        one("2.1-b", "R-fields", Verdict::Pass),
        one("2.2-a", "R-derived", Verdict::Timeout),
        one("2.2-b", "R-derived", Verdict::Error),
    ]
}

/// 2026-07-01.
pub(super) const NOW: u64 = 1_782_864_000;

fn entry(id: &str, until: &str) -> String {
    format!("[[known]]\nid = \"{id}\"\nreason = \"r\"\nowner = \"o\"\nuntil = {until}\n")
}

fn parse(text: &str) -> Result<Expectations, ExpectationsError> {
    Expectations::parse(Path::new("known.toml"), text, NOW)
}

/// The verdicts with this list, and what is stale in it.
fn run(text: &str, mut results: Vec<One>) -> (Vec<Verdict>, Vec<String>) {
    let list = parse(text).unwrap();
    list.check(&all()).unwrap();
    results.iter_mut().for_each(|result| list.excuse(result));
    let stale = list.stale(&all(), &mut results);
    (results.iter().map(|result| result.verdict).collect(), stale)
}

const FAR: &str = "2027-01-31";

#[test]
fn a_listed_failure_is_a_known_one() {
    use Verdict::*;
    assert_eq!(run(&entry("2.1-a", FAR), all()), (vec![KnownFailure, Pass, Timeout, Error], vec![]));
    assert_eq!(run(&entry("R-fields", FAR), all()), (vec![KnownFailure, Pass, Timeout, Error], vec![]));
    // An error says nothing about the case: no list can excuse it.
    assert_eq!(run(&entry("2.2-*", FAR), all()), (vec![Fail, Pass, KnownFailure, Error], vec![]));
}

#[test]
fn an_entry_that_passes_has_to_go() {
    let list = entry("2.1-a", FAR) + &entry("2.1-b", FAR);
    let (verdicts, stale) = run(&list, all());
    assert_eq!(verdicts[..2], [Verdict::KnownFailure, Verdict::UnexpectedPass]);
    assert_eq!(stale, ["known.toml:7: `2.1-b` is listed as failing, but passes: delete lines 6 to 10"]);
    // A pattern may speak of some that pass; only if all of them ran and passed, it has to go.
    let passing = || all().into_iter().map(|one| One { verdict: Verdict::Pass, ..one }).collect::<Vec<_>>();
    assert_eq!(run(&entry("2.1-*", FAR), passing()).1.len(), 1);
    assert_eq!(run(&entry("2.1-*", FAR), passing().split_off(1)).1, [""; 0]);
}

#[test]
fn an_entry_that_has_expired_excuses_nothing() {
    let (verdicts, stale) = run(&entry("2.1-a", "2026-06-30"), all());
    assert_eq!(verdicts[0], Verdict::Fail);
    assert!(stale[0].starts_with("known.toml:2: `2.1-a` was allowed to fail until 2026-06-30"), "{stale:?}");
    assert_eq!(run(&entry("2.1-a", "2026-07-01"), all()).1, [""; 0]);
}

#[test]
fn an_entry_that_has_expired_and_passes_says_both() {
    let (verdicts, stale) = run(&entry("2.1-b", "2026-06-30"), all());
    assert_eq!(verdicts[1], Verdict::UnexpectedPass);
    let expected = "known.toml:2: `2.1-b` is listed as failing, but passes (and was allowed to fail until 2026-06-30 \
                    only): delete lines 1 to 5";
    assert_eq!(stale, [expected]);
}

#[test]
fn the_lines_to_delete_are_those_of_the_entry_alone() {
    let lines = |text: &str| parse(text).unwrap().entries.iter().map(|entry| entry.lines.clone()).collect::<Vec<_>>();
    let apart = format!("# known\n\n[[known]]\n# why\n\nuntil = {FAR}\nowner = \"o\"\nreason = \"r\"\nid = \"a\"\n\n");
    assert_eq!(lines(&(apart + &entry("b", FAR))), [3..=9, 11..=15]);
    let one = |id: &str| format!("{{ id = \"{id}\", reason = \"r\", owner = \"o\", until = {FAR} }}");
    assert_eq!(lines(&format!("known = [\n  {},\n  {},\n]\n", one("a"), one("b"))), [2..=2, 3..=3]);
    let long = entry("a", FAR).replace("\"r\"", "\"\"\"\nr\n\"\"\"");
    assert_eq!(lines(&long), [1..=7]);
}

#[test]
fn mistakes_are_shown_with_their_line() {
    let mistake = |text: &str| parse(text).unwrap_err().to_string();
    let good = entry("2.1-a", FAR);
    assert!(mistake(&good.replace("reason", "reson")).starts_with("known.toml:3: unknown field `reson`"));
    assert!(mistake(&good.replace("owner = \"o\"\n", "")).contains("missing field `owner`"));
    assert_eq!(mistake(&good.replace("\"r\"", "\" \"")), "known.toml:3: `reason` is empty: say it");
    assert!(mistake(&entry("2.1-a", "2027-01-31T10:00:00Z")).starts_with("known.toml:5: `until` is a day"));
    assert!(mistake(&entry("2.1-a", "\"soon\"")).starts_with("known.toml:5: "));
    assert!(mistake("[[known]\n").starts_with("known.toml:1: "));
    assert_eq!(mistake(&(good.clone() + &good)), "known.toml:7: `2.1-a` stands on line 2 already: delete one");
    let missing = Expectations::load(Path::new("no/such/file"), NOW).unwrap_err();
    assert!(missing.to_string().starts_with("no/such/file: "));
}

#[test]
fn an_entry_for_nothing_is_a_mistake() {
    let mistake = |id: &str| parse(&entry(id, FAR)).unwrap().check(&all()).unwrap_err().to_string();
    assert_eq!(mistake("2.1-aa"), "known.toml:2: there is no case and no requirement `2.1-aa`. Is it 2.1-a?");
    assert_eq!(mistake("X"), "known.toml:2: there is no case and no requirement `X`.");
    assert_eq!(mistake("3.*"), "known.toml:2: no case and no requirement is of the pattern `3.*`");
}

#[test]
fn days() {
    let until = |year, month, day| toml::value::Date { year, month, day };
    assert_eq!(day(NOW).to_string(), "2026-07-01");
    assert!(is_before(until(2026, 6, 30), day(NOW)) && is_before(until(2025, 12, 31), day(NOW)));
    assert!(!is_before(until(2026, 7, 1), day(NOW)) && !is_before(until(2027, 1, 1), day(NOW)));
}
