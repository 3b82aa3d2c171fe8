// What can be done to a server, the same from the list and from its own page.

import { servers as api } from "../api.js";
import { h } from "../dom.js";
import { plural } from "../format.js";
import { act, announce, dialog, field, toast } from "../parts.js";

/** Whether a start makes sense. */
export const canStart = (server) => server.state !== "ready" && server.state !== "initializing";

/** Whether there is something to stop: also a failed one, which then does not try again. */
export const canStop = (server) => server.state !== "cold";

export function start(hub, ids, element) {
  return act(element, () => each(hub, ids, (id) => api.start(id, hub.fleet.get(id)?.blocked === true), "started"));
}

/** Asks for a reason: it is part of the event that everybody sees. */
export function stop(hub, ids) {
  const reason = h("input", { type: "text", maxlength: "200", autocomplete: "off", placeholder: "for example: upgrade" });
  dialog({
    title: `Stop ${named(ids)}`,
    content: [
      h("p", {}, "A running call is ended. The server starts again when something calls it."),
      field("Reason", reason, "Part of the event that all subscribers see."),
    ],
    confirmLabel: "Stop",
    confirm: () => each(hub, ids, (id) => api.stop(id, reason.value.trim() || "stopped in the console"), "stopped"),
  });
}

export function block(hub, ids) {
  const reason = h("input", { type: "text", maxlength: "200", autocomplete: "off" });
  dialog({
    title: `Block ${named(ids)}`,
    content: [
      h("p", {}, "A blocked server is stopped and refuses calls until somebody starts it."),
      field("Reason", reason, "Shown to everybody who meets the block."),
    ],
    confirmLabel: "Block",
    danger: true,
    confirm: () => each(hub, ids, (id) => api.block(id, reason.value.trim() || "blocked in the console"), "blocked"),
  });
}

export function remove(hub, id, done) {
  dialog({
    title: `Delete ${id}`,
    content: h("p", {}, "The server is stopped and leaves the hub. A server of mcp.json comes back with the next change of that file."),
    confirmLabel: "Delete",
    danger: true,
    async confirm() {
      await api.remove(id);
      hub.fleet.forget(id);
      toast(`${id} is deleted`);
      done?.();
    },
  });
}

// A few at a time: two hundred requests at once would only wait in the browser.
const AT_ONCE = 4;

async function each(hub, ids, request, word) {
  const failures = [];
  const queue = [...ids];
  const workers = Array.from({ length: Math.min(AT_ONCE, queue.length) }, async () => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      try {
        await request(id);
      } catch (failure) {
        failures.push({ id, failure });
      } finally {
        hub.fleet.refresh(id);
      }
    }
  });
  await Promise.all(workers);
  if (failures.length > 0 && ids.length === 1) {
    throw failures[0].failure;
  }
  if (failures.length > 0) {
    toast(
      `${plural(failures.length, "server")} of ${ids.length} could not be ${word}, first ${failures[0].id}: ${failures[0].failure.message}`,
      "error",
    );
  } else {
    announce(`${named(ids)} ${word}`);
  }
}

function named(ids) {
  return ids.length === 1 ? ids[0] : plural(ids.length, "server");
}
