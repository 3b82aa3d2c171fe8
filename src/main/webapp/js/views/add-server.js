// Adding a server: a form for the usual cases, or a paste of what desktop clients' files hold.

import { servers as api } from "../api.js";
import { h } from "../dom.js";
import { dialog, field, toast } from "../parts.js";

const PASTE_HINT =
  'A whole {"mcpServers":{…}} file, one entry of it ("name": {…}), or the inner object with the name above.';

export function addServer(hub) {
  const id = h("input", { type: "text", required: true, autocomplete: "off", spellcheck: "false", maxlength: "64", pattern: "[A-Za-z0-9_\\-]{1,64}", title: "Letters, digits, - and _; at most 64" });
  const kind = h(
    "select",
    { on: { change: showKind } },
    h("option", { value: "stdio" }, "A command on this machine (stdio)"),
    h("option", { value: "http" }, "A remote server (Streamable HTTP)"),
    h("option", { value: "sse" }, "A remote server (HTTP+SSE)"),
    h("option", { value: "ws" }, "A remote server (WebSocket)"),
  );
  const command = area(2, 'npx -y @modelcontextprotocol/server-everything');
  const env = area(2, "KEY=value");
  const cwd = h("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const address = h("input", { type: "url", autocomplete: "off", placeholder: "https://example.com/mcp" });
  const headers = area(2, "Authorization: Bearer …");
  const description = h("input", { type: "text", maxlength: "200" });
  const autoStart = h("input", { type: "checkbox" });
  const json = area(12, '{\n  "mcpServers": {\n    "name": { "command": "npx", "args": ["-y", "…"] }\n  }\n}');
  json.classList.add("code");

  const local = h("div", {}, field("Command line", command, 'One line; quote what has spaces: "two words".'), field("Environment", env, "One KEY=value per line."), field("Working directory", cwd));
  const remote = h("div", { hidden: true }, field("Address", address), field("Headers", headers, "One Name: value per line."));
  const formPart = h(
    "div",
    {},
    field("How to reach it", kind),
    local,
    remote,
    field("Description", description),
    h("label", { class: "check" }, autoStart, "Start with the hub, and now"),
  );
  const jsonPart = h("div", { hidden: true }, field("Definition", json, PASTE_HINT));
  let asJson = false;
  const tabs = h("div", { class: "segments", role: "group", "aria-label": "How to define it" }, tab("Form", false), tab("JSON", true));

  function tab(label, toJson) {
    return h("button", { type: "button", "aria-pressed": String(!toJson), on: { click: () => choose(toJson) } }, label);
  }

  function choose(toJson) {
    asJson = toJson;
    formPart.hidden = toJson;
    jsonPart.hidden = !toJson;
    id.required = !toJson;
    [...tabs.children].forEach((child, index) => child.setAttribute("aria-pressed", String((index === 1) === toJson)));
    (toJson ? json : id).focus();
  }

  function showKind() {
    local.hidden = kind.value !== "stdio";
    remote.hidden = kind.value === "stdio";
  }

  function definitions() {
    if (asJson) {
      return pasted(json.value, id.value.trim());
    }
    const definition = { mcp_server_id: id.value.trim(), description: description.value.trim(), autoStart: autoStart.checked };
    if (kind.value === "stdio") {
      const [program, ...args] = words(command.value);
      if (!program) {
        throw new Error("Command line: is empty. Give the program and its arguments.");
      }
      Object.assign(definition, { command: program, args, env: pairs(env.value, "=", "Environment") });
      if (cwd.value.trim()) {
        definition.cwd = cwd.value.trim();
      }
    } else {
      Object.assign(definition, { type: kind.value, url: address.value.trim(), headers: pairs(headers.value, ":", "Headers") });
    }
    return [definition];
  }

  const idField = field("Name", id, "Letters, digits, - and _; the name that clients use.");
  dialog({
    title: "Add server",
    wide: true,
    content: [idField, tabs, formPart, jsonPart],
    confirmLabel: "Add",
    async confirm() {
      const wanted = definitions();
      for (const definition of wanted) {
        await api.create(definition);
        hub.fleet.refresh(definition.mcp_server_id);
      }
      toast(wanted.length === 1 ? `${wanted[0].mcp_server_id} is added` : `${wanted.length} servers are added`);
      if (wanted.length === 1) {
        location.hash = `#/servers/${encodeURIComponent(wanted[0].mcp_server_id)}`;
      }
    },
  });
  id.focus();
}

function area(rows, placeholder) {
  return h("textarea", { rows, placeholder, spellcheck: "false", autocomplete: "off", autocapitalize: "off" });
}

/** Splits a command line as a shell would, without expansion. */
export function words(line) {
  const found = [];
  let word = null;
  let quote = "";
  for (let i = 0; i < line.length; i += 1) {
    const c = line[i];
    if (quote) {
      if (c === quote) {
        quote = "";
      } else if (c === "\\" && quote === '"' && i + 1 < line.length) {
        i += 1;
        word += line[i];
      } else {
        word += c;
      }
    } else if (c === '"' || c === "'") {
      quote = c;
      word ??= "";
    } else if (/\s/.test(c)) {
      if (word !== null) {
        found.push(word);
      }
      word = null;
    } else if (c === "\\" && i + 1 < line.length) {
      i += 1;
      word = (word ?? "") + line[i];
    } else {
      word = (word ?? "") + c;
    }
  }
  if (quote) {
    throw new Error(`Command line: the quote ${quote} is not closed.`);
  }
  return word === null ? found : [...found, word];
}

function pairs(text, separator, label) {
  const found = {};
  for (const line of text.split("\n").map((part) => part.trim())) {
    if (line !== "") {
      const at = line.indexOf(separator);
      if (at < 1) {
        throw new Error(`${label}: "${line}" has no ${separator}. Write NAME${separator}value.`);
      }
      found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
    }
  }
  return found;
}

/** Reads a paste in any of the shapes that documentation pages show. */
export function pasted(text, name) {
  const trimmed = text.trim().replace(/,$/, "");
  let value;
  try {
    value = JSON.parse(trimmed.startsWith('"') ? `{${trimmed}}` : trimmed);
  } catch (malformed) {
    throw new Error(`Definition: is not JSON: ${malformed.message}`, { cause: malformed });
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error("Definition: must be an object.");
  }
  const inner = value.mcpServers ?? value;
  if (typeof inner.command === "string" || Array.isArray(inner.command) || typeof inner.url === "string") {
    if (!name && !inner.mcp_server_id) {
      throw new Error("Name: is missing. The pasted object has none, so give one above.");
    }
    return [{ mcp_server_id: name, ...inner }];
  }
  const entries = Object.entries(inner).filter(([, entry]) => entry !== null && typeof entry === "object");
  if (entries.length === 0) {
    throw new Error('Definition: holds no server. It needs "command" or "url".');
  }
  return entries.map(([key, entry]) => ({ ...entry, mcp_server_id: entries.length === 1 && name ? name : key }));
}
