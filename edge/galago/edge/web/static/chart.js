// For how long each label was seen, by hour or by day of the viewer's zone: bars, and a table.

import { $, ask, colour, getLabels, make, span } from "./words.js";

const HOURS = 48;
const DAYS = 14;
const SVG = "http://www.w3.org/2000/svg";

let by = "hour";
let spans = []; // {start: Date, seconds: Map(label → seconds)}
const hidden = new Set();

export async function load() {
  const starts = by === "hour" ? lastHours() : lastDays();
  const step = starts[0].getTimezoneOffset() % 60 ? 15 : 60;
  const since = Math.floor(starts[0] / 60000 / step) * step;
  const until = Math.floor(Date.now() / 60000) + 1;
  const rows = await ask(`/api/shares?since=${since}&until=${until}&step=${step}`);
  spans = starts.map((start) => ({ start, seconds: new Map() }));
  for (const row of rows) {
    const when = new Date(row.start);
    const place = spans.findLast((each) => each.start <= when) ?? spans[0];
    place.seconds.set(row.label, (place.seconds.get(row.label) ?? 0) + row.seconds);
  }
  draw();
}

function lastHours() {
  const now = new Date();
  now.setMinutes(0, 0, 0);
  return Array.from({ length: HOURS }, (_, i) => new Date(now - (HOURS - 1 - i) * 3600000));
}

function lastDays() {
  return Array.from({ length: DAYS }, (_, i) => {
    const day = new Date();
    day.setHours(0, 0, 0, 0);
    day.setDate(day.getDate() - (DAYS - 1 - i)); // days of 23 and 25 hours as well
    return day;
  });
}

function draw() {
  const found = new Set(spans.flatMap((each) => [...each.seconds.keys()]));
  const labels = [...getLabels().filter((label) => found.has(label)), ...[...found].filter((label) => !getLabels().includes(label))];
  legend(labels);
  const visible = labels.filter((label) => !hidden.has(label));
  bars(visible);
  table(visible);
}

function legend(labels) {
  $("legend").replaceChildren(
    ...labels.map((label) => {
      const button = make("button", { type: "button", "aria-pressed": String(!hidden.has(label)), onclick: () => toggle(label) }, label);
      button.style.setProperty("--c", colour(label));
      return button;
    }),
  );
}

function toggle(label) {
  const place = [...$("legend").children].findIndex((child) => child.textContent === label);
  hidden.delete(label) || hidden.add(label);
  draw();
  $("legend").children[place]?.focus();
}

function bars(labels) {
  const width = Math.max($("chart").clientWidth, 200);
  const height = 224;
  const [left, bottom, top] = [58, 24, 8];
  const highest = Math.max(60, ...spans.map((each) => total(each, labels)));
  const image = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": summary(labels) });
  for (const share of [0, 0.5, 1]) {
    const y = top + (1 - share) * (height - top - bottom);
    image.append(svg("line", { x1: left, x2: width, y1: y, y2: y }), svg("text", { x: left - 6, y: y + 4, "text-anchor": "end" }, share ? span(share * highest).replace(".0", "") : "0"));
  }
  const slot = (width - left) / spans.length;
  const every = Math.ceil(52 / slot);
  spans.forEach((each, i) => {
    const x = left + i * slot;
    let y = height - bottom;
    for (const label of labels) {
      const tall = ((each.seconds.get(label) ?? 0) / highest) * (height - top - bottom);
      if (tall < 0.2) continue;
      y -= tall;
      const bar = svg("rect", { x: x + slot * 0.1, y, width: slot * 0.8, height: tall });
      bar.style.fill = colour(label);
      bar.append(svg("title", {}, `${title(each.start)}: ${label} ${span(each.seconds.get(label))}`));
      image.append(bar);
    }
    if ((spans.length - 1 - i) % every === 0 && x + slot / 2 - left > 14) image.append(svg("text", { x: x + slot / 2, y: height - 6, "text-anchor": i === spans.length - 1 ? "end" : "middle", dx: i === spans.length - 1 ? slot / 2 : 0 }, short(each.start)));
  });
  $("chart").replaceChildren(image);
}

const total = (each, labels) => labels.reduce((sum, label) => sum + (each.seconds.get(label) ?? 0), 0);

function summary(labels) {
  const sums = labels.map((label) => [label, spans.reduce((sum, each) => sum + (each.seconds.get(label) ?? 0), 0)]);
  const words = sums.map(([label, seconds]) => `${label} ${span(seconds)}`).join(", ");
  return `Bars by ${by}. In all: ${words || "nothing was seen"}. The table below has all figures.`;
}

function table(labels) {
  const head = make("tr", {}, make("th", { scope: "col" }, by === "hour" ? "Hour" : "Day"), ...labels.map((label) => make("th", { scope: "col" }, label)));
  const rows = spans
    .filter((each) => total(each, labels) > 0)
    .reverse()
    .map((each) => make("tr", {}, make("th", { scope: "row" }, title(each.start)), ...labels.map((label) => make("td", {}, span(each.seconds.get(label) ?? 0)))));
  $("table").replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
}

const hour = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const date = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const short = (start) => (by === "hour" ? hour : date).format(start);
const title = (start) => (by === "hour" ? `${date.format(start)}, ${hour.format(start)}` : date.format(start));

function svg(tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.append(text);
  return element;
}

for (const button of document.querySelectorAll("[data-by]")) {
  button.addEventListener("click", () => {
    by = button.dataset.by;
    for (const each of document.querySelectorAll("[data-by]")) each.setAttribute("aria-pressed", String(each === button));
    load();
  });
}
let narrow = 0;
new ResizeObserver(() => {
  if ($("chart").clientWidth === narrow) return;
  narrow = $("chart").clientWidth;
  if (spans.length) draw();
}).observe($("chart"));
