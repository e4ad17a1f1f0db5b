// "Right" and "It is ..." under an answer: the picture is sent again, to be stored with its class.
import { find, make, spoken, word } from "./words.js";

const NONE = "none_of_the_classes";
const NEW = "/"; // no class has this name

// Return page.js's `below`; `post` sends fields to an address.
export function correcting(post, address) {
  const classes = JSON.parse(find("classes").textContent); // model -> names of its classes

  async function send(box, entry, correction, shown) {
    box.replaceChildren(make("p", { textContent: `${word("working")} …` }));
    const { model } = entry.result;
    let reason = word("offline");
    try {
      const response = await post(address, { file: entry.file, model, correction }, { "X-Celestial-Page": "1" });
      const content = await response.json();
      entry.filed = response.ok && { shown, cleaned: content.cleaned };
      reason = content.error?.reason;
    } catch {
      entry.filed = null;
    }
    fill(box, entry, reason);
    box.firstChild.focus();
  }

  function fill(box, entry, reason) {
    if (entry.filed) {
      const text = word("filed").replace("{class}", entry.filed.shown());
      const kept = entry.filed.cleaned ? [] : [make("p", { className: "faint", textContent: word("unchanged") })];
      box.replaceChildren(make("p", { tabIndex: -1, textContent: text }), ...kept);
      return;
    }
    const failed = reason ? [make("p", { className: "note", tabIndex: -1, textContent: reason })] : [];
    box.replaceChildren(...failed, form(box, entry), make("p", { className: "faint", textContent: word("stores") }));
  }

  function form(box, entry) {
    const { result } = entry;
    const right = make("button", { type: "button", className: "button quiet", textContent: word("right") });
    right.addEventListener("click", () => (result.prediction
      ? send(box, entry, result.prediction, () => spoken(result.names))
      : send(box, entry, NONE, () => word("none"))));
    const option = (value, textContent) => make("option", { value, textContent });
    const others = classes[result.model].filter((names) => names.en !== result.prediction);
    const choice = make("select", {}, option("", word("choose_class")),
      ...others.map((names) => option(names.en, spoken(names))),
      ...(result.prediction ? [option(NONE, word("none_of_these"))] : []), option(NEW, word("new_class")));
    const name = make("input", { type: "text", maxLength: 100, hidden: true });
    name.setAttribute("aria-label", word("new_name"));
    name.placeholder = word("new_name");
    const sending = make("button", { className: "button quiet", hidden: true, textContent: word("send") });
    choice.addEventListener("change", () => {
      sending.hidden = !choice.value;
      name.hidden = choice.value !== NEW;
      name.required = !name.hidden;
    });
    const drawn = make("form", { className: "correct" }, right,
      make("label", { textContent: `${word("it_is")} ` }, choice), name, sending);
    drawn.addEventListener("submit", (event) => {
      event.preventDefault();
      const names = others.find((one) => one.en === choice.value);
      if (names) send(box, entry, names.en, () => spoken(names));
      else if (choice.value === NONE) send(box, entry, NONE, () => word("none"));
      else if (name.value) send(box, entry, name.value, () => name.value);
    });
    return drawn;
  }

  return (entry) => {
    if (entry.result.status === "failed") return null;
    const box = make("div", { className: "correcting" });
    fill(box, entry);
    return box;
  };
}
