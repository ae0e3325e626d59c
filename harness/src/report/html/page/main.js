// What is shown stands in the address, so that it can be sent to someone: #verdict=fail&requirement=CALL-3&scenario=…

const EMPTY = { view: data.requirements.length > 0 ? "requirements" : "scenarios", verdict: new Set(), level: "", requirement: "", feature: "", q: "", scenario: null };

function hashOf(state) {
  const parts = new URLSearchParams();
  if (state.verdict.size > 0) parts.set("verdict", [...state.verdict].join(","));
  for (const name of ["level", "requirement", "feature", "q", "scenario"]) {
    if (state[name]) parts.set(name, state[name]);
  }
  return `#${parts.toString() || "view=scenarios"}`;
}

function stateOf(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const of = (name) => parts.get(name) || "";
  const verdict = new Set(of("verdict").split(",").filter((each) => each in WORDS));
  const state = { ...EMPTY, verdict, level: of("level"), requirement: of("requirement"), feature: of("feature"), q: of("q"), scenario: of("scenario") || null };
  if ([...parts.keys()].length > 0) state.view = "scenarios";
  return state;
}

function replaceHash(state) {
  history.replaceState(null, "", hashOf(state));
  show();
}

let shown = null;

const same = (a, b) => hashOf({ ...a, scenario: null }) === hashOf({ ...b, scenario: null }) && a.view === b.view;
const isWide = () => window.matchMedia("(min-width: 861px)").matches;

function show() {
  const state = stateOf(location.hash);
  const before = shown;
  shown = state;
  for (const view of ["requirements", "scenarios"]) {
    const tab = document.getElementById(`tab-${view}`);
    if (state.view === view) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  const main = document.getElementById("main");
  if (state.view === "requirements") {
    main.replaceChildren(...overview().filter(Boolean));
  } else if (before && same(before, state) && document.getElementById("rows")) {
    openDetail(state, before.scenario !== state.scenario);
  } else {
    showScenarios(main, state);
  }
}

function showScenarios(main, state) {
  const typing = document.activeElement?.id === "search" ? document.activeElement.selectionStart : null;
  const found = matching(state);
  const about = state.requirement && requirements.get(state.requirement);
  const narrowed = hashOf({ ...state, scenario: null }) !== "#view=scenarios";
  const split = el("div", { class: "split", id: "split" }, rows(found, state));
  main.replaceChildren(
    el("h2", { class: "unseen" }, "Scenarios"),
    filters(state),
    el("p", { class: "shown" }, el("span", { id: "count", role: "status" }, `${found.length.toLocaleString("en")} of ${many(scenarios.length, "scenario")}`),
      narrowed && el("a", { href: "#view=scenarios" }, "Show all")),
    ...(about ? [el("div", { class: "card about" }, badge(worstOf(about)), " ", el("b", {}, `${about.id} ${about.level}`), prose(about.sentence))] : []),
    split);
  if (typing !== null) {
    const search = document.getElementById("search");
    search.focus();
    search.setSelectionRange(typing, typing);
  }
  split.found = found;
  openDetail(state, false);
}

// Opens a scenario beside the list; without one, the first that did not pass, where there is room for both.
function openDetail(state, focus) {
  const split = document.getElementById("split");
  const chosen = byId.get(state.scenario);
  const first = split.found[0];
  const scenario = chosen || (isWide() && first && first.verdict !== "pass" ? first : null);
  document.getElementById("detail")?.remove();
  document.getElementById("main").classList.toggle("open", Boolean(chosen));
  split.classList.toggle("open", Boolean(chosen));
  split.querySelectorAll(".row[aria-current]").forEach((row) => row.removeAttribute("aria-current"));
  if (scenario) {
    const width = isWide() ? Math.max(split.clientWidth - 400 - 18 - 50, 380) : split.clientWidth - 30;
    split.append(detail(scenario, state, width));
    const place = split.found.indexOf(scenario);
    const row = place >= 0 ? document.getElementById("rows").reach(place) : null;
    row?.setAttribute("aria-current", "true");
    const list = document.getElementById("rows");
    if (chosen && !focus && row && isWide()) list.scrollTop = row.offsetTop - list.offsetTop - list.clientHeight / 3;
  } else if (isWide()) {
    split.append(el("div", { class: "card detail none", id: "detail" }, "Choose a scenario to see its steps and what went over the wire."));
  }
  if (focus && chosen) {
    document.getElementById("detail-name").focus({ preventScroll: true });
    document.getElementById("detail").scrollIntoView({ block: "nearest" });
    if (document.getElementById("detail").getBoundingClientRect().top < 0 || !isWide()) window.scrollTo(0, document.getElementById("main").offsetTop);
  } else if (focus && !chosen) {
    document.querySelector('#rows .row[tabindex="0"]')?.focus();
  }
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    if (shown.view !== "scenarios" || shown.scenario) {
      history.pushState(null, "", hashOf({ ...shown, scenario: null }));
      show();
    }
    document.getElementById("search").focus();
  }
  if (event.key === "Escape" && shown.scenario && !typing) {
    const id = shown.scenario;
    location.hash = hashOf({ ...shown, scenario: null });
    setTimeout(() => document.querySelector(`.row[data-id="${CSS.escape(id)}"]`)?.focus(), 0);
  }
});

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  if (shown.view !== "scenarios") location.hash = "#view=scenarios";
  setTimeout(() => document.querySelector('#rows .row[tabindex="0"]')?.focus(), 0);
});

document.getElementById("top").append(...head());
document.getElementById("foot").append(
  `Features ${data.suite.features_sha256.slice(0, 12)}. Cookies, keys and tokens are blanked. Keys: `,
  el("kbd", {}, "/"), " search, ", el("kbd", {}, "↑"), " ", el("kbd", {}, "↓"), " in the list, ", el("kbd", {}, "Enter"), " open, ", el("kbd", {}, "Esc"), " back.");
window.addEventListener("hashchange", show);
// The pictures are as wide as there is room: turned round, a phone gets new ones.
let wide = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === wide || shown.view !== "scenarios") return;
  wide = window.innerWidth;
  openDetail(shown, false);
});
show();
document.documentElement.dataset.ms = String(Math.round(performance.now() - began));
