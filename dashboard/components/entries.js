// A list of log entries, each of which can be opened. Text is set as text: nothing in `data` can become markup.

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const box = parentElement.querySelector(".entries");
  const shown = JSON.stringify(data);
  if (box.shown === shown) return;
  box.shown = shown;
  const focused = box.getRootNode().activeElement?.dataset?.number;
  const head = node("tr", {}, ...data.columns.map((name) => node("th", { scope: "col" }, name)));
  const body = data.rows.map(({ number, tone, cells }) => {
    const button = node("button", { type: "button", "data-number": number, "aria-label": `${data.open} ${number}` });
    button.textContent = number.toLocaleString("en");
    const open = () => setTriggerValue("chosen", number);
    button.onclick = (event) => {
      event.stopPropagation();
      open();
    };
    const chosen = number === data.chosen;
    const row = node(
      "tr",
      chosen ? { class: "chosen", "aria-current": "true" } : {},
      node("td", {}, button),
      ...cells.map((text, i) => node("td", i === data.toned && tone ? { class: tone } : {}, text)),
    );
    row.onclick = open;
    return row;
  });
  const table = node(
    "table",
    {},
    node("caption", {}, data.caption),
    node("thead", {}, head),
    node("tbody", {}, ...body),
  );
  box.setAttribute("aria-label", data.caption);
  box.replaceChildren(table);
  if (focused) box.querySelector(`[data-number="${focused}"]`)?.focus();
}
