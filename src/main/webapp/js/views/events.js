// The event feed: a client of the stream contract that shows what the contract promises.

import { h, fill, setText } from "../dom.js";
import { number, plural } from "../format.js";
import { button, copyButton, moment, setMoment, act, toast } from "../parts.js";
import { feedList, loadOlder } from "./feed-list.js";

const TYPES = [
  ["Life cycle", ["McpServerStateChanged", "McpServerStarted", "McpServerStopped", "McpServerDegraded", "McpServerIdleDetected", "McpServerUpdated"]],
  ["Health", ["HealthCheckPassed", "HealthCheckFailed", "CircuitBreakerStateChanged"]],
  ["Sessions", ["SessionOpened", "SessionClosed"]],
  ["Tool calls", ["ToolInvocationRequested", "ToolInvocationCompleted", "ToolInvocationFailed"]],
  ["Registry", ["ProviderDiscovered", "ProviderRegistered", "ProviderDeregistered", "ConfigurationReloaded", "ConfigurationReloadFailed"]],
  ["Groups", ["Group*"]],
  ["Journal", ["JournalRecovered"]],
];

const STATUS = {
  connecting: "Connecting to the hub",
  replaying: "Replaying what was missed",
  live: "Live",
  waiting: "Not connected",
};

export function eventsView(hub, _rest, parameters) {
  if (parameters.has("server")) {
    hub.feed.setFilter({ ...hub.feed.filter, servers: [parameters.get("server")] });
  }
  const list = feedList(hub);
  const status = h("strong", {});
  const since = moment("until", null);
  const waiting = h("span", { class: "waiting", role: "status" });
  const cursor = h("code", { class: "cursor" });
  const pauseButton = button("Pause", { name: "paused", "aria-pressed": "false", on: pause });
  const summary = h("summary", {});
  const checks = TYPES.map(([group, names]) =>
    h(
      "fieldset",
      {},
      h("legend", {}, group),
      names.map((name) => h("label", { class: "check" }, h("input", { type: "checkbox", value: name, on: { change: typesChanged } }), name === "Group*" ? "All of groups" : name)),
    ),
  );
  const server = h("select", { "aria-label": "Filter by server", on: { change: serverChanged } });
  const older = button("Load older from history", { kind: "quiet", on: (event) => act(event.currentTarget, more) });
  const element = h(
    "div",
    { class: "page" },
    h(
      "div",
      { class: "page-head" },
      h("h1", {}, "Events"),
      h("div", { class: "actions" }, pauseButton, button("Clear", { kind: "quiet", title: "Empties this page; the hub keeps its events", on: () => hub.feed.clear() })),
    ),
    h("div", { class: "feed-status", data: { state: "" } }, h("span", { class: "row-line" }, status, since, waiting), h("span", { class: "row-line faint" }, "Cursor", cursor, copyButton(() => hub.stream.cursor ?? "", "Copy"))),
    h(
      "div",
      { class: "filters" },
      server,
      h("details", { class: "types" }, summary, h("div", { class: "type-groups" }, checks, button("All types", { kind: "small", on: allTypes }))),
      button("Reset filters", { kind: "quiet small", on: reset }),
    ),
    list.element,
    h("div", { class: "feed-end" }, older),
  );

  function pause() {
    if (hub.feed.paused) {
      hub.feed.resume();
    } else {
      hub.feed.pause();
    }
  }

  function show() {
    const { paused, filter } = hub.feed;
    const state = hub.stream.status;
    element.querySelector(".feed-status").dataset.state = paused ? "paused" : state.state;
    setText(status, paused ? "Paused" : STATUS[state.state]);
    setMoment(since, state.at);
    setText(
      waiting,
      paused
        ? `${plural(hub.feed.waiting, "event")} waiting; nothing is lost`
        : hub.feed.trimmed > 0
          ? `${number(hub.feed.trimmed)} older ones left this page`
          : "",
    );
    setText(pauseButton.lastElementChild, paused ? "Resume" : "Pause");
    pauseButton.setAttribute("aria-pressed", String(paused));
    setText(cursor, hub.stream.cursor ?? "–");
    setText(summary, filter.types.length === 0 ? "All types" : plural(filter.types.length, "type"));
    for (const box of element.querySelectorAll(".type-groups input")) {
      box.checked = filter.types.includes(box.value);
    }
  }

  function showServers() {
    const chosen = hub.feed.filter.servers[0] ?? "";
    const ids = [...new Set([...hub.fleet.list().map((one) => one.mcp_server_id), ...(chosen ? [chosen] : [])])].sort();
    const key = ids.join("\n");
    if (server.dataset.key !== key) {
      server.dataset.key = key;
      fill(server, h("option", { value: "" }, "All servers"), ids.map((id) => h("option", { value: id }, id)));
    }
    server.value = chosen;
  }

  function typesChanged() {
    const types = [...element.querySelectorAll(".type-groups input:checked")].map((box) => box.value);
    apply({ ...hub.feed.filter, types });
  }

  function allTypes() {
    apply({ ...hub.feed.filter, types: [] });
  }

  function serverChanged() {
    apply({ ...hub.feed.filter, servers: server.value ? [server.value] : [] });
  }

  function reset() {
    apply({ types: [], servers: [] });
  }

  function apply(filter) {
    hub.feed.setFilter(filter);
    hub.wanted(filter);
    showServers();
    show();
  }

  async function more() {
    const events = await loadOlder(hub);
    hub.feed.prepend(events);
    list.update();
    if (events.length === 0) {
      toast("The hub's history holds nothing older that matches.");
    }
  }

  hub.feed.addEventListener("change", show);
  hub.stream.addEventListener("status", show);
  hub.stream.addEventListener("cursor", show);
  hub.fleet.addEventListener("change", showServers);
  hub.wanted(hub.feed.filter);
  showServers();
  show();
  return {
    element,
    title: "Events",
    goTo(_parts, next) {
      if (next.has("server")) {
        apply({ ...hub.feed.filter, servers: [next.get("server")] });
      }
      return true;
    },
    dispose() {
      hub.feed.removeEventListener("change", show);
      hub.stream.removeEventListener("status", show);
      hub.stream.removeEventListener("cursor", show);
      hub.fleet.removeEventListener("change", showServers);
      list.dispose();
      hub.wanted(null);
    },
  };
}
