// The picture: the Portals, who is whose peer, the faults, and a spark for each call.

const SPARKS = 24;
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

// Where the Portals stand: two side by side, more of them on an ellipse.
function places(count) {
  const small = count > 8;
  const [wide, high] = small ? [112, 40] : [168, 74];
  if (count === 1) return { wide, high, small, at: [[0, 0]] };
  if (count === 2) return { wide, high, small, at: [[-225, 0], [225, 0]] };
  const [rx, ry] = [Math.max(235, count * 30), Math.max(118, count * 19)];
  const at = Array.from({ length: count }, (_, n) => {
    const angle = (2 * Math.PI * n) / count - (count === 4 ? (3 * Math.PI) / 4 : Math.PI / 2);
    return [Math.round(rx * Math.cos(angle)), Math.round(ry * Math.sin(angle))];
  });
  return { wide, high, small, at };
}

// From the edge of one box to the edge of the other.
function between([x1, y1], [x2, y2], wide, high) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const reach = Math.min(Math.abs(dx) > 0 ? (wide / 2 + 7) / Math.abs(dx) : 1, Math.abs(dy) > 0 ? (high / 2 + 7) / Math.abs(dy) : 1);
  return { x1: x1 + dx * reach, y1: y1 + dy * reach, x2: x2 - dx * reach, y2: y2 - dy * reach };
}

function tip({ x1, y1, x2, y2 }) {
  const angle = (Math.atan2(y2 - y1, x2 - x1) * 180) / Math.PI;
  return svg("path", { class: "tip", d: "M0 0 L-9 -4.5 L-9 4.5 Z", transform: `translate(${x2} ${y2}) rotate(${angle})` });
}

function tag(x, y, lines, kind) {
  const wide = Math.max(...lines.map((line) => line.length)) * 7 + 16;
  const high = lines.length * 16 + 6;
  return svg("g", { class: `tag ${kind}` },
    svg("rect", { x: x - wide / 2, y: y - high / 2, width: wide, height: high, rx: 7 }),
    lines.map((line, n) => svg("text", { x, y: y - high / 2 + 16 + n * 16 - 1 }, line)));
}

const turned = (fault, from) => `${fault.both ? "⇄" : fault.from === from ? "→" : "←"} ${cut(fault.what, 34)}`;

function portalMap(on) {
  const box = document.getElementById("map");
  let state = { portals: [], faults: [] };
  let layout = places(0);
  let links = new Map();
  let boxes = new Map();
  let sky = null;

  const keyOf = (a, b) => JSON.stringify([a, b].sort());

  const link = (a, b) => {
    const [there, back] = [a.peers.includes(b.name), b.peers.includes(a.name)];
    const faults = state.faults.filter((fault) => (fault.from === a.name && fault.to === b.name) || (fault.from === b.name && fault.to === a.name));
    if (!there && !back && faults.length === 0) return null;
    const [from, to] = [state.portals.indexOf(a), state.portals.indexOf(b)];
    const line = between(layout.at[from], layout.at[to], layout.wide, layout.high);
    const dead = faults.some((fault) => /refused|black-hole|cut|flapping/.test(fault.what));
    const group = svg("g", { class: `link${there && back ? "" : there || back ? " half" : " strange"}${faults.length > 0 ? " faulty" : ""}${dead ? " dead" : ""}` },
      svg("line", line), there && tip(line), back && tip({ x1: line.x2, y1: line.y2, x2: line.x1, y2: line.y1 }));
    const label = faults.length > 0
      && tag((line.x1 + line.x2) / 2, (line.y1 + line.y2) / 2, faults.slice(0, 2).map((fault) => turned(fault, layout.at[from][0] <= layout.at[to][0] ? a.name : b.name)), dead ? "bad" : "odd");
    links.set(keyOf(a.name, b.name), { group, line, from: a.name });
    return [group, label];
  };

  const node = (portal, n) => {
    const [x, y] = layout.at[n];
    const { wide, high, small } = layout;
    const faults = state.faults.filter((fault) => fault.portal === portal.name);
    const apps = portal.apps.map((app) => app.name);
    const sick = portal.apps.filter((app) => app.sick);
    const shownApps = cut(apps.slice(0, 3).join(", ") + (apps.length > 3 ? ` and ${apps.length - 3} more` : ""), 24);
    const about = `${portal.name}, short ID ${portal.shortId}, ${apps.length > 0 ? `apps ${apps.join(", ")}` : "no apps"}; peers: ${portal.peers.join(", ") || "none"}`
      + (faults.length > 0 ? `; faults: ${faults.map((fault) => fault.what).join(", ")}` : "");
    const act = () => on.portal(portal.name);
    const group = svg("g", {
      class: `portal${faults.length > 0 ? " faulty" : ""}`, role: "button", tabindex: "0", "aria-pressed": String(on.isChosen(portal.name)),
      "aria-label": `${about}. Show its calls alone`, transform: `translate(${x} ${y})`, onclick: act,
      onkeydown: (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          act();
        }
      },
    },
    svg("title", {}, about),
    svg("rect", { x: -wide / 2, y: -high / 2, width: wide, height: high, rx: 11 }),
    svg("text", { class: "who", y: small ? -2 : -14 }, cut(portal.name, small ? 14 : 18)),
    svg("text", { class: "id", y: small ? 13 : 4 }, portal.shortId),
    !small && svg("text", { class: `apps${sick.length > 0 ? " sick" : ""}`, y: 24 }, sick.length > 0 ? cut(`${sick[0].name}: ${sick[0].sick}`, 24) : shownApps || "no apps"));
    boxes.set(portal.name, { group, place: [x, y] });
    return [group, faults.length > 0 && svg("g", { transform: `translate(${x} ${y})` },
      tag(0, high / 2 + (faults.length > 1 ? 22 : 14), faults.slice(0, 2).map((fault) => cut(fault.what, 28)), "odd"))];
  };

  const draw = () => {
    layout = places(state.portals.length);
    [links, boxes] = [new Map(), new Map()];
    const pairs = state.portals.flatMap((a, n) => state.portals.slice(n + 1).map((b) => [a, b]));
    const lines = pairs.map(([a, b]) => link(a, b));
    const nodes = state.portals.map(node);
    const [xs, ys] = [layout.at.map(([x]) => x), layout.at.map(([, y]) => y)];
    const left = Math.min(0, ...xs) - layout.wide / 2 - 14;
    const top = Math.min(0, ...ys) - layout.high / 2 - 14;
    const width = Math.max(0, ...xs) + layout.wide / 2 + 14 - left;
    const height = Math.max(0, ...ys) + layout.high / 2 + (state.faults.some((fault) => fault.portal) ? 42 : 14) - top;
    sky = svg("g", { class: "sky", "aria-hidden": "true" });
    const focused = box.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    box.replaceChildren(
      svg("svg", { viewBox: `${left} ${top} ${width} ${height}`, role: "group", "aria-label": "The Portals and who is whose peer" }, lines, nodes, sky),
      el("p", { class: "legend" }, legend(pairs)));
    if (focused) [...box.querySelectorAll("[aria-label]")].find((each) => each.getAttribute("aria-label") === focused)?.focus();
  };

  const legend = (pairs) => {
    const mutual = pairs.filter(([a, b]) => a.peers.includes(b.name) && b.peers.includes(a.name)).length;
    const half = pairs.filter(([a, b]) => a.peers.includes(b.name) !== b.peers.includes(a.name)).length;
    return [`${many(state.portals.length, "Portal")}, ${many(mutual, "pair")} of peers`, half > 0 && `, ${many(half, "pair")} of which one knows the other`,
      state.faults.length > 0 && [", ", el("b", {}, many(state.faults.length, "fault"))], "."];
  };

  return {
    show(next) {
      if (JSON.stringify(next) === JSON.stringify(state)) return;
      state = next;
      draw();
    },
    redraw: draw,
    // A call came to its end: a spark goes its way, or, where nothing shall move, its way lights up.
    flash(call) {
      const look = isBad(call) ? "bad" : "good";
      const way = call.from.portal && call.to.portal && links.get(keyOf(call.from.portal, call.to.portal));
      const lit = way && call.from.portal !== call.to.portal ? way.group : boxes.get(call.to.portal || call.from.portal)?.group;
      if (!lit) return;
      lit.classList.remove("good", "bad");
      lit.classList.add(look);
      clearTimeout(lit.dimmed);
      lit.dimmed = setTimeout(() => lit.classList.remove("good", "bad"), 900);
      if (still.matches || lit !== way?.group || sky.childElementCount >= SPARKS || document.hidden) return;
      const { x1, y1, x2, y2 } = way.line;
      const [a, b] = way.from === call.from.portal ? [[x1, y1], [x2, y2]] : [[x2, y2], [x1, y1]];
      const spark = svg("circle", { class: `spark ${look}`, r: 6 });
      sky.append(spark);
      const steps = [a, b].map(([x, y]) => ({ transform: `translate(${x}px, ${y}px)` }));
      spark.animate(steps, { duration: 650, easing: "ease-in-out", fill: "both" }).finished.then(() => spark.remove(), () => spark.remove());
    },
  };
}
