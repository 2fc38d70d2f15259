/**
 * Veramo 7's configuration language, so that agent.yml is a file that Veramo's own command line reads as well:
 * `$ref` (JSON Pointer), `$env`, and `$require: "module?t=class|function|object&p=/pointer#member"` with `$args`.
 * Unlike there, null stays null, a reference may lead to 0, false or "", and whatever is wrong is said with its path.
 */
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ServiceError } from '../errors.js';
import type { LoadedAgent, PassportAgent } from './agent.js';

/** What loading needs beside the tree. */
export interface LoadAgentOptions {
  /** Modules named `./x` are looked up from here: the folder of the agent file. */
  readonly baseFolder: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Modules that are loaded already, by the name that the file uses. */
  readonly modules?: Readonly<Record<string, () => Promise<object>>>;
}

type Tree = Readonly<Record<string, unknown>>;

/** Methods without which no route would work; whichever plugins provide them. */
const requiredMethods = [
  'didManagerGet',
  'didManagerCreate',
  'didManagerAddKey',
  'keyManagerCreate',
  'keyManagerSign',
  'resolveDid',
  'createVerifiableCredential',
  'createVerifiablePresentation',
  'verifyCredential',
  'verifyPresentation',
] as const;

/** Builds the agent at `/agent` and everything that it refers to. Throws ServiceError `configuration`. */
export async function loadAgent(tree: Tree, options: LoadAgentOptions): Promise<LoadedAgent> {
  refuseDebugOutput(tree, options.environment?.DEBUG);
  if (tree.version !== 3) throw fault('/version', 'must be 3, the version of this configuration language');
  const objects = await createObjects(tree, '/agent', options);
  const agent = objects.part('/agent') as PassportAgent;
  const available = typeof agent?.availableMethods === 'function' ? agent.availableMethods() : [];
  const missing = requiredMethods.filter((method) => !available.includes(method));
  if (missing.length > 0) {
    await objects.close();
    throw fault('/agent', `is not a complete Veramo agent: it lacks ${missing.join(', ')}`);
  }
  return { agent, ...objects };
}

/** Configured objects, by pointer. */
export interface ConfiguredObjects {
  part(pointer: string): unknown;
  close(): Promise<void>;
}

/** Builds the object at `pointer` and what it refers to; each object once, however often it is referred to. */
export async function createObjects(
  tree: Tree,
  pointer: string,
  options: LoadAgentOptions,
): Promise<ConfiguredObjects> {
  const builder: Builder = { tree, options, made: new Map(), created: [] };
  const close = () => closeAll(builder.created);
  try {
    await build(builder, pointer, []);
  } catch (error) {
    await close();
    throw error;
  }
  return { part: (name) => builder.made.get(name), close };
}

interface Builder {
  readonly tree: Tree;
  readonly options: LoadAgentOptions;
  readonly made: Map<string, unknown>;
  readonly created: unknown[];
}

type Node = Readonly<Record<string, unknown>>;

async function build(builder: Builder, pointer: string, within: readonly string[]): Promise<unknown> {
  if (builder.made.has(pointer)) return builder.made.get(pointer);
  if (within.includes(pointer)) throw fault(within.at(-1) ?? pointer, `refers in a circle to ${pointer}`);
  const value = await buildNode(builder, pointer, [...within, pointer]);
  builder.made.set(pointer, value);
  return value;
}

async function buildNode(builder: Builder, pointer: string, within: readonly string[]): Promise<unknown> {
  const node = lookUp(builder.tree, pointer, within.at(-2) ?? pointer);
  if (Array.isArray(node)) return buildMembers(builder, pointer, Object.keys(node), within);
  if (!isNode(node)) return node;
  const words = Object.keys(node).filter((name) => name.startsWith('$'));
  if (words.length === 0) {
    const names = Object.keys(node);
    const members = await buildMembers(builder, pointer, names, within);
    return Object.fromEntries(names.map((name, index) => [name, members[index]]));
  }
  const form = forms.find(
    ({ allowed, required }) => required in node && Object.keys(node).every((n) => allowed.has(n)),
  );
  if (!form) throw fault(pointer, `${Object.keys(node).join(', ')} is not a form of the language`);
  return form.build(builder, pointer, node, within);
}

async function buildMembers(
  builder: Builder,
  pointer: string,
  names: readonly string[],
  within: readonly string[],
): Promise<unknown[]> {
  const members: unknown[] = [];
  for (const name of names) members.push(await build(builder, `${pointer}/${escapePointer(name)}`, within));
  return members;
}

interface Form {
  readonly required: string;
  readonly allowed: ReadonlySet<string>;
  build(builder: Builder, pointer: string, node: Node, within: readonly string[]): Promise<unknown>;
}

const forms: readonly Form[] = [
  { required: '$ref', allowed: new Set(['$ref']), build: buildReference },
  { required: '$env', allowed: new Set(['$env']), build: buildEnvironment },
  { required: '$require', allowed: new Set(['$require', '$args']), build: buildRequired },
];

async function buildReference(builder: Builder, pointer: string, node: Node, within: readonly string[]) {
  const target = node.$ref;
  if (typeof target !== 'string' || !target.startsWith('/')) throw fault(pointer, '$ref must be a JSON Pointer');
  return build(builder, target, within);
}

async function buildEnvironment({ options }: Builder, pointer: string, node: Node): Promise<string> {
  const value = typeof node.$env === 'string' ? (options.environment ?? process.env)[node.$env] : undefined;
  if (value === undefined) throw fault(pointer, `the environment variable ${String(node.$env)} is not set`);
  return value;
}

async function buildRequired(builder: Builder, pointer: string, node: Node, within: readonly string[]) {
  const request = parseRequire(node.$require, pointer);
  const args = '$args' in node ? await build(builder, `${pointer}/$args`, within) : [];
  if (!Array.isArray(args)) throw fault(pointer, '$args must be a list');
  const exported = await importMember(builder.options, request, pointer);
  const object = await instantiate(exported, request, args, pointer);
  builder.created.push(object);
  return request.pointer === undefined ? object : lookUp(object, request.pointer, pointer);
}

interface RequireRequest {
  readonly module: string;
  readonly member: string | undefined;
  readonly type: 'class' | 'function' | 'object';
  readonly pointer: string | undefined;
}

const requireTypes = ['class', 'function', 'object'] as const;

function parseRequire(text: unknown, pointer: string): RequireRequest {
  const parts = typeof text === 'string' ? /^([^?#\s]+)(?:\?([^#]*))?(?:#(\w+))?$/.exec(text) : null;
  if (!parts?.[1]) throw fault(pointer, '$require must read module?t=class|function|object&p=/pointer#member');
  const query = new URLSearchParams(parts[2] ?? '');
  const unknown = [...query.keys()].find((name) => name !== 't' && name !== 'p');
  const type = requireTypes.find((one) => one === (query.get('t') ?? 'class'));
  if (unknown !== undefined || !type)
    throw fault(pointer, '$require knows t=class|function|object and p=/pointer only');
  return { module: parts[1], member: parts[3], type, pointer: query.get('p') ?? undefined };
}

async function importMember(options: LoadAgentOptions, request: RequireRequest, pointer: string): Promise<unknown> {
  const module = (await importModule(options, request.module, pointer)) as Readonly<Record<string, unknown>>;
  const exported = request.member === undefined ? module : module[request.member];
  if (exported === undefined) throw fault(pointer, `${request.module} exports no ${request.member}`);
  return exported;
}

/** The name of an npm package with a path in it, or a path from the agent file: no URLs, so no code in the file itself. */
const moduleName = /^(?:\.{1,2}\/[\w./@-]+|(?:@[\w-]+\/)?[\w][\w.-]*(?:\/[\w./-]+)?)$/;

async function importModule(options: LoadAgentOptions, name: string, pointer: string): Promise<object> {
  if (!moduleName.test(name))
    throw fault(pointer, `${name} is not the name of a package or a path that begins with ./`);
  try {
    const loaded = options.modules && Object.hasOwn(options.modules, name) ? options.modules[name] : undefined;
    if (loaded) return await loaded();
    if (name.startsWith('.')) return await import(pathToFileURL(resolve(options.baseFolder, name)).href);
    return await importPackage(options, name);
  } catch (cause) {
    if (cause instanceof ServiceError) throw cause;
    throw fault(pointer, `${name} cannot be loaded`, cause);
  }
}

/** Ours first, for there must be one copy of Veramo; then what is installed beside the agent file. */
async function importPackage(options: LoadAgentOptions, name: string): Promise<object> {
  try {
    return await import(name);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const file = createRequire(join(resolve(options.baseFolder), 'agent.yml')).resolve(name);
    return await import(pathToFileURL(file).href);
  }
}

async function instantiate(exported: unknown, request: RequireRequest, args: unknown[], pointer: string) {
  if (request.type === 'object') return exported;
  if (typeof exported !== 'function')
    throw fault(pointer, `${request.member ?? request.module} is not a ${request.type}`);
  try {
    if (request.type === 'function') return await exported(...args);
    return Reflect.construct(exported, args) as unknown;
  } catch (cause) {
    // Ours say what is wrong in the operator's terms; others may quote what they were given, secrets included.
    if (cause instanceof ServiceError) throw cause;
    throw fault(pointer, `${request.member ?? request.module} refused its arguments`, cause);
  }
}

function lookUp(root: unknown, pointer: string, from: string): unknown {
  let value = root;
  for (const name of pointer.split('/').slice(1).map(unescapePointer)) {
    if (value instanceof Map && value.has(name)) {
      value = value.get(name);
      continue;
    }
    const inside = typeof value === 'object' && value !== null && Object.hasOwn(value, name);
    if (!inside) throw fault(from, `there is nothing at ${pointer}`);
    value = (value as Node)[name];
  }
  return value;
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

function unescapePointer(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~');
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

/** One that fails to close must not keep the others open. */
async function closeAll(created: unknown[]): Promise<void> {
  const failures: unknown[] = [];
  for (const object of new Set(created.splice(0).reverse())) {
    const { close, destroy } = (object ?? {}) as { close?: unknown; destroy?: unknown };
    const end = close ?? destroy;
    if (typeof end !== 'function') continue;
    try {
      await end.call(object);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, 'Not everything of the agent could be closed');
}

/** Veramo's debug output quotes private keys that are imported, and every credential. */
function refuseDebugOutput(tree: Tree, debug: string | undefined): void {
  const service = tree.service as { development?: { loopback?: unknown } } | undefined;
  if (service?.development?.loopback === true || !debug) return;
  const shown = debug.split(/[\s,]+/).some((pattern) => {
    const regular = pattern
      .split('*')
      .map((part) => part.replaceAll(/[^\w:-]/g, '.'))
      .join('.*');
    return (
      pattern !== '' &&
      !pattern.startsWith('-') &&
      veramoDebugNames.some((name) => new RegExp(`^${regular}$`).test(name))
    );
  });
  if (shown) throw new ServiceError('configuration', 'DEBUG must not include veramo: it prints keys and credentials');
}

const veramoDebugNames = [
  'veramo:agent:keyManagerSign',
  'veramo:agent:createVerifiableCredential',
  'veramo:key-manager',
  'veramo:resolver',
  'veramo:w3c:action-handler',
  'veramo:typeorm:key-store',
  'veramo:credential-jwt:agent',
];

function fault(path: string, detail: string, cause?: unknown): ServiceError {
  return new ServiceError('configuration', `Agent configuration ${path}: ${detail}`, {
    faults: [{ path, detail }],
    ...(cause === undefined ? {} : { cause }),
  });
}
