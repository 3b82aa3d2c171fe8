// The first page: how the fleet is, what needs a person, and how the stream does.

import { system } from "../api.js";
import { fill, h, setText } from "../dom.js";
import { bytes, dateTime, duration, number, percent } from "../format.js";
import { icon } from "../icons.js";
import { badge, button, copyButton, empty, moment, problem } from "../parts.js";
import { emptyServers } from "./empty.js";
import { addServer } from "./add-server.js";

const STATES = [
  ["ready", "Answer calls"],
  ["initializing", "Starting now"],
  ["cold", "Start on demand"],
  ["degraded", "Waiting to retry"],
  ["dead", "Stopped by a failure"],
];
const FAILURES = new Set([
  "McpServerDegraded",
  "HealthCheckFailed",
  "ToolInvocationFailed",
  "ConfigurationReloadFailed",
  "JournalRecovered",
]);
const RECENT = 8;

export function overviewView(hub) {
  // Made once: a tile keeps the focus while its number changes.
  const tiles = h(
    "ul",
    { class: "tiles" },
    STATES.map(([state, meaning]) =>
      h(
        "li",
        { class: "tile", data: { state } },
        h(
          "a",
          { href: `#/servers?state=${state}` },
          h("span", { class: "tile-count" }),
          h("span", { class: "tile-name" }, icon(state), state),
          h("span", { class: "faint" }, meaning),
        ),
      ),
    ),
  );
  const attention = h("div", {});
  const failures = h("div", {});
  const figures = h("div", {});
  const again = button("Read again", { kind: "quiet small", on: () => read() });
  const element = h(
    "div",
    { class: "page" },
    h(
      "div",
      { class: "page-head" },
      h("h1", {}, "Overview"),
      h("div", { class: "actions" }, button("Add server", { kind: "primary", name: "plus", on: () => addServer(hub) })),
    ),
    tiles,
    h(
      "div",
      { class: "columns" },
      h("section", { class: "card" }, h("h2", {}, "Needs attention"), attention),
      h("section", { class: "card" }, h("h2", {}, "Recent failures"), failures),
      h("section", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, "Hub"), again), figures),
    ),
  );

  function fleetChanged() {
    const totals = hub.fleet.totals();
    STATES.forEach(([state], index) => {
      const tile = tiles.children[index];
      tile.dataset.zero = String(totals[state] === 0);
      setText(tile.querySelector(".tile-count"), hub.fleet.loaded ? number(totals[state]) : "–");
    });
    const troubled = hub.fleet
      .list()
      .filter((server) => server.state === "dead" || server.state === "degraded" || server.blocked || server.problem || server.circuit_breaker_state === "open")
      .sort((a, b) => a.mcp_server_id.localeCompare(b.mcp_server_id, undefined, { numeric: true }));
    if (hub.fleet.problem) {
      fill(attention, problem(hub.fleet.problem, () => hub.fleet.reload()));
    } else if (!hub.fleet.loaded) {
      fill(attention, h("p", { class: "faint" }, "Reading the servers…"));
    } else if (hub.fleet.list().length === 0) {
      fill(attention, emptyServers(hub));
    } else if (troubled.length === 0) {
      fill(attention, h("p", { class: "faint" }, "Nothing: no server has failed, none is blocked, all circuits are closed."));
    } else {
      fill(
        attention,
        h("ul", { class: "plain-list" }, troubled.slice(0, RECENT).map(troubledRow)),
        troubled.length > RECENT && h("p", {}, h("a", { href: "#/servers" }, `All ${number(troubled.length)}`)),
      );
    }
  }

  function feedChanged() {
    const failed = hub.feed.rows
      .filter((row) => row.gap || (row.event && isFailure(row.event)))
      .slice(-RECENT)
      .reverse();
    fill(
      failures,
      failed.length === 0
        ? h("p", { class: "faint" }, "None since this page looks.")
        : h("ul", { class: "plain-list" }, failed.map(failureRow)),
    );
  }

  async function read() {
    again.disabled = true;
    try {
      fill(figures, systemFigures((await system()) ?? {}, hub));
    } catch (failure) {
      fill(figures, problem(failure));
    } finally {
      again.disabled = false;
    }
  }

  hub.fleet.addEventListener("change", fleetChanged);
  hub.feed.addEventListener("change", feedChanged);
  fleetChanged();
  feedChanged();
  read();
  return {
    element,
    dispose() {
      hub.fleet.removeEventListener("change", fleetChanged);
      hub.feed.removeEventListener("change", feedChanged);
    },
  };
}

function isFailure(event) {
  return FAILURES.has(event.event_type) || (event.event_type === "McpServerStateChanged" && event.new_state === "dead");
}

function troubledRow(server) {
  const reason = server.blocked_reason ?? server.problem ?? server.state_reason ?? "";
  return h(
    "li",
    {},
    h("div", { class: "row-line" }, badge(server), h("a", { href: `#/servers/${encodeURIComponent(server.mcp_server_id)}` }, server.mcp_server_id), server.retry_at && h("span", { class: "faint" }, "tries again ", moment("until", server.retry_at))),
    reason && h("div", { class: "faint clip" }, reason),
  );
}

function failureRow(row) {
  if (row.gap) {
    return h("li", {}, h("div", { class: "row-line" }, icon("gap"), h("strong", {}, `${number(row.gap.dropped)} events were lost on the way here`)));
  }
  const { event } = row;
  const id = event.mcp_server_id ?? "";
  return h(
    "li",
    {},
    h(
      "div",
      { class: "row-line" },
      h("strong", {}, event.event_type),
      id && h("a", { href: `#/servers/${encodeURIComponent(id)}` }, id),
      h("span", { class: "faint" }, moment("since", event.timestamp)),
    ),
    h("div", { class: "faint clip" }, event.error_message ?? event.reason ?? ""),
  );
}

/** The known figures in words, the rest as the hub names them: a newer hub shows more by itself. */
function systemFigures(answer, hub) {
  const figures = answer.system ?? answer;
  const rows = [
    ["Version", figures.version],
    ["Up for", figures.uptime_seconds === undefined ? undefined : duration(figures.uptime_seconds)],
    ["Tools", figures.total_tools === undefined ? undefined : number(figures.total_tools)],
    ["Tool calls", figures.total_invocations === undefined ? undefined : number(figures.total_invocations)],
    ["Success rate", figures.overall_success_rate === undefined ? undefined : percent(figures.overall_success_rate)],
  ].filter(([, value]) => value !== undefined);
  const known = new Set(["version", "uptime_seconds", "total_tools", "total_invocations", "total_failures", "overall_success_rate", "total_mcp_servers", "mcp_servers_by_state"]);
  const more = flat(figures).filter(([name]) => !known.has(name.split(" › ")[0]));
  const cursor = hub.stream.cursor;
  return [
    h("dl", { class: "figures" }, rows.map(figure), cursor && figure(["This page has seen", h("span", { class: "row-line" }, h("code", {}, cursor), copyButton(cursor))])),
    more.length > 0 && h("details", {}, h("summary", {}, "All figures"), h("dl", { class: "figures" }, more.map(figure))),
  ];
}

function figure([name, value]) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value));
}

function flat(object, prefix = "") {
  return Object.entries(object).flatMap(([name, value]) => {
    const full = prefix + name;
    return value !== null && typeof value === "object" && !Array.isArray(value) ? flat(value, `${full} › `) : [[full, shown(name, value)]];
  });
}

function shown(name, value) {
  if (typeof value === "number") {
    return /bytes/.test(name) ? bytes(value) : number(value);
  }
  if (typeof value === "string" && /^\d{4}-\d\d-\d\dT/.test(value)) {
    return dateTime(value);
  }
  return Array.isArray(value) ? value.join(", ") : String(value);
}
