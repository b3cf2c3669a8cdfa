// Draws the flow map. Every node is built here and text is set as text: nothing in `data` can become markup.

const WIDTH = 1180;
const TOP = 40; // below the column headings
const ROW_GAP = 8;
const STRAND_GAP = 19;
const DEPARTMENT = { x: 12, width: 262 };
const LABEL = { x: 288, width: 158 };
const HUB = { x: 640, width: 250 };
const ANALYST = { x: 1016, width: 152 };

function node(name, attributes = {}, text = "") {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

const tone = (kind) => `--tone: var(--ky-${kind})`;

// Chinese characters are about as wide as the font is high, Latin ones half of it.
const width = (text, size) => [...text].reduce((sum, c) => sum + (c.charCodeAt(0) > 255 ? 1 : 0.56), 0) * size;

function box(into, { x, y, width, height }, style = "") {
  into.append(node("rect", { class: `box ${style}`, x, y, width, height, rx: 8 }));
}

function centred(into, { x, y, width, height }, party) {
  const lines = [party.name, ...party.lines];
  const first = y + height / 2 - (lines.length - 1) * 11 + 5;
  lines.forEach((line, i) =>
    into.append(
      node("text", { class: i ? "line" : "name", x: x + width / 2, y: first + i * 22, "text-anchor": "middle" }, line),
    ),
  );
}

function badges(into, names, x, y) {
  for (const name of names) {
    const wide = width(name, 12) + 14;
    into.append(node("rect", { class: "badge", x, y: y - 14, width: wide, height: 20, rx: 10 }));
    into.append(node("text", { class: "badge-text", x: x + wide / 2, y, "text-anchor": "middle" }, name));
    x += wide + 6;
  }
}

function curve(x1, y1, x2, y2) {
  const bend = (x1 + x2) / 2;
  return `C${bend},${y1} ${bend},${y2} ${x2},${y2}`;
}

function draw(data) {
  const most = Math.max(1, ...data.boxes.flatMap((one) => one.strands.map((strand) => strand.size)));
  const thickness = (size) => 1.8 + 7 * Math.sqrt(size / most);

  const rowHeight = Math.max(56, 10 + STRAND_GAP * Math.max(...data.boxes.map((one) => one.strands.length)));
  const rows = data.boxes.map((_, i) => ({
    x: DEPARTMENT.x,
    y: TOP + i * (rowHeight + ROW_GAP),
    width: DEPARTMENT.width,
    height: rowHeight,
  }));
  const launcherHeight = data.launcher ? 76 : 0;
  const bottom = Math.max(TOP + rows.length * (rowHeight + ROW_GAP) - ROW_GAP, TOP + 190 + launcherHeight);
  const height = bottom + 14;

  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": data.summary });
  const under = node("g");
  const strands = node("g");
  const over = node("g");
  svg.append(under, strands, over);

  const columns = [
    [0, DEPARTMENT.width + 24],
    [HUB.x - 14, HUB.width + 28],
    [ANALYST.x - 14, ANALYST.width + 25],
  ];
  columns.forEach(([x, wide], i) => {
    under.append(node("rect", { class: "zone", x: x + 0.5, y: 0.5, width: wide, height: height - 1, rx: 10 }));
    under.append(node("text", { class: "heading", x: x + 14, y: 26 }, data.zones[i]));
  });

  const room = bottom - TOP - (launcherHeight ? launcherHeight + 14 : 0);
  const hubHeight = Math.min(room, Math.max(170, room * 0.62));
  const hub = { x: HUB.x, y: TOP + (room - hubHeight) / 2, width: HUB.width, height: hubHeight };
  const launcher = { x: HUB.x, y: bottom - launcherHeight, width: HUB.width, height: launcherHeight };
  const ports = { hub: [], launcher: [] };
  data.boxes.forEach((one, i) => {
    if (!one.strands.length) ports.hub.push({ row: i });
    one.strands.forEach((strand, j) =>
      ports[data.launcher && strand.kind === "enrolment" ? "launcher" : "hub"].push({ row: i, index: j, strand }),
    );
  });

  for (const [place, list] of Object.entries(ports)) {
    const target = place === "hub" ? hub : launcher;
    list.forEach(({ row, index, strand }, i) => {
      const from = rows[row];
      const count = Math.max(1, data.boxes[row].strands.length);
      const y1 = from.y + from.height / 2 + ((index ?? 0) - (count - 1) / 2) * STRAND_GAP;
      const y2 = target.y + 18 + ((target.height - 36) * (i + 0.5)) / list.length;
      const x1 = from.x + from.width;
      const bendAt = LABEL.x + LABEL.width;
      const path = `M${x1},${y1} L${bendAt},${y1} ${curve(bendAt, y1, target.x, y2)}`;
      if (!strand) {
        strands.append(node("path", { class: "strand ghost", d: path }));
        return;
      }
      const line = { d: path, "stroke-width": thickness(strand.size), style: tone(strand.kind) };
      strands.append(node("path", { class: "strand", ...line }));
      if (strand.live) strands.append(node("path", { class: "pulse", ...line, "stroke-width": 3.4 }));
      const wide = Math.min(LABEL.width, width(strand.text, 13) + 14);
      const pill = { class: "pill", x: LABEL.x + 12, y: y1 - 10, width: wide, height: 20, rx: 4 };
      over.append(node("rect", pill));
      over.append(
        node("text", { class: "amount", x: LABEL.x + 19, y: y1 + 4.5, style: tone(strand.kind) }, strand.text),
      );
    });
  }

  data.boxes.forEach((one, i) => {
    const row = rows[i];
    const middle = row.y + row.height / 2;
    box(over, row, one.absent ? "absent" : "");
    const second = one.badges.length > 0 || one.note !== "";
    over.append(node("text", { class: "name", x: row.x + 16, y: middle + (second ? -6 : 6) }, one.name));
    if (one.badges.length) badges(over, one.badges, row.x + 14, middle + 18);
    else over.append(node("text", { class: "line", x: row.x + 16, y: middle + 17 }, one.note));
  });

  box(over, hub, "hub");
  centred(over, hub, data.coordinator);
  if (data.launcher) {
    box(over, launcher);
    centred(over, launcher, data.launcher);
  }

  const middle = hub.y + hub.height / 2;
  const analyst = { x: ANALYST.x, y: middle - 52, width: ANALYST.width, height: 104 };
  const path = `M${HUB.x + HUB.width},${middle} L${ANALYST.x},${middle}`;
  const style = data.released ? "strand" : "strand ghost";
  strands.append(node("path", { class: style, d: path, "stroke-width": 5, style: tone("sealed") }));
  const between = (HUB.x + HUB.width + 14 + ANALYST.x - 14) / 2;
  over.append(
    node(
      "text",
      { class: "amount", x: between, y: middle - 12, "text-anchor": "middle", style: tone("sealed") },
      data.handover,
    ),
  );
  box(over, analyst, data.released ? "" : "absent");
  centred(over, analyst, data.analyst);
  return svg;
}

export default function ({ data, parentElement }) {
  const map = parentElement.querySelector(".map");
  const shown = JSON.stringify(data);
  if (map.shown === shown) return; // an unchanged picture keeps its movement
  map.shown = shown;
  map.replaceChildren(draw(data));
}
