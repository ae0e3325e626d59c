// One scenario, with all that is known about it.

const DIED = "The subject died, or did not start: nothing is known about the requirement.";
const MISTAKEN = "The feature says what can't be done: nothing is known about the requirement.";
const REASONS = {
  error: "The harness or the testbed is at fault: nothing is said about the subject.",
  skip: "It was not run, for a reason.",
  unsupported: "The subject can't be tested on this.",
  known_failure: "It fails, and a list says that it is known to.",
  unexpected_pass: "A list says that it fails, but it passes: the entry has to go.",
};

function facts(scenario) {
  const { failure, known, verdict } = scenario;
  const list = [];
  const fact = (name, value, mono) => {
    if (value) list.push(el("dt", {}, name), el("dd", { class: mono ? "mono" : null }, value));
  };
  if (failure?.subject_died) fact("What it is", DIED);
  else if (failure?.mistaken) fact("What it is", MISTAKEN);
  else if (REASONS[verdict]) fact("What it is", REASONS[verdict]);
  if (known) fact("Listed", `${known.reason} (${known.owner}, until ${known.until}; ${known.place})`);
  if (failure) {
    const about = requirements.get(failure.requirement);
    if (failure.requirement && verdict !== "skip" && verdict !== "unsupported") {
      fact("Requirement", [el("b", {}, `${failure.requirement} ${scenario.level || about?.level || ""} `), ...prose(failure.sentence)]);
    }
    fact("Step", failure.step);
    fact("Expected", failure.expected, true);
    fact(failure.expected ? "Got" : "Reason", failure.got, Boolean(failure.expected));
    if (failure.hop && !failure.bases) fact("Changed by", prose(failure.hop));
  }
  return list.length > 0 && el("dl", { class: `facts v-${verdict}` }, list);
}

function steps(scenario) {
  if (scenario.steps.length === 0) return null;
  const step = ([place, line, passed, ms]) => {
    const [key, ...rest] = text(place).split(" ");
    const verdict = passed ? "pass" : scenario.verdict === "pass" ? "fail" : scenario.verdict;
    return el("li", {}, mark(verdict),
      el("span", { class: passed ? null : "bad" }, unseen(passed ? "passed: " : "not passed: "), el("span", { class: "key" }, `${key} `), rest.join(" ")),
      el("span", { class: "ms" }, `line ${line} · ${seconds(ms)}`));
  };
  return [el("h3", {}, "Steps"), el("ol", { class: "steps" }, scenario.steps.map(step))];
}

function detail(scenario, state, width) {
  // The one that did not hold stands among the facts.
  const told = BREAKS.includes(scenario.verdict) ? scenario.failure?.requirement : null;
  const bound = scenario.requirements.filter((id) => id !== told).map((id) => {
    const about = requirements.get(id);
    return el("li", {}, el("a", { class: "chip", href: `#requirement=${encodeURIComponent(id)}` }, id),
      el("span", {}, about ? [`${about.level}: `, ...prose(about.sentence)] : ""));
  });
  const failure = scenario.failure;
  const alone = failure?.replay || `countersign check --name '${scenario.id}'`;
  return el("article", { class: "card detail", id: "detail", "aria-labelledby": "detail-name" },
    el("a", { class: "back", href: hashOf({ ...state, scenario: null }) }, "← All scenarios"),
    el("div", {}, badge(scenario.verdict)),
    el("h2", { id: "detail-name", tabindex: "-1" }, scenario.name),
    el("p", { class: "place" }, `${scenario.feature}:${scenario.line} · ${seconds(scenario.ms)}`),
    el("p", { class: "place mono" }, scenario.id),
    el("ul", { class: "binds" }, bound),
    facts(scenario),
    failure?.bases && bases(failure.bases, failure.hop),
    el("h3", {}, "Run it alone"), command(alone),
    steps(scenario),
    scenario.exhibits.map(([title, words]) => [el("h3", {}, text(title)), el("pre", { class: "exhibit", tabindex: "0" }, text(words))]),
    diagram(scenario, width));
}
