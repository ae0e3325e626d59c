// Small helpers to make elements. Texts become text nodes: nothing in the data is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

const unseen = (words) => el("span", { class: "unseen" }, words);

const seconds = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`);
const many = (count, what) => (count === 1 ? `1 ${what}` : `${count.toLocaleString("en")} ${what}s`);

// A sentence of the contract: what stands between backticks is code.
const prose = (words) => (words || "").split("`").map((part, n) => (n % 2 === 1 ? el("code", {}, part) : part));

function say(words) {
  document.getElementById("said").textContent = words;
}

async function copy(words, button) {
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    // Where the page may not use the clipboard, as in some mail programs: the old way.
    const area = el("textarea", { class: "unseen" }, words);
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  const before = button.textContent;
  button.textContent = "Copied";
  say("Copied");
  setTimeout(() => { button.textContent = before; }, 1500);
}

const command = (words) => {
  const button = el("button", { class: "copy", type: "button", "aria-label": "Copy the command" }, "Copy");
  button.addEventListener("click", () => copy(words, button));
  return el("div", { class: "command" }, el("code", { tabindex: "0" }, words), button);
};
