// The page: pictures come in, a source answers them, the visit is shown.
//
// start({ atOnce, answer, below }) begins it: `atOnce` pictures are answered at a time;
// `answer(file)` resolves to a Result of /api/openapi.json, and a failure of its own rejects;
// `below(entry)`, if there is one, returns an element to show under an answer, or null.
import { announce, card, download, fillRow, fillThumb, percent, told } from "./drawing.js";
import { find, make, speak, word } from "./words.js";

const SHOWN_BY_BROWSERS = /^image\/(jpeg|png|webp|gif|bmp|avif)$/;
const visit = []; // {file, url, result, begun, thumb, item, row}
let source = null;
let shown = null; // the entry that is large
let underWay = 0;
let done = 0; // since the page was last idle

// --- pictures come in -----------------------------------------------------------------------

function add(files) {
  const batch = [...files].map((file) => ({ file, url: "", result: null, begun: false }));
  if (!batch.length) return;
  for (const entry of batch) {
    entry.thumb = make("button", { type: "button" });
    entry.thumb.addEventListener("click", () => choose(entry));
    entry.item = make("li", {}, entry.thumb);
    entry.row = make("tr");
    visit.push(entry);
    find("gallery").append(entry.item);
    find("rows").append(entry.row);
    update(entry);
    preview(entry);
  }
  choose(batch[0]);
  work();
}

async function preview(entry) {
  if (!SHOWN_BY_BROWSERS.test(entry.file.type)) return; // its answer may bring a picture
  const url = URL.createObjectURL(entry.file);
  try {
    await make("img", { src: url }).decode();
  } catch {
    URL.revokeObjectURL(url);
    return; // the answer will say what is wrong
  }
  entry.url = url;
  update(entry);
}

function remove(entry) {
  const place = visit.indexOf(entry);
  visit.splice(place, 1);
  entry.item.remove();
  entry.row.remove();
  if (entry.url) URL.revokeObjectURL(entry.url);
  const next = visit[Math.min(place, visit.length - 1)] ?? null;
  choose(next);
  (visit.length > 1 ? next.thumb : find("files")).focus();
}

// --- a source answers them ------------------------------------------------------------------

function work() {
  const waiting = visit.filter((entry) => !entry.begun);
  while (underWay < source.atOnce && waiting.length) answer(waiting.shift());
}

async function answer(entry) {
  entry.begun = true;
  underWay += 1;
  tell(entry);
  try {
    entry.result = await source.answer(entry.file);
  } catch {
    entry.result = { filename: entry.file.name, status: "failed", reason: word("offline") };
  }
  underWay -= 1;
  done += 1;
  update(entry);
  tell(entry);
  work();
}

function tell(entry) {
  const open = visit.filter((one) => !one.result).length;
  if (open) {
    announce(`${word("working")}: ${done} ${word("of")} ${done + open}`);
    return;
  }
  const { result } = entry;
  const sure = result.status === "ok" ? `, ${percent(result.confidence)}` : "";
  announce(done === 1 ? `${result.filename}: ${told(result)}${sure}` : `${word("results")}: ${done}`);
  done = 0;
}

// --- the visit is shown ---------------------------------------------------------------------

function update(entry) {
  fillThumb(entry.thumb, entry);
  fillRow(entry.row, entry);
  if (entry === shown) draw();
}

function draw() {
  document.documentElement.classList.toggle("answered", visit.length > 0);
  find("results").hidden = visit.length === 0;
  find("visit").hidden = visit.length < 2;
  find("shown").replaceChildren(...(shown ? [card(shown, remove, source.below)] : []));
}

function choose(entry) {
  shown?.thumb.removeAttribute("aria-current");
  shown = entry;
  draw();
  if (!entry) return;
  entry.thumb.setAttribute("aria-current", "true");
  const { top } = find("shown").getBoundingClientRect();
  if (top < 0 || top > window.innerHeight / 2) find("shown").scrollIntoView();
}

// --- beginning ------------------------------------------------------------------------------

function listen() {
  for (const id of ["files", "camera"]) {
    find(id).addEventListener("change", (event) => {
      add(event.target.files);
      event.target.value = "";
    });
  }
  find("form").addEventListener("submit", (event) => event.preventDefault());
  find("download").addEventListener("click", () => download(visit.map((entry) => entry.result).filter(Boolean)));
  document.addEventListener("paste", (event) => add(event.clipboardData.files));
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      find("drop").classList.toggle("over", kind === "dragover");
      if (kind === "drop") add(event.dataTransfer.files);
    });
  }
  for (const link of document.querySelectorAll("[data-language]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      speak(link.dataset.language);
      visit.forEach(update);
    });
  }
  for (const button of document.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", async () => {
      const blob = await (await fetch(button.dataset.sample)).blob();
      add([new File([blob], button.dataset.sample.split("/").pop(), { type: blob.type })]);
    });
  }
}

export function start(answers) {
  source = answers;
  listen();
  document.documentElement.classList.add("js");
}
