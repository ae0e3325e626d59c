// The list of scenarios. Rows come in portions, as someone scrolls to them.

const PORTION = 100;

function rowOf(scenario, state) {
  const of = scenario.requirements.join(", ");
  const [feature, , ...row] = scenario.id.split("/");
  return el("a", {
    class: `row v-${scenario.verdict}`,
    href: hashOf({ ...state, scenario: scenario.id }),
    "data-id": scenario.id,
    tabindex: "-1",
    "aria-current": scenario.id === state.scenario ? "true" : null,
  },
  mark(scenario.verdict),
  el("span", { class: "name" }, unseen(`${WORDS[scenario.verdict]}: `), scenario.name),
  el("span", { class: "ms" }, seconds(scenario.ms)),
  el("span", { class: "sub", title: scenario.id }, `${of} · ${feature} ${row.join("/")}`));
}

// The rows, the first portion at once; `reach` shows all up to a place.
function rows(found, state) {
  const list = el("nav", { class: "card rows", "aria-label": "Scenarios", id: "rows" });
  const end = el("div", { "aria-hidden": "true" });
  let shown = 0;
  const more = () => {
    const next = found.slice(shown, shown + PORTION).map((scenario) => rowOf(scenario, state));
    shown += next.length;
    end.before(...next);
    if (shown >= found.length) end.remove();
  };
  list.append(end);
  more();
  if (found.length === 0) list.append(el("p", { class: "none" }, "No scenario is like that."));
  list.reach = (place) => {
    while (shown <= place && shown < found.length) more();
    return list.querySelectorAll(".row")[place];
  };
  // One of them takes part in the order of Tab, the arrows move between them.
  const current = Math.max(0, found.findIndex((scenario) => scenario.id === state.scenario));
  list.reach(current)?.setAttribute("tabindex", "0");
  list.addEventListener("keydown", (event) => move(event, list, found.length));
  list.addEventListener("focusin", (event) => {
    const row = event.target.closest(".row");
    if (!row) return;
    list.querySelectorAll('.row[tabindex="0"]').forEach((other) => other.setAttribute("tabindex", "-1"));
    row.setAttribute("tabindex", "0");
  });
  if ("IntersectionObserver" in window) {
    new IntersectionObserver((seen) => { if (seen.some((one) => one.isIntersecting)) more(); }, { rootMargin: "800px" }).observe(end);
  } else {
    list.reach(found.length);
  }
  return list;
}

function move(event, list, count) {
  const all = [...list.querySelectorAll(".row")];
  const at = all.indexOf(event.target.closest(".row"));
  const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, j: 1, k: -1 };
  let to = null;
  if (event.key in steps) to = at + steps[event.key];
  if (event.key === "Home") to = 0;
  if (event.key === "End") to = count - 1;
  if (to === null || at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  list.reach(Math.min(Math.max(to, 0), count - 1))?.focus();
}

// What is looked for.
function filters(state) {
  const go = (change) => { location.hash = hashOf({ ...state, scenario: null, ...change }); };
  const select = (name, label, all) => {
    const choice = el("select", { "aria-label": label, onchange: (event) => go({ [name]: event.target.value }) },
      el("option", { value: "" }, label), all.map((each) => el("option", { value: each, selected: each === state[name] }, each)));
    return choice;
  };
  const verdicts = VERDICTS.filter((verdict) => counts[verdict] > 0).map((verdict) => el("button", {
    type: "button", class: `press v-${verdict}`, "aria-pressed": String(state.verdict.has(verdict)),
    onclick: () => {
      const chosen = new Set(state.verdict);
      if (!chosen.delete(verdict)) chosen.add(verdict);
      go({ verdict: chosen });
    },
  }, el("span", { "aria-hidden": "true" }, `${MARKS[verdict]} `), WORDS[verdict], ` ${counts[verdict].toLocaleString("en")}`));
  let waiting = 0;
  const search = el("input", {
    type: "search", id: "search", placeholder: "Search (press /)", "aria-label": "Search the scenarios", value: state.q,
    oninput: (event) => {
      clearTimeout(waiting);
      waiting = setTimeout(() => replaceHash({ ...state, scenario: null, q: event.target.value }), 150);
    },
    onkeydown: (event) => {
      if (event.key === "ArrowDown" || event.key === "Enter") {
        event.preventDefault();
        document.querySelector('#rows .row[tabindex="0"]')?.focus();
      }
    },
  });
  const tested = data.requirements.filter((each) => each.scenarios.length > 0).map((each) => each.id);
  return el("form", { class: "filters", role: "search", "aria-label": "Filter", onsubmit: (event) => event.preventDefault() },
    search, verdicts, select("level", "Any level", LEVELS), select("requirement", "Any requirement", tested),
    select("feature", "Any feature", features));
}
