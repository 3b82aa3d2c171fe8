// The rows of the event feed, newest first: events, gaps and remarks, each made once.

import { history } from "../api.js";
import { arrange, fill, h } from "../dom.js";
import { passes, subject } from "../feed.js";
import { number, plural, time } from "../format.js";
import { icon } from "../icons.js";
import { act, button, copyButton, toast } from "../parts.js";

// More rows than this are not put on the page at once.
const SHOWN = 300;
const PAGE = 500;
const MAX_GAP = 5000;
const ENOUGH = 50;
// From a minute to more than a year in steps of eight.
const LOOK_BACK_STEPS = 8;

/**
 * @param options.only shows only the events for which this is true, and no gaps of others
 * @returns {element, update, dispose, olderButton}
 */
export function feedList(hub, options = {}) {
  const rows = new Map();
  let limit = SHOWN;
  const body = h("tbody", {});
  const more = button("Show older", { on: () => ((limit += SHOWN), update()) });
  const none = h("p", { class: "faint" }, "No event yet.");
  const table = h(
    "table",
    { class: "grid feed" },
    h("caption", { class: "visually-hidden" }, "Events, newest first"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Time"), h("th", { scope: "col" }, "Event"), h("th", { scope: "col" }, "Server"), h("th", { scope: "col" }, "What happened"))),
    body,
  );
  const element = h("div", {}, table, none, more);

  function update() {
    const matching = hub.feed.rows.filter((row) => (options.only ? row.event && options.only(row.event) : passes(row, hub.feed.filter)));
    const shown = matching.slice(-limit).reverse();
    const keys = new Set(shown.map((row) => row.key));
    for (const key of rows.keys()) {
      if (!keys.has(key)) {
        rows.delete(key);
      }
    }
    arrange(
      body,
      shown.flatMap((row) => {
        let found = rows.get(row.key);
        if (!found || found.row !== row) {
          found = { row, elements: makeRow(hub, row) };
          rows.set(row.key, found);
        }
        return found.elements;
      }),
    );
    table.hidden = shown.length === 0;
    none.hidden = shown.length > 0;
    more.hidden = matching.length <= limit;
  }

  hub.feed.addEventListener("change", update);
  update();
  return { element, update, dispose: () => hub.feed.removeEventListener("change", update) };
}

function makeRow(hub, row) {
  if (row.gap) {
    return [gapRow(hub, row)];
  }
  if (row.note) {
    return [h("tr", { class: "note-row", data: { row: "note" } }, h("td", { colspan: 4 }, row.note))];
  }
  return eventRow(row.event);
}

function eventRow(event) {
  const detail = h("tr", { class: "event-detail", hidden: true });
  const open = h(
    "button",
    {
      class: "event-open",
      type: "button",
      "aria-expanded": "false",
      on: {
        click() {
          const show = detail.hidden;
          if (show && detail.childElementCount === 0) {
            fill(detail, h("td", { colspan: 4 }, eventDetail(event)));
          }
          detail.hidden = !show;
          open.setAttribute("aria-expanded", String(show));
        },
      },
    },
    event.event_type,
  );
  const id = subject(event);
  const row = h(
    "tr",
    { data: { row: "event", id: event.event_id, type: event.event_type, tone: tone(event) } },
    h("td", { class: "mono" }, h("time", { datetime: event.timestamp, title: event.timestamp }, time(event.timestamp))),
    h("td", {}, open),
    h("td", {}, event.mcp_server_id ? h("a", { href: `#/servers/${encodeURIComponent(id)}` }, id) : id),
    h("td", { class: "what" }, summary(event)),
  );
  return [row, detail];
}

function eventDetail(event) {
  return h(
    "div",
    {},
    h("div", { class: "row-line" }, h("span", { class: "faint" }, "Event id"), h("code", {}, event.event_id), copyButton(event.event_id, "Copy id"), copyButton(JSON.stringify(event, null, 2), "Copy JSON")),
    h("pre", { tabindex: "0" }, JSON.stringify(event, null, 2)),
  );
}

const REASONS = {
  slow_consumer: "this page could not keep up",
  retention: "the hub no longer keeps them",
  partition: "the hub's replicas were apart",
  paused: "the page was paused for long and keeps a bounded number",
};

function gapRow(hub, row) {
  const { gap } = row;
  const amount = gap.exact === false ? `Up to ${plural(gap.dropped, "event")}` : plural(gap.dropped, "event");
  const left = (gap.dropped ?? 0) - (gap.loaded ?? 0);
  const load =
    gap.reason !== "retention" &&
    left > 0 &&
    button("Load from history", { kind: "small", on: (event) => act(event.currentTarget, () => loadGap(hub, row)) });
  return h(
    "tr",
    { class: "gap-row", data: { row: "gap", reason: gap.reason, dropped: String(gap.dropped) } },
    h(
      "td",
      { colspan: 4 },
      h(
        "div",
        { class: "row-line" },
        icon("gap"),
        h("strong", {}, `${amount} missing`),
        h("span", {}, `${REASONS[gap.reason] ?? gap.reason}.`),
        gap.loaded > 0 && h("span", {}, `${number(gap.loaded)} were loaded; the rest is no longer kept.`),
        load,
      ),
      gap.from && h("div", { class: "faint" }, h("code", {}, gap.from), " to ", h("code", {}, gap.to)),
    ),
  );
}

/** Reads the range of a gap, with the feed's filter, and puts it in its place. */
async function loadGap(hub, row) {
  const { gap } = row;
  const range = await readRange(hub, gap.after ?? "earliest", gap.to, MAX_GAP);
  hub.feed.fillGap(row.key, range.events, range.complete && range.events.length >= gap.dropped);
  if (range.events.length === 0) {
    toast("The hub's history no longer has these events.");
  }
}

/** The events after `since` up to and with the id `until`, page by page, at most `most`. */
async function readRange(hub, since, until, most) {
  const { filter } = hub.feed;
  const events = [];
  let place = since;
  let first = null;
  while (events.length < most) {
    const page = await history({ since: place, until, limit: PAGE, event_types: filter.types, mcp_server_ids: filter.servers });
    events.push(...page.events);
    first ??= page.first;
    if (page.events.length < PAGE) {
      return { events, complete: true, first };
    }
    place = page.next;
  }
  return { events, complete: false, first };
}

/**
 * The part before the oldest event here that history still has. History is read forwards, so this
 * looks back over a time that grows until it holds enough, or everything.
 */
export async function loadOlder(hub) {
  const oldest = hub.feed.rows.find((row) => row.event)?.event;
  if (!oldest) {
    return (await readRange(hub, "earliest", undefined, MAX_GAP)).events;
  }
  const end = Date.parse(oldest.timestamp);
  let span = 60_000;
  let range = { events: [] };
  for (let step = 0; step < LOOK_BACK_STEPS; step += 1) {
    range = await readRange(hub, new Date(end - span).toISOString(), oldest.event_id, MAX_GAP);
    const enough = range.events.length > ENOUGH || range.events[0]?.event_id === range.first;
    if (range.complete && enough) {
      break;
    }
    span = range.complete ? span * 8 : span / 3;
  }
  return range.events;
}

function tone(event) {
  if (/Failed$|Degraded$/.test(event.event_type) || event.new_state === "dead" || event.event_type === "JournalRecovered") {
    return "bad";
  }
  return event.new_state === "ready" || event.new_state === "healthy" ? "good" : "plain";
}

const SUMMARIES = {
  McpServerStateChanged: (e) => [`${e.old_state} → `, h("strong", {}, e.new_state), e.reason ? `: ${e.reason}` : ""],
  McpServerStarted: (e) => `${plural(e.tools_count, "tool")} in ${Math.round(e.startup_duration_ms)} ms (${e.mode})`,
  McpServerStopped: (e) => e.reason,
  McpServerDegraded: (e) => `${plural(e.consecutive_failures, "failure")} in a row: ${e.reason}`,
  CircuitBreakerStateChanged: (e) => `${e.old_state} → ${e.new_state}`,
  HealthCheckPassed: (e) => `${Math.round(e.duration_ms)} ms`,
  HealthCheckFailed: (e) => e.error_message,
  ToolInvocationRequested: (e) => [h("code", {}, e.tool_name), ` ${JSON.stringify(e.arguments)}`],
  ToolInvocationCompleted: (e) => [h("code", {}, e.tool_name), ` in ${Math.round(e.duration_ms)} ms`],
  ToolInvocationFailed: (e) => [h("code", {}, e.tool_name), `: ${e.error_message}`],
  SessionOpened: (e) => [h("strong", {}, e.client_name || "A client"), ` ${e.client_version} over ${e.transport}`],
  SessionClosed: (e) => `${e.reason} after ${Math.round(e.duration_s)} s and ${plural(e.calls, "call")} over ${e.transport}`,
  ConfigurationReloaded: (e) => `${e.mcp_servers_added.length} added, ${e.mcp_servers_updated.length} changed, ${e.mcp_servers_removed.length} removed`,
  ConfigurationReloadFailed: (e) => `${e.reason}${e.line ? ` (line ${e.line}, column ${e.column})` : ""}`,
};

const COMMON = new Set(["event_type", "event_id", "timestamp", "occurred_at", "produced_by", "mcp_server_id", "group_id", "mcp_server_name"]);

/** What happened in a few words; types of a later version show their fields. */
function summary(event) {
  const known = SUMMARIES[event.event_type];
  if (known) {
    return known(event);
  }
  return Object.entries(event)
    .filter(([name]) => !COMMON.has(name))
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : value}`)
    .join(", ");
}
