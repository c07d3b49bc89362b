// Events, newest first: some to begin with, more when asked for, new ones as they come.

import { open } from "./dialog.js";
import { $, ask, colour, make, percent, span, speak, timeTag } from "./words.js";

const AT_ONCE = 20;
const SHOWN = 400; // of those that come by themselves: a page may stay open for months

let shown = [];
export let last = 0;

export async function load() {
  const label = $("filter").value;
  const found = await ask(`/api/events?limit=${AT_ONCE}${query(label)}`);
  if (!label && found.length) last = Math.max(last, found[0].number);
  shown = [];
  $("events").replaceChildren();
  append(found);
}

async function more() {
  const before = shown.at(-1).number;
  append(await ask(`/api/events?limit=${AT_ONCE}&before=${before}${query($("filter").value)}`));
}

const query = (label) => (label ? `&label=${encodeURIComponent(label)}` : "");

function append(found) {
  shown.push(...found);
  $("events").append(...found.map((event) => row(event)));
  $("more").hidden = found.length < AT_ONCE;
  $("no-events").hidden = shown.length > 0;
}

/** An event that has just happened. */
export function add(event) {
  if (event.number <= last) return;
  last = event.number;
  speak(`${event.label}, ${percent(event.score)} sure`);
  const label = $("filter").value;
  if (label && label !== event.label) return;
  shown.unshift(event);
  const item = row(event);
  item.classList.add("fresh");
  $("events").prepend(item);
  $("no-events").hidden = true;
  while (shown.length > SHOWN) {
    shown.pop();
    $("events").lastElementChild.remove();
    $("more").hidden = false;
  }
}

function row(event) {
  const item = make("li", { "data-number": event.number });
  item.style.setProperty("--c", colour(event.label));
  item.append(content(event));
  return item;
}

function content(event) {
  const { picture } = event;
  const image = picture
    ? make("img", { src: `/pictures/${picture.name}.small.jpg`, alt: "", loading: "lazy", width: 104, height: 78 })
    : make("span", { class: "none" }, "no picture");
  const words = make(
    "span",
    { class: "words" },
    make("b", {}, event.label, event.region ? ` · ${event.region}` : ""),
    make("span", {}, timeTag(event.time), ` · ${percent(event.score)} sure`),
    event.previous ? make("span", { class: "hint" }, `after ${span(event.seconds)} of ${event.previous}`) : null,
    picture ? badge(picture) : null,
    picture ? make("span", { class: "unseen" }, "Open the picture") : null,
  );
  if (!picture) return make("div", { class: "event" }, image, words);
  const show = () => open(pictured(), picture.name, update);
  return make("button", { type: "button", class: "event", onclick: show }, image, words);
}

export function badge(picture) {
  if (picture.truth === null) return null;
  const right = picture.truth === picture.label;
  const text = right ? "✓ right" : picture.truth ? `✗ it is ${picture.truth}` : "✗ wrong";
  return make("span", { class: "marked", "data-mark": right ? "right" : "wrong" }, text);
}

const pictured = () => shown.filter((event) => event.picture).map((event) => event.picture);

/** A picture was marked, here or in another list. */
export function update(picture) {
  for (const event of shown) {
    if (event.picture?.name !== picture.name) continue;
    event.picture = picture;
    // The button itself stays: the focus comes back to it.
    $("events").querySelector(`[data-number="${event.number}"] button`)?.replaceChildren(...content(event).childNodes);
  }
}

$("filter").addEventListener("change", load);
$("more").addEventListener("click", more);
