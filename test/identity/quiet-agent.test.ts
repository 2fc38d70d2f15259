import type { IAgentPlugin } from '@veramo/core-types';
import { QuietAgent } from '../../src/identity/quiet-agent.js';

/** A plugin whose result cannot be serialised, and which says what it was called with. */
const plugin: IAgentPlugin = {
  methods: {
    recite: async (args: object, context: object) => ({
      args,
      context,
      toJSON: () => {
        throw new Error('somebody serialised the result');
      },
    }),
    count: async ({ to }: { to: number }) => to,
  } as never,
  schema: {
    components: {
      schemas: {},
      methods: {
        count: {
          description: 'Counts',
          arguments: { type: 'object', properties: { to: { type: 'number' } }, required: ['to'] },
          returnType: { type: 'number' },
        },
      },
    },
  },
};

type Reciter = QuietAgent & { recite(args?: object): Promise<{ args: object; context: Record<string, unknown> }> };

describe('the quiet agent', () => {
  test('hands a call to its plugin with the agent and its context, and serialises nothing of it', async () => {
    const agent = new QuietAgent({ plugins: [plugin], context: { tenant: 'rxa' } }) as Reciter;
    const { args, context } = await agent.recite({ verse: 1 });
    expect(args).toEqual({ verse: 1 });
    expect(context.tenant).toBe('rxa');
    expect(context.agent).toBe(agent);
    expect((await agent.recite()).args).toEqual({});
  });

  test.each(['missing', 'constructor', 'toString'])('knows no method called %s', async (method) => {
    await expect(new QuietAgent({ plugins: [plugin] }).execute(method, {})).rejects.toThrow('Method not available');
  });

  test('leaves an agent that validates to the stock dispatch', async () => {
    const lax = new QuietAgent({ plugins: [plugin] });
    const strict = new QuietAgent({ plugins: [plugin], schemaValidation: true });
    expect(await lax.execute('count', { to: 'three' })).toBe('three');
    expect(await strict.execute('count', { to: 3 })).toBe(3);
    await expect(strict.execute('count', { to: 'three' })).rejects.toThrow();
  });
});
