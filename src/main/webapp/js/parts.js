// Parts that several views share: badges, moments, buttons, dialogs, messages.

import { fill, freshId, h, setText } from "./dom.js";
import { copy, dateTime, duration } from "./format.js";
import { icon } from "./icons.js";

/** The state of a server as shape, colour and word. */
export function badge(server) {
  const element = h("span", { class: "badge" });
  updateBadge(element, server);
  return element;
}

export function updateBadge(element, server) {
  const state = server.blocked ? "blocked" : server.state;
  if (element.dataset.state !== state) {
    element.dataset.state = state;
    fill(element, icon(state), h("span", {}, state));
  }
}

/** A moment that is told as a distance and kept true by the clock. */
export function moment(form, at) {
  const element = h("time", { class: "moment", data: { form } });
  setMoment(element, at);
  return element;
}

export function setMoment(element, at) {
  const millis = typeof at === "number" ? at : Date.parse(at ?? "");
  if (Number.isNaN(millis)) {
    delete element.dataset.at;
    setText(element, "");
    return;
  }
  element.dataset.at = String(millis);
  element.dateTime = new Date(millis).toISOString();
  element.title = dateTime(millis);
  tell(element);
}

function tell(element) {
  const distance = (Number(element.dataset.at) - Date.now()) / 1000;
  if (element.dataset.form === "until") {
    setText(element, distance > 0 ? `in ${duration(Math.ceil(distance))}` : "now");
  } else {
    const past = Math.max(0, -distance);
    setText(element, past < 1 ? "just now" : `${duration(past)} ago`);
  }
}

/** The console's only clock: it rewrites distances on the page and asks nobody. */
export function startClock() {
  setInterval(() => {
    if (!document.hidden) {
      document.querySelectorAll("[data-at]").forEach(tell);
    }
  }, 1000);
}

export function button(label, { kind = "", name = null, on, ...attributes } = {}) {
  return h(
    "button",
    { class: `button ${kind}`.trim(), type: "button", on: { click: on }, ...attributes },
    name && icon(name),
    h("span", {}, label),
  );
}

/** A button that copies; it says so for a moment. */
export function copyButton(text, label = "Copy") {
  const word = h("span", {}, label);
  const element = h(
    "button",
    {
      class: "button quiet small",
      type: "button",
      on: {
        click: async (event) => {
          event.stopPropagation();
          await copy(typeof text === "function" ? text() : text);
          announce("Copied");
          setText(word, "Copied");
          setTimeout(() => setText(word, label), 1500);
        },
      },
    },
    icon("copy"),
    word,
  );
  return element;
}

/** A block of text to copy. */
export function snippet(text, label) {
  return h(
    "div",
    { class: "snippet" },
    h("pre", { tabindex: "0", "aria-label": label }, h("code", {}, text)),
    copyButton(text),
  );
}

export function empty(title, ...content) {
  return h("div", { class: "empty" }, h("h2", {}, title), ...content);
}

/** What went wrong, in the hub's words, with what the hub knows about it. */
export function problem(failure, retry) {
  const details = failure.details ?? {};
  const stderr = details.stderr ?? [];
  const lines = Array.isArray(stderr) ? stderr : [stderr];
  return h(
    "div",
    { class: "problem", role: "alert" },
    h("p", {}, h("strong", {}, failure.message)),
    details.suggestion && h("p", {}, `Hint: ${details.suggestion}`),
    details.exit_code !== undefined && h("p", {}, `Exit code ${details.exit_code}`),
    failure.retryAfter && h("p", {}, `It may work again in ${duration(failure.retryAfter)}.`),
    lines.length > 0 && h("pre", { tabindex: "0" }, lines.join("\n")),
    failure.code && h("p", { class: "faint" }, `${failure.code}${failure.status ? ` · HTTP ${failure.status}` : ""}`),
    retry && button("Try again", { on: retry }),
  );
}

/** Says something to screen readers without moving the focus. */
export function announce(text) {
  setText(document.getElementById("announce"), text);
}

/** A message at the edge; failures stay until they are closed. */
export function toast(text, kind = "info") {
  const place = document.getElementById("toasts");
  while (place.children.length >= 4) {
    place.firstElementChild.remove();
  }
  const element = h("div", { class: `toast ${kind}` }, h("span", {}, text));
  element.append(
    h("button", { class: "button quiet small", type: "button", on: { click: () => element.remove() } }, "Dismiss"),
  );
  place.append(element);
  if (kind !== "error") {
    setTimeout(() => element.remove(), 5000);
  }
}

/** Runs an action of a button: it cannot be pressed twice, and a failure is told. */
export async function act(element, action) {
  element.disabled = true;
  element.setAttribute("aria-busy", "true");
  try {
    return await action();
  } catch (failure) {
    const hint = failure.details?.suggestion;
    toast(hint ? `${failure.message} Hint: ${hint}` : failure.message, "error");
    return undefined;
  } finally {
    element.disabled = false;
    element.removeAttribute("aria-busy");
  }
}

/**
 * Opens a dialog; `confirm` runs while it is open and may throw, then the dialog stays and says
 * why. Escape closes it and the focus goes back to where it was.
 */
export function dialog({ title, content, confirmLabel, danger = false, confirm, wide = false }) {
  const heading = freshId("dialog");
  const trouble = h("div", {});
  const yes = h("button", { class: `button ${danger ? "danger" : "primary"}`, type: "submit" }, confirmLabel);
  const element = h("dialog", { class: wide ? "wide" : "", "aria-labelledby": heading });
  const form = h(
    "form",
    {
      on: {
        submit: async (event) => {
          event.preventDefault();
          yes.disabled = true;
          try {
            await confirm();
            element.close();
          } catch (failure) {
            fill(trouble, problem(failure));
            trouble.scrollIntoView({ block: "nearest" });
          } finally {
            yes.disabled = false;
          }
        },
      },
    },
    h("h2", { id: heading }, title),
    content,
    trouble,
    h("div", { class: "dialog-actions" }, button("Cancel", { on: () => element.close() }), yes),
  );
  element.append(form);
  element.addEventListener("close", () => element.remove());
  document.body.append(element);
  element.showModal();
  return element;
}

/** A labelled field. */
export function field(label, input, hint) {
  const id = freshId("field");
  input.id = id;
  const note = hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null;
  if (note) {
    input.setAttribute("aria-describedby", note.id);
  }
  return h("div", { class: "field" }, h("label", { for: id }, label), input, note);
}
