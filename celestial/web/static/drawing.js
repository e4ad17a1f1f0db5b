// Draws answers: one large, the gallery of the visit, its table. It does not matter who answered:
// `entry.result` is a Result of /api/openapi.json or null, `entry.url` the picture as the browser
// shows it or "".
import { find, make, spoken, word } from "./words.js";

export const percent = (value) => (value >= 0.9995 ? ">99.9\u00a0%" : `${(100 * value).toFixed(1)}\u00a0%`);
const state = (entry) => entry.result?.status ?? "waiting";

// The answer in one phrase.
export function told(result) {
  if (result.status === "failed") return word("failed");
  return result.status === "ok" ? spoken(result.names) : word("none");
}

function bar(name, value) {
  const drawn = make("progress", { max: 1, value });
  drawn.setAttribute("aria-label", name);
  return drawn;
}

// --- one answer, large ----------------------------------------------------------------------

export function card(entry, remove, below) {
  const { result, file } = entry;
  const removing = make("button", { type: "button", className: "plain", textContent: word("remove") });
  removing.setAttribute("aria-label", `${word("remove")}: ${file.name}`);
  removing.addEventListener("click", () => remove(entry));
  const verdict = make("div", { className: "told" },
    make("h3", { className: "answer", textContent: result ? told(result) : `${word("working")} …` }),
    ...(result ? says(result) : []));
  const rest = make("div", { className: "rest" },
    make("p", { className: "file", textContent: result?.filename ?? file.name }, " ", removing),
    (result && below?.(entry)) || "", ...(result?.probabilities ? [details(result)] : []));
  return make("article", { className: `card ${state(entry)}` }, verdict, ...picture(entry), rest);
}

function says(result) {
  const notes = [result.reason, result.note].filter(Boolean)
    .map((note) => make("p", { className: "note", textContent: note }));
  if (result.status === "failed") return notes;
  if (result.status === "unknown") {
    const nearest = `${word("unlike")} ${word("nearest")}: ${spoken(result.names)}`;
    return [make("p", { textContent: nearest }), ...notes];
  }
  const sure = make("p", { className: "sure" }, make("strong", { textContent: percent(result.confidence) }),
    make("span", { textContent: word("probability") }));
  return [bar(word("probability"), result.confidence), sure, ...notes];
}

function picture({ url, result, file }) {
  const source = url || result?.preview;
  if (!source) return [];
  const shown = make("img", { src: source, alt: file.name });
  const stack = make("div", { className: "stack" }, shown);
  const look = make("div", { className: "look" }, stack);
  if (!result?.explanation) return [look];
  const heat = make("img", { src: result.explanation, alt: word("why") });
  heat.style.opacity = "0";
  stack.append(heat);
  const slider = make("input", { type: "range", min: 0, max: 100, value: 0, id: "heat" });
  slider.addEventListener("input", () => {
    heat.style.opacity = String(slider.value / 100);
    // The network may see less than the whole picture; the reason lies over what it saw.
    shown.src = slider.value === "0" ? source : result.preview;
  });
  look.append(make("label", { htmlFor: "heat", textContent: word("heat") }), slider);
  return [look];
}

function details(result) {
  const bars = make("ul", { className: "bars" });
  for (const one of result.probabilities) {
    const name = spoken(one.names);
    bars.append(make("li", {}, make("span", { textContent: name }), bar(name, one.probability),
      make("span", { textContent: percent(one.probability) })));
  }
  const folded = make("details", {}, make("summary", { textContent: word("details") }), bars);
  if (result.seen) {
    folded.append(make("figure", {}, make("img", { src: result.seen, alt: "" }),
      make("figcaption", { textContent: word("seen") })));
  }
  return folded;
}

// --- all answers ----------------------------------------------------------------------------

// Fill the button that stands for an entry in the gallery; it keeps the focus if it has it.
export function fillThumb(button, entry) {
  const { result, file, url } = entry;
  const source = url || result?.preview;
  const caption = result ? told(result) : word("waiting");
  const value = result?.status === "ok" ? percent(result.confidence) : "";
  button.className = `thumb ${state(entry)}`;
  button.replaceChildren(
    source ? make("img", { src: source, alt: "", loading: "lazy" }) : make("span", { className: "nothing" }),
    make("span", { className: "caption" }, make("b", { textContent: caption }), ` ${value}`),
    make("span", { className: "file", textContent: file.name, title: file.name }));
}

export function fillRow(row, { result, file }) {
  if (!result) return row.replaceChildren();
  return row.replaceChildren(make("td", { textContent: result.filename ?? file.name }),
    make("td", { textContent: result.status === "unknown"
      ? `${told(result)} (${word("nearest")}: ${spoken(result.names)})` : told(result) }),
    make("td", { textContent: result.status === "failed" ? result.reason : percent(result.confidence) }));
}

function cell(value) {
  const text = String(value ?? "");
  // A spreadsheet would take what begins like this for a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

export function download(results) {
  const rows = [["filename", "status", "prediction", "nearest", "confidence", "reason"],
    ...results.map((r) => [r.filename, r.status, r.prediction, r.nearest, r.confidence, r.reason ?? r.note])];
  const text = "\ufeff" + rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "results.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

export function announce(text) {
  find("progress").textContent = text;
}
