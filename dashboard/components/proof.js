// Folds an entry up to a checkpoint's root, here in the browser: RFC 9162, section 2.1.3.2, with WebCrypto's SHA-256.
// Whoever alters something alters this tab's copy only; nothing is sent. All text is set as text.

const encoder = new TextEncoder();
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const unbase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const sha256 = async (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
};

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

const filled = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");

// --- the entry, and one alteration of it ---

const read = (entry) => JSON.parse(new TextDecoder().decode(unbase64(JSON.parse(entry).payload)));

function fields(event) {
  const found = [];
  const walk = (value, path) => {
    if (value !== null && typeof value === "object") {
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
    } else if (path.at(-1) !== "statement") found.push(path); // three thousand characters: nothing to look at
  };
  walk(event, []);
  return found;
}

const another = (value) => {
  if (typeof value === "number") return value + 1;
  const last = value.slice(-1);
  return value.slice(0, -1) + (last === "1" ? "2" : "1");
};

function altered(entry, path) {
  const envelope = JSON.parse(entry);
  const event = read(entry);
  let place = event;
  for (const key of path.slice(0, -1)) place = place[key];
  const before = place[path.at(-1)];
  const after = another(before);
  place[path.at(-1)] = after;
  envelope.payload = base64(encoder.encode(JSON.stringify(event)));
  return { entry: JSON.stringify(envelope), before: String(before), after: String(after) };
}

// --- folding ---

async function fold(entry, steps) {
  let hash = await sha256(Uint8Array.of(0), encoder.encode(entry));
  const levels = [{ computed: hex(hash) }];
  for (const { sibling, left } of steps) {
    const beside = unhex(sibling);
    const before = hex(hash);
    hash = await sha256(Uint8Array.of(1), ...(left ? [beside, hash] : [hash, beside]));
    levels.push({ sibling, left, before, computed: hex(hash) });
  }
  return levels;
}

async function signed(entry, key) {
  const { payload, payloadType, signatures } = JSON.parse(entry);
  const body = unbase64(payload);
  const head = encoder.encode(`DSSEv1 ${payloadType.length} ${payloadType} ${body.length} `);
  const message = new Uint8Array([...head, ...body]);
  try {
    const imported = await crypto.subtle.importKey("raw", unbase64(key), "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, unbase64(signatures[0].sig), message);
  } catch {
    return null; // a browser without Ed25519: say nothing about it
  }
}

// --- the picture ---

const short = (text) => `${text.slice(0, 10)}…`;

function mono(text, kind) {
  return node("code", { class: kind, title: text }, short(text));
}

function row(words, level, number, bad) {
  const cells = number
    ? [
        level.left ? mono(level.sibling, "beside") : mono(level.before, "own"),
        node("span", { class: "plus", "aria-hidden": "true" }, "‖"),
        level.left ? mono(level.before, "own") : mono(level.sibling, "beside"),
      ]
    : [node("span", { class: "entry" }, words.entry)];
  const name = number ? filled(words.level, { n: number }) : words.leaf;
  const side = number ? (level.left ? words.left : words.right) : "";
  return node(
    "li",
    { class: bad ? "bad" : "good" },
    node("b", {}, name),
    node("span", { class: "pair" }, ...cells),
    node("span", { class: "side" }, side),
    node("span", { class: "arrow", "aria-hidden": "true" }, "→"),
    mono(level.computed, "computed"),
    node("i", {}, bad ? words.differs : words.same),
  );
}

const nameOf = (words, path) =>
  path[0] === "#" ? filled(words.sibling, { n: Number(path[1]) + 1 }) : path.join(".");

async function draw(box, data, state) {
  const turn = (state.turn = (state.turn ?? 0) + 1);
  const { words } = data;
  const path = state.path;
  let entry = data.entry;
  let steps = data.steps;
  let change = null;
  if (path && path[0] === "#") {
    const at = Number(path[1]);
    const before = steps[at].sibling;
    const after = before.slice(0, -1) + (before.endsWith("0") ? "1" : "0");
    steps = steps.map((step, i) => (i === at ? { ...step, sibling: after } : step));
    change = { before, after };
  } else if (path) {
    change = altered(data.entry, path);
    entry = change.entry;
  }
  const [right, now, signature] = await Promise.all([
    fold(data.entry, data.steps),
    fold(entry, steps),
    data.key ? signed(entry, data.key) : null,
  ]);
  if (turn !== state.turn) return; // something newer is being drawn
  const root = now.at(-1).computed;
  const holds = root === data.root;
  const first = now.findIndex((level, i) => level.computed !== right[i].computed);
  const where = first === 0 ? words.leaf : filled(words.level, { n: first });

  const verdict = node(
    "p",
    { class: `verdict ${holds ? "good" : "bad"}`, role: holds ? "status" : "alert" },
    node("strong", {}, holds ? words.holds : filled(words.broken, { where })),
    node("span", {}, change ? filled(words.changed, { what: nameOf(words, path), ...change }) : words.untouched),
    signature === null ? null : node("span", {}, signature ? words.signed : words.unsigned),
  );
  const list = node("ol", { "aria-label": words.label });
  now.forEach((level, i) => list.append(row(words, level, i, level.computed !== right[i].computed)));
  list.append(
    node(
      "li",
      { class: `root ${holds ? "good" : "bad"}` },
      node("b", {}, words.sealed),
      node("span", { class: "pair" }, node("span", { class: "entry" }, data.under)),
      node("span", { class: "side" }),
      node("span", { class: "arrow", "aria-hidden": "true" }, holds ? "=" : "≠"),
      mono(data.root, "computed"),
      node("i", {}, holds ? words.equal : words.unequal),
    ),
  );

  const select = node("select", { "aria-label": words.choose });
  const event = read(data.entry);
  const choices = [...fields(event), ...data.steps.map((_, i) => ["#", String(i)])];
  const preset = JSON.stringify(path ?? (event.data.bytes !== undefined ? ["data", "bytes"] : ["time"]));
  for (const one of choices) {
    const value = JSON.stringify(one);
    const option = node("option", { value }, nameOf(words, one));
    option.selected = value === (state.chosen ?? preset);
    select.append(option);
  }
  select.onchange = () => (state.chosen = select.value);
  const alter = node("button", { type: "button", class: "alter" }, words.alter);
  alter.onclick = () => {
    state.path = JSON.parse(select.value);
    state.focus = ".restore";
    draw(box, data, state);
  };
  const restore = node("button", { type: "button", class: "restore" }, words.restore);
  restore.disabled = !path;
  restore.onclick = () => {
    state.path = null;
    state.focus = ".alter";
    draw(box, data, state);
  };
  const legend = node("p", { class: "legend" }, words.legend);
  const controls = node("div", { class: "controls" }, node("span", {}, words.tamper), select, alter, restore);
  box.replaceChildren(verdict, controls, list, legend);
  if (state.focus) box.querySelector(state.focus).focus(); // the button that was pressed has just been replaced
  state.focus = null;
}

export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".proof");
  const shown = JSON.stringify(data);
  if (box.shown === shown) return;
  if (box.number !== data.number) box.state = {};
  Object.assign(box, { shown, number: data.number });
  draw(box, data, box.state);
}
