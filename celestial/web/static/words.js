// The page's words in each language, and what builds its elements.

const WORDS = JSON.parse(document.getElementById("words").textContent);
let language = document.documentElement.lang;

export const find = (id) => document.getElementById(id);
export const word = (name) => WORDS[language][name];
// A class's name in the visitor's language, from its names in all of them.
export const spoken = (names) => names[language].replaceAll("_", " ");

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

export function speak(code) {
  language = code;
  document.documentElement.lang = code;
  document.title = word("title");
  for (const element of document.querySelectorAll("[data-word]")) {
    element.textContent = word(element.dataset.word);
  }
  for (const link of document.querySelectorAll("[data-language]")) {
    link.setAttribute("aria-current", link.dataset.language === code);
  }
  for (const element of document.querySelectorAll("[data-keeps-language]")) {
    const name = element.hasAttribute("action") ? "action" : "href";
    element.setAttribute(name, element.getAttribute(name).replace(/lang=\w+/, `lang=${code}`));
  }
}
