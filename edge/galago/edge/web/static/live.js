// The live picture. It is never shown as live when it is not: each part of the stream says when it
// was taken, and a picture that gets old is greyed and says how old it is.

import { $, span } from "./words.js";

const OLD_MS = 3000;
const AGAIN_MS = 2000;

let leaving = null; // of the stream that runs
let taken = 0; // when the picture that is shown was taken, by the camera's clock
let ahead = 0; // camera's clock minus ours
let connected = false;

export const setClock = (iso) => { ahead = Date.parse(iso) - Date.now(); };

export function start() {
  if (leaving) return;
  leaving = new AbortController();
  run(leaving.signal);
}

export function stop() {
  leaving?.abort();
  leaving = null;
}

async function run(signal) {
  while (!signal.aborted) {
    try {
      await stream(signal);
    } catch (error) {
      if (signal.aborted) return;
    }
    connected = false;
    judge();
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
}

async function stream(signal) {
  const answer = await fetch("/live.mjpeg", { signal, cache: "no-store" });
  if (answer.status === 401) location.assign("/login");
  if (!answer.ok) throw new Error(answer.statusText);
  connected = true;
  const reader = answer.body.getReader();
  let waiting = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(waiting.length + value.length);
    joined.set(waiting);
    joined.set(value, waiting.length);
    waiting = await show(joined);
  }
}

/** Show the last whole picture in `bytes`; returns what is left. */
async function show(bytes) {
  let newest = null;
  for (;;) {
    const end = headEnd(bytes);
    if (end < 0) break;
    const head = new TextDecoder().decode(bytes.subarray(0, end));
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    const next = end + 4 + length + 2;
    if (!(bytes.length >= next)) break;
    newest = { taken: Number(/x-time: (\d+)/i.exec(head)?.[1]), jpeg: bytes.slice(end + 4, end + 4 + length) };
    bytes = bytes.subarray(next);
  }
  if (newest) await draw(newest);
  return bytes.slice();
}

function headEnd(bytes) {
  for (let i = 0; i + 3 < bytes.length; i++) {
    if (bytes[i] === 13 && bytes[i + 1] === 10 && bytes[i + 2] === 13 && bytes[i + 3] === 10) return i;
  }
  return -1;
}

async function draw(picture) {
  const bitmap = await createImageBitmap(new Blob([picture.jpeg], { type: "image/jpeg" }));
  const canvas = $("picture");
  if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
  }
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  bitmap.close();
  taken = picture.taken;
  canvas.dataset.count = Number(canvas.dataset.count ?? 0) + 1;
  judge();
}

/** Say what the picture is worth; called each second and with each picture. */
export function judge() {
  const age = Date.now() + ahead - taken;
  const old = taken ? `The picture is ${span(Math.max(age, 0) / 1000)} old` : "There is no picture yet";
  const state = age < OLD_MS && connected ? "live" : connected ? "stale" : "lost";
  $("screen").dataset.state = state;
  if (state === "stale") $("stale").textContent = `${old}: the camera gives no new one.`;
  if (state === "lost") $("stale").textContent = `${old}: no connection to the camera.`;
}
