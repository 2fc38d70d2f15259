import { ServiceError } from '../../src/errors.js';
import { createObjects, loadAgent } from '../../src/identity/agent-config.js';

class Box {
  readonly content: unknown;
  constructor(content: unknown) {
    this.content = content;
  }
}

const closed: string[] = [];
const modules = {
  boxes: async () => ({
    Box,
    makeBox: async (content: unknown) => new Box(content),
    settings: { deep: { list: ['a', 'b'] } },
    makeClosable: (name: string) => ({ close: async () => void closed.push(name) }),
    makeDestroyable: (name: string) => ({ destroy: () => void closed.push(name) }),
    fail: () => {
      throw new Error('password=hunter2');
    },
  }),
};

async function build(tree: Record<string, unknown>, environment: Record<string, string> = {}): Promise<unknown> {
  const objects = await createObjects(tree, '/agent', { baseFolder: '.', modules, environment });
  return objects.part('/agent');
}

async function faultOf(tree: Record<string, unknown>): Promise<string> {
  try {
    await build(tree);
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'configuration') return error.message;
    throw error;
  }
  throw new Error('no fault was found');
}

describe("Veramo's configuration language", () => {
  test('keeps null, false, 0 and "" as they are, directly and by reference', async () => {
    const values = { a: null, b: false, c: 0, d: '' };
    const agent = Object.fromEntries(Object.keys(values).map((name) => [name, { $ref: `/values/${name}` }]));
    expect(await build({ values, agent: { direct: values, agent } })).toEqual({ direct: values, agent: values });
  });

  test('builds classes, functions and objects, takes a part of one by pointer, and awaits promises', async () => {
    const agent = {
      one: { $require: 'boxes#Box', $args: [[1, 2]] },
      two: { $require: 'boxes?t=function#makeBox', $args: [{ $env: 'CONTENT' }] },
      three: { $require: 'boxes?t=object&p=/deep/list/1#settings' },
    };
    const built = (await build({ agent }, { CONTENT: 'from outside' })) as Record<string, { content: unknown }>;
    expect(built.one).toBeInstanceOf(Box);
    expect(built.one?.content).toEqual([1, 2]);
    expect(built.two?.content).toBe('from outside');
    expect(built.three).toBe('b');
  });

  test('makes an object once, however it is reached, and understands escaped pointers', async () => {
    const box = { $require: 'boxes#Box', $args: [1] };
    const built = await build({ 'a/b~c': box, agent: [{ $ref: '/a~1b~0c' }, { $ref: '/a~1b~0c' }] });
    const [first, second] = built as Box[];
    expect(first).toBeInstanceOf(Box);
    expect(first).toBe(second);
  });

  test('loads installed packages, as the Veramo command line does', async () => {
    expect(await build({ agent: { $require: 'yaml?t=function#parse', $args: ['a: 1'] } })).toEqual({ a: 1 });
  });

  test.each<[string, Record<string, unknown>, RegExp]>([
    ['a reference to nothing', { agent: { x: { $ref: '/missing' } } }, /\/agent\/x: there is nothing at \/missing/],
    ['an unset variable', { agent: [{ $env: 'UNSET' }] }, /\/agent\/0: the environment variable UNSET is not set/],
    ['a circle', { a: { $ref: '/b' }, b: { x: { $ref: '/a' } }, agent: { $ref: '/a' } }, /refers in a circle to \/a/],
    ['a reference to a parent', { agent: { x: { $ref: '/agent' } } }, /circle/],
    ['an unknown $-word', { agent: { $requires: 'boxes#Box' } }, /\$requires is not a form/],
    ['members beside a form', { agent: { $ref: '/a', more: 1 }, a: 1 }, /\$ref, more is not a form/],
    ['arguments without a list', { agent: { $require: 'boxes#Box', $args: 1 } }, /\$args must be a list/],
    ['an unknown kind', { agent: { $require: 'boxes?t=klass#Box' } }, /knows t=class/],
    ['a missing export', { agent: { $require: 'boxes#Missing' } }, /boxes exports no Missing/],
    ['a missing package', { agent: { $require: '@veramo/missing#X' } }, /@veramo\/missing cannot be loaded/],
    ['code in the file', { agent: { $require: 'data:text/javascript,export-default-1' } }, /not the name of a package/],
    ['a file by URL', { agent: { $require: 'file:///etc/passwd' } }, /not the name of a package/],
    ['an absolute path', { agent: { $require: '/etc/passwd' } }, /not the name of a package/],
    ['a relative reference', { agent: { $ref: 'a' }, a: 1 }, /must be a JSON Pointer/],
    ['an object that is no class', { agent: { $require: 'boxes#settings' } }, /settings is not a class/],
    ['an inherited name', { agent: { $ref: '/constructor' } }, /there is nothing at/],
  ])('reports %s with its path', async (_name, tree, expected) => {
    expect(await faultOf(tree)).toMatch(expected);
  });

  test('does not repeat what a failing plugin said, for it may quote a secret', async () => {
    const text = await faultOf({ agent: { $require: 'boxes?t=function#fail' } });
    expect(text).toMatch(/\/agent: fail refused its arguments/);
    expect(text).not.toMatch(/hunter2/);
  });

  test('closes what it made in reverse order, also when a later object fails', async () => {
    closed.length = 0;
    const closable = (kind: string, name: string) => ({ $require: `boxes?t=function#${kind}`, $args: [name] });
    const agent = [closable('makeClosable', 'first'), closable('makeDestroyable', 'second')];
    const objects = await createObjects({ agent }, '/agent', { baseFolder: '.', modules });
    await objects.close();
    expect(closed).toEqual(['second', 'first']);
    await faultOf({ agent: [...agent, { $env: 'UNSET' }] });
    expect(closed).toEqual(['second', 'first', 'second', 'first']);
  });
});

describe('loading an agent', () => {
  const options = { baseFolder: '.', modules };

  test('refuses another version of the language and an agent that lacks methods', async () => {
    await expect(loadAgent({ version: 2, agent: {} }, options)).rejects.toThrow(/\/version: must be 3/);
    const agent = { $require: '@veramo/core#Agent', $args: [{ plugins: [] }] };
    await expect(loadAgent({ version: 3, agent }, options)).rejects.toThrow(/lacks didManagerGet.*verifyPresentation/);
  });

  test.each(['*', 'veramo*', 'v*', 'express,veramo:*', 'other veramo:key-manager', 'veramo:agent:keyManagerSign'])(
    'refuses DEBUG=%s outside development, since it prints private keys',
    async (DEBUG) => {
      const tree = { version: 3, service: { development: { loopback: false } } };
      await expect(loadAgent(tree, { ...options, environment: { DEBUG } })).rejects.toThrow(/DEBUG must not include/);
      const development = { version: 3, service: { development: { loopback: true } } };
      await expect(loadAgent(development, { ...options, environment: { DEBUG } })).rejects.toThrow(
        /nothing at \/agent/,
      );
    },
  );

  test.each(['', 'express', '-veramo*', 'fastify:*'])('does not mind DEBUG=%s', async (DEBUG) => {
    await expect(loadAgent({ version: 3 }, { ...options, environment: { DEBUG } })).rejects.toThrow(
      /nothing at \/agent/,
    );
  });
});
