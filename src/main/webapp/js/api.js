// The hub's REST interface. Paths are relative to the page, so the context root may be anything.

/** A refused or failed request; the message is the hub's own. */
export class ApiError extends Error {
  constructor(status, code, message, details, retryAfter) {
    super(message);
    this.status = status;
    this.code = code;
    this.details = details ?? {};
    /** Seconds until it may work, if the hub said so. */
    this.retryAfter = retryAfter;
  }
}

export function url(path) {
  return new URL(path, document.baseURI);
}

/** Sends a request and gives the answer's JSON, or null for an empty one. */
export async function request(method, path, body) {
  return (await requestText(method, path, body)).json;
}

/** As `request`, with the answer's text beside it: numbers in it are still as they were sent. */
export async function requestText(method, path, body) {
  const options = { method, headers: { Accept: "application/json" }, cache: "no-store" };
  if (body !== undefined) {
    options.headers["Content-Type"] = "application/json";
    options.body = typeof body === "string" ? body : JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(url(path), options);
  } catch {
    throw new ApiError(0, "unreachable", "The hub cannot be reached. Is it running?");
  }
  const text = await response.text();
  const json = parse(text);
  if (!response.ok) {
    throw failure(response, json, text);
  }
  return { json, text };
}

function parse(text) {
  if (text === "") {
    return null;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failure(response, json, text) {
  const error = json?.error;
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
  if (error && typeof error === "object") {
    return new ApiError(response.status, error.code, error.message, error.details, retryAfter);
  }
  const brief = text.length > 0 && text.length < 300 && !text.startsWith("<") ? `: ${text}` : "";
  return new ApiError(
    response.status,
    "http_error",
    `The hub answered ${response.status} ${response.statusText}${brief}`,
    {},
    retryAfter,
  );
}

const segment = encodeURIComponent;

export const servers = {
  async list() {
    const answer = await request("GET", "api/mcp_servers");
    return Array.isArray(answer) ? answer : (answer?.mcp_servers ?? []);
  },
  get: (id) => request("GET", `api/mcp_servers/${segment(id)}`),
  create: (definition) => request("POST", "api/mcp_servers", definition),
  remove: (id) => request("DELETE", `api/mcp_servers/${segment(id)}`),
  start: (id, unblock) => request("POST", `api/mcp_servers/${segment(id)}/start`, { unblock }),
  stop: (id, reason) => request("POST", `api/mcp_servers/${segment(id)}/stop`, { reason }),
  block: (id, reason) => request("POST", `api/mcp_servers/${segment(id)}/block`, { reason }),
  /** `args` is JSON text, so that numbers keep every digit that was typed. */
  call: (id, tool, args) =>
    requestText(
      "POST",
      `api/mcp_servers/${segment(id)}/tools/${segment(tool)}/call`,
      `{"arguments":${args}}`,
    ),
  followUrl: (id) => url(`api/mcp_servers/${segment(id)}/logs/stream`),
};

export const system = () => request("GET", "api/system");

/** A page of the past: events after `since`, oldest first. */
export async function history(query) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const text = Array.isArray(value) ? value.join(",") : String(value ?? "");
    // An empty list would match nothing; none at all does not filter.
    if (text !== "") {
      parameters.set(name, text);
    }
  }
  return request("GET", `api/events/history?${parameters}`);
}
