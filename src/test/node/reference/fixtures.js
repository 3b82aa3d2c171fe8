// What the conformance suite expects of a server: its tools, resources and prompts. Every call of
// referenceServer makes a server of its own; one definition serves both eras of the protocol.
// Nothing here keeps a client waiting for longer than RECONNECTION_MILLIS.
import { setTimeout as delay } from 'node:timers/promises';
import {
  acceptedContent,
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  fromJsonSchema,
  inputRequired,
  inputResponse,
  McpServer,
  ResourceTemplate
} from '@modelcontextprotocol/server';

/** One red pixel. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR42mP4z8AAAAMBAQD3A0FDAAAAAElFTkSuQmCC';

/** Two silent samples. */
const WAV = 'UklGRigAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQQAAAAAAAAA';

/** How long a call goes on after its stream was closed: beyond the time a hub waits for one answer. */
const RECONNECTION_MILLIS = 3000;

const states = createRequestStateCodec({ key: 'the key of a fixture keeps nothing secret' });

/** Whether the tool and the prompt that come and go are there. */
const shown = { tool: false, prompt: false };

/** The calls that wait to be cancelled, by the names that their clients gave them. */
const waiting = new Map();

/** The one resource that changes when it is asked to. */
const WATCHED = 'test://watched-resource';

const text = (words) => ({ type: 'text', text: words });
const said = (words) => ({ content: [text(words)] });
const object = (properties = {}, required = []) =>
  fromJsonSchema({ type: 'object', properties, required });

const JSON_SCHEMA_2020_12 = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: {
    address: {
      $anchor: 'addressDef',
      type: 'object',
      properties: { street: { type: 'string' }, city: { type: 'string' } }
    }
  },
  properties: {
    name: { type: 'string' },
    address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] },
    phone: { type: 'string' },
    email: { type: 'string' }
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] },
  else: { required: ['email'] },
  additionalProperties: false
};

/**
 * Makes one.
 *
 * @param notify tells whoever listens that a list changed, where the server itself lives for one
 *     request only and cannot
 */
export function referenceServer(notify) {
  const server = new McpServer(
    { name: 'sluice-reference-server', version: '1.0.0' },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        logging: {},
        completions: {}
      },
      requestState: { verify: states.verify }
    }
  );
  content(server);
  work(server);
  questions(server);
  rounds(server);
  changes(server, notify);
  resources(server, notify);
  cancellation(server);
  prompts(server);
  server.server.setRequestHandler('completion/complete', ({ params }) => {
    const values = ['paris', 'park', 'party'].filter((word) => word.startsWith(params.argument.value));
    return { completion: { values, total: values.length, hasMore: false } };
  });
  return server;
}

/** A tool without arguments. */
function tool(server, name, description, run) {
  return server.registerTool(name, { description, inputSchema: object() }, (_, context) => run(context));
}

function content(server) {
  tool(server, 'test_simple_text', 'Answers with a text', () =>
    said('This is a simple text response for testing.')
  );
  tool(server, 'test_image_content', 'Answers with an image', () => ({
    content: [{ type: 'image', data: PNG, mimeType: 'image/png' }]
  }));
  tool(server, 'test_audio_content', 'Answers with a sound', () => ({
    content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }]
  }));
  tool(server, 'test_embedded_resource', 'Answers with a resource', () => ({
    content: [
      {
        type: 'resource',
        resource: {
          uri: 'test://embedded-resource',
          mimeType: 'text/plain',
          text: 'This is an embedded resource content.'
        }
      }
    ]
  }));
  tool(server, 'test_multiple_content_types', 'Answers with contents of three kinds', () => ({
    content: [
      text('Multiple content types test:'),
      { type: 'image', data: PNG, mimeType: 'image/png' },
      {
        type: 'resource',
        resource: {
          uri: 'test://mixed-content-resource',
          mimeType: 'application/json',
          text: JSON.stringify({ test: 'data', value: 123 })
        }
      }
    ]
  }));
  tool(server, 'test_error_handling', 'Fails', () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  server.registerTool(
    'json_schema_2020_12_tool',
    { description: 'Tool with JSON Schema 2020-12 features', inputSchema: fromJsonSchema(JSON_SCHEMA_2020_12) },
    (given) => said(JSON.stringify(given))
  );
  server.registerTool(
    'test_x_mcp_header',
    {
      description: 'Takes arguments that HTTP repeats in headers',
      inputSchema: object({
        region: { type: 'string', 'x-mcp-header': 'Region' },
        priority: { type: 'integer', 'x-mcp-header': 'Priority' }
      })
    },
    (given) => said(JSON.stringify(given))
  );
}

/** Reports three times, if the client wants to know. */
async function progress(mcpReq) {
  const progressToken = mcpReq._meta?.progressToken;
  for (const progress of [0, 50, 100]) {
    if (progress > 0) {
      await delay(50);
    }
    if (progressToken !== undefined) {
      await mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress, total: 100 }
      });
    }
  }
}

function work(server) {
  tool(server, 'test_tool_with_logging', 'Logs three times', async ({ mcpReq }) => {
    await mcpReq.log('info', 'Tool execution started');
    await delay(50);
    await mcpReq.log('info', 'Tool processing data');
    await delay(50);
    await mcpReq.log('info', 'Tool execution completed');
    return said('Tool with logging executed successfully');
  });
  tool(server, 'test_logging_tool', 'Logs once', async ({ mcpReq }) => {
    await mcpReq.log('info', 'A line that is sent to those who asked for it');
    return said('logged');
  });
  tool(server, 'test_tool_with_progress', 'Reports its progress', async ({ mcpReq }) => {
    await progress(mcpReq);
    return said('Tool with progress executed successfully');
  });
  tool(server, 'test_reconnection', 'Closes its stream before it answers', async ({ http }) => {
    http?.closeSSE?.();
    await delay(RECONNECTION_MILLIS);
    return said('Answered after the stream was closed');
  });
}

/** The server asks its client while it works: 2025 only. */
function questions(server) {
  server.registerTool(
    'test_sampling',
    {
      description: "Asks the client's model",
      inputSchema: object({ prompt: { type: 'string' } }, ['prompt'])
    },
    async ({ prompt }, { mcpReq }) => {
      const answer = await mcpReq.requestSampling(
        { messages: [{ role: 'user', content: text(prompt) }], maxTokens: 100 },
        { relatedRequestId: mcpReq.id }
      );
      return said(`LLM response: ${answer.content.text}`);
    }
  );
  server.registerTool(
    'test_elicitation',
    {
      description: 'Asks the user',
      inputSchema: object({ message: { type: 'string' } }, ['message'])
    },
    async ({ message }, { mcpReq }) => {
      const requestedSchema = {
        type: 'object',
        properties: {
          username: { type: 'string', description: "User's response" },
          email: { type: 'string', description: "User's email address" }
        },
        required: ['username', 'email']
      };
      const answer = await mcpReq.elicitInput({ message, requestedSchema }, { relatedRequestId: mcpReq.id });
      return said(`User response: action: ${answer.action}, content: ${JSON.stringify(answer.content)}`);
    }
  );
  // these two on the stream of GET, as servers do that do not say what their question belongs to
  const asks = (name, description, message, properties) =>
    tool(server, name, description, async ({ mcpReq }) => {
      const answer = await mcpReq.elicitInput({
        message,
        requestedSchema: { type: 'object', properties, required: [] }
      });
      return said(`Elicitation completed: action=${answer.action}, content=${JSON.stringify(answer.content)}`);
    });
  asks('test_elicitation_sep1034_defaults', 'Asks with defaults', 'Look over these values', {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true }
  });
  asks('test_elicitation_sep1330_enums', 'Asks with every kind of enumeration', 'Choose', {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: {
      type: 'string',
      oneOf: [
        { const: 'value1', title: 'First Option' },
        { const: 'value2', title: 'Second Option' },
        { const: 'value3', title: 'Third Option' }
      ]
    },
    legacyEnum: {
      type: 'string',
      enum: ['opt1', 'opt2', 'opt3'],
      enumNames: ['Option One', 'Option Two', 'Option Three']
    },
    untitledMulti: {
      type: 'array',
      items: { type: 'string', enum: ['option1', 'option2', 'option3'] }
    },
    titledMulti: {
      type: 'array',
      items: {
        anyOf: [
          { const: 'value1', title: 'First Choice' },
          { const: 'value2', title: 'Second Choice' },
          { const: 'value3', title: 'Third Choice' }
        ]
      }
    }
  });
}

const ask = (message, property, type = 'string') =>
  inputRequired.elicit({
    message,
    requestedSchema: { type: 'object', properties: { [property]: { type } }, required: [property] }
  });
const sample = (words, maxTokens) =>
  inputRequired.createMessage({ messages: [{ role: 'user', content: text(words) }], maxTokens });
const sampled = (responses, key) => {
  const answer = inputResponse(responses, key);
  return answer.kind === 'sampling' ? answer.result.content.text : undefined;
};
const roots = (responses, key) => {
  const answer = inputResponse(responses, key);
  return answer.kind === 'roots' ? answer.roots.map((root) => root.uri).join(', ') : undefined;
};

/** The server says what it needs and is asked again: 2026-07-28. */
function rounds(server) {
  const name = (responses, key = 'user_name') => {
    const given = acceptedContent(responses, key)?.name;
    return typeof given === 'string' ? given : undefined;
  };
  for (const each of ['test_input_required_result_elicitation', 'test_streaming_elicitation']) {
    tool(server, each, 'Needs a name', ({ mcpReq }) => {
      const given = name(mcpReq.inputResponses);
      return given === undefined
        ? inputRequired({ inputRequests: { user_name: ask('What is your name?', 'name') } })
        : said(`Hello, ${given}!`);
    });
  }
  tool(server, 'test_input_required_result_sampling', "Needs the client's model", ({ mcpReq }) => {
    const given = sampled(mcpReq.inputResponses, 'capital_question');
    return given === undefined
      ? inputRequired({ inputRequests: { capital_question: sample('What is the capital of France?', 100) } })
      : said(given);
  });
  tool(server, 'test_missing_capability', "Needs the client's model", ({ mcpReq }) => {
    const given = sampled(mcpReq.inputResponses, 'words');
    return given === undefined ? inputRequired({ inputRequests: { words: sample('Say a word', 10) } }) : said(given);
  });
  tool(server, 'test_input_required_result_list_roots', "Needs the client's roots", ({ mcpReq }) => {
    const given = roots(mcpReq.inputResponses, 'client_roots');
    return given === undefined
      ? inputRequired({ inputRequests: { client_roots: inputRequired.listRoots() } })
      : said(`Roots: ${given}`);
  });
  const confirmed = (words) => async (context) => {
    const { mcpReq } = context;
    const state = mcpReq.requestState();
    return state?.round === 1 && acceptedContent(mcpReq.inputResponses, 'confirm')
      ? said(words)
      : inputRequired({
          inputRequests: { confirm: ask('Please confirm', 'ok', 'boolean') },
          requestState: await states.mint({ round: 1 }, context)
        });
  };
  tool(server, 'test_input_required_result_request_state', 'Keeps its state with the client', confirmed('state-ok'));
  tool(server, 'test_input_required_result_tampered_state', 'Refuses a state it did not make', confirmed('state-ok'));
  tool(server, 'test_input_required_result_multiple_inputs', 'Needs three things', async (context) => {
    const { inputResponses } = context.mcpReq;
    const given = [
      name(inputResponses),
      sampled(inputResponses, 'greeting'),
      roots(inputResponses, 'client_roots')
    ];
    return context.mcpReq.requestState() !== undefined && given.every((part) => part !== undefined)
      ? said(given.join('; '))
      : inputRequired({
          inputRequests: {
            user_name: ask('What is your name?', 'name'),
            greeting: sample('Generate a greeting', 50),
            client_roots: inputRequired.listRoots()
          },
          requestState: await states.mint({ round: 1 }, context)
        });
  });
  tool(server, 'test_input_required_result_multi_round', 'Needs two things, one by one', async (context) => {
    const { inputResponses } = context.mcpReq;
    const state = context.mcpReq.requestState() ?? { round: 0 };
    const color = acceptedContent(inputResponses, 'step2')?.color;
    if (state.round === 2 && color !== undefined) {
      return said(`${state.name} likes ${color}`);
    }
    const given = state.round === 2 ? state.name : name(inputResponses, 'step1');
    return state.round > 0 && given !== undefined
      ? inputRequired({
          inputRequests: { step2: ask('Step 2: What is your favorite color?', 'color') },
          requestState: await states.mint({ round: 2, name: given }, context)
        })
      : inputRequired({
          inputRequests: { step1: ask('Step 1: What is your name?', 'name') },
          requestState: await states.mint({ round: 1 }, context)
        });
  });
  tool(server, 'test_input_required_result_capabilities', 'Needs what the client can do', ({ mcpReq }) => {
    const can = mcpReq.envelope?.[CLIENT_CAPABILITIES_META_KEY] ?? server.server.getClientCapabilities() ?? {};
    const inputRequests = {
      ...(can.sampling && { words: sample('Say a word', 10) }),
      ...(can.elicitation && { user_name: ask('What is your name?', 'name') }),
      ...(can.roots && { client_roots: inputRequired.listRoots() })
    };
    return Object.keys(inputRequests).length === 0 || mcpReq.inputResponses !== undefined
      ? said('complete')
      : inputRequired({ inputRequests });
  });
}

/** Lists that change. */
function changes(server, notify) {
  const comes = tool(server, 'test_tool_that_comes', 'Comes and goes', () => said('here'));
  const offered = server.registerPrompt('test_prompt_that_comes', { description: 'Comes and goes' }, () => ({
    messages: [{ role: 'user', content: text('here') }]
  }));
  const follow = (entry, isShown) => (isShown ? entry.enable() : entry.disable());
  follow(comes, shown.tool);
  follow(offered, shown.prompt);
  tool(server, 'test_trigger_tool_change', 'Changes the list of tools', () => {
    shown.tool = !shown.tool;
    follow(comes, shown.tool);
    notify?.toolsChanged();
    return said('changed');
  });
  tool(server, 'test_trigger_prompt_change', 'Changes the list of prompts', () => {
    shown.prompt = !shown.prompt;
    follow(offered, shown.prompt);
    notify?.promptsChanged();
    return said('changed');
  });
}

/** What clients give up; the suite has no check of that. */
function cancellation(server) {
  const named = object({ name: { type: 'string' } }, ['name']);
  server.registerTool(
    'test_cancellation',
    { description: 'Reports its progress and waits until it is cancelled', inputSchema: named },
    async ({ name }, { mcpReq }) => {
      await progress(mcpReq);
      waiting.set(name, 'running');
      await new Promise((cancelled) => mcpReq.signal.addEventListener('abort', cancelled));
      waiting.set(name, 'cancelled');
      return said('cancelled');
    }
  );
  server.registerTool(
    'test_cancellation_state',
    { description: 'Whether that call runs or was cancelled', inputSchema: named },
    ({ name }) => said(waiting.get(name) ?? 'unknown')
  );
}

function resources(server, notify) {
  const fixed = (name, uri, mimeType, contents) =>
    server.registerResource(name, uri, { description: `The resource ${uri}`, mimeType }, () => ({
      contents: [{ uri, mimeType, ...contents }]
    }));
  fixed('static-text', 'test://static-text', 'text/plain', {
    text: 'This is the content of the static text resource.'
  });
  fixed('static-binary', 'test://static-binary', 'image/png', { blob: PNG });
  fixed('watched-resource', WATCHED, 'text/plain', { text: 'Watched' });
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { description: 'One resource for every id', mimeType: 'application/json' },
    (uri, { id }) => ({
      contents: [
        {
          uri: uri.href,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` })
        }
      ]
    })
  );
  const subscribed = new Set();
  server.server.setRequestHandler('resources/subscribe', ({ params }) => {
    subscribed.add(params.uri);
    return {};
  });
  server.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    subscribed.delete(params.uri);
    return {};
  });
  tool(server, 'test_trigger_resource_update', 'Changes the watched resource', async ({ mcpReq }) => {
    notify?.resourceUpdated(WATCHED);
    if (subscribed.has(WATCHED) || mcpReq.envelope) {
      await server.server.sendResourceUpdated({ uri: WATCHED });
    }
    return said('changed');
  });
}

function prompts(server) {
  const user = (...contents) => ({ messages: contents.map((each) => ({ role: 'user', content: each })) });
  const argument = (description) => ({ type: 'string', description });
  server.registerPrompt('test_simple_prompt', { description: 'A prompt without arguments' }, () =>
    user(text('This is a simple prompt for testing.'))
  );
  server.registerPrompt(
    'test_prompt_with_arguments',
    {
      description: 'A prompt with two arguments',
      argsSchema: object({ arg1: argument('The first'), arg2: argument('The second') }, ['arg1', 'arg2'])
    },
    ({ arg1, arg2 }) => user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))
  );
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    {
      description: 'A prompt with a resource',
      argsSchema: object({ resourceUri: argument('Which') }, ['resourceUri'])
    },
    ({ resourceUri }) =>
      user(
        {
          type: 'resource',
          resource: {
            uri: resourceUri,
            mimeType: 'text/plain',
            text: 'Embedded resource content for testing.'
          }
        },
        text('Please process the embedded resource above.')
      )
  );
  server.registerPrompt('test_prompt_with_image', { description: 'A prompt with an image' }, () =>
    user({ type: 'image', data: PNG, mimeType: 'image/png' }, text('Please analyze the image above.'))
  );
  server.registerPrompt('test_input_required_result_prompt', { description: 'Needs a context' }, ({ mcpReq }) => {
    const given = acceptedContent(mcpReq.inputResponses, 'user_context')?.context;
    return given === undefined
      ? inputRequired({ inputRequests: { user_context: ask('What context should the prompt use?', 'context') } })
      : user(text(`With this context: ${given}`));
  });
}
