// One server: what it is, how it does, its tools, its log, its definition, its events.

import { fill, h, setText } from "../dom.js";
import { dateTime, duration, number, percent } from "../format.js";
import { badge, button, copyButton, empty, moment, problem, setMoment, updateBadge } from "../parts.js";
import { block, canStart, canStop, remove, start, stop } from "./actions.js";
import { feedList } from "./feed-list.js";
import { logView } from "./log.js";
import { toolsView } from "./tools.js";

const TABS = [
  ["tools", "Tools"],
  ["log", "Log"],
  ["health", "Health"],
  ["definition", "Definition"],
  ["events", "Events"],
];

export function serverView(hub, rest) {
  const id = rest[0];
  const base = `#/servers/${encodeURIComponent(id)}`;
  let tab = null;
  let part = null;
  let seen = null;

  const state = badge({ state: "cold" });
  const since = moment("since", null);
  const reason = h("p", { class: "reason" });
  const retry = h("p", { class: "retry" }, "Tries again ", moment("until", null));
  const facts = h("p", { class: "faint" });
  const trouble = h("div", {});
  const tabs = h(
    "nav",
    { class: "tabs", "aria-label": "Parts of this server" },
    TABS.map(([name, label]) => h("a", { href: `${base}/${name}`, data: { tab: name } }, label, h("span", { class: "amount" }))),
  );
  const place = h("div", { class: "tab-body" });
  const startButton = button("Start", { kind: "primary", name: "play", on: () => start(hub, [id], startButton) });
  const stopButton = button("Stop", { name: "stop", on: () => stop(hub, [id]) });
  const blockButton = button("Block", { name: "blocked", on: () => block(hub, [id]) });
  const deleteButton = button("Delete", { name: "trash", on: () => remove(hub, id, () => (location.hash = "#/servers")) });
  const known = h(
    "div",
    {},
    h("div", { class: "state-panel" }, h("div", { class: "row-line" }, state, since), reason, retry, facts),
    trouble,
    tabs,
    place,
  );
  const missing = h("div", {});
  const element = h(
    "div",
    { class: "page" },
    h("p", { class: "crumb" }, h("a", { href: "#/servers" }, "Servers"), " / "),
    h("div", { class: "page-head" }, h("h1", {}, id), h("div", { class: "actions" }, startButton, stopButton, blockButton, deleteButton)),
    missing,
    known,
  );

  function show() {
    const server = hub.fleet.get(id);
    known.hidden = !server;
    missing.hidden = Boolean(server);
    [startButton, stopButton, blockButton, deleteButton].forEach((element) => (element.hidden = !server));
    if (!server) {
      fill(
        missing,
        hub.fleet.problem
          ? problem(hub.fleet.problem, () => hub.fleet.reload())
          : hub.fleet.loaded
            ? empty("No such server", h("p", {}, `The hub has no server named ${id}; it may have been removed.`), h("a", { href: "#/servers" }, "All servers"))
            : h("p", { class: "faint" }, "Reading the server…"),
      );
      return;
    }
    updateBadge(state, server);
    setMoment(since, server.state_since);
    setText(reason, server.blocked_reason ?? server.problem ?? server.state_reason ?? "");
    retry.hidden = !server.retry_at;
    setMoment(retry.lastElementChild, server.retry_at);
    setText(facts, factsOf(server).join(" · "));
    startButton.hidden = !canStart(server);
    stopButton.hidden = !canStop(server);
    blockButton.hidden = server.blocked === true;
    const error = server.last_error ? { message: server.last_error.message, details: server.last_error } : null;
    const key = JSON.stringify([error, server.warnings]);
    if (trouble.dataset.key !== key) {
      trouble.dataset.key = key;
      fill(trouble, error && problem(error), (server.warnings ?? []).map((warning) => h("p", { class: "warning-line" }, warning)));
    }
    const tools = tabs.querySelector("[data-tab=tools] .amount");
    setText(tools, server.tools ? number(server.tools.length) : server.tools_count ? number(server.tools_count) : "");
    // The list has no tools and no definition: they are read once, and again when the fleet reads it.
    if (!server.definition && seen !== server) {
      seen = server;
      hub.fleet.refresh(id);
    }
    part?.update?.(server);
  }

  function open(name) {
    tab = name;
    for (const link of tabs.children) {
      if (link.dataset.tab === tab) {
        link.setAttribute("aria-current", "page");
      } else {
        link.removeAttribute("aria-current");
      }
    }
    part?.dispose?.();
    part = PARTS[tab](hub, id);
    fill(place, part.element);
    const server = hub.fleet.get(id);
    if (server) {
      part.update?.(server);
    }
  }

  function tabOf(parts) {
    return PARTS[parts[1]] ? parts[1] : "tools";
  }

  hub.fleet.addEventListener("change", show);
  open(tabOf(rest));
  part.goTo?.(rest.slice(2));
  show();
  return {
    element,
    title: id,
    goTo(parts) {
      if (parts[0] !== id) {
        return false;
      }
      if (tabOf(parts) !== tab) {
        open(tabOf(parts));
      }
      part.goTo?.(parts.slice(2));
      return true;
    },
    dispose() {
      hub.fleet.removeEventListener("change", show);
      part.dispose?.();
    },
  };
}

function factsOf(server) {
  const meta = server.meta ?? {};
  return [
    server.description,
    server.mode,
    server.source && `from ${server.source}`,
    meta.name && `${meta.name} ${meta.version ?? ""}`.trim(),
    meta.protocol_version && `MCP ${meta.protocol_version}`,
    server.pid && `pid ${server.pid}`,
    server.circuit_breaker_state && `circuit ${server.circuit_breaker_state}`,
    server.enabled === false && "disabled",
  ].filter(Boolean);
}

const PARTS = {
  tools: toolsView,
  log: (_hub, id) => logView(id),
  health: healthView,
  definition: definitionView,
  events: (hub, id) => {
    const list = feedList(hub, { only: (event) => event.mcp_server_id === id || event.mcp_server_name === id });
    return {
      element: h("div", {}, h("p", { class: "faint" }, "What this page has seen of this server. ", h("a", { href: `#/events?server=${encodeURIComponent(id)}` }, "Open the feed")), list.element),
      dispose: list.dispose,
    };
  },
};

function healthView(hub, id) {
  const element = h("div", {});
  const again = button("Read again", { kind: "quiet small", on: () => hub.fleet.refresh(id) });
  // The figures are as of one reading; the ones that matter come with events.
  hub.fleet.refresh(id);
  return {
    element,
    update(server) {
      const health = server.health;
      if (!health) {
        fill(element, h("p", { class: "faint" }, "Reading…"));
        return;
      }
      const rows = [
        ["Status", health.status ?? server.health_status],
        ["Failures in a row", number(health.consecutive_failures ?? 0)],
        ["Tool calls", number(health.total_invocations ?? 0)],
        ["Failed", number(health.total_failures ?? 0)],
        ["Success rate", percent(health.success_rate ?? 1)],
        ["Last success", ago(health.last_success_ago)],
        ["Last failure", ago(health.last_failure_ago)],
        ["Calls under way", number(server.in_flight ?? 0)],
        ["Circuit breaker", server.circuit_breaker_state ?? ""],
        ["Idle for", server.idle_time === undefined ? "" : duration(server.idle_time)],
        ["In this state since", dateTime(server.state_since)],
      ];
      fill(element, h("div", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, "Health"), again), h("dl", { class: "figures" }, rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))));
    },
  };
}

const ago = (seconds) => (seconds === null || seconds === undefined ? "never" : `${duration(seconds)} ago`);

function definitionView() {
  const element = h("div", {});
  return {
    element,
    update(server) {
      const text = server.definition ? JSON.stringify(server.definition, null, 2) : "";
      if (element.dataset.text !== text) {
        element.dataset.text = text;
        fill(
          element,
          text === ""
            ? h("p", { class: "faint" }, "Reading…")
            : h("div", { class: "card" }, h("div", { class: "card-head" }, h("h2", {}, "Definition in force"), copyButton(text)), h("p", { class: "faint" }, "Values of environment and headers are never shown."), h("pre", { tabindex: "0" }, text)),
        );
      }
    },
  };
}
