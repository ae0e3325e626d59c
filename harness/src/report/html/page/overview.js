// The head with the verdict, and the requirements.

const HEADLINES = {
  conforms: ["pass", "✓", "Conforms"],
  does_not_conform: ["fail", "✗", "Does not conform"],
  not_known: ["error", "!", "Not known"],
};

const AREAS = {
  ID: "Identity", PEER: "Peers", TERM: "Terminals", APP: "Apps and app.json", ACL: "Access control", CALL: "Calling a peer",
  SIG: "Signatures of calls", AUTH: "Authenticating requests", PROXY: "Proxy",
};

// What stands above all else, folded where it is long.
function note(title, entries) {
  if (entries.length === 0) return null;
  return el("details", { class: "stale", open: entries.length <= 10 }, el("summary", {}, el("b", {}, `${title} (${entries.length})`)),
    el("ul", {}, entries.map((entry) => el("li", {}, entry))));
}

function head() {
  const { subject, suite } = data;
  const [verdict, sign, words] = HEADLINES[data.verdict];
  const said = data.last_line.replace(/^([^.]*?: )?/, (start) => (start.startsWith(words) ? "" : start));
  const version = subject.version ? ` ${subject.version}` : "";
  const total = scenarios.length || 1;
  const present = VERDICTS.filter((each) => counts[each] > 0);
  return [
    el("div", { class: "head" },
      el("div", { class: "brand" },
        el("b", {}, "countersign"), el("span", {}, `version ${suite.version}`),
        el("span", {}, `${subject.kind} Core`),
 subject.receive === "direct" ? el("span", {}, "asked directly: no proxy in between") : null, el("span", {}, `ran ${data.seconds.toFixed(1)} s`)),
      el("div", { class: `verdict v-${verdict}` },
        el("span", { class: "big", "aria-hidden": "true" }, sign),
        el("div", {},
          el("h1", {}, `${subject.name}${version}: ${words.toLowerCase()}`),
          el("p", {}, said.charAt(0).toUpperCase() + said.slice(1)))),
      el("div", { class: "bar", "aria-hidden": "true" },
        [...present].reverse().map((each) => {
          const part = el("span", { class: `v-${each}` });
          part.style.flexGrow = String(counts[each] / total);
          return part;
        })),
      el("div", { class: "tally" },
        present.map((each) => el("a", { class: `badge v-${each}`, href: `#verdict=${each}` },
          el("span", { "aria-hidden": "true" }, MARKS[each]), `${counts[each].toLocaleString("en")} ${WORDS[each]}`))),
      note("The list of known failures is out of date", data.stale),
      note("Verdicts that changed from round to round: none of them is to be trusted", data.flaky),
      note("Did not run, or not to the end", data.not_run)),
    el("nav", { class: "tabs", "aria-label": "Views" },
      el("a", { href: "#", id: "tab-requirements" }, `Requirements (${data.requirements.length})`),
      el("a", { href: "#view=scenarios", id: "tab-scenarios" }, `Scenarios (${scenarios.length.toLocaleString("en")})`)),
  ];
}

const worstOf = (requirement) => requirement.verdict ?? requirement.apart;
const linkTo = (requirement) => `#requirement=${encodeURIComponent(requirement.id)}`;

// All requirements at a glance, a cell for each.
function map() {
  const areas = new Map();
  for (const requirement of data.requirements) {
    const area = requirement.id.replace(/-[^-]*$/, "");
    areas.set(area, [...(areas.get(area) || []), requirement]);
  }
  const cell = (requirement) => {
    const verdict = worstOf(requirement);
    const name = `${requirement.id}, ${WORDS[verdict] || "not tested"}: ${requirement.title}`;
    const look = `cell v-${verdict || "none"}${requirement.counts && !requirement.testbed ? "" : " apart"}`;
    const number = requirement.id.replace(/^.*-/, "");
    return el("a", { class: look, href: linkTo(requirement), "aria-label": name, title: name },
      verdict === "pass" || !verdict ? number : `${MARKS[verdict]} ${number}`);
  };
  return el("section", { class: "card map", "aria-label": "All requirements at a glance" },
    [...areas].map(([area, all]) => el("div", {},
      el("h3", {}, `${AREAS[area] || area} `, el("span", { class: "mono" }, area)),
      el("div", { class: "cells" }, all.map(cell)))),
    el("p", { class: "legend" }, "Filled: decides about the verdict. Outlined: reported apart. Faint: not tested in this run."));
}

function group(title, about, all) {
  if (all.length === 0) return null;
  const ordered = [...all].sort((a, b) => (RANK[worstOf(a)] ?? 99) - (RANK[worstOf(b)] ?? 99));
  const row = (requirement) => {
    const verdict = worstOf(requirement);
    const of = requirement.scenarios.map((id) => byId.get(id)).filter(Boolean);
    const bad = of.filter((scenario) => scenario.verdict !== "pass").length;
    return el("a", { class: `req v-${verdict || "none"}`, href: linkTo(requirement) },
      mark(verdict),
      el("span", { class: "id" }, requirement.id),
      el("span", { class: "level" }, requirement.level),
      el("span", { class: "what" }, requirement.title, el("small", {}, prose(requirement.sentence)),
        requirement.off && el("small", {}, el("b", {}, "Off: "), requirement.off)),
      el("span", { class: "many" }, unseen(`${WORDS[verdict] || "not tested"}, `),
        bad > 0 ? `${bad} of ${many(of.length, "scenario")}` : many(of.length, "scenario")));
  };
  return el("section", { class: "group" }, el("h2", {}, title), about && el("p", {}, about),
    el("div", { class: "card" }, ordered.map(row)));
}

function overview() {
  const tested = (wanted) => data.requirements.filter((requirement) => worstOf(requirement) !== null && wanted(requirement));
  const broken = (requirement) => BREAKS.includes(requirement.verdict) || requirement.verdict === "error";
  const deciding = (requirement) => requirement.counts && !requirement.testbed && !requirement.off;
  return [
    map(),
    group("Not kept", "These decide about the verdict.", tested((each) => deciding(each) && broken(each))),
    group("Kept", null, tested((each) => deciding(each) && !broken(each))),
    group("Reported apart", "They don't decide about the verdict at the level that was asked for.",
      tested((each) => !each.counts && !each.testbed && !each.off)),
    group("Turned off by the profile", null, tested((each) => each.off)),
    group("Of the testbed", "Done by the testbed's own proxy here: nothing is said about the subject.", tested((each) => each.testbed)),
    group("Not tested in this run", null, data.requirements.filter((each) => worstOf(each) === null)),
  ];
}
