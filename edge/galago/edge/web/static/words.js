// How things are said: times in the viewer's zone, shares, spans of time; and small helpers.

export const $ = (id) => document.getElementById(id);

/** An element: make("b", {class: "x"}, "text", child …). Text is text, never markup. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value == null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const minutes = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric", month: "short" });

export function timeOf(iso) {
  const then = new Date(iso);
  const today = then.toDateString() === new Date().toDateString();
  return today ? clock.format(then) : `${day.format(then)}, ${minutes.format(then)}`;
}

export const timeTag = (iso) => make("time", { datetime: iso, title: new Date(iso).toString() }, timeOf(iso));

export const percent = (share) => `${Math.round(share * 100)} %`;

export function span(seconds) {
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 48 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

/** The colour of a label: by its place in the model; grey for "unknown". */
let labels = [];
export const setLabels = (known) => { labels = known; };
export const getLabels = () => labels;
export function colour(label) {
  const index = labels.indexOf(label);
  return `var(--c${index < 0 ? 7 : index % 7})`;
}

/** JSON from the API; a session that is over leads to the door. */
export async function ask(path, options) {
  const answer = await fetch(path, { cache: "no-store", ...options });
  if (answer.status === 401) location.assign("/login");
  const document = await answer.json();
  if (!answer.ok) throw new Error(document.error);
  return document;
}

/** Tell screen readers, at most every few seconds, the newest thing only. */
let waiting = null;
let silentUntil = 0;
export function speak(text) {
  clearTimeout(waiting);
  const now = Date.now();
  waiting = setTimeout(() => {
    silentUntil = Date.now() + 5000;
    $("spoken").textContent = text;
  }, Math.max(0, silentUntil - now));
}
