// What the page asks of the program that serves it.

const own = JSON.parse(document.getElementById("data").textContent);

async function ask(method, path, body) {
  const options = { method, headers: { accept: "application/json" }, cache: "no-store" };
  if (method !== "GET") {
    options.headers["content-type"] = "application/json";
    options.headers["countersign-token"] = own.token;
    options.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("No answer: is `countersign up` still running?");
  }
  const words = await answer.text();
  let data = null;
  try { data = JSON.parse(words); } catch { /* Then it is a text. */ }
  if (!answer.ok) throw new Error(data?.error || words || `status ${answer.status}`);
  return data;
}

const askCall = (id) => ask("GET", `/api/calls/${encodeURIComponent(id)}`);
const askKinds = () => ask("GET", "/api/faults");
const makeCall = (order) => ask("POST", "/api/call", order);
const putFault = (fault) => ask("POST", "/api/fault", { apply: fault });
const healFault = (fault) => ask("POST", "/api/fault", { heal: fault });

// The Portals and the faults that are on, as the page uses them: peers by name, where they are of this testbed.
async function askState() {
  const state = await ask("GET", "/api/state");
  const byId = new Map(state.portals.flatMap((portal) => [[portal.id, portal.name], [portal.short_id, portal.name]]));
  const portals = state.portals.map((portal) => ({
    name: portal.name,
    shortId: portal.short_id,
    domain: portal.domain,
    apps: portal.apps.map((app) => (typeof app === "string" ? { name: app } : app)),
    peers: portal.peers.map((id) => byId.get(id) || id),
  }));
  return { portals, faults: state.faults.map(readFault), zone: state.zone };
}

// `alice -> bob latency 200ms` is on a link, `bob core frozen` is on a Portal.
function readFault(line) {
  const [from, way, to, ...rest] = line.split(" ");
  if (way === "->" || way === "<->") return { line, from, to, both: way === "<->", what: rest.join(" ") };
  return { line, portal: from, what: line.slice(from.length + 1) };
}

// The calls as they happen. The browser connects again by itself, and says what it saw last.
function listen(on) {
  const source = new EventSource("/api/events");
  source.addEventListener("hello", (event) => {
    const hello = JSON.parse(event.data);
    // Another program is at this address now: its token is another one, too.
    if (hello.run !== own.run) location.reload();
    else on.hello(hello);
  });
  source.addEventListener("calls", (event) => on.calls(JSON.parse(event.data)));
  source.addEventListener("missed", (event) => on.missed(JSON.parse(event.data).calls));
  source.addEventListener("error", () => on.lost(source.readyState === EventSource.CLOSED));
}
