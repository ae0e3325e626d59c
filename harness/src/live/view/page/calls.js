// The calls that the page knows, and which of them are looked for.

const known = new Map();
const clock = { now: 0, wall: 0 };
let newestFirst = [];
let most = 10000;
// Those up to this one were cleared away.
let cleared = 0;

// Takes in calls that are new or went on; which of them it had not seen the end of.
function takeIn(changed) {
  const ended = [];
  for (const call of changed) {
    const before = known.get(call.id);
    if (call.status !== null && (!before || before.status === null)) ended.push(call);
    known.set(call.id, call);
  }
  newestFirst = [...known.values()].sort((a, b) => b.number - a.number);
  for (const old of newestFirst.splice(most)) known.delete(old.id);
  return ended;
}

const NONE = { q: "", portal: "", app: "", status: "", refused: false, call: null };

const isBad = (call) => call.refused || (call.status !== null && call.status >= 400);
const endName = (end) => (end.portal === null ? "outside" : end.app === null ? `Core on ${end.portal}` : `${end.app} on ${end.portal}`);
// A peer that was never asked is known by what the app called it.
const peerName = (peer) => portals.portals.find((portal) => portal.shortId === peer.slice(0, 6))?.name || cut(peer, 20);
const toName = (call) => (call.to.portal === null ? (call.peer === null ? "nobody" : `${call.to.app || "?"} on ${peerName(call.peer)}`) : endName(call.to));
const clientName = (client) => (client.name ? `${client.kind} ${client.name}` : client.kind);

function searchedIn(call) {
  const parts = [call.method, call.target, call.id, endName(call.from), toName(call), call.peer, call.status, call.refusal, call.client && clientName(call.client)];
  return parts.filter((part) => part !== null && part !== undefined).join("\n").toLowerCase();
}

function lookedFor(wanted) {
  const searched = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
  const inClass = (call) => (wanted.status === "none" ? call.status === null : String(call.status).startsWith(wanted.status));
  return newestFirst.filter((call) =>
    call.number > cleared
    && (!wanted.portal || call.from.portal === wanted.portal || call.to.portal === wanted.portal)
    && (!wanted.app || call.from.app === wanted.app || call.to.app === wanted.app)
    && (!wanted.status || inClass(call))
    && (!wanted.refused || call.refused)
    && (searched.length === 0 || searched.every((word) => searchedIn(call).includes(word))));
}

const twoDigits = (number) => String(number).padStart(2, "0");
function timeOf(call) {
  const time = new Date(clock.wall - clock.now + call.began);
  return [time.getHours(), time.getMinutes(), time.getSeconds()].map(twoDigits).join(":");
}
const tookOf = (us) => (us === null ? "…" : us < 10000 ? `${(us / 1000).toFixed(1)} ms` : seconds(Math.round(us / 1000)));

// What stands in the address, so that a call or a search can be sent to someone beside.
function hashOf(state) {
  const entries = new URLSearchParams();
  for (const name of ["q", "portal", "app", "status", "call"]) if (state[name]) entries.set(name, state[name]);
  if (state.refused) entries.set("refused", "1");
  return `#${entries}`;
}

function stateOf(hash) {
  const entries = new URLSearchParams(hash.replace(/^#/, ""));
  const of = (name) => entries.get(name) || "";
  return { q: of("q"), portal: of("portal"), app: of("app"), status: of("status"), refused: of("refused") === "1", call: of("call") || null };
}
