// The sequence diagram of the hops that really happened. Each hop is a row with a picture of its own, and a button: its
// message opens below it. The buttons' names, read one after the other, are the diagram in words.

const KINDS = ["request", "answer", "made", "verified", "refused"];

// An entry is a hop `{kind, trace, from, to, method, target, status, note, fields, body}`, or what a Core did with a signature
// `{kind, trace, from, to, label, input, base, step, code}`, where both parties are that Core. A party `{kind, portal,
// name}` is always the same object.
const partyName = (party) => (party.portal === null ? party.name : `${party.name} on ${party.portal}`);

// From left to right as they come in, those of a Portal side by side.
function lifelines(entries) {
  const portals = new Map();
  for (const party of entries.flatMap((entry) => [entry.from, entry.to])) {
    const of = portals.get(party.portal) || [];
    if (!of.includes(party)) of.push(party);
    portals.set(party.portal, of);
  }
  return [...portals];
}

function words(entry) {
  const label = entry.label ? ` ${entry.label}` : "";
  switch (entry.kind) {
    case "request": return `${partyName(entry.from)} to ${partyName(entry.to)}: ${entry.method} ${entry.target}`;
    case "answer": return `${partyName(entry.from)} answers ${partyName(entry.to)}: ${entry.status}`;
    case "made": return `${partyName(entry.from)} made the signature${label}`;
    case "verified": return `${partyName(entry.from)} verified the signature${label}`;
    default: return `${partyName(entry.from)} refused the signature${label} at ${entry.step}: ${entry.code}`;
  }
}

const short = (entry) => ({
  request: () => `${entry.method} ${entry.target}`,
  answer: () => String(entry.status),
  made: () => `signed${entry.label ? ` ${entry.label}` : ""}`,
  verified: () => `✓ verified${entry.label ? ` ${entry.label}` : ""}`,
  refused: () => `✗ refused: ${entry.code}`,
})[entry.kind]();

const cut = (line, longest) => (line.length <= longest ? line : `${line.slice(0, Math.max(longest - 1, 1))}…`);

function picture(entry, columns, width) {
  const count = columns.length;
  const at = (party) => ((columns.indexOf(party) + 0.5) / count) * 100;
  const [x1, x2] = [at(entry.from), at(entry.to)];
  const lives = columns.map((party) => svg("line", { class: "life", x1: `${at(party)}%`, x2: `${at(party)}%`, y1: "0", y2: "100%" }));
  if (x1 === x2) {
    const line = cut(short(entry), Math.floor(width / 7));
    const wide = line.length * 6.4 + 18;
    // It stays inside the picture.
    const centre = Math.min(Math.max((x1 / 100) * width, wide / 2 + 4), width - wide / 2 - 4);
    return svg("svg", { height: "32", "aria-hidden": "true", focusable: "false" }, lives,
      svg("svg", { x: `${(centre / width) * 100}%`, overflow: "visible" },
        svg("g", { class: `note ${entry.kind}` },
          svg("rect", { x: String(-wide / 2), y: "5", width: String(wide), height: "22", rx: "11" }),
          svg("text", { x: "0", y: "20" }, line))));
  }
  const way = x2 > x1 ? 1 : -1;
  const line = cut(short(entry), Math.floor(width / 7.2) - 2);
  const middle = (x1 + x2) / 2;
  const half = ((line.length * 7.0) / 2 / width) * 100;
  const anchor = middle - half < 1 ? ["start", "6"] : middle + half > 99 ? ["end", `${width - 6}`] : ["middle", `${(middle / 100) * width}`];
  return svg("svg", { height: "40", "aria-hidden": "true", focusable: "false" }, lives,
    svg("line", { class: `arrow${entry.kind === "answer" ? " reply" : ""}`, x1: `${x1}%`, x2: `${x2}%`, y1: "29", y2: "29" }),
    svg("svg", { x: `${x2}%`, y: "29", overflow: "visible" }, svg("path", { class: "tip", d: `M0 0 L${-way * 9} -4.5 L${-way * 9} 4.5 Z` })),
    svg("text", { class: "label", x: `${(Number(anchor[1]) / width) * 100}%`, y: "19", "text-anchor": anchor[0] }, line));
}

// What is known of a body `{text, base64, length, left_out, end}`; nothing where there is none.
function bodyOf(body) {
  if (!body) return null;
  const { length, left_out: leftOut = 0, end } = body;
  const shown = body.text ?? body.base64 ?? null;
  const parts = [`Body, ${many(length, "byte")}${end === "going_on" ? " so far" : ""}`];
  if (shown === null && length > 0) parts.push("no longer kept");
  else if (leftOut > 0) parts.push(`the last ${leftOut.toLocaleString("en")} of them left out here`);
  if (shown !== null && body.base64) parts.push("no text, so in Base64");
  if (end === "broken_off") parts.push(length === 0 ? "nothing of it was read" : "then it broke off");
  return [el("p", { class: "more" }, `${parts.join(", ")}${shown === null ? "." : ":"}`), shown !== null && el("pre", { class: "body" }, shown)];
}

// What went over the wire, or what a Core did.
function message(entry) {
  const title = el("h4", {}, words(entry).replace(/: .*$/s, ""));
  if (entry.kind === "request" || entry.kind === "answer") {
    const start = entry.kind === "request" ? `${entry.method} ${entry.target}` : `${entry.status} to ${entry.method} ${entry.target}`;
    return el("div", { class: "message" }, title, el("p", { class: "start" }, start),
      entry.note && el("p", { class: "more" }, entry.note),
      entry.fields.length === 0
        ? el("p", { class: "more" }, "No fields.")
        : el("table", {}, el("tbody", {}, entry.fields.map(([name, value]) =>
          el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value))))),
      bodyOf(entry.body));
  }
  return el("div", { class: "message" }, title,
    entry.code && el("p", { class: "more" }, `at the step ${entry.step}: ${entry.code}`),
    entry.input && el("p", { class: "start" }, `Signature-Input: ${entry.input}`),
    entry.base ? [el("p", { class: "more" }, "The signature base:"), el("pre", {}, entry.base)] : el("p", { class: "more" }, "It did not come to a signature base."));
}

function hop(entry, columns, width, changedBy) {
  const bad = entry.kind === "answer" && entry.status >= 400;
  const culprit = isCulprit(entry, changedBy);
  const button = el("button", {
    type: "button", class: `hop${bad ? " bad" : ""}${culprit ? " culprit" : ""}`, "aria-expanded": "false",
    "aria-label": `${words(entry)}${culprit ? ". Here it was changed" : ""}`, title: culprit ? "Here it was changed" : null,
  }, picture(entry, columns, width));
  const item = el("li", {}, button);
  button.addEventListener("click", () => {
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) item.lastChild.remove();
    else item.append(message(entry));
  });
  return item;
}

// Whether this is the hop of which the evidence says that it changed something: `<from>: got …, handed … to <to>`.
const isCulprit = (entry, changedBy) =>
  entry.kind === "request" && Boolean(changedBy)
  && changedBy.startsWith(`${partyName(entry.from)}: `) && changedBy.endsWith(` to ${partyName(entry.to)}`);

// The parties, and below them a row for each entry.
function sequence(entries, width, changedBy) {
  const portals = lifelines(entries);
  const columns = portals.flatMap(([, parties]) => parties);
  const who = el("div", { class: "who", "aria-hidden": "true" },
    portals.map(([portal, parties]) => {
      const cell = el("span", { class: "portal" }, portal ?? "\u00a0");
      cell.style.gridColumn = `span ${parties.length}`;
      return cell;
    }),
    columns.map((party) => el("span", { class: "party" }, party.name)));
  who.style.gridTemplateColumns = `repeat(${columns.length}, minmax(0, 1fr))`;
  return [who, el("ol", { class: "hops" }, entries.map((entry) => hop(entry, columns, width, changedBy)))];
}
