// What the file holds, and what can be asked of it.

const began = performance.now();
const data = JSON.parse(document.getElementById("data").textContent);
const text = (place) => (place === null || place < 0 ? null : data.texts[place]);

const WORDS = Object.fromEntries(data.verdicts.map((verdict) => [verdict.id, verdict.words]));
const MARKS = {
  pass: "✓", skip: "–", unsupported: "?", known_failure: "~", unexpected_pass: "↑", error: "!", timeout: "⧗", fail: "✗",
};
// The worst first.
const VERDICTS = data.verdicts.map((verdict) => verdict.id).reverse();
const RANK = Object.fromEntries(VERDICTS.map((verdict, rank) => [verdict, rank]));
const BREAKS = ["fail", "timeout", "unexpected_pass"];

const requirements = new Map(data.requirements.map((requirement) => [requirement.id, requirement]));

// Each scenario gets its texts; its record stays packed until someone opens it.
const scenarios = data.scenarios.map((packed, place) => ({
  ...packed,
  place,
  feature: text(packed.feature),
  tags: packed.tags.map(text),
  requirements: packed.requirements.map(text),
}));
const byId = new Map(scenarios.map((scenario) => [scenario.id, scenario]));
const features = [...new Set(scenarios.map((scenario) => scenario.feature))];
const counts = Object.fromEntries(VERDICTS.map((verdict) => [verdict, 0]));
scenarios.forEach((scenario) => { counts[scenario.verdict] += 1; });
const sorted = [...scenarios].sort((a, b) => RANK[a.verdict] - RANK[b.verdict] || a.place - b.place);

function searched(scenario) {
  if (scenario.searched === undefined) {
    const failure = scenario.failure || {};
    const parts = [scenario.id, scenario.name, ...scenario.tags, failure.expected, failure.got];
    scenario.searched = parts.filter(Boolean).join("\n").toLowerCase();
  }
  return scenario.searched;
}

const LEVELS = ["MUST", "SHOULD", "MAY"];
const levelOf = (id) => requirements.get(id)?.level;

function matching(wanted) {
  const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
  return sorted.filter((scenario) =>
    (wanted.verdict.size === 0 || wanted.verdict.has(scenario.verdict))
    && (!wanted.level || (scenario.level || "") === wanted.level || scenario.requirements.some((id) => levelOf(id) === wanted.level))
    && (!wanted.requirement || scenario.requirements.includes(wanted.requirement))
    && (!wanted.feature || scenario.feature === wanted.feature)
    && words.every((word) => searched(scenario).includes(word)));
}

const mark = (verdict) =>
  el("span", { class: `mark v-${verdict || "none"}`, "aria-hidden": "true" }, MARKS[verdict] || "·");
const badge = (verdict) =>
  el("span", { class: `badge v-${verdict || "none"}` }, el("span", { "aria-hidden": "true" }, MARKS[verdict] || "·"), WORDS[verdict] || "not tested");
