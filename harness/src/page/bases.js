// The two signature bases side by side, with the first line at which they diverge.

// The parts of two texts: what is the same at both ends, and what differs in between.
function parts(a, b) {
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1;
  const cut = (words) => [words.slice(0, start), words.slice(start, words.length - end), words.slice(words.length - end)];
  return [cut(a), cut(b)];
}

function side(name, line, cut, differs) {
  if (line === undefined) return el("td", { "data-side": name, class: "gone" }, "no such line");
  if (!differs) return el("td", { "data-side": name }, line);
  const [start, middle, end] = cut || ["", line, ""];
  return el("td", { "data-side": name }, start, middle ? el("mark", {}, middle) : null, end);
}

function bases(both, changedBy) {
  const [made, rebuilt] = [both.made.split("\n"), both.rebuilt.split("\n")];
  const lines = Array.from({ length: Math.max(made.length, rebuilt.length) }, (_, n) => {
    const [a, b] = [made[n], rebuilt[n]];
    const [differs, first] = [a !== b, n + 1 === both.line];
    const cut = differs && a !== undefined && b !== undefined ? parts(a, b) : [null, null];
    const row = el("tr", { class: first ? "first" : differs ? "differs" : null },
      el("td", {}, first ? "▶ " : "", String(n + 1), first && unseen(" the first line that differs")));
    if (differs) row.append(side("signed", a, cut[0], true), side("rebuilt", b, cut[1], true));
    else row.append(el("td", { colspan: "2" }, a));
    return row;
  });
  return [
    el("h3", {}, "The two signature bases"),
    el("p", { class: "guess" }, both.line === null
      ? "Both sides built the same signature base."
      : [`They differ first on line ${both.line}`, both.guess ? ": " : ".", both.guess ? el("b", {}, both.guess) : null]),
    el("table", { class: "bases" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "line"), el("th", { scope: "col" }, "signed"), el("th", { scope: "col" }, "rebuilt"))),
      el("tbody", {}, lines)),
    changedBy && el("p", { class: "changed" }, el("b", {}, "Changed by "), prose(changedBy)),
  ];
}
