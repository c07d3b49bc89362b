// One picture, large: whole, as the model saw it, as a film; and what a person says that it shows.

import { $, ask, colour, getLabels, make, percent, timeOf } from "./words.js";

let list = [];
let at = 0;
let done = () => {};
let goOn = false; // to the next picture once this one is marked

export const pictureAlt = (picture) => `${picture.label}, ${percent(picture.score)} sure, ${timeOf(picture.time)}`;

/** Open `name` of `pictures`, newest first; `changed(picture)` is called for each mark. */
export function open(pictures, name, changed, next = false) {
  list = pictures;
  at = Math.max(0, list.findIndex((picture) => picture.name === name));
  done = changed;
  goOn = next;
  show();
  if (!$("dialog").open) $("dialog").showModal();
}

function show(view = "") {
  const picture = list[at];
  const file = `/pictures/${picture.name}`;
  $("dialog-title").textContent = pictureAlt(picture) + (picture.region ? `, ${picture.region}` : "");
  $("view").replaceChildren(
    view === ".webm"
      ? make("video", { src: `${file}.webm`, controls: true, autoplay: true, loop: true, muted: true })
      : make("img", { src: `${file}${view}.jpg`, alt: `Picture: ${pictureAlt(picture)}` }),
  );
  const views = [["", "Whole"], [".crop", "What the model saw"], ...(picture.clip ? [[".webm", "Film"]] : [])];
  $("views").replaceChildren(
    ...views.map(([value, text]) => make("button", { type: "button", "aria-pressed": String(value === view), onclick: () => show(value) }, text)),
  );
  $("newer").disabled = at === 0;
  $("older").disabled = at === list.length - 1;
  showMarks(picture);
}

function showMarks(picture) {
  const { truth, label } = picture;
  const known = getLabels().includes(label);
  $("right").hidden = !known;
  $("right").replaceChildren(`✓ Right: ${label} `, make("kbd", {}, "R"));
  $("right").setAttribute("aria-pressed", String(truth === label));
  $("wrong").setAttribute("aria-pressed", String(truth === ""));
  $("undo").disabled = truth === null;
  $("labels").replaceChildren(
    ...getLabels().map((name, index) =>
      make("button", { type: "button", "aria-pressed": String(truth === name), onclick: () => mark(name) }, name, index < 9 ? make("kbd", {}, String(index + 1)) : null),
    ),
  );
  const said = truth === null ? "Nobody has said yet whether that is right." : truth === "" ? "Marked as wrong." : `Marked as ${truth}.`;
  if ($("mark-now").textContent !== said) $("mark-now").textContent = said;
}

async function mark(truth) {
  const picture = list[at];
  try {
    const known = await ask(`/api/snapshots/${encodeURIComponent(picture.name)}/truth`, {
      method: "PUT",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ truth }),
    });
    list[at] = known;
    done(known);
    if (goOn && truth !== null && at + 1 < list.length) step(1);
    else showMarks(known);
  } catch (error) {
    $("mark-now").textContent = `It was not kept: ${error.message}`;
  }
}

function step(by) {
  if (at + by < 0 || at + by >= list.length) return;
  at += by;
  show();
}

$("right").addEventListener("click", () => mark(list[at].label));
$("wrong").addEventListener("click", () => mark(""));
$("undo").addEventListener("click", () => mark(null));
$("newer").addEventListener("click", () => step(-1));
$("older").addEventListener("click", () => step(1));
$("close").addEventListener("click", () => $("dialog").close());
$("dialog").addEventListener("close", () => {
  $("view").replaceChildren(); // a film plays on otherwise
  if (document.activeElement === document.body) $("main").focus(); // what opened it has gone
});
$("dialog").addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "VIDEO") return;
  const label = getLabels()[Number(event.key) - 1];
  const actions = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    r: () => !$("right").hidden && mark(list[at].label),
    w: () => mark(""),
    u: () => !$("undo").disabled && mark(null),
  };
  const action = label ? () => mark(label) : actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  action();
});
