// The page: what was said by the program goes to the picture, the list and the call that is open.

const began = performance.now();
let state = stateOf(location.hash);
let portals = { portals: [], faults: [] };
let pausedAt = null;
let missed = 0;
let begun = 0;
let following = false;

const mapped = portalMap({
  isChosen: (name) => state.portal === name,
  portal: (name) => go({ portal: state.portal === name ? "" : name }),
});
const list = callList((id, focus) => go({ call: id }, focus));
const toCall = callForm({ call: (order, button, said) => sendCall(order, button, said) });
const toFault = faultForm({ fault: (line, isOn, button, said) => switchFault(line, isOn, button, said) });

// ---- What is looked for

const search = el("input", {
  type: "search", id: "search", placeholder: "Search (press /)", "aria-label": "Search the calls", value: state.q,
  oninput: (event) => go({ q: event.target.value }),
  onkeydown: (event) => {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      event.preventDefault();
      list.box.focus();
    }
  },
});
const ofPortal = el("select", { id: "of-portal", "aria-label": "Portal", onchange: (event) => go({ portal: event.target.value }) });
const ofApp = el("select", { id: "of-app", "aria-label": "App", onchange: (event) => go({ app: event.target.value }) });
const STATUSES = [["", "Any status"], ["2", "2xx"], ["3", "3xx"], ["4", "4xx"], ["5", "5xx"], ["none", "on its way"]];
const ofStatus = el("select", { id: "of-status", "aria-label": "Status", onchange: (event) => go({ status: event.target.value }) },
  STATUSES.map(([value, name]) => el("option", { value }, name)));
const onlyRefused = el("button", { type: "button", class: "press v-fail", id: "refused", onclick: () => go({ refused: !state.refused }) }, "✗ Only refused");
const pause = el("button", { type: "button", class: "press v-error", id: "pause", "aria-pressed": "false", onclick: () => setPause(pausedAt === null) }, "Pause");
const follow = el("button", { type: "button", class: "press v-pass", id: "follow", "aria-pressed": "false", title: "Open each call as it ends", onclick: () => setFollow(!following) }, "Follow");
const clear = el("button", { type: "button", class: "press", id: "clear", onclick: () => clearAway() }, "Clear");
const counted = el("span", { id: "count", role: "status" });
const beside = el("span", { id: "beside" });
const split = el("div", { class: "split", id: "split" }, list.box);

document.getElementById("section").append(
  el("h2", { class: "unseen" }, "Calls"),
  el("form", { class: "filters", role: "search", "aria-label": "Filter the calls", onsubmit: (event) => event.preventDefault() },
    search, ofPortal, ofApp, ofStatus, onlyRefused, follow, pause, clear),
  el("p", { class: "shown" }, counted, beside), split);

function go(change, focus) {
  const before = state;
  state = { ...state, ...change };
  const hash = hashOf(state);
  // A call that is opened can be gone back from.
  if (state.call !== before.call && !following) history.pushState(null, "", hash);
  else history.replaceState(null, "", hash);
  drawState(before, focus);
}

function drawState(before, focus) {
  if (document.activeElement !== search) search.value = state.q;
  ofPortal.value = state.portal;
  ofApp.value = state.app;
  ofStatus.value = state.status;
  onlyRefused.setAttribute("aria-pressed", String(state.refused));
  const searchedAnew = before && hashOf({ ...state, call: null }) !== hashOf({ ...before, call: null });
  drawList(Boolean(searchedAnew));
  if (before?.portal !== state.portal) mapped.redraw();
  if (!before || before.call !== state.call) openCall(focus);
}

// ---- The list

let sayCount = 0;
function drawList(isNewSearch) {
  if (pausedAt !== null && !isNewSearch) {
    drawBeside();
    return;
  }
  const found = lookedFor(state).filter((call) => pausedAt === null || call.number <= pausedAt);
  list.show(found, isNewSearch);
  const all = [...known.values()].filter((call) => call.number > cleared).length;
  clearTimeout(sayCount);
  // A count that changes many times a second is not to be read out each time.
  const words = found.length === all ? many(all, "call") : `${found.length.toLocaleString("en")} of ${many(all, "call")}`;
  if (isNewSearch) counted.textContent = words;
  else sayCount = setTimeout(() => { counted.textContent = words; }, counted.textContent ? 250 : 0);
  drawBeside();
}

function drawBeside() {
  const waiting = pausedAt === null ? 0 : newestFirst.filter((call) => call.number > pausedAt).length;
  const older = begun - known.size;
  beside.textContent = [
    pausedAt !== null && `paused; ${many(waiting, "call")} since`,
    older > 0 && known.size >= most && `the latest ${most.toLocaleString("en")} of ${begun.toLocaleString("en")} are kept`,
    missed > 0 && `${many(missed, "call")} came too quickly to be shown`,
  ].filter(Boolean).join(" · ");
}

function setPause(on) {
  pausedAt = on ? newestFirst[0]?.number ?? 0 : null;
  pause.setAttribute("aria-pressed", String(on));
  pause.textContent = on ? "Go on" : "Pause";
  say(on ? "Paused" : "Going on");
  drawList(false);
}

function setFollow(on) {
  following = on;
  follow.setAttribute("aria-pressed", String(on));
  say(on ? "The latest call is opened as it ends" : "Calls are no longer opened by themselves");
}

// The latest of those that ended just now, if it is one that is looked for.
function followTo(ended) {
  const wanted = new Set(lookedFor(state).map((call) => call.id));
  const latest = ended.filter((call) => wanted.has(call.id)).at(-1);
  if (latest && !document.getElementById("detail")?.contains(document.activeElement)) go({ call: latest.id }, false);
}

function clearAway() {
  cleared = newestFirst[0]?.number ?? 0;
  if (state.call) go({ call: null });
  drawList(true);
}

// ---- The call that is open

let opened = null;
const detailWidth = () => (window.innerWidth > 860 ? Math.max(split.clientWidth - list.box.offsetWidth - 18 - 52, 340) : split.clientWidth - 30);
const onDetail = {
  close: () => go({ call: null }),
  change: (again) => {
    // Where there is no room for both, the form takes the place of the call.
    if (window.innerWidth <= 860) go({ call: null }, false);
    showSide("call");
    toCall.fill(again);
    document.getElementById("side").scrollIntoView({ block: "nearest" });
  },
  again: (again, button) => sendCall(again, button, null),
};

async function openCall(focus) {
  const id = state.call;
  document.body.classList.toggle("open", Boolean(id));
  list.choose(id);
  if (!id) {
    opened = null;
    document.getElementById("detail")?.remove();
    split.append(el("div", { class: "card detail none", id: "detail" }, "Choose a call to see what went from whom to whom, and why it came out so."));
    if (focus !== false) list.box.focus({ preventScroll: true });
    return;
  }
  list.reveal(id);
  await drawCall(id);
  if (focus && state.call === id) {
    document.getElementById("detail-name")?.focus({ preventScroll: true });
    if (window.innerWidth <= 860) window.scrollTo(0, split.offsetTop - 60);
    else document.getElementById("detail").scrollTop = 0;
  }
}

// Draws it, or draws it again as it went on: hops that are open stay so.
async function drawCall(id) {
  let drawn;
  try {
    const seen = await askCall(id);
    opened = { id, entries: seen.call.entries, bodies: seen.call.bodies };
    drawn = callDetail(seen, detailWidth(), onDetail);
  } catch (error) {
    opened = { id, entries: -1 };
    drawn = el("div", { class: "card detail", id: "detail" }, el("button", { type: "button", class: "press back", onclick: onDetail.close }, "← All calls"),
      el("p", { class: "none" }, error.message));
  }
  if (state.call !== id) return;
  const before = document.getElementById("detail");
  if (before?.dataset.call === id) {
    const [old, fresh] = [before, drawn].map((each) => [...each.querySelectorAll(".hop")]);
    old.forEach((hop, n) => { if (hop.getAttribute("aria-expanded") === "true") fresh[n]?.click(); });
    const at = old.indexOf(document.activeElement);
    drawn.dataset.call = id;
    const top = before.scrollTop;
    before.replaceWith(drawn);
    drawn.scrollTop = top;
    if (at >= 0) fresh[at]?.focus({ preventScroll: true });
  } else {
    before?.remove();
    drawn.dataset.call = id;
    split.append(drawn);
  }
}

// ---- What is done

async function sendCall(order, button, said) {
  button.disabled = true;
  try {
    const came = await makeCall(order);
    if (said) said.textContent = `status ${came.status}`;
    say(`The call came out with status ${came.status}`);
    if (came.id) go({ call: came.id }, !said);
  } catch (error) {
    if (said) said.textContent = error.message;
    else button.after(el("span", { class: "said", role: "alert" }, ` ${error.message}`));
  } finally {
    button.disabled = false;
  }
}

async function switchFault(line, isOn, button, said) {
  if (button) button.disabled = true;
  try {
    await (isOn ? putFault(line) : healFault(line));
    said.textContent = "";
    say(`${line} is ${isOn ? "on" : "off"}`);
  } catch (error) {
    said.textContent = error.message;
  } finally {
    if (button) button.disabled = false;
  }
  await lookAtState();
  // Some are over as soon as they have happened.
  if (isOn && !said.textContent && / restarted$/.test(line)) said.textContent = `${line}: done`;
}

// ---- Beside the picture

const tabs = [["call", "Make a call", toCall], ["fault", "Faults", toFault]];
function showSide(chosen) {
  for (const [name, , { form }] of tabs) {
    document.getElementById(`tab-${name}`).setAttribute("aria-selected", String(name === chosen));
    document.getElementById(`tab-${name}`).tabIndex = name === chosen ? 0 : -1;
    form.hidden = name !== chosen;
  }
}
document.getElementById("side").append(
  el("div", {
    class: "tabs", role: "tablist", "aria-label": "What to do",
    onkeydown: (event) => {
      if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
      const next = tabs.find(([name]) => document.getElementById(`tab-${name}`) !== event.target)[0];
      showSide(next);
      document.getElementById(`tab-${next}`).focus();
    },
  }, tabs.map(([name, title]) => el("button", { type: "button", role: "tab", id: `tab-${name}`, "aria-controls": `${name}-form`, onclick: () => showSide(name) }, title))),
  ...tabs.map(([, , { form }]) => form));
showSide("call");

async function lookAtState() {
  try {
    portals = await askState();
  } catch (error) {
    document.getElementById("about").textContent = error.message;
    return;
  }
  mapped.show(portals);
  toCall.show(portals);
  toFault.show(portals);
  toFault.offerKinds(portals.kinds);
  offer(ofPortal, portals.portals.map((portal) => portal.name), "Any Portal");
  offer(ofApp, [...new Set(portals.portals.flatMap((portal) => portal.apps.map((app) => app.name)))], "Any app");
  [ofPortal.value, ofApp.value] = [state.portal, state.app];
  const on = portals.faults.length;
  document.getElementById("about").textContent = [portals.zone, many(portals.portals.length, "Portal")].filter(Boolean).join(" · ");
  document.getElementById("tab-fault").textContent = on > 0 ? `Faults (${on} on)` : "Faults";
}

// ---- The keyboard

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && state.call) {
    event.preventDefault();
    go({ call: null }, true);
    return;
  }
  if (event.target.closest("input, select, textarea")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const acts = {
    "/": () => search.focus(),
    p: () => setPause(pausedAt === null),
    l: () => setFollow(!following),
    c: () => { showSide("call"); toCall.focus(); },
    f: () => { showSide("fault"); toFault.focus(); },
  };
  if (event.key in acts) {
    event.preventDefault();
    acts[event.key]();
  }
});
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  list.box.focus();
});
window.addEventListener("popstate", () => {
  const before = state;
  state = stateOf(location.hash);
  drawState(before, false);
});
let wide = window.innerWidth;
window.addEventListener("resize", () => {
  if (window.innerWidth === wide) return;
  wide = window.innerWidth;
  if (opened) drawCall(opened.id);
});

// ---- What happens

const connection = document.getElementById("connection");
function setConnection(look, words) {
  connection.className = look;
  if (connection.textContent !== words) connection.textContent = words;
}
let redrawn = 0;
const told = {
  hello(hello) {
    [clock.now, clock.wall, most] = [hello.now, Date.now(), hello.most];
    begun = hello.begun;
    setConnection("good", "live");
    lookAtState();
    drawList(false);
  },
  calls(changed) {
    const fresh = known.size > 0 || changed.length < 20;
    const ended = takeIn(changed);
    begun = Math.max(begun, newestFirst[0]?.number ?? 0);
    if (fresh) ended.slice(-8).forEach((call) => mapped.flash(call));
    drawList(false);
    if (following && pausedAt === null && ended.length > 0) followTo(ended);
    const call = opened && known.get(opened.id);
    if (call && (call.entries !== opened.entries || call.bodies !== opened.bodies) && redrawn === 0) {
      redrawn = setTimeout(() => {
        redrawn = 0;
        if (opened) drawCall(opened.id);
      }, 120);
    }
    document.documentElement.dataset.ms = String(Math.round(performance.now() - began));
  },
  missed(count) {
    missed += count;
    drawBeside();
  },
  lost(forGood) {
    setConnection("bad", forGood ? "not connected" : "connection lost; trying again …");
    if (!forGood) return;
    // The reason stands in the head of the page; the browser itself does not try again after a refusal.
    lookAtState();
    setTimeout(() => listen(told), 5000);
  },
};
listen(told);
if (given) history.replaceState(null, "", hashOf(state));
drawState(null, false);
setInterval(() => { if (!document.hidden) lookAtState(); }, 2000);
