// Light, dark, or as the system says. The choice is kept; theme-first.js applies it before paint.

import { fill } from "./dom.js";
import { icon } from "./icons.js";

const ORDER = ["auto", "light", "dark"];
const KEY = "sluice.theme";

export function themeSwitch(element) {
  show(element);
  element.addEventListener("click", () => {
    const next = ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length];
    if (next === "auto") {
      delete document.documentElement.dataset.theme;
    } else {
      document.documentElement.dataset.theme = next;
    }
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Not allowed to store: the choice then holds for this page only.
      element.title = "This browser does not keep the choice";
    }
    show(element);
  });
}

function current() {
  return document.documentElement.dataset.theme ?? "auto";
}

function show(element) {
  const theme = current();
  fill(element, icon(theme));
  element.setAttribute("aria-label", `Theme: ${theme === "auto" ? "as the system" : theme}`);
  element.title = element.getAttribute("aria-label");
}
