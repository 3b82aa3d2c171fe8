// Puts the console together: one stream, one fleet, one feed, and the view that the hash names.

import { url } from "./api.js";
import { fill, h, setText } from "./dom.js";
import { Feed } from "./feed.js";
import { Fleet, STATE_TYPES } from "./fleet.js";
import { icon } from "./icons.js";
import { announce, moment, setMoment, startClock } from "./parts.js";
import { EventStream } from "./stream.js";
import { themeSwitch } from "./theme.js";
import { connectView } from "./views/connect.js";
import { eventsView } from "./views/events.js";
import { overviewView } from "./views/overview.js";
import { serverView } from "./views/server.js";
import { serversView } from "./views/servers.js";

const VIEWS = [
  { path: "overview", label: "Overview", make: overviewView },
  { path: "servers", label: "Servers", make: (hub, rest, parameters) => (rest[0] ? serverView : serversView)(hub, rest, parameters) },
  { path: "events", label: "Events", make: eventsView },
  { path: "connect", label: "Connect", make: connectView },
];

const feed = new Feed();
const fleet = new Fleet();
const stream = new EventStream(url("api/ws/events"), feed.cursor);
const hub = { feed, fleet, stream, wanted: showFeed };

let shown = null;

function wire() {
  stream.addEventListener("event", ({ detail }) => {
    feed.event(detail);
    fleet.follow(detail);
  });
  stream.addEventListener("gap", ({ detail }) => {
    feed.gap(detail);
    // What was lost may have been a change of state.
    fleet.reload();
  });
  stream.addEventListener("cursor", ({ detail }) => feed.moved(detail));
  stream.addEventListener("subscribed", ({ detail }) => {
    if (detail.resumed === "none") {
      feed.note("The hub does not know the place where this page left off: it began a new stream of events.");
    }
    if (detail.resumed !== "full") {
      fleet.reload();
    }
  });
  stream.addEventListener("status", ({ detail }) => connection(detail));
}

/**
 * Says what the feed wants to see; `null` when no feed is on the page. The hub then filters, so
 * that a narrow feed costs little; what keeps the badges true is never filtered by type, and after
 * a filter by server the list is read once, because changes of other servers were not sent.
 */
function showFeed(filter) {
  const wanted = {};
  if (filter?.types.length > 0) {
    wanted.event_types = [...new Set([...filter.types, ...STATE_TYPES])];
  }
  if (filter?.servers.length > 0) {
    wanted.mcp_server_ids = filter.servers;
  }
  const wasNarrow = hub.narrow;
  hub.narrow = wanted.mcp_server_ids !== undefined;
  stream.filter(wanted);
  if (wasNarrow && !hub.narrow) {
    fleet.reload();
  }
}

const CONNECTION = {
  connecting: ["waiting", "Connecting"],
  replaying: ["replaying", "Replaying"],
  live: ["live", "Live"],
  waiting: ["waiting", "Reconnecting"],
};

const chip = h("span", { class: "chip" });
const chipTime = moment("until", null);
let lastState = "";

function connection(status) {
  const [name, word] = CONNECTION[status.state];
  chip.dataset.state = status.state;
  setMoment(chipTime, status.at);
  if (status.state !== lastState) {
    lastState = status.state;
    fill(chip, icon(name), h("span", {}, word), chipTime);
    if (status.state === "waiting") {
      chip.append(
        h("button", { class: "button quiet small", type: "button", on: { click: () => stream.connect() } }, "Now"),
      );
    }
    // Connecting and replaying pass by; only what lasts is worth saying aloud.
    if (status.state === "live" || status.state === "waiting") {
      announce(status.state === "live" ? "Connected to the hub" : `Disconnected: ${status.reason}`);
    }
  }
  chip.title = status.reason ? `${word}: ${status.reason}` : `${word}: one WebSocket carries all changes`;
}

function route() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  const parts = path.split("/").map(decode);
  const parameters = new URLSearchParams(query);
  const view = VIEWS.find((candidate) => candidate.path === parts[0]) ?? VIEWS[0];
  const rest = parts.slice(1).filter((part) => part !== "");
  for (const link of document.querySelectorAll("#nav a")) {
    if (link.dataset.path === view.path) {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  }
  if (shown?.view === view && shown.page.goTo?.(rest, parameters)) {
    return;
  }
  const first = shown === null;
  shown?.page.dispose?.();
  const page = view.make(hub, rest, parameters);
  shown = { view, page };
  const main = document.getElementById("main");
  fill(main, page.element);
  document.title = `${page.title ?? view.label} · Sluice`;
  if (!first) {
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
  }
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    // A stray % in a typed address is then just a %.
    return part;
  }
}

function start() {
  fill(
    document.getElementById("nav"),
    VIEWS.map((view) => h("a", { href: `#/${view.path}`, data: { path: view.path } }, view.label)),
  );
  fill(document.getElementById("connection"), chip);
  themeSwitch(document.getElementById("theme"));
  setText(document.getElementById("announce"), "");
  // A hash of its own would be taken for a view.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  });
  wire();
  startClock();
  window.addEventListener("hashchange", route);
  route();
  fleet.reload();
  stream.connect();
}

start();
