// What the event feed shows: a bounded run of events and gaps in the hub's order, oldest first.
// It outlives a reload together with the stream's cursor, so that the two always fit.

const STORE = "sluice.feed";
const MAX_ROWS = 1000;
// Less than the rows, so that a resume keeps the gap and something from before the pause.
const MAX_WAITING = 500;
const STORED_ROWS = 200;
const STORED_CHARS = 1_000_000;
const SAVE_MS = 400;

/** Emits `change` when rows, pause or filter changed; several changes in a frame are one. */
export class Feed extends EventTarget {
  #rows = [];
  #ids = new Set();
  #filter = { types: [], servers: [] };
  #paused = false;
  #waiting = [];
  #overflow = null;
  #cursor = null;
  #changes = null;
  #saving = null;
  #trimmed = 0;
  #lastGap = 0;

  constructor() {
    super();
    this.#restore();
    window.addEventListener("pagehide", () => this.#save());
  }

  get rows() {
    return this.#rows;
  }

  get cursor() {
    return this.#cursor;
  }

  get paused() {
    return this.#paused;
  }

  /** What came since the pause. */
  get waiting() {
    return this.#waiting.length + (this.#overflow?.dropped ?? 0);
  }

  /** Rows that left this page because it is bounded; the hub's history may still have them. */
  get trimmed() {
    return this.#trimmed;
  }

  get filter() {
    return this.#filter;
  }

  setFilter(filter) {
    this.#filter = filter;
    this.#changed();
  }

  has(id) {
    return this.#ids.has(id);
  }

  event(event) {
    // At-least-once over reconnects: the id makes it once.
    if (this.#ids.has(event.event_id)) {
      return;
    }
    this.#ids.add(event.event_id);
    this.#cursor = event.event_id;
    this.#add({ key: event.event_id, event });
  }

  gap(warning) {
    if (warning.to) {
      this.#cursor = warning.to;
    }
    this.#lastGap += 1;
    const after = this.#lastId();
    this.#add({ key: `gap ${this.#lastGap} ${warning.from}`, gap: { ...warning, after } });
  }

  /** A remark of the console's own at this place. */
  note(text) {
    this.#lastGap += 1;
    this.#add({ key: `note ${this.#lastGap}`, note: text });
  }

  /** The cursor moves without an event: everything up to here was not for our filter. */
  moved(cursor) {
    this.#cursor = cursor;
    this.#saveSoon();
  }

  pause() {
    this.#paused = true;
    this.#changed();
  }

  resume() {
    this.#paused = false;
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#overflow) {
      this.#lastGap += 1;
      this.#rows.push({ key: `pause ${this.#lastGap}`, gap: this.#overflow });
      this.#overflow = null;
    }
    this.#rows.push(...waiting);
    this.#trim();
    this.#changed();
  }

  clear() {
    this.#rows = [];
    this.#ids.clear();
    this.#trimmed = 0;
    this.#changed();
  }

  /** Puts what history still had in the place of a gap; keeps the gap if something is missing. */
  fillGap(key, events, complete) {
    const at = this.#rows.findIndex((row) => row.key === key);
    if (at < 0) {
      return;
    }
    const fresh = events
      .filter((event) => !this.#ids.has(event.event_id))
      .map((event) => ({ key: event.event_id, event }));
    fresh.forEach((row) => this.#ids.add(row.key));
    const gap = this.#rows[at];
    const rest = complete
      ? []
      : [{ ...gap, gap: { ...gap.gap, loaded: (gap.gap.loaded ?? 0) + fresh.length } }];
    this.#rows.splice(at, 1, ...fresh, ...rest);
    this.#changed();
  }

  /** Puts older events in front; they were asked for, so the bound makes room for them. */
  prepend(events) {
    const fresh = events.filter((event) => !this.#ids.has(event.event_id));
    fresh.forEach((event) => this.#ids.add(event.event_id));
    this.#rows.unshift(...fresh.map((event) => ({ key: event.event_id, event })));
    this.#changed();
  }

  #lastId() {
    const rows = this.#waiting.length > 0 ? this.#waiting : this.#rows;
    return rows.findLast((row) => row.event)?.key ?? null;
  }

  #add(row) {
    if (this.#paused) {
      this.#waiting.push(row);
      if (this.#waiting.length > MAX_WAITING) {
        this.#skip(this.#waiting.shift());
      }
    } else {
      this.#rows.push(row);
      this.#trim();
    }
    this.#changed();
  }

  // A long pause fills the page's memory; what gives way shows as a gap like any other loss.
  #skip(row) {
    this.#ids.delete(row.key);
    this.#overflow ??= {
      reason: "paused",
      dropped: 0,
      from: row.event?.event_id ?? row.gap?.from,
      after: this.#lastShown(),
    };
    this.#overflow.dropped += row.event ? 1 : (row.gap?.dropped ?? 0);
    this.#overflow.to = row.event?.event_id ?? row.gap?.to ?? this.#overflow.to;
  }

  #lastShown() {
    return this.#rows.findLast((row) => row.event)?.key ?? null;
  }

  #trim() {
    const excess = this.#rows.length - MAX_ROWS;
    if (excess > 0) {
      for (const row of this.#rows.splice(0, excess)) {
        this.#ids.delete(row.key);
      }
      this.#trimmed += excess;
    }
  }

  #changed() {
    this.#saveSoon();
    // A timer and not an animation frame: a hidden page gets none, and the count must still move.
    this.#changes ??= setTimeout(() => {
      this.#changes = null;
      this.dispatchEvent(new CustomEvent("change"));
    }, 16);
  }

  #saveSoon() {
    this.#saving ??= setTimeout(() => this.#save(), SAVE_MS);
  }

  #save() {
    clearTimeout(this.#saving);
    this.#saving = null;
    const rows = [...this.#rows, ...this.#waiting].slice(-STORED_ROWS);
    const state = { cursor: this.#cursor, filter: this.#filter, lastGap: this.#lastGap, rows };
    try {
      let text = JSON.stringify(state);
      if (text.length > STORED_CHARS) {
        text = JSON.stringify({ ...state, rows: [] });
      }
      sessionStorage.setItem(STORE, text);
    } catch {
      // No room or no right to store: a reload then begins anew, which the feed shows.
      this.dispatchEvent(new CustomEvent("unsaved"));
    }
  }

  #restore() {
    try {
      const state = JSON.parse(sessionStorage.getItem(STORE) ?? "null");
      if (state) {
        this.#cursor = state.cursor ?? null;
        this.#filter = state.filter ?? this.#filter;
        this.#lastGap = state.lastGap ?? 0;
        this.#rows = state.rows ?? [];
        this.#rows.forEach((row) => this.#ids.add(row.key));
      }
    } catch {
      sessionStorage.removeItem(STORE);
    }
  }
}

/** Whether a row passes the filter; gaps and notes always do. */
export function passes(row, filter) {
  if (!row.event) {
    return true;
  }
  const { event } = row;
  return matchesType(event, filter.types) && matchesServer(event, filter.servers);
}

function matchesType(event, types) {
  return types.length === 0 || types.some((type) => wildcard(type).test(event.event_type));
}

function matchesServer(event, ids) {
  return ids.length === 0 || ids.includes(subject(event));
}

/** Which server or group an event is about; empty when about none. */
export function subject(event) {
  return event.mcp_server_id ?? event.mcp_server_name ?? event.group_id ?? "";
}

function wildcard(type) {
  const body = type.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*");
  return new RegExp(`^${body}$`);
}
