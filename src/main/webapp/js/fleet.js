// The servers as the console knows them: read once over REST, then kept up to date by events.

import { servers as api } from "./api.js";

// More changed servers than this at once and the whole list is cheaper than one request for each.
const SINGLE_READS = 3;
const GATHER_MS = 120;

/** Event types without which the list would not be true; they are never filtered out. */
export const STATE_TYPES = [
  "McpServer*",
  "CircuitBreakerStateChanged",
  "ProviderRegistered",
  "ProviderDeregistered",
  "ConfigurationReloaded",
  "ConfigurationReloadFailed",
];

const STATES = ["ready", "initializing", "cold", "degraded", "dead"];

/**
 * Emits `change` (CustomEvent, detail: the Set of ids that changed, or null for all). Requests go
 * out because something happened, never because time passed.
 */
export class Fleet extends EventTarget {
  #byId = new Map();
  #loaded = false;
  #problem = null;
  #dirty = new Set();
  #dirtyAll = false;
  #timer = null;
  #reading = false;
  #changed = new Set();
  #announced = null;
  #missed = [];

  get loaded() {
    return this.#loaded;
  }

  /** Why the list could not be read, if so. */
  get problem() {
    return this.#problem;
  }

  list() {
    return [...this.#byId.values()];
  }

  get(id) {
    return this.#byId.get(id);
  }

  totals() {
    const totals = Object.fromEntries(STATES.map((state) => [state, 0]));
    for (const server of this.#byId.values()) {
      totals[server.state] = (totals[server.state] ?? 0) + 1;
    }
    return totals;
  }

  /** Reads everything again: at first, and when events may have been missed. */
  reload() {
    this.#dirtyAll = true;
    this.#gather();
  }

  /** Reads one server again. */
  refresh(id) {
    this.#dirty.add(id);
    this.#gather();
  }

  /** Takes what a request has just answered, so that its effect shows at once. */
  take(server) {
    this.#put(server);
  }

  forget(id) {
    if (this.#byId.delete(id)) {
      this.#note(id);
    }
  }

  /** Follows one domain event. */
  follow(event) {
    if (this.#reading) {
      // The answer under way may be older than this event: it is applied again on top of it.
      this.#missed.push(event);
    }
    this.#apply(event);
  }

  #apply(event) {
    const id = event.mcp_server_id;
    const server = this.#byId.get(id);
    switch (event.event_type) {
      case "ProviderRegistered":
        // By the list and not by its id: in a replay it may be long gone.
        if (!server) {
          this.reload();
        }
        break;
      case "ProviderDeregistered":
        this.forget(id);
        break;
      case "McpServerUpdated":
        if (server) {
          this.refresh(id);
        }
        break;
      case "ConfigurationReloaded":
      case "ConfigurationReloadFailed":
        break;
      default:
        if (server) {
          this.#change(server, event);
        }
    }
  }

  #change(server, event) {
    const id = server.mcp_server_id;
    switch (event.event_type) {
      case "McpServerStateChanged":
        // An event that is replayed may be older than what was read.
        if (Date.parse(event.timestamp) < Date.parse(server.state_since)) {
          return;
        }
        server.state = event.new_state;
        server.state_reason = event.reason;
        server.state_since = event.timestamp;
        server.alive = event.new_state === "ready";
        if (event.new_state === "dead" || event.new_state === "degraded") {
          // The next try and the last error are not in the event.
          this.refresh(id);
        } else {
          delete server.retry_at;
          if (event.new_state === "ready") {
            delete server.last_error;
          }
        }
        break;
      case "McpServerStarted":
        server.tools_count = event.tools_count;
        server.mode = event.mode || server.mode;
        this.refresh(id);
        break;
      case "CircuitBreakerStateChanged":
        server.circuit_breaker_state = event.new_state;
        break;
      default:
        return;
    }
    this.#note(id);
  }

  #gather() {
    if (this.#timer === null && !this.#reading) {
      this.#timer = setTimeout(() => this.#read(), GATHER_MS);
    }
  }

  async #read() {
    this.#timer = null;
    this.#reading = true;
    const ids = [...this.#dirty];
    const all = this.#dirtyAll || ids.length > SINGLE_READS;
    this.#dirty.clear();
    this.#dirtyAll = false;
    try {
      if (all) {
        await this.#readAll();
      } else {
        await Promise.all(ids.map((id) => this.#readOne(id)));
      }
      this.#problem = null;
    } catch (failure) {
      this.#problem = failure;
      this.#announce(null);
    } finally {
      this.#reading = false;
      const missed = this.#missed.splice(0);
      for (const event of missed) {
        this.#apply(event);
      }
      if (this.#dirtyAll || this.#dirty.size > 0) {
        this.#gather();
      }
    }
  }

  async #readAll() {
    const list = await api.list();
    this.#byId = new Map(list.map((server) => [server.mcp_server_id, arrived(server)]));
    this.#loaded = true;
    this.#announce(null);
  }

  async #readOne(id) {
    try {
      this.#put(await api.get(id));
    } catch (failure) {
      if (failure.status !== 404) {
        throw failure;
      }
      this.forget(id);
    }
  }

  #put(server) {
    this.#byId.set(server.mcp_server_id, arrived(server));
    this.#note(server.mcp_server_id);
  }

  // One announcement for all changes of one turn: a burst of 200 events is one repaint.
  #note(id) {
    this.#changed.add(id);
    this.#announced ??= setTimeout(() => this.#announce(this.#changed), 16);
  }

  #announce(ids) {
    clearTimeout(this.#announced);
    this.#announced = null;
    this.#changed = new Set();
    this.dispatchEvent(new CustomEvent("change", { detail: ids }));
  }
}

/** A wait is told as seconds from the answer; what a countdown needs is the moment. */
function arrived(server) {
  const wait = server.time_until_retry_s ?? server.health?.time_until_retry_s ?? 0;
  return { ...server, retry_at: wait > 0 ? Date.now() + wait * 1000 : undefined };
}
