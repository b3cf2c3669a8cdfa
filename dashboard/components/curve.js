// Draws a training's curve. Every node is built here and text is set as text: nothing in `data` can become markup.

const WIDTH = 760;
const PLOT = { left: 118, right: 740, top: 22, bottom: 232 };
const LANE = { height: 13, gap: 5 };
const LEGEND = { left: 478, row: 19 };

function node(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

const tone = (name) => `--tone: var(--ky-${name})`;

// The steps 1, 2 and 5 times a power of ten that give at most `most` ticks.
function ticks(low, high, most) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) found.push(at);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

function scales(data) {
  const values = [...data.points.map(([, loss]) => loss), ...data.references.map((one) => one.value)];
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low || Math.abs(high) || 1) * 0.12;
  const rounds = Math.max(data.rounds, data.done, 2);
  return {
    low: low - room,
    high: high + room,
    x: (round) => PLOT.left + ((round - 1) / (rounds - 1)) * (PLOT.right - PLOT.left),
    y: (loss) => PLOT.bottom - ((loss - low + room) / (high - low + 2 * room)) * (PLOT.bottom - PLOT.top),
    rounds,
  };
}

function axes(svg, data, { x, y, low, high, rounds }, bottom) {
  const up = ticks(low, high, 5);
  for (const value of up.found) {
    svg.append(node("line", { class: "grid", x1: PLOT.left, x2: PLOT.right, y1: y(value), y2: y(value) }));
    svg.append(node("text", { class: "axis end", x: PLOT.left - 8, y: y(value) + 4 }, value.toFixed(up.digits)));
  }
  across(svg, data, { x, rounds }, bottom);
  svg.append(node("text", { class: "axis end", x: PLOT.left - 8, y: PLOT.top - 8 }, data.y));
}

function across(svg, data, { x, rounds }, bottom) {
  for (const round of [...new Set([1, ...ticks(1, rounds, 8).found.map(Math.round), rounds])]) {
    const close = round !== rounds && x(rounds) - x(round) < 30;
    if (round >= 1 && !close) svg.append(node("text", { class: "axis middle", x: x(round), y: bottom }, String(round)));
  }
  svg.append(node("text", { class: "axis end", x: PLOT.left - 24, y: bottom }, data.x));
}

// The upper right is free: losses fall. The highest level stands highest.
function legend(svg, data) {
  const own = { name: data.name, value: data.points.at(-1)[1], tone: "ciphertext", own: true };
  [own, ...[...data.references].sort((a, b) => b.value - a.value)].forEach((one, i) => {
    const y = PLOT.top + 6 + i * LEGEND.row;
    const mark = { style: tone(one.tone), class: one.own ? "loss" : "level" };
    svg.append(node("line", { ...mark, x1: LEGEND.left, x2: LEGEND.left + 34, y1: y, y2: y }));
    const label = { class: "label", style: tone(one.tone), y: y + 5 };
    svg.append(node("text", { ...label, x: LEGEND.left + 44 }, one.name));
    svg.append(node("text", { ...label, class: "label end", x: PLOT.right }, one.value.toFixed(4)));
  });
}

function levels(svg, data, { y }) {
  for (const one of data.references) {
    const at = y(one.value);
    svg.append(
      node("line", { class: "level", style: tone(one.tone), x1: PLOT.left, x2: PLOT.right, y1: at, y2: at }),
    );
  }
}

function line(svg, data, { x, y }) {
  const path = data.points.map(([round, loss], i) => `${i ? "L" : "M"}${x(round).toFixed(1)},${y(loss).toFixed(1)}`);
  svg.append(node("path", { class: "loss", d: path.join("") }));
  const [round, loss] = data.points.at(-1);
  svg.append(node("circle", { class: "dot", cx: x(round), cy: y(loss), r: 5 }));
}

function lanes(svg, data, { x, rounds }, top) {
  const wide = (PLOT.right - PLOT.left) / Math.max(rounds - 1, 1);
  const left = (round) => Math.max(PLOT.left, x(round) - wide / 2);
  const right = (round) => Math.min(PLOT.right, x(round) + wide / 2);
  data.lanes.forEach((one, i) => {
    const y = top + i * (LANE.height + LANE.gap);
    const bar = { y, height: LANE.height };
    svg.append(node("rect", { class: "todo", x: PLOT.left, width: PLOT.right - PLOT.left, ...bar }));
    if (data.done) {
      svg.append(node("rect", { class: "lane", x: PLOT.left, width: right(data.done) - PLOT.left, ...bar }));
    }
    for (const round of one.absent) {
      svg.append(node("rect", { class: "absent", x: left(round), width: right(round) - left(round), ...bar }));
    }
    svg.append(node("text", { class: "axis end", x: PLOT.left - 8, y: y + LANE.height - 2 }, one.name));
  });
}

function draw(data) {
  const high = data.points.length ? PLOT.bottom : 64;
  const top = high + 26;
  const height = top + data.lanes.length * (LANE.height + LANE.gap) + 22;
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": data.summary });
  const found = scales(data);
  if (data.points.length) {
    axes(svg, data, found, height - 6);
    levels(svg, data, found);
    line(svg, data, found);
    legend(svg, data);
  } else {
    svg.append(node("rect", { class: "frame", x: 1, y: 10, width: WIDTH - 2, height: 56, rx: 6 }));
    svg.append(node("text", { class: "axis middle", x: WIDTH / 2, y: 43 }, data.none));
    across(svg, data, found, height - 6);
  }
  svg.append(node("text", { class: "axis", x: PLOT.left, y: top - 7 }, data.lanes_name));
  lanes(svg, data, found, top);
  return svg;
}

export default function ({ data, parentElement }) {
  const box = parentElement.querySelector(".curve");
  const shown = JSON.stringify(data);
  if (box.shown === shown) return;
  box.shown = shown;
  box.replaceChildren(draw(data));
}
