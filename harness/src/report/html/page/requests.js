// The requests of a scenario, each with its sequence diagram.

const partyAt = (place) => data.parties[place];

// An entry with its texts.
function unpack(entry) {
  const kind = KINDS[entry[0]];
  const trace = text(entry[1]);
  if (kind === "request" || kind === "answer") {
    const [, , from, to, method, target, status, note, fields, packed] = entry;
    const flat = data.fields[fields];
    const pairs = Array.from({ length: flat.length / 2 }, (_, n) => [text(flat[2 * n]), text(flat[2 * n + 1])]);
    const [body, base64, length, leftOut, end] = packed || [];
    return {
      kind, trace, from: partyAt(from), to: partyAt(to), method: text(method), target: text(target), status, note: text(note), fields: pairs,
      body: packed && { text: text(body), base64: text(base64), length, left_out: leftOut, end },
    };
  }
  const [, , at, label, input, base, step, code] = entry;
  return { kind, trace, from: partyAt(at), to: partyAt(at), label: text(label), input: text(input), base: text(base), step: text(step), code: text(code) };
}

// The hops of each request together, requests in the order in which they began.
function requestsOf(entries) {
  const groups = [];
  const open = new Map();
  for (const entry of entries) {
    const last = groups[groups.length - 1];
    let group = entry.trace === null ? (last && last.trace === null ? last : null) : open.get(entry.trace);
    if (!group) {
      group = { trace: entry.trace, entries: [] };
      groups.push(group);
      open.set(entry.trace, group);
    }
    group.entries.push(entry);
  }
  return groups;
}

function flow(group, number, open, width, changedBy) {
  const first = group.entries.find((entry) => entry.kind === "request") || group.entries[0];
  const answers = group.entries.filter((entry) => entry.kind === "answer");
  const status = answers.length > 0 ? answers[answers.length - 1].status : null;
  const draw = () => sequence(group.entries, width, changedBy);
  const title = first.kind === "request" ? `${first.method} ${cut(first.target, 90)}` : words(first);
  const details = el("details", { class: "flow", open },
    el("summary", {}, el("b", {}, `${number}. `), el("span", { class: "mono" }, title), status === null ? "" : ` → ${status}`,
      el("span", { class: "place" }, `, ${many(group.entries.length, "entry").replace(/ys$/, "ies")}`)));
  if (open) details.append(...draw());
  else details.addEventListener("toggle", () => details.append(...draw()), { once: true });
  return details;
}

function diagram(scenario, width) {
  if (scenario.entries.length === 0) return null;
  const groups = requestsOf(scenario.entries.map(unpack));
  // What failed is mostly in the last one.
  const few = scenario.entries.length <= 24;
  return [
    el("h3", {}, "What went from whom to whom"),
    el("p", { class: "more" }, `${many(groups.length, "request")}, in the order in which they began. A hop opens its message.`,
      scenario.left_out > 0 && ` ${many(scenario.left_out, "entry").replace(/ys$/, "ies")} in the middle were not kept.`),
    groups.map((group, n) => flow(group, n + 1, few || n === groups.length - 1, width, scenario.failure?.hop)),
  ];
}
