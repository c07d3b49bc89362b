// The page: news from the camera as they come, and what is drawn of them.

import * as chart from "./chart.js";
import * as live from "./live.js";
import * as review from "./review.js";
import * as timeline from "./timeline.js";
import { $, ask, colour, make, percent, setLabels, span, speak, timeOf, timeTag } from "./words.js";

const SILENT_MS = 5000; // the status comes each second

let news = null;
let heard = Date.now();
let healthSaid = "";

function drawStatus(status) {
  live.setClock(status.time);
  learn(status.model.labels);
  $("device").textContent = status.device;
  const top = status.now[0];
  document.title = top ? `${top.label} · ${status.device}` : status.device;
  drawNow(status);
  drawHealth(status);
  drawFigures(status);
  drawFacts(status);
}

const drawn = new WeakMap();
/** Only what has changed is drawn: a reader of the page is not thrown back each second. */
function redraw(element, key, children) {
  const text = JSON.stringify(key);
  if (drawn.get(element) === text) return;
  drawn.set(element, text);
  element.replaceChildren(...children());
}

function drawNow({ now }) {
  redraw($("now"), now.map(({ region, label, since, scores }) => [region, label, since, Object.keys(scores)]), () => now.map(oneNow));
  now.forEach((seen, place) => {
    for (const [label, score] of Object.entries(seen.scores)) {
      const part = $("now").children[place]?.querySelector(`[data-label="${CSS.escape(label)}"]`);
      if (!part) continue;
      part.firstElementChild.style.width = `${score * 100}%`;
      part.nextElementSibling.textContent = percent(score);
    }
  });
}

function oneNow({ region, label, since, scores }) {
  const rows = Object.keys(scores).flatMap((name) => {
    const bar = make("i");
    bar.style.setProperty("--c", colour(name));
    return [make("dt", {}, name), make("dd", { class: "meter", "data-label": name, "aria-hidden": "true" }, bar), make("dd", { class: "number" })];
  });
  const seen = make("p", { class: "seen" }, make("strong", { id: region ? null : "label" }, label), make("span", { class: "hint" }, region ? `${region}, ` : "", "since ", timeTag(since)));
  return make("div", {}, seen, make("dl", { class: "scores" }, ...rows));
}

const WORDS = { ok: "All well", warning: "Warning", error: "Error" };
const SIGNS = { warning: "▲", error: "■" };

function drawHealth({ health }) {
  const { states, level } = health;
  const few = states.length > 1 ? `${states.length} complaints` : WORDS[level];
  setLevel(level, few);
  redraw($("health"), states, () =>
    states.length
      ? states.map((state) =>
          make(
            "li",
            { "data-level": state.level },
            make("b", {}, `${SIGNS[state.level] ?? ""} ${WORDS[state.level]}: ${state.name}`),
            make("span", {}, state.cause),
            make("small", {}, state.advice, " Since ", timeTag(state.since), "."),
          ),
        )
      : [make("li", { "data-level": "ok" }, make("b", {}, "✓ All well"))],
  );
  const said = states.map((state) => `${WORDS[state.level]}: ${state.cause}`).join(". ");
  if (said !== healthSaid) speak(said || "All well again");
  healthSaid = said;
}

function setLevel(level, text) {
  $("level").dataset.level = level;
  $("level").textContent = text;
}

function terms(pairs) {
  return pairs.filter(([, text]) => text != null).flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);
}

function drawFigures({ loop, machine, store, publishers, uptime_s: uptime }) {
  const pairs = [
    ["Pictures", `${loop.rate.toFixed(1)} per second, ${loop.p99_ms.toFixed(0)} ms to decide (99 of 100)`],
    ["Temperature", machine.celsius == null ? null : `${machine.celsius.toFixed(0)} °C`],
    ["Kept", store && `${store.events} events, ${store.snapshots} pictures (${store.snapshots_mb.toFixed(0)} of ${store.keep_mb} MB)`],
    ["Disk", store && `${(store.disk_free_mb / 1000).toFixed(1)} GB free`],
    ...publishers.map((each) => [each.name, each.error ?? `${each.connected ? "connected" : "not connected"}, ${each.backlog} waiting`]),
    ["Runs for", span(uptime)],
  ];
  redraw($("figures"), pairs, () => terms(pairs));
}

function drawFacts({ model, camera, machine, version }) {
  const pairs = [
    ["Model", model.name],
    ["Digest", model.sha256.slice(0, 16)],
    ["Labels", model.labels.join(", ")],
    ["Accuracy", model.accuracy == null ? null : `${(model.accuracy * 100).toFixed(1)} % of the test pictures`],
    ["Trained", model.trained && timeOf(model.trained)],
    ["Input", model.size.join(" × ")],
    ["Interpreter", model.interpreter],
    ["Camera", `${camera.source}${camera.detail ? `, ${camera.detail}` : ""}${camera.live ? "" : " (a recording)"}`],
    ["Machine", machine.model],
    ["Galago", version],
  ];
  redraw($("facts"), pairs, () => terms(pairs));
}

function learn(labels) {
  setLabels(labels);
  redraw($("filter"), labels, () => [make("option", { value: "" }, "all"), ...[...labels, "unknown"].map((label) => make("option", { value: label }, label))]);
}

function lost(text) {
  if (!text === $("lost").hidden) return;
  $("lost").hidden = !text;
  $("lost").textContent = text;
}

function listen() {
  if (news) return;
  heard = Date.now();
  news = new EventSource(`/api/stream?after=${timeline.last}`);
  news.addEventListener("status", (message) => {
    heard = Date.now();
    lost("");
    drawStatus(JSON.parse(message.data));
  });
  news.addEventListener("silent", () => {
    heard = Date.now();
    setLevel("lost", "No answer");
    lost("The camera's program does not answer. What is shown here is old.");
  });
  news.addEventListener("event", (message) => timeline.add(JSON.parse(message.data)));
  // A browser gives up for good when it is refused; then we try.
  news.addEventListener("error", () => {
    if (news?.readyState !== EventSource.CLOSED) return;
    news = null;
    setTimeout(() => ask("/api/status").then(listen, () => {}), 3000);
  });
}

function watch() {
  live.judge();
  if (document.hidden || Date.now() - heard < SILENT_MS) return;
  setLevel("lost", "No connection");
  lost(`No connection to the camera since ${timeOf(new Date(heard).toISOString())}. What is shown here is old; trying again.`);
  if (!news) listen();
}

function visible() {
  if (document.hidden) {
    live.stop();
    news?.close();
    news = null;
  } else {
    live.start();
    listen();
  }
}

async function begin() {
  live.start();
  const status = await ask("/api/status");
  drawStatus(status);
  await timeline.load();
  listen();
  await Promise.all([chart.load(), review.load()]);
}

async function tryToBegin() {
  try {
    await begin();
  } catch (error) {
    lost(`The camera's program does not answer (${error.message}). Trying again.`);
    setTimeout(tryToBegin, 3000);
    return;
  }
  document.addEventListener("visibilitychange", visible);
  setInterval(watch, 1000);
  setInterval(() => document.hidden || chart.load().catch(() => {}), 60000);
}

tryToBegin();
