// The programme with the client of the TypeScript SDK v1: `node client-v1.js http|sse|ws URL`.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { WebSocketClientTransport } from '@modelcontextprotocol/sdk/client/websocket.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
  ToolListChangedNotificationSchema
} from '@modelcontextprotocol/sdk/types.js';
import { answers, CAPABILITIES, programme } from './programme.js';

const SCHEMAS = {
  'notifications/message': LoggingMessageNotificationSchema,
  'notifications/resources/updated': ResourceUpdatedNotificationSchema,
  'notifications/tools/list_changed': ToolListChangedNotificationSchema
};
const TRANSPORTS = {
  http: StreamableHTTPClientTransport,
  sse: SSEClientTransport,
  ws: WebSocketClientTransport
};

const [kind, url] = process.argv.slice(2);
const transport = new TRANSPORTS[kind](new URL(url));
const client = new Client({ name: 'client-v1', version: '1.0.0' }, { capabilities: CAPABILITIES });
client.setRequestHandler(CreateMessageRequestSchema, answers['sampling/createMessage']);
client.setRequestHandler(ElicitRequestSchema, answers['elicitation/create']);
await programme(client, {
  isModern: false,
  connect: () => client.connect(transport),
  call: (params, options) => client.callTool(params, undefined, options),
  on: (method, handler) => client.setNotificationHandler(SCHEMAS[method], handler),
  close: async () => {
    await transport.terminateSession?.();
    await client.close();
  }
});
