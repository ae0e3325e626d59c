// Beside the picture: a form for a call to a peer, and the switches for the faults.

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

const field = (label, input, look) => el("label", { class: `field${look ? ` ${look}` : ""}` }, el("span", {}, label), input);

// Fills a choice, and leaves chosen what was.
function offer(choice, names, all) {
  const before = choice.value;
  choice.replaceChildren(...(all ? [el("option", { value: "" }, all)] : []), ...names.map((name) => el("option", { value: name }, name)));
  if (names.includes(before) || (all && before === "")) choice.value = before;
}

function callForm(on) {
  const portal = el("select", { name: "portal", onchange: () => apps() });
  const app = el("select", { name: "app" });
  const peer = el("input", { name: "peer", list: "peers", autocomplete: "off", spellcheck: "false", required: true });
  const peers = el("datalist", { id: "peers" });
  const method = el("select", { name: "method" }, METHODS.map((name) => el("option", {}, name)));
  const path = el("input", { name: "path", value: "/", autocomplete: "off", spellcheck: "false", required: true });
  const headers = el("textarea", { name: "headers", rows: "2", placeholder: "Name: value", spellcheck: "false" });
  const body = el("textarea", { name: "body", rows: "3", spellcheck: "false" });
  const more = el("details", {}, el("summary", {}, "Headers and body"), field("Headers, one a line", headers), field("Body", body));
  const button = el("button", { type: "submit", class: "act", id: "send" }, "Call");
  const said = el("p", { class: "said", role: "status" });
  let state = { portals: [] };

  const apps = () => {
    const of = state.portals.find((each) => each.name === portal.value);
    offer(app, (of?.apps || []).map((each) => each.name));
    const others = state.portals.filter((each) => each.name !== portal.value);
    peers.replaceChildren(...others.map((each) => el("option", { value: each.name }, each.shortId)));
    if ((!peer.value || peer.value === portal.value) && others.length > 0) peer.value = others[0].name;
  };
  const order = () => ({
    portal: portal.value, app: app.value, peer: peer.value.trim(), method: method.value, path: path.value.trim(),
    fields: headers.value.split("\n").filter((line) => line.trim()).map((line) => {
      const at = line.indexOf(":");
      if (at < 1) throw new Error(`A header is \`Name: value\`, not \`${line.trim()}\`.`);
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    }),
    body: body.value === "" ? null : body.value,
  });
  const form = el("form", {
    class: "form", id: "call-form", "aria-label": "Call a peer",
    onsubmit: (event) => {
      event.preventDefault();
      try {
        on.call(order(), button, said);
      } catch (error) {
        said.textContent = error.message;
      }
    },
  },
  el("div", { class: "pair" }, field("From", portal), field("App", app), field("To the peer", peer)), peers,
  el("div", { class: "pair" }, field("Method", method, "short"), field("Path on the peer", path, "long")),
  more, el("div", { class: "acts" }, button, said));

  return {
    form,
    show(next) {
      state = next;
      offer(portal, state.portals.map((each) => each.name));
      apps();
    },
    fill(again) {
      portal.value = again.portal;
      apps();
      app.value = again.app;
      peer.value = state.portals.find((each) => each.shortId === again.peer.slice(0, 6))?.name || again.peer;
      if (![...method.options].some((each) => each.value === again.method)) method.append(el("option", {}, again.method));
      method.value = again.method;
      path.value = again.path;
      headers.value = again.fields.map(([name, value]) => `${name}: ${value}`).join("\n");
      body.value = again.body || "";
      more.open = Boolean(headers.value || body.value || again.had_body);
      (again.had_body && again.body === null ? body : path).focus();
      said.textContent = "";
    },
    focus: () => portal.focus(),
  };
}

// A kind of fault is written like its example: where both differ stands what can be chosen.
function faultForm(on) {
  const kinds = [];
  const kind = el("select", { name: "kind", onchange: () => blanks() });
  const room = el("div", { class: "pair" });
  const about = el("p", { class: "more" });
  const line = el("input", { name: "fault", "aria-label": "The fault in words", spellcheck: "false", autocomplete: "off", required: true });
  const said = el("p", { class: "said", role: "status" });
  const switches = el("ul", { class: "switches", "aria-label": "Faults" });
  const ever = [];
  let state = { portals: [], faults: [] };
  let read = () => "";

  const inputFor = (word, example, chosen) => {
    const choice = (label, names) => {
      const it = el("select", { onchange: compose }, names.map((name) => el("option", {}, name)));
      if (names.includes(chosen)) it.value = chosen;
      room.append(field(label, it));
      return () => it.value;
    };
    const names = state.portals.map((portal) => portal.name);
    if (word === "A" || word === "B" || word === "P") return choice(word === "A" ? "From" : word === "B" ? "To" : "Portal", names);
    if (word === "->" || word === "<->") return choice("Way", ["->", "<->"]);
    if (word === "NAME") return choice("App", [...new Set(state.portals.flatMap((portal) => portal.apps.map((app) => app.name)))]);
    if (word === example) return () => word;
    const it = el("input", { value: example, oninput: compose, spellcheck: "false", autocomplete: "off" });
    room.append(field(word.toLowerCase().replace(/[^a-z/]/g, ""), it));
    return () => it.value.trim();
  };
  const compose = () => { line.value = read(); };
  const blanks = (from, to) => {
    const it = kinds[Number(kind.value)];
    if (!it) return;
    room.replaceChildren();
    const names = state.portals.map((portal) => portal.name);
    const [form, example] = [it.form.split(" "), it.example.split(" ")];
    const chosen = { A: from || names[0], B: to || names.find((name) => name !== (from || names[0])), P: from || names[1] || names[0] };
    const words = form.map((word, n) => inputFor(word, example[n] ?? word, word === "->" ? example[n] : chosen[word]));
    read = () => words.map((word) => word()).join(" ");
    about.textContent = it.about;
    compose();
  };
  const drawSwitches = () => {
    const lines = state.faults.map((fault) => fault.line);
    for (const each of lines) if (!ever.includes(each)) ever.push(each);
    const focused = switches.contains(document.activeElement) ? document.activeElement.dataset.fault : null;
    switches.replaceChildren(...ever.map((each) => {
      const isOn = lines.includes(each);
      return el("li", {}, el("button", {
        type: "button", role: "switch", class: "switch", "aria-checked": String(isOn), "data-fault": each,
        onclick: (event) => on.fault(each, !isOn, event.currentTarget, said),
      }, el("span", { class: "knob", "aria-hidden": "true" }), el("span", { class: "mono" }, each)));
    }));
    if (ever.length === 0) switches.append(el("li", { class: "more" }, "No fault is on. What you put on stays here as a switch."));
    if (focused) [...switches.querySelectorAll(".switch")].find((each) => each.dataset.fault === focused)?.focus();
  };
  const form = el("form", {
    class: "form", id: "fault-form", "aria-label": "Faults",
    onsubmit: (event) => {
      event.preventDefault();
      on.fault(line.value.trim(), true, event.submitter, said);
    },
  },
  switches, field("What goes wrong", kind), room, about, el("div", { class: "acts" }, line, el("button", { type: "submit", class: "act", id: "put" }, "Put on")), said);

  return {
    form,
    offerKinds(all) {
      if (kinds.length === all.length) return;
      kinds.splice(0, kinds.length, ...all);
      const groups = new Map();
      all.forEach((each, n) => groups.set(each.group, [...(groups.get(each.group) || []), el("option", { value: String(n) }, each.form.replace(/^(A <?-> B|P) /, ""))]));
      kind.replaceChildren(...[...groups].map(([label, options]) => el("optgroup", { label }, options)));
      blanks();
    },
    show(next) {
      const changed = JSON.stringify(next.portals) !== JSON.stringify(state.portals);
      state = next;
      drawSwitches();
      if (changed) blanks();
    },
    focus: () => (switches.querySelector(".switch") || kind).focus(),
  };
}
