// The programme with the client of the TypeScript SDK v2: `node client-v2.js http|sse|modern|auto URL`.
// `modern` is Streamable HTTP of 2026-07-28 and nothing else; `auto` finds out which era there is.
import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import assert from 'node:assert/strict';
import { answers, CAPABILITIES, programme } from './programme.js';

const MODES = { http: 'legacy', sse: 'legacy', modern: { pin: '2026-07-28' }, auto: 'auto' };

const [kind, url] = process.argv.slice(2);
const isModern = kind === 'modern' || kind === 'auto';
const Transport = kind === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;
const transport = new Transport(new URL(url));
const client = new Client(
  { name: 'client-v2', version: '1.0.0' },
  { capabilities: CAPABILITIES, versionNegotiation: { mode: MODES[kind] } }
);
for (const [method, answer] of Object.entries(answers)) {
  client.setRequestHandler(method, answer);
}
await programme(client, {
  isModern,
  connect: async () => {
    await client.connect(transport);
    assert.equal(client.getProtocolEra(), isModern ? 'modern' : 'legacy');
  },
  call: (params, options) => client.callTool(params, options),
  on: (method, handler) => client.setNotificationHandler(method, handler),
  close: async () => {
    await transport.terminateSession?.();
    await client.close();
  }
});
