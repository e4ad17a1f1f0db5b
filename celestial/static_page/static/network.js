// The network, in a thread of its own: a file in, the outputs of model.onnx back. Nothing leaves the browser.
import * as ort from "./ort.wasm.min.mjs";

const AT_LEAST = 340; // pixels of the longest side, see Request.factor in pictures/readers/types.py
const WANTED = ["probabilities", "known_score"];
const MOST_PIXELS = 120e6; // beyond this a browser would end the page

ort.env.wasm.numThreads = 1;
const ready = start();

async function start() {
  const model = await fetch("model.onnx");
  if (!model.ok) throw new Error(`model.onnx: ${model.status}`);
  const bytes = new Uint8Array(await model.arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  self.postMessage({ number: 0 }); // the first picture need not wait
  return session;
}

// A picture's RGBA bytes; it is upright and in sRGB.
function pixels(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}

// RGBA -> RGB over black, reduced by a whole factor to the mean of each block, as the Python loader
// does it; null where every pixel is transparent.
export function reduce({ data, width, height }, factor) {
  const columns = Math.ceil(width / factor);
  const rows = Math.ceil(height / factor);
  const found = new Uint8Array(3 * columns * rows);
  let visible = 0;
  for (let row = 0, place = 0; row < rows; row += 1) {
    const bottom = Math.min(height, (row + 1) * factor);
    for (let column = 0; column < columns; column += 1) {
      const right = Math.min(width, (column + 1) * factor);
      let red = 0, green = 0, blue = 0;
      for (let y = row * factor; y < bottom; y += 1) {
        for (let from = 4 * (y * width + column * factor), end = 4 * (y * width + right); from < end; from += 4) {
          const alpha = data[from + 3] / 255;
          red += alpha * data[from];
          green += alpha * data[from + 1];
          blue += alpha * data[from + 2];
          visible += alpha;
        }
      }
      const count = (bottom - row * factor) * (right - column * factor);
      found[place++] = Math.round(red / count);
      found[place++] = Math.round(green / count);
      found[place++] = Math.round(blue / count);
    }
  }
  return visible > 0 ? { data: found, width: columns, height: rows } : null;
}

async function answer(file) {
  const session = await ready.catch(() => null);
  if (session === null) return { failed: "offline" };
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (bitmap === null) return { failed: "cannot_decode" };
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) return { failed: "too_many_pixels" };
  const factor = Math.max(1, Math.floor(Math.max(width, height) / (2 * AT_LEAST)));
  const picture = reduce(pixels(bitmap), factor);
  bitmap.close();
  if (picture === null) return { failed: "invisible" };
  const input = new ort.Tensor("uint8", picture.data, [1, picture.height, picture.width, 3]);
  const outputs = await session.run({ pictures: input }, WANTED);
  input.dispose();
  return Object.fromEntries(WANTED.map((name) => [name, [...outputs[name].data]]));
}

let last = Promise.resolve(); // one after the other, so that the memory holds one picture
self.addEventListener("message", ({ data: { number, file } }) => {
  last = last.then(async () => {
    try {
      self.postMessage({ number, outputs: await answer(file) });
    } catch (error) {
      self.postMessage({ number, outputs: { failed: "error", reason: String(error) } });
    }
  });
});
