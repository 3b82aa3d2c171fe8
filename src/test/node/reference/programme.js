// What every client does with the reference server, whichever SDK and transport it is made of: all
// that a session can carry, and all of it must come out as if nothing stood in between. A step that
// fails, an error that the SDK reports, or a minute without an end is the end with status 1.
import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

const CONCURRENT = 20;
const PATIENCE_MILLIS = 20_000;
const WATCHED = 'test://watched-resource';

/** Until it holds. */
async function until(what, holds) {
  const end = Date.now() + PATIENCE_MILLIS;
  while (!(await holds())) {
    assert(Date.now() < end, `${what} did not come about`);
    await delay(20);
  }
}

/**
 * Runs it.
 *
 * @param client of the SDK, already told to answer `sampling/createMessage` and
 *     `elicitation/create` with `answers`; it reports its errors to `errors`
 * @param sdk what the SDKs do differently: `connect`, `call(name, args, options)`, `on(method,
 *     handler)`, `close`, and with `isModern` whether the era is that without sessions
 */
export async function programme(client, sdk) {
  const { isModern } = sdk;
  const errors = [];
  client.onerror = (error) => errors.push(error);
  const told = { logs: [], updates: 0, changes: 0 };
  sdk.on('notifications/message', ({ params }) => told.logs.push(params.data));
  sdk.on('notifications/resources/updated', ({ params }) => {
    assert.equal(params.uri, WATCHED);
    told.updates++;
  });
  sdk.on('notifications/tools/list_changed', () => told.changes++);
  const text = async (name, args = {}, options) =>
    (await sdk.call({ name, arguments: args }, options)).content[0].text;
  const names = async () => (await client.listTools()).tools.map((tool) => tool.name);

  const steps = {
    async connect() {
      await sdk.connect();
      assert.equal(client.getServerVersion().name, 'sluice-reference-server');
      assert.equal(client.getServerCapabilities().resources.subscribe, true);
    },
    async 'list tools'() {
      assert((await names()).includes('test_simple_text'));
    },
    async 'call one after another'() {
      for (let i = 0; i < 5; i++) {
        assert.equal(await text('test_simple_text'), 'This is a simple text response for testing.');
      }
    },
    async 'call at once'() {
      const given = Array.from({ length: CONCURRENT }, (_, i) => ({ region: `r\u00e9gion ${i}`, priority: i }));
      const answers = await Promise.all(given.map((one) => text('test_x_mcp_header', one)));
      assert.deepEqual(answers.map((answer) => JSON.parse(answer)), given);
    },
    async 'an error of a tool'() {
      const answer = await sdk.call({ name: 'test_error_handling', arguments: {} });
      assert.equal(answer.isError, true);
    },
    // of a call that is not answered: v1 loses what it reads together with the answer
    async 'progress and cancellation'() {
      const name = `call ${process.pid}`;
      const state = () => text('test_cancellation_state', { name });
      const seen = [];
      const giving = new AbortController();
      const given = assert.rejects(
        text('test_cancellation', { name }, {
          signal: giving.signal,
          onprogress: ({ progress, total }) => seen.push([progress, total])
        })
      );
      await until('progress', () => seen.length === 3);
      assert.deepEqual(seen, [[0, 100], [50, 100], [100, 100]]);
      await until('the call', async () => (await state()) === 'running');
      giving.abort('enough');
      await given;
      await until('the cancellation', async () => (await state()) === 'cancelled');
    },
    async sampling() {
      const answer = await (isModern
        ? text('test_input_required_result_sampling')
        : text('test_sampling', { prompt: 'Say it' }));
      assert.equal(answer, isModern ? 'a sample' : 'LLM response: a sample');
    },
    async elicitation() {
      const answer = await (isModern
        ? text('test_input_required_result_elicitation')
        : text('test_elicitation', { message: 'Who?' }));
      assert.match(answer, isModern ? /^Hello, Ada!$/ : /action: accept.*"username":"Ada"/);
    },
    async logging() {
      if (!isModern) {
        await client.setLoggingLevel('info');
      }
      await sdk.call({
        name: 'test_tool_with_logging',
        arguments: {},
        ...(isModern && { _meta: { 'io.modelcontextprotocol/logLevel': 'info' } })
      });
      await until('what was logged', () => told.logs.length >= 3);
      assert.deepEqual(told.logs, ['Tool execution started', 'Tool processing data', 'Tool execution completed']);
    },
    async 'read, prompt and complete'() {
      const { contents } = await client.readResource({ uri: 'test://static-text' });
      assert.equal(contents[0].text, 'This is the content of the static text resource.');
      const { messages } = await client.getPrompt({
        name: 'test_prompt_with_arguments',
        arguments: { arg1: 'one', arg2: 'zw\u00f6lf' }
      });
      assert.equal(messages[0].content.text, "Prompt with arguments: arg1='one', arg2='zw\u00f6lf'");
      const { completion } = await client.complete({
        ref: { type: 'ref/prompt', name: 'test_prompt_with_arguments' },
        argument: { name: 'arg1', value: 'par' }
      });
      assert.deepEqual(completion.values, ['paris', 'park', 'party']);
    },
    async 'subscriptions and changed lists'() {
      const listening = isModern
        ? await client.listen({ toolsListChanged: true, resourceSubscriptions: [WATCHED] })
        : undefined;
      if (!isModern) {
        await client.subscribeResource({ uri: WATCHED });
      }
      await text('test_trigger_resource_update');
      await until('the update', () => told.updates === 1);
      const before = (await names()).includes('test_tool_that_comes');
      await text('test_trigger_tool_change');
      await until('the change', () => told.changes === 1);
      assert.equal((await names()).includes('test_tool_that_comes'), !before);
      await (isModern ? listening.close() : client.unsubscribeResource({ uri: WATCHED }));
      await text('test_trigger_resource_update');
      if (!isModern) {
        // what was sent before this has come before this
        await text('test_trigger_tool_change');
        await until('the second change', () => told.changes === 2);
      }
      assert.equal(told.updates, 1);
    },
    async ping() {
      if (!isModern) {
        assert.deepEqual(await client.ping(), {});
      }
    },
    async close() {
      assert.deepEqual(errors, []);
      await sdk.close(); // cutting its streams, the SDK reports that they were cut
    }
  };
  setTimeout(() => {
    console.error('not done after a minute');
    process.exit(1);
  }, 60_000).unref();
  for (const [name, run] of Object.entries(steps)) {
    try {
      await run();
    } catch (error) {
      console.error(`${name}:`, error, 'reported before that:', errors);
      process.exit(1);
    }
    console.log(name);
  }
}

/** What the client's model and user say when the server asks. */
export const answers = {
  'sampling/createMessage': () => ({
    model: 'none',
    role: 'assistant',
    content: { type: 'text', text: 'a sample' },
    stopReason: 'endTurn'
  }),
  'elicitation/create': ({ params }) => ({
    action: 'accept',
    content: Object.fromEntries(Object.keys(params.requestedSchema.properties).map((name) => [name, 'Ada']))
  })
};

export const CAPABILITIES = { sampling: {}, elicitation: { form: {} } };
