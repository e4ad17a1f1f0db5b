// The page: choose, preview, send one picture after the other, show the answers, save the table.
"use strict";

const WORDS = JSON.parse(document.getElementById("words").textContent);
const SHOWN_BY_BROWSERS = /^image\/(jpeg|png|webp|gif|bmp|avif)$/;
const AT_ONCE = 3; // requests under way
const TRIES = 8; // of a picture while the server is busy
const MEBIBYTE = 1 << 20;
const FORM = 4096; // bytes of a request beside its file, at most
const chosen = []; // {file, item, url}
const answers = []; // results of this visit
let language = document.documentElement.lang;

const find = (id) => document.getElementById(id);
const word = (name) => WORDS[language][name];

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function announce(text) {
  find("progress").textContent = text;
}

// --- choosing -------------------------------------------------------------------------------

function add(files) {
  for (const file of files) {
    const entry = { file, item: null, url: "" };
    const picture = make("img", { alt: file.name });
    const remove = make("button", { type: "button", textContent: word("remove") });
    remove.dataset.word = "remove";
    remove.setAttribute("aria-label", `${word("remove")}: ${file.name}`);
    remove.addEventListener("click", () => drop(entry));
    entry.item = make("li", {}, picture, make("span", { textContent: file.name }), remove);
    find("chosen").append(entry.item);
    chosen.push(entry);
    preview(entry, picture);
  }
  update();
}

function isTooLarge(file) {
  return file.size + FORM > Number(find("form").dataset.megabytes) * MEBIBYTE;
}

async function preview(entry, picture) {
  if (SHOWN_BY_BROWSERS.test(entry.file.type)) {
    entry.url = URL.createObjectURL(entry.file);
  } else if (!isTooLarge(entry.file)) {
    const form = new FormData();
    form.append("file", entry.file);
    try {
      const response = await fetch(find("form").dataset.preview, { method: "POST", body: form });
      if (response.ok) entry.url = URL.createObjectURL(await response.blob());
    } catch {
      return; // the answer will say what is wrong
    }
  }
  if (entry.url) picture.src = entry.url;
}

function drop(entry) {
  const place = chosen.indexOf(entry);
  if (place >= 0) chosen.splice(place, 1);
  entry.item.remove();
  if (entry.url) URL.revokeObjectURL(entry.url);
  update();
  find("files").focus();
}

function update() {
  find("predict").disabled = chosen.length === 0;
}

// --- predicting -----------------------------------------------------------------------------

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function ask(file) {
  if (isTooLarge(file)) {
    const reason = word("too_large").replace("{size}", Math.ceil(file.size / MEBIBYTE))
      .replace("{most}", find("form").dataset.megabytes);
    return { filename: file.name, status: "failed", reason };
  }
  for (let attempt = 1; ; attempt += 1) {
    const form = new FormData();
    form.append("file", file);
    form.append("explain", "true");
    if (find("model")) form.append("model", find("model").value);
    const response = await fetch(find("form").dataset.predict, { method: "POST", body: form });
    if (response.status === 503 && attempt < TRIES) {
      announce(word("busy"));
      await pause(Number(response.headers.get("Retry-After")) || 2);
      continue;
    }
    const text = await response.text();
    try {
      const content = JSON.parse(text);
      if (content.results) return content.results[0];
      return { filename: file.name, status: "failed", reason: content.error.reason };
    } catch {
      return { filename: file.name, status: "failed", reason: `${response.status} ${text.slice(0, 200)}` };
    }
  }
}

async function predict(event) {
  event.preventDefault();
  const batch = chosen.splice(0);
  if (!batch.length) return;
  update();
  let done = 0;
  const tell = () => announce(`${word("working")}: ${done} ${word("of")} ${batch.length}`);
  tell();
  const waiting = [...batch];
  const results = new Map();
  const work = async () => {
    for (let entry = waiting.shift(); entry; entry = waiting.shift()) {
      let result;
      try {
        result = await ask(entry.file);
      } catch {
        result = { filename: entry.file.name, status: "failed", reason: word("offline") };
      }
      results.set(entry, result);
      entry.item.remove();
      if (entry.url) URL.revokeObjectURL(entry.url);
      done += 1;
      tell();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  for (const entry of batch) answers.push(results.get(entry));
  announce(`${word("results")}: ${done}`);
  show();
}

// --- showing --------------------------------------------------------------------------------

const percent = (share) => (share >= 0.9995 ? ">99.9 %" : `${(100 * share).toFixed(1)} %`);

function told(result) {
  if (result.status === "failed") return word("failed");
  const name = result.names[language];
  return result.status === "ok" ? name : `${word("none")} (${word("nearest")}: ${name})`;
}

function card(result, number) {
  const body = make("article", { className: `card ${result.status}` },
    make("h3", { textContent: result.filename }),
    make("p", { className: "answer", textContent: told(result) }));
  if (result.status === "failed") {
    body.append(make("p", { textContent: result.reason }));
    return body;
  }
  if (result.note) body.append(make("p", { textContent: result.note }));
  const heat = make("img", { src: result.explanation, alt: word("why") });
  heat.style.opacity = "0";
  const slider = make("input", { type: "range", min: 0, max: 100, value: 0, id: `heat-${number}` });
  slider.addEventListener("input", () => { heat.style.opacity = String(slider.value / 100); });
  const bars = make("ul", { className: "bars" });
  for (const one of result.probabilities) {
    const bar = make("progress", { max: 1, value: one.probability });
    bar.setAttribute("aria-label", one.names[language]);
    bars.append(make("li", {}, make("span", { textContent: one.names[language] }), bar,
      make("span", { textContent: percent(one.probability) })));
  }
  const seen = make("details", {}, make("summary", { textContent: word("seen") }),
    make("div", { className: "stack" }, make("img", { src: result.seen, alt: word("seen") })));
  body.append(
    make("div", { className: "stack" }, make("img", { src: result.preview, alt: result.filename }), heat),
    make("label", { htmlFor: slider.id, textContent: word("heat") }), slider, bars, seen);
  return body;
}

function show() {
  find("results").hidden = answers.length === 0;
  find("cards").replaceChildren(...answers.map(card));
  find("rows").replaceChildren(...answers.map((result) => make("tr", {},
    make("td", { textContent: result.filename }), make("td", { textContent: told(result) }),
    make("td", { textContent: result.status === "failed" ? result.reason : percent(result.confidence) }))));
}

function cell(value) {
  const text = String(value ?? "");
  // A spreadsheet would take what begins like this for a formula.
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return `"${safe.replaceAll('"', '""')}"`;
}

function download() {
  const rows = [["filename", "status", "prediction", "nearest", "confidence", "reason"],
    ...answers.map((r) => [r.filename, r.status, r.prediction, r.nearest, r.confidence, r.reason ?? r.note])];
  const text = "\ufeff" + rows.map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
  const link = make("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: "results.csv" });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// --- language -------------------------------------------------------------------------------

function speak(code) {
  language = code;
  document.documentElement.lang = code;
  document.title = word("title");
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
  for (const [id, link] of [["form", "action"], ["documentation", "href"]]) {
    find(id)[link] = find(id)[link].replace(/lang=\w+/, `lang=${code}`);
  }
  show();
}

// --- beginning ------------------------------------------------------------------------------

document.documentElement.classList.add("js");
update();
for (const id of ["files", "camera"]) {
  find(id).addEventListener("change", (event) => {
    add(event.target.files);
    event.target.value = "";
  });
}
find("form").addEventListener("submit", predict);
find("download").addEventListener("click", download);
find("language").addEventListener("change", (event) => speak(event.target.value));
document.addEventListener("paste", (event) => add(event.clipboardData.files));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    find("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") add(event.dataTransfer.files);
  });
}
for (const button of document.querySelectorAll("[data-sample]")) {
  button.addEventListener("click", async () => {
    const blob = await (await fetch(button.dataset.sample)).blob();
    add([new File([blob], button.dataset.sample.split("/").pop(), { type: blob.type })]);
    find("predict").focus();
  });
}
