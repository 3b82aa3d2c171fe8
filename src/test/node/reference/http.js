// The reference server over Streamable HTTP, on loopback: `node http.js PORT`, endpoint /mcp.
// Clients of 2025 get sessions whose events can be replayed; those of 2026-07-28 need none.
// Prints one line when it listens, and ends when its input closes.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { localhostHostValidation, localhostOriginValidation, toNodeHandler } from '@modelcontextprotocol/node';
import {
  createMcpHandler,
  isInitializeRequest,
  isLegacyRequest,
  WebStandardStreamableHTTPServerTransport
} from '@modelcontextprotocol/server';
import { referenceServer } from './fixtures.js';

const MAX_SESSIONS = 1000;
const MAX_EVENTS = 1000;

/** The newest events of one session, for a client that comes back with Last-Event-ID. */
class Events {
  #kept = [];
  #newest = 0;

  async storeEvent(stream, message) {
    const id = `${stream}_${++this.#newest}`;
    this.#kept.push({ id, stream, message });
    if (this.#kept.length > MAX_EVENTS) {
      this.#kept.shift();
    }
    return id;
  }

  async getStreamIdForEventId(id) {
    return this.#kept.find((event) => event.id === id)?.stream;
  }

  async replayEventsAfter(lastId, { send }) {
    const last = this.#kept.findIndex((event) => event.id === lastId);
    if (last < 0) {
      throw new Error(`the event ${lastId} is not kept`);
    }
    const { stream } = this.#kept[last];
    // a message that is none only names where a stream began
    for (const event of this.#kept.slice(last + 1)) {
      if (event.stream === stream && 'jsonrpc' in event.message) {
        await send(event.id, event.message);
      }
    }
    return stream;
  }
}

const sessions = new Map();

function refuse(status, code, message) {
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status });
}

async function legacy(request) {
  const named = request.headers.get('mcp-session-id');
  if (named !== null) {
    const known = sessions.get(named);
    return known ? known.handleRequest(request) : refuse(404, -32001, 'Session not found');
  }
  const body = request.method === 'POST' ? await request.clone().json().catch(() => undefined) : undefined;
  if (!isInitializeRequest(body)) {
    return refuse(400, -32000, 'Bad Request: Mcp-Session-Id is required');
  }
  if (sessions.size >= MAX_SESSIONS) {
    return refuse(503, -32000, 'too many sessions');
  }
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    eventStore: new Events(),
    retryInterval: 200,
    onsessioninitialized: (id) => sessions.set(id, transport),
    onsessionclosed: (id) => sessions.delete(id)
  });
  await referenceServer().connect(transport);
  return transport.handleRequest(request);
}

const modern = createMcpHandler(() => referenceServer(modern.notify), { legacy: 'reject' });
const answer = toNodeHandler({
  fetch: async (request, options) =>
    (await isLegacyRequest(request)) ? legacy(request) : modern.fetch(request, options)
});
const hostIsLocal = localhostHostValidation();
const originIsLocal = localhostOriginValidation();

const port = Number(process.argv[2]);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  throw new Error('usage: node http.js PORT');
}
const http = createServer((request, response) => {
  if (!hostIsLocal(request, response) || !originIsLocal(request, response)) {
    return;
  }
  if (new URL(request.url, 'http://localhost').pathname !== '/mcp') {
    response.writeHead(404).end();
    return;
  }
  const writeHead = response.writeHead.bind(response);
  response.writeHead = (...head) => {
    writeHead(...head).flushHeaders(); // who listens is told so, however long nothing is said
    return response;
  };
  answer(request, response);
});
http.listen(port, '127.0.0.1', () => console.log(`listening on ${http.address().port}`));
process.stdin.on('end', () => process.exit(0)).resume();
