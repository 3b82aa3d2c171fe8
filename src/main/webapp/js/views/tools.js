// The tools of a server: a list to choose from, a form made of the schema, and the answer.

import { servers as api } from "../api.js";
import { fill, h, setText } from "../dom.js";
import { empty, problem, button } from "../parts.js";
import { FormError, showForm } from "../schema-form.js";
import { start } from "./actions.js";
import { resultView } from "./result.js";

export function toolsView(hub, id) {
  let tools = null;
  let wantedName = null;
  let open = null;
  let listed = null;

  const search = h("input", { type: "search", placeholder: "Filter tools", "aria-label": "Filter tools", on: { input: list } });
  const names = h("ul", { class: "tool-names" });
  const place = h("div", { class: "tool-place" });
  const both = h("div", { class: "tools" }, h("div", { class: "tool-side" }, search, names), place);
  const element = h("div", {});

  function list() {
    const text = search.value.trim().toLowerCase();
    const shown = tools.filter((tool) => `${tool.name} ${tool.title ?? ""} ${tool.description ?? ""}`.toLowerCase().includes(text));
    // Rebuilt only when it differs: a link that was just followed keeps the focus.
    const key = JSON.stringify(shown.map((tool) => [tool.name, tool.description]));
    if (key !== listed) {
      listed = key;
      fill(
        names,
        shown.map((tool) =>
          h(
            "li",
            {},
            h(
              "a",
              { href: `#/servers/${encodeURIComponent(id)}/tools/${encodeURIComponent(tool.name)}`, data: { tool: tool.name } },
              h("span", { class: "tool-name" }, tool.name),
              tool.description && h("span", { class: "faint clip" }, tool.description),
            ),
          ),
        ),
        shown.length === 0 && h("li", { class: "faint" }, "No tool matches."),
      );
    }
    for (const link of names.querySelectorAll("a")) {
      if (link.dataset.tool === open?.name) {
        link.setAttribute("aria-current", "true");
      } else {
        link.removeAttribute("aria-current");
      }
    }
  }

  function choose() {
    const tool = tools.find((candidate) => candidate.name === wantedName) ?? tools[0];
    // The list may be read again while somebody is typing: the form of an unchanged tool stays.
    if (open && tool && open.name === tool.name && open.text === JSON.stringify(tool)) {
      return;
    }
    open = tool ? { name: tool.name, text: JSON.stringify(tool) } : null;
    fill(place, tool && toolForm(id, tool));
    list();
  }

  return {
    element,
    goTo(parts) {
      wantedName = parts[0] ?? wantedName;
      if (tools?.length > 0) {
        choose();
      }
    },
    update(server) {
      if (server.tools?.length > 0) {
        tools = server.tools;
        if (both.parentNode !== element) {
          fill(element, both);
        }
        search.hidden = tools.length < 8;
        choose();
        return;
      }
      tools = null;
      open = null;
      const running = server.state === "ready";
      const waiting = server.state === "initializing" || !server.tools;
      fill(
        element,
        waiting
          ? h("p", { class: "faint" }, "Reading the tools…")
          : empty(
              running ? "This server has no tools" : "Tools are known once the server has started",
              running
                ? h("p", {}, "It answered the handshake and lists none.")
                : button("Start", { kind: "primary", name: "play", on: (event) => start(hub, [id], event.currentTarget) }),
            ),
      );
    },
  };
}

function toolForm(id, tool) {
  const schema = tool.inputSchema ?? { type: "object" };
  const fields = h("div", {});
  const json = h("textarea", { class: "code", rows: 8, spellcheck: "false", "aria-label": "Arguments as JSON" });
  const jsonPart = h("div", { hidden: true }, json);
  const answer = h("div", { "aria-live": "polite" });
  const error = h("p", { class: "field-error", role: "alert" });
  const run = h("button", { class: "button primary", type: "submit" }, "Call");
  let read = showForm(fields, schema);
  let asJson = false;

  const modes = [
    h("button", { type: "button", "aria-pressed": "true", on: { click: () => mode(false) } }, "Form"),
    h("button", { type: "button", "aria-pressed": "false", on: { click: () => mode(true) } }, "JSON"),
  ];

  function mode(toJson) {
    if (toJson === asJson) {
      return;
    }
    setText(error, "");
    try {
      if (toJson) {
        json.value = indent(tryRead());
      } else {
        read = showForm(fields, schema, JSON.parse(json.value || "{}"));
      }
    } catch (malformed) {
      setText(error, `The arguments are not JSON: ${malformed.message}`);
      return;
    }
    asJson = toJson;
    fields.hidden = toJson;
    jsonPart.hidden = !toJson;
    modes[0].setAttribute("aria-pressed", String(!toJson));
    modes[1].setAttribute("aria-pressed", String(toJson));
  }

  function tryRead() {
    try {
      return read();
    } catch (incomplete) {
      if (incomplete instanceof FormError) {
        return "{}";
      }
      throw incomplete;
    }
  }

  async function call() {
    setText(error, "");
    let text;
    try {
      text = asJson ? json.value.trim() || "{}" : read();
      JSON.parse(text);
    } catch (wrong) {
      setText(error, wrong instanceof FormError ? wrong.message : `The arguments are not JSON: ${wrong.message}`);
      return;
    }
    run.disabled = true;
    fill(answer, h("p", { class: "faint" }, "Calling…"));
    const began = performance.now();
    try {
      fill(answer, resultView(await api.call(id, tool.name, text), performance.now() - began));
    } catch (failure) {
      fill(answer, problem(failure));
    } finally {
      run.disabled = false;
    }
  }

  const form = h(
    "form",
    {
      novalidate: true,
      on: {
        submit: (event) => {
          event.preventDefault();
          call();
        },
        keydown: (event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
            event.preventDefault();
            call();
          }
        },
      },
    },
    h("div", { class: "segments", role: "group", "aria-label": "How to give the arguments" }, modes),
    fields,
    jsonPart,
    error,
    h("div", { class: "row-line" }, run, h("span", { class: "faint" }, "Ctrl+Enter")),
  );
  return h(
    "article",
    { class: "card tool" },
    h("h2", {}, tool.title ?? tool.name, tool.title && h("code", {}, ` ${tool.name}`)),
    tool.description && h("p", {}, tool.description),
    hints(tool.annotations),
    form,
    answer,
    h("details", {}, h("summary", {}, "Schema"), h("pre", { tabindex: "0" }, JSON.stringify(schema, null, 2))),
  );
}

function indent(text) {
  return JSON.stringify(JSON.parse(text)) === text ? JSON.stringify(JSON.parse(text), null, 2) : text;
}

const HINTS = {
  readOnlyHint: "reads only",
  destructiveHint: "may destroy",
  idempotentHint: "may be repeated",
  openWorldHint: "reaches outside",
};

function hints(annotations) {
  const words = Object.entries(HINTS).filter(([key]) => annotations?.[key] === true).map(([, word]) => word);
  return words.length > 0 && h("p", { class: "tags" }, words.map((word) => h("span", { class: "tag" }, word)));
}
