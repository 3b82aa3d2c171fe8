// The one connection of the console: a client of the stream contract (docs/stream-contract.md).
// It keeps the id of the last event it has seen, over reconnects and over reloads, and asks the
// hub to go on from there. Everything live in the console comes through this socket.

const FIRST_LOOK_MS = 15 * 60 * 1000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 15_000;
// After this silence the replay is taken as over, even if its last event is not for our filter.
const CAUGHT_UP_MS = 600;
// The hub sends something at least every 15 s; after three times that the connection is dead.
const SILENCE_MS = 45_000;

/**
 * Events (CustomEvent, detail in brackets): `event` [the domain event], `gap` [the warning frame],
 * `subscribed` [the frame], `cursor` [the id up to which there was nothing for us], `problem` [an
 * error frame], `status` [{state, at, reason}].
 *
 * States: connecting, replaying, live, waiting (reconnects at `at`).
 */
export class EventStream extends EventTarget {
  #address;
  #cursor;
  #filter = {};
  #socket = null;
  #failures = 0;
  #retryAfter = null;
  #timer = null;
  #quiet = null;
  #watchdog = null;
  #target = null;
  #status = { state: "connecting" };

  constructor(address, cursor) {
    super();
    this.#address = address;
    this.#cursor = cursor;
  }

  get cursor() {
    return this.#cursor;
  }

  get status() {
    return this.#status;
  }

  /** Opens the connection, or opens it again at once. */
  connect() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#drop();
    this.#set({ state: "connecting" });
    const address = new URL(this.#address);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    // In the query and not in a first message: what happens between the two is then not seen twice.
    address.searchParams.set("since", this.#cursor ?? firstLook());
    for (const [name, values] of Object.entries(this.#filter)) {
      address.searchParams.set(name, values.join(","));
    }
    const socket = new WebSocket(address);
    this.#socket = socket;
    socket.addEventListener("message", (message) => this.#received(socket, message.data));
    socket.addEventListener("close", (close) => this.#closed(socket, close));
    this.#heard(socket);
  }

  /**
   * Sets what is wanted from now on: `{event_types?, mcp_server_ids?}`; a key left out does not
   * filter. The place in the stream stays.
   */
  filter(filter) {
    if (JSON.stringify(filter) === JSON.stringify(this.#filter)) {
      return;
    }
    this.#filter = filter;
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify({ type: "subscribe", ...filter }));
    } else if (this.#socket?.readyState === WebSocket.CONNECTING) {
      this.connect();
    }
  }

  #drop() {
    clearTimeout(this.#quiet);
    clearTimeout(this.#watchdog);
    const old = this.#socket;
    this.#socket = null;
    old?.close(1000);
  }

  #received(socket, text) {
    if (socket !== this.#socket) {
      return;
    }
    this.#heard(socket);
    const frame = JSON.parse(text);
    if (frame.event_type !== undefined) {
      this.#cursor = frame.event_id;
      this.#emit("event", frame);
      this.#progress();
      return;
    }
    switch (frame.type) {
      case "subscribed":
        this.#subscribed(frame);
        break;
      case "warning":
        if (frame.to) {
          this.#cursor = frame.to;
        }
        this.#emit("gap", frame);
        break;
      case "ping":
        if (frame.cursor) {
          this.#cursor = frame.cursor;
          this.#emit("cursor", frame.cursor);
        }
        socket.send('{"type":"pong"}');
        this.#live();
        break;
      case "goaway":
        if (frame.cursor) {
          this.#cursor = frame.cursor;
        }
        this.#retryAfter = frame.retry_after_ms ?? null;
        break;
      case "error":
        this.#emit("problem", frame);
        break;
      default:
        // A frame of a later version of the contract; the known ones still mean the same.
        break;
    }
  }

  #subscribed(frame) {
    this.#failures = 0;
    this.#target = frame.last_available ?? null;
    this.#emit("subscribed", frame);
    if (this.#status.state === "connecting") {
      this.#set({ state: "replaying" });
    }
    // frame.from is the first id not yet received, so it is no cursor: only frames that follow are.
    this.#progress();
  }

  // Live as soon as what was the newest at subscribing is here, or nothing more comes for a moment:
  // the newest one may be of a kind that the filter leaves out.
  #progress() {
    if (this.#status.state !== "replaying") {
      return;
    }
    clearTimeout(this.#quiet);
    if (this.#target === null || this.#cursor === this.#target) {
      this.#live();
    } else {
      this.#quiet = setTimeout(() => this.#live(), CAUGHT_UP_MS);
    }
  }

  #live() {
    clearTimeout(this.#quiet);
    if (this.#status.state !== "live") {
      this.#set({ state: "live" });
    }
  }

  #heard(socket) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      if (socket === this.#socket) {
        this.#lost("nothing was heard for 45 s");
      }
    }, SILENCE_MS);
  }

  #closed(socket, close) {
    if (socket === this.#socket) {
      this.#lost(close.reason || closeText(close.code));
    }
  }

  #lost(reason) {
    this.#drop();
    const delay = this.#retryAfter ?? this.#backoff();
    this.#retryAfter = null;
    this.#failures += 1;
    this.#set({ state: "waiting", at: Date.now() + delay, reason });
    this.#timer = setTimeout(() => this.connect(), delay);
  }

  // Full jitter: consoles of a restarted hub must not all come back in the same instant.
  #backoff() {
    const limit = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** this.#failures);
    return limit / 2 + (Math.random() * limit) / 2;
  }

  #set(status) {
    this.#status = status;
    this.#emit("status", status);
  }

  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}

/** Without a cursor the feed begins a little in the past, so that it is not empty at first sight. */
function firstLook() {
  return new Date(Date.now() - FIRST_LOOK_MS).toISOString();
}

const CLOSE_CODES = {
  1001: "the hub is going away",
  1006: "the connection was lost",
  1011: "the hub failed",
  1013: "the hub takes no more connections now",
  4001: "the sign-in has expired",
  4003: "access was taken away",
  4008: "the browser was too slow",
};

function closeText(code) {
  return CLOSE_CODES[code] ?? `closed with code ${code}`;
}
