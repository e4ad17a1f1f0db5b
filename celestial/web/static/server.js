// The source of answers that is a server: one picture a request, again while it is busy.
import { announce } from "./drawing.js";
import { start } from "./page.js";
import { find, word } from "./words.js";

const TRIES = 8; // of a picture while the server is busy
const MEBIBYTE = 1 << 20;
const FORM = 4096; // bytes of a request beside its file, at most
const { predict, correct, megabytes } = find("form").dataset;

const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function post(address, fields, headers = {}) {
  for (let attempt = 1; ; attempt += 1) {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const response = await fetch(address, { method: "POST", body: form, headers });
    if (response.status !== 503 || attempt === TRIES) return response;
    announce(word("busy"));
    await pause(Number(response.headers.get("Retry-After")) || 2);
  }
}

async function answer(file) {
  const failed = (reason) => ({ filename: file.name, status: "failed", reason });
  if (file.size + FORM > Number(megabytes) * MEBIBYTE) {
    return failed(word("too_large").replace("{size}", Math.ceil(file.size / MEBIBYTE))
      .replace("{most}", megabytes));
  }
  const model = find("model") ? { model: find("model").value } : {};
  const response = await post(predict, { file, explain: "true", ...model });
  const text = await response.text();
  try {
    const content = JSON.parse(text);
    return content.results ? { ...content.results[0], model: content.model } : failed(content.error.reason);
  } catch {
    return failed(`${response.status} ${text.slice(0, 200)}`);
  }
}

const below = correct && (await import("./corrections.js")).correcting(post, correct);
start({ atOnce: 3, answer, below });
