// The list of calls, newest first. Only the rows in sight exist, however many calls there are.

const ROW = 62;
const SPARE = 6;

function markOf(call) {
  if (call.status === null && !call.refused) return ["none", "…", "on its way"];
  return isBad(call) ? ["fail", "✗", call.refused ? "refused" : "failed"] : ["pass", "✓", "answered"];
}

function rowOf(call) {
  const [verdict, sign, said] = markOf(call);
  const who = [call.client && `as ${clientName(call.client)}`, call.refused && call.refusal].filter(Boolean).map((part) => ` · ${part}`).join("");
  return el("div", { class: `row v-${verdict}`, role: "option", id: `row-${call.id}`, "data-id": call.id },
    el("span", { class: "mark", "aria-hidden": "true" }, sign),
    el("span", { class: "name mono" }, unseen(`${said}: `), el("b", {}, call.method), ` ${cut(call.target, 200)}`),
    el("span", { class: "code" }, call.status === null ? "" : String(call.status)),
    el("span", { class: "sub", title: who.slice(3) || null }, `${endName(call.from)} → ${toName(call)}${who}`),
    el("span", { class: "ms", title: `at ${timeOf(call)}` }, tookOf(call.took)));
}

function callList(open) {
  const tall = el("div", { class: "tall", role: "presentation" });
  const box = el("div", { class: "card rows", id: "calls", role: "listbox", tabindex: "0", "aria-label": "Calls, the newest first" }, tall);
  const none = el("p", { class: "none" }, "No call is like that.");
  const drawn = new Map();
  let found = [];
  let active = null;
  let chosen = null;
  let waiting = false;

  const draw = () => {
    waiting = false;
    const first = Math.max(0, Math.floor(box.scrollTop / ROW) - SPARE);
    const last = Math.min(found.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + SPARE);
    const visible = new Set(found.slice(first, last).map((call) => call.id));
    for (const [id, { row }] of drawn) {
      if (!visible.has(id)) {
        row.remove();
        drawn.delete(id);
      }
    }
    let before = null;
    for (let place = first; place < last; place += 1) {
      const call = found[place];
      let it = drawn.get(call.id);
      if (!it || it.call !== call) {
        const row = rowOf(call);
        it?.row.replaceWith(row);
        it = { call, row };
        drawn.set(call.id, it);
      }
      // In the order in which they are seen, for whoever has them read out.
      const next = before ? before.nextSibling : tall.firstChild;
      if (next !== it.row) tall.insertBefore(it.row, next);
      before = it.row;
      it.row.style.top = `${place * ROW}px`;
      it.row.setAttribute("aria-posinset", String(place + 1));
      it.row.setAttribute("aria-setsize", String(found.length));
      it.row.setAttribute("aria-selected", String(call.id === chosen));
      it.row.classList.toggle("active", call.id === active);
    }
    if (active && drawn.has(active)) box.setAttribute("aria-activedescendant", `row-${active}`);
    else box.removeAttribute("aria-activedescendant");
  };
  const later = () => {
    if (!waiting) {
      waiting = true;
      requestAnimationFrame(draw);
    }
  };
  const reveal = (place) => {
    const top = place * ROW;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (top + ROW > box.scrollTop + box.clientHeight) box.scrollTop = top + ROW - box.clientHeight;
  };

  box.addEventListener("scroll", later, { passive: true });
  new ResizeObserver(later).observe(box);
  box.addEventListener("click", (event) => {
    const id = event.target.closest(".row")?.dataset.id;
    if (id) open(active = id, true);
  });
  box.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || found.length === 0) return;
    const page = Math.max(1, Math.floor(box.clientHeight / ROW) - 1);
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, j: 1, k: -1, Home: -found.length, End: found.length };
    if (event.key in steps) {
      event.preventDefault();
      const at = found.findIndex((call) => call.id === active);
      const from = at >= 0 ? at : event.key === "End" ? 0 : -1;
      const place = Math.min(Math.max(from + steps[event.key], 0), found.length - 1);
      active = found[place].id;
      reveal(place);
      draw();
      say(tall.querySelector(".row.active")?.textContent || "");
    } else if ((event.key === "Enter" || event.key === " ") && active) {
      event.preventDefault();
      open(active, true);
    }
  });

  return {
    box,
    // What is shown from now on. What someone is reading stays where it is.
    show(calls, isNewSearch) {
      const top = Math.floor(box.scrollTop / ROW);
      const read = !isNewSearch && box.scrollTop > 0 ? found[top]?.id : null;
      found = calls;
      tall.style.height = `${found.length * ROW}px`;
      none.remove();
      if (found.length === 0) box.append(none);
      none.textContent = known.size === 0 ? "No calls yet. Make one above, or use your app." : "No call is like that.";
      const place = read ? found.findIndex((call) => call.id === read) : -1;
      if (place >= 0 && place !== top) box.scrollTop += (place - top) * ROW;
      if (isNewSearch) box.scrollTop = 0;
      later();
    },
    choose(id) {
      chosen = id;
      if (id) active = id;
      later();
    },
    reveal(id) {
      const place = found.findIndex((call) => call.id === id);
      if (place >= 0) reveal(place);
    },
  };
}
