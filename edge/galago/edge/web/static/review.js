// Pictures that the model was not sure of and nobody has labelled.

import { open } from "./dialog.js";
import { update } from "./timeline.js";
import { $, ask, make, percent, timeOf } from "./words.js";

const AT_ONCE = 24;
let shown = [];

export async function load() {
  shown = [];
  $("uncertain").replaceChildren();
  await more();
}

async function more() {
  const before = shown.length ? `&before=${encodeURIComponent(shown.at(-1).name)}` : "";
  const found = await ask(`/api/snapshots?kind=uncertain&unmarked=true&limit=${AT_ONCE}${before}`);
  shown.push(...found);
  $("uncertain").append(...found.map(tile));
  $("more-uncertain").hidden = found.length < AT_ONCE;
  $("no-uncertain").hidden = shown.length > 0;
}

function tile(picture) {
  const image = make("img", { src: `/pictures/${picture.name}.small.jpg`, alt: "", loading: "lazy" });
  const words = make("span", {}, `${picture.label}? ${percent(picture.score)}`, make("span", { class: "unseen" }, ` Label the picture of ${timeOf(picture.time)}`));
  const show = () => open([...shown], picture.name, marked, true);
  return make("li", { "data-name": picture.name }, make("button", { type: "button", class: "tile", onclick: show }, image, words));
}

function marked(picture) {
  update(picture);
  const item = $("uncertain").querySelector(`[data-name="${CSS.escape(picture.name)}"]`);
  if (item) item.hidden = picture.truth !== null;
  $("no-uncertain").hidden = [...$("uncertain").children].some((child) => !child.hidden);
}

$("more-uncertain").addEventListener("click", more);
