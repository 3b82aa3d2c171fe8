// All servers in one table that stays quick with hundreds: a row is made once and then updated.

import { arrange, fill, h, setText } from "../dom.js";
import { number, plural } from "../format.js";
import { badge, button, empty, moment, problem, setMoment, updateBadge } from "../parts.js";
import { block, canStart, canStop, start, stop } from "./actions.js";
import { addServer } from "./add-server.js";
import { emptyServers } from "./empty.js";

const STATES = ["ready", "initializing", "cold", "degraded", "dead", "blocked"];
const ORDER = { dead: 0, degraded: 1, blocked: 2, initializing: 3, ready: 4, cold: 5 };

export function serversView(hub, _rest, parameters) {
  const rows = new Map();
  const chosen = new Set();
  let state = parameters.get("state") ?? "";
  let sortBy = "name";
  let visible = [];

  const search = h("input", {
    type: "search",
    placeholder: "Name, description, reason…",
    "aria-label": "Filter servers by text",
    on: { input: show },
  });
  const states = h("div", { class: "segments", role: "group", "aria-label": "Filter by state" });
  const body = h("tbody", {});
  const all = h("input", { type: "checkbox", "aria-label": "Select all servers shown", on: { change: chooseAll } });
  const sorts = { name: sortButton("Name", "name"), state: sortButton("State", "state") };
  const table = h(
    "table",
    { class: "grid servers" },
    h("caption", { class: "visually-hidden" }, "Servers"),
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", { class: "cell-check", scope: "col" }, all),
        h("th", { scope: "col", data: { sort: "name" } }, sorts.name),
        h("th", { scope: "col", data: { sort: "state" } }, sorts.state),
        h("th", { scope: "col" }, "Mode"),
        h("th", { scope: "col", class: "num" }, "Tools"),
        h("th", { scope: "col" }, "Circuit"),
        h("th", { scope: "col" }, h("span", { class: "visually-hidden" }, "Actions")),
      ),
    ),
    body,
  );
  const place = h("div", {});
  const count = h("p", { class: "faint", role: "status" });
  const bulkCount = h("strong", {});
  const bulk = h(
    "div",
    { class: "bulk", hidden: true },
    bulkCount,
    button("Start", { kind: "small", name: "play", on: (event) => start(hub, [...chosen], event.currentTarget).then(forgetChoice) }),
    button("Stop", { kind: "small", name: "stop", on: () => stop(hub, [...chosen]) }),
    button("Block", { kind: "small", name: "blocked", on: () => block(hub, [...chosen]) }),
    button("Clear selection", { kind: "quiet small", on: forgetChoice }),
  );
  const element = h(
    "div",
    { class: "page" },
    h(
      "div",
      { class: "page-head" },
      h("h1", {}, "Servers"),
      h("div", { class: "actions" }, button("Add server", { kind: "primary", name: "plus", on: () => addServer(hub) })),
    ),
    h("div", { class: "filters" }, search, states),
    bulk,
    place,
    count,
  );

  function sortButton(label, key) {
    return h("button", { class: "sort", type: "button", on: { click: () => ((sortBy = key), show()) } }, label);
  }

  function kind(server) {
    return server.blocked ? "blocked" : server.state;
  }

  function show() {
    const servers = hub.fleet.list();
    const text = search.value.trim().toLowerCase();
    const counts = {};
    for (const server of servers) {
      counts[kind(server)] = (counts[kind(server)] ?? 0) + 1;
    }
    visible = servers
      .filter((server) => (state === "" || kind(server) === state) && (text === "" || haystack(server).includes(text)))
      .sort((a, b) => (sortBy === "state" ? ORDER[kind(a)] - ORDER[kind(b)] : 0) || a.mcp_server_id.localeCompare(b.mcp_server_id, undefined, { numeric: true }));
    showStates(servers.length, counts);
    for (const key of Object.keys(sorts)) {
      table.querySelector(`th[data-sort=${key}]`).setAttribute("aria-sort", sortBy === key ? "ascending" : "none");
    }
    for (const id of rows.keys()) {
      if (!hub.fleet.get(id)) {
        rows.delete(id);
        chosen.delete(id);
      }
    }
    arrange(body, visible.map((server) => row(server).element));
    if (hub.fleet.problem && !hub.fleet.loaded) {
      fill(place, problem(hub.fleet.problem, () => hub.fleet.reload()));
    } else if (!hub.fleet.loaded) {
      fill(place, h("p", { class: "faint" }, "Reading the servers…"));
    } else if (servers.length === 0) {
      fill(place, emptyServers(hub));
    } else if (visible.length === 0) {
      fill(place, empty("No server matches", h("p", {}, "Change the text or the state above."), button("Show all", { on: showAll })));
    } else if (table.parentNode !== place) {
      fill(place, table);
    }
    setText(count, servers.length === 0 ? "" : `${number(visible.length)} of ${plural(servers.length, "server")}`);
    showBulk();
  }

  function showAll() {
    search.value = "";
    state = "";
    show();
    search.focus();
  }

  function showStates(total, counts) {
    const wanted = [["", "all", total], ...STATES.map((name) => [name, name, counts[name] ?? 0])].filter(
      ([name, , amount]) => amount > 0 || name === state || name === "",
    );
    // Rebuilt only when a button comes or goes: the focus stays on a button that is only recounted.
    const key = wanted.map(([name]) => name).join();
    if (states.dataset.key !== key) {
      states.dataset.key = key;
      fill(
        states,
        wanted.map(([name, label]) =>
          h("button", { type: "button", data: { state: name }, on: { click: () => ((state = name), show()) } }, h("span", {}, label), h("span", { class: "amount" })),
        ),
      );
    }
    wanted.forEach(([name, , amount], index) => {
      states.children[index].setAttribute("aria-pressed", String(name === state));
      setText(states.children[index].lastElementChild, hub.fleet.loaded ? number(amount) : "");
    });
  }

  function row(server) {
    const id = server.mcp_server_id;
    let found = rows.get(id);
    if (!found) {
      found = makeRow(hub, id, (on) => {
        if (on) {
          chosen.add(id);
        } else {
          chosen.delete(id);
        }
        showBulk();
      });
      rows.set(id, found);
    }
    found.update(server);
    return found;
  }

  function chooseAll() {
    for (const server of visible) {
      rows.get(server.mcp_server_id).choose(all.checked);
      if (all.checked) {
        chosen.add(server.mcp_server_id);
      } else {
        chosen.delete(server.mcp_server_id);
      }
    }
    showBulk();
  }

  function forgetChoice() {
    chosen.forEach((id) => rows.get(id)?.choose(false));
    chosen.clear();
    showBulk();
  }

  function showBulk() {
    bulk.hidden = chosen.size === 0;
    setText(bulkCount, `${number(chosen.size)} selected`);
    all.checked = visible.length > 0 && visible.every((server) => chosen.has(server.mcp_server_id));
    all.indeterminate = !all.checked && chosen.size > 0;
  }

  hub.fleet.addEventListener("change", show);
  show();
  return {
    element,
    title: "Servers",
    goTo(rest, next) {
      if (rest.length > 0) {
        return false;
      }
      state = next.get("state") ?? "";
      show();
      return true;
    },
    dispose: () => hub.fleet.removeEventListener("change", show),
  };
}

function haystack(server) {
  return [server.mcp_server_id, server.description, server.state_reason, server.mode, server.source, server.problem].join(" ").toLowerCase();
}

function makeRow(hub, id, choose) {
  const check = h("input", { type: "checkbox", "aria-label": `Select ${id}`, on: { change: () => choose(check.checked) } });
  const description = h("div", { class: "faint clip" });
  const state = badge({ state: "cold" });
  const since = moment("since", null);
  const reason = h("span", { class: "faint clip reason" });
  const retry = h("span", { class: "retry" }, "tries again ", moment("until", null));
  const mode = h("td", { data: { label: "Mode" } });
  const tools = h("td", { class: "num", data: { label: "Tools" } });
  const circuit = h("td", { data: { label: "Circuit" } });
  const startButton = button("Start", { kind: "small", name: "play", "aria-label": `Start ${id}`, on: () => start(hub, [id], startButton) });
  const stopButton = button("Stop", { kind: "small", name: "stop", "aria-label": `Stop ${id}`, on: () => stop(hub, [id]) });
  const element = h(
    "tr",
    { data: { id } },
    h("td", { class: "cell-check" }, check),
    h("th", { scope: "row", class: "cell-name" }, h("a", { href: `#/servers/${encodeURIComponent(id)}` }, id), description),
    h("td", { class: "cell-state" }, h("div", { class: "row-line" }, state, since, retry, reason)),
    mode,
    tools,
    circuit,
    h("td", { class: "cell-actions" }, startButton, stopButton),
  );
  return {
    element,
    choose(on) {
      check.checked = on;
    },
    update(server) {
      updateBadge(state, server);
      setMoment(since, server.state_since);
      const why = server.blocked_reason ?? server.problem ?? server.state_reason ?? "";
      setText(reason, why);
      reason.title = why;
      setText(description, server.description ?? "");
      retry.hidden = !server.retry_at;
      setMoment(retry.lastElementChild, server.retry_at);
      setText(mode, server.mode ?? "");
      setText(tools, server.state === "ready" ? number(server.tools_count ?? 0) : "–");
      setText(circuit, server.circuit_breaker_state ?? "");
      circuit.dataset.circuit = server.circuit_breaker_state ?? "";
      startButton.hidden = !canStart(server);
      stopButton.hidden = !canStop(server) || server.state === "dead" || server.state === "degraded";
    },
  };
}
