// How programs connect: ready to copy, with this hub's own address.

import { url } from "../api.js";
import { h } from "../dom.js";
import { snippet } from "../parts.js";

export function connectView(hub) {
  const base = url(".").href;
  const socket = base.replace(/^http/, "ws");
  const cursor = hub.stream.cursor ?? "<event id>";
  const sections = [
    ["Follow all events (SSE)", "Each event has an id; curl shows it in the id lines.", `curl -N ${base}api/events`],
    ["Go on where you left off", "Keep the last id you have seen. What was missed comes first; what the hub no longer has is reported as a warning frame, never left out in silence.", `curl -N '${base}api/events?since=${cursor}'`],
    ["Only some events", "Filters are applied by the hub; * stands for any run of characters.", `curl -N '${base}api/events?event_types=McpServer*,ToolInvocationFailed'`],
    [
      "WebSocket in JavaScript",
      "The same frames. This console is such a client.",
      `const socket = new WebSocket("${socket}api/ws/events?since=live");
let cursor = "live";
socket.onmessage = ({ data }) => {
  const frame = JSON.parse(data);
  if (frame.event_type) {
    cursor = frame.event_id;
    console.log(frame.event_type, frame.mcp_server_id);
  } else if (frame.type === "warning") {
    console.warn("lost", frame.dropped, "from", frame.from, "to", frame.to);
    cursor = frame.to;
  } else if (frame.type === "ping") {
    cursor = frame.cursor;
  }
};
socket.onopen = () =>
  socket.send('{"type":"subscribe","event_types":["McpServer*"]}');`,
    ],
    ["EventSource in a page of this hub", "The browser resumes by itself with Last-Event-ID.", `const source = new EventSource("${base}api/events");\nsource.onmessage = ({ data, lastEventId }) => console.log(lastEventId, JSON.parse(data));\nsource.addEventListener("warning", ({ data }) => console.warn(JSON.parse(data)));`],
    ["List the servers", "", `curl ${base}api/mcp_servers`],
    ["Call a tool", "A cold server is started for the call.", `curl -H 'Content-Type: application/json' \\\n  -d '{"arguments":{"message":"hello"}}' \\\n  ${base}api/mcp_servers/everything/tools/echo/call`],
    ["Add a server", "", `curl -H 'Content-Type: application/json' \\\n  -d '{"mcp_server_id":"everything","command":"npx","args":["-y","@modelcontextprotocol/server-everything"]}' \\\n  ${base}api/mcp_servers`],
  ];
  return {
    element: h(
      "div",
      { class: "page narrow" },
      h("div", { class: "page-head" }, h("h1", {}, "Connect")),
      h("p", {}, "Access is local: requests from this machine with a loopback Host are the administrator, all others are refused. The whole REST interface is described by ", h("a", { href: "openapi.json" }, "the OpenAPI document"), "."),
      sections.map(([title, text, code]) => h("section", { class: "card" }, h("h2", {}, title), text && h("p", { class: "faint" }, text), snippet(code, title))),
    ),
    title: "Connect",
  };
}
