// The source of answers that is the browser itself: the network computes in a thread of its own.
import { announce } from "./drawing.js";
import { start } from "./page.js";
import { find, speak, word } from "./words.js";

const NAMED = 3; // classes of an answer
const { classes, languages, reject_below: rejectBelow } = JSON.parse(find("about").textContent);
const waiting = new Map(); // number of a picture -> what to do with the network's outputs
const network = new Worker("network.js", { type: "module" });
let count = 0;

network.addEventListener("message", ({ data: { number, outputs } }) => {
  if (number === 0) {
    announce("");
    return; // the network is there
  }
  waiting.get(number)(outputs);
  waiting.delete(number);
});
// The thread's own files cannot be loaded.
network.addEventListener("error", () => waiting.forEach((resolve) => resolve({ failed: "offline" })));

function compute(file) {
  count += 1;
  network.postMessage({ number: count, file });
  return new Promise((resolve) => waiting.set(count, resolve));
}

async function answer(file) {
  const { failed, reason, probabilities, known_score: [score] = [] } = await compute(file);
  if (failed) return { filename: file.name, status: "failed", reason: reason ?? word(failed) };
  const ordered = classes.map((one, place) => ({ ...one, probability: probabilities[place] }))
    .sort((one, other) => other.probability - one.probability);
  const [best] = ordered;
  const status = score >= rejectBelow ? "ok" : "unknown";
  return { filename: file.name, status, prediction: status === "ok" ? best.class : null,
    nearest: best.class, names: best.names, confidence: best.probability, known_score: score,
    probabilities: ordered.slice(0, NAMED) };
}

// As the server does it: ?lang=, else the first of the browser's languages that the page speaks.
function chosenLanguage() {
  const asked = new URLSearchParams(window.location.search).get("lang");
  return [asked, ...navigator.languages.map((code) => code.slice(0, 2))].find((code) => languages.includes(code))
    ?? "en";
}

speak(chosenLanguage());
start({ atOnce: 1, answer });
announce(word("loading"));
navigator.serviceWorker?.register("service_worker.js");
