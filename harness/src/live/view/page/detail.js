// One call: what was decided and why, the signature bases, and what went over the wire.

// The parties of a call, each the same object wherever it stands.
function parties() {
  const all = new Map();
  return ({ party: kind, portal = null, app }) => {
    const key = JSON.stringify([kind, portal, app]);
    if (!all.has(key)) all.set(key, { kind, portal, name: kind === "app" ? app : { core: "Core", proxy: "proxy", outside: "outside" }[kind] });
    return all.get(key);
  };
}

// An entry of the trace, as the diagram takes it.
function unpack({ hop: it, signature }, party) {
  if (it) return { ...it, trace: it.trace_id, from: party(it.from), to: party(it.to), note: it.note || null };
  const core = party({ party: "core", portal: signature.portal });
  const { label = null, signature_input: input = null, base = null, outcome } = signature;
  const refused = outcome.rejected || {};
  const kind = typeof outcome === "string" ? outcome : "refused";
  return { kind, from: core, to: core, label, input, base, step: refused.step, code: refused.code };
}

function decisionOf({ call, decisions, signatures }) {
  const of = decisions.find((each) => each.portal === call.to.portal) || decisions[0];
  if (!of) {
    if (call.status === null) return ["none", "Nobody was asked so far."];
    if (call.peer !== null && call.to.portal === null) return ["fail", `The Core on ${call.from.portal} did not pass it on: it answered ${call.status} itself.`];
    return [isBad(call) ? "fail" : "pass", `No Core was asked whether it may pass; the answer is ${call.status}.`];
  }
  const verified = signatures.some((each) => each.verified && each.portal === of.portal);
  if (of.status === 200) {
    return ["pass", `The Core on ${of.portal} let it in${verified ? ": the signature fits the base that it rebuilt" : ""}.`];
  }
  return ["fail", `The Core on ${of.portal} refused it with ${of.status}.`];
}

function factsOf(seen) {
  const { call, decisions, entries } = seen;
  const [verdict, said] = decisionOf(seen);
  const list = [];
  const fact = (name, value, mono) => list.push(el("dt", {}, name), el("dd", { class: mono ? "mono" : null }, value));
  fact("Decision", said);
  if (call.client) fact("Taken for", clientName(call.client));
  else if (decisions.length > 0) fact("Taken for", verdict === "pass" ? "not told: the app's manifest declares no field for it" : "nobody known");
  const refused = entries.map((entry) => entry.signature).filter((it) => it?.outcome.rejected);
  for (const it of refused) fact("Signature", `refused by the Core on ${it.portal} at the step ${it.outcome.rejected.step}: ${it.outcome.rejected.code}`);
  const why = decisions.map((each) => each.why).filter(Boolean);
  if (why.length > 0) fact("Why", why.join("\n"));
  const declared = decisions.flatMap((each) => each.declared);
  if (declared.length > 0) fact("Told the app", declared.map(([name, value]) => `${name}: ${value}`).join("\n"), true);
  return el("dl", { class: `facts v-${verdict}` }, list);
}

function signaturesOf(seen, unpacked) {
  const sides = seen.signatures.map(({ bases: both, changed_by: changedBy, portal, label }) => {
    const about = el("p", { class: "more" }, `Signature ${label || "without label"}, rebuilt by the Core on ${portal}.`);
    if (both.line !== null) return [bases(both, changedBy), about];
    return el("details", { class: "same" }, el("summary", {}, "The signature base, the same on both sides"),
      bases(both, null).slice(1), about);
  });
  const lone = unpacked.filter((entry) => entry.kind === "made" && entry.base && seen.signatures.length === 0);
  return [sides, lone.map((entry) => el("details", { class: "same" },
    el("summary", {}, `The signature base that the ${partyName(entry.from)} made; nobody rebuilt it`), el("pre", { class: "base" }, entry.base)))];
}

// The same call, from a shell.
function commandOf(again) {
  const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  const options = again.method === "GET" ? [] : ["-X", again.method];
  if (again.body) options.push("-d", again.body);
  for (const [name, value] of again.fields) options.push("-H", `${name}: ${value}`);
  return ["countersign", "call", again.portal, again.app, again.peer, again.path, ...options].map(quoted).join(" ");
}

function againOf(seen, on) {
  const { again } = seen;
  if (!again) return el("p", { class: "more" }, "Only a call from an app to a peer can be made again from here.");
  const lost = again.had_body && again.body === null;
  const gone = [lost && "it had a body, which was not kept", again.blanked.length > 0 && `it had ${again.blanked.join(", ")}, which are secret`].filter(Boolean);
  return [
    el("div", { class: "acts" },
      el("button", { type: "button", class: "act", id: "again", disabled: lost, onclick: (event) => on.again(again, event.target) }, "Call again"),
      el("button", { type: "button", class: "press", id: "change", onclick: () => on.change(again) }, lost ? "Give it a body and call" : "Change and call")),
    gone.length > 0 && el("p", { class: "more" }, `To call again: ${gone.join(", and ")}.`),
  ];
}

function callDetail(seen, width, on) {
  const { call } = seen;
  const [verdict, sign] = markOf(call);
  const party = parties();
  const unpacked = seen.entries.map((entry) => unpack(entry, party));
  const changedBy = seen.signatures.map((each) => each.changed_by).find(Boolean);
  return el("article", { class: "card detail", id: "detail", "aria-labelledby": "detail-name" },
    el("button", { type: "button", class: "press back", onclick: on.close }, "← All calls"),
    el("div", {}, el("span", { class: `badge v-${verdict}` }, el("span", { "aria-hidden": "true" }, sign), call.status === null ? "on its way" : `status ${call.status}`)),
    el("h2", { id: "detail-name", tabindex: "-1" }, `${call.method} ${cut(call.target, 300)}`),
    el("p", { class: "place" }, `${endName(call.from)} → ${toName(call)} · ${timeOf(call)} · ${tookOf(call.took)} · ${call.id}`),
    againOf(seen, on),
    factsOf(seen),
    signaturesOf(seen, unpacked),
    el("h3", {}, "Hop by hop"),
    el("p", { class: "more" }, "A hop opens its message.",
      seen.left_out > 0 && ` The first ${seen.entries.length} of ${seen.entries.length + seen.left_out} entries.`),
    el("div", { class: "flow", id: "flow" }, seen.entries.length > 0 ? sequence(unpacked, width, changedBy) : "Its messages are no longer kept."),
    seen.again && [el("h3", {}, "The same from a shell"), command(commandOf(seen.again))]);
}
