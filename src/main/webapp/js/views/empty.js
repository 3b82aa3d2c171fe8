// What a hub without servers shows: how to get the first one.

import { h } from "../dom.js";
import { button, empty, snippet } from "../parts.js";
import { addServer } from "./add-server.js";

const EXAMPLE = `{
  "mcpServers": {
    "everything": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-everything"],
      "autoStart": true
    },
    "remote": {
      "type": "http",
      "url": "https://mcp.example.com/mcp",
      "headers": { "Authorization": "Bearer \${TOKEN}" }
    }
  }
}`;

export function emptyServers(hub) {
  return empty(
    "No servers yet",
    h(
      "p",
      {},
      "The hub reads ",
      h("code", {}, "mcp.json"),
      ", the file that desktop clients use. Its path is the setting ",
      h("code", {}, "sluice.servers.file"),
      " (environment ",
      h("code", {}, "SLUICE_SERVERS_FILE"),
      "); with ",
      h("code", {}, "./mvnw -Prun"),
      " it is ",
      h("code", {}, "server-config/samples/mcp.json"),
      ". The file is watched: save it and the servers appear here.",
    ),
    snippet(EXAMPLE, "Example of mcp.json"),
    h("p", {}, "Or add one here; it lasts until the hub stops."),
    button("Add server", { kind: "primary", name: "plus", on: () => addServer(hub) }),
  );
}
