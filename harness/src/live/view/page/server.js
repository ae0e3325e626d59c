// What the page asks of the program that serves it.

const own = JSON.parse(document.getElementById("data").textContent);

// The token comes in the fragment of the address that was printed: no server and no other page sees that. It is kept for
// this tab, so that the page can be loaded again.
const TOKEN = "countersign-token";
const given = new URLSearchParams(location.hash.replace(/^#/, "")).get("token");
if (given) sessionStorage.setItem(TOKEN, given);
const token = sessionStorage.getItem(TOKEN) || "";

async function ask(method, path, body) {
  const options = { method, headers: { accept: "application/json", authorization: `Bearer ${token}` }, cache: "no-store" };
  if (method !== "GET") {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("No answer: is `countersign up` still running?");
  }
  if (answer.status === 401) throw new Error("Open the address that `countersign up` printed: the token in it is missing here, or of another run.");
  const said = await answer.text();
  let data = null;
  try { data = JSON.parse(said); } catch { /* Then it is a text. */ }
  if (!answer.ok) throw new Error(data?.reason || said || `status ${answer.status}`);
  return data;
}

const askCall = (id) => ask("GET", `/api/calls/${encodeURIComponent(id)}`);
const askFaults = () => ask("GET", "/api/faults");
const putFault = (fault) => ask("POST", "/api/fault", { apply: fault });
const healFault = (fault) => ask("POST", "/api/fault", { heal: fault });

const inBase64 = (words) => btoa(Array.from(new TextEncoder().encode(words), (byte) => String.fromCharCode(byte)).join(""));

// Makes a call; its status, and its trace id.
async function makeCall({ portal, app, peer, method, path, fields, body }) {
  const order = { portal, app, peer, method, path, fields, body_b64: body === null ? null : inBase64(body) };
  const { status, entries } = await ask("POST", "/api/call", order);
  const first = entries[0] || {};
  return { status, id: (first.hop || first.signature)?.trace_id };
}

// An app that is not as it should be says how it is.
function stateOfApp({ state }) {
  if (!state) return null;
  const name = typeof state === "string" ? state : state.state || Object.keys(state)[0];
  return name === "ready" ? null : name;
}

// The Portals, the faults that are on and those that there are: peers by name, where they are of this testbed.
async function askState() {
  const [state, faults] = await Promise.all([ask("GET", "/api/state"), askFaults()]);
  const portals = state.portals.map((portal) => ({
    name: portal.name,
    shortId: portal.short_id,
    apps: portal.apps.map((app) => ({ name: app.name, url: app.url, sick: stateOfApp(app) })),
    peers: portal.peers.map((peer) => peer.portal || peer.id.slice(0, 6)),
  }));
  return { portals, faults: faults.on.map(readFault), kinds: faults.kinds, zone: state.zone };
}

// `alice -> bob latency 200ms` is on a link, `bob core frozen` is on a Portal.
function readFault(line) {
  const [from, way, to, ...rest] = line.split(" ");
  if (way === "->" || way === "<->") return { line, from, to, both: way === "<->", what: rest.join(" ") };
  return { line, portal: from, what: line.slice(from.length + 1) };
}

// The calls as they happen. The browser connects again by itself, and says what it saw last.
function listen(on) {
  const source = new EventSource(`/api/events?token=${encodeURIComponent(token)}`);
  source.addEventListener("hello", (event) => {
    const hello = JSON.parse(event.data);
    // Another program is at this address now, perhaps with another page.
    if (hello.run !== own.run) location.reload();
    else on.hello(hello);
  });
  source.addEventListener("calls", (event) => on.calls(JSON.parse(event.data)));
  source.addEventListener("missed", (event) => on.missed(JSON.parse(event.data).calls));
  source.addEventListener("error", () => on.lost(source.readyState === EventSource.CLOSED));
}
