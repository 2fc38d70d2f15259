/**
 * Structured logs by allow-list: a field that is not named here is never written, whoever logs it.
 * No bodies, no queries, no addresses, no headers, and no foreign error texts, which may quote any of them.
 */
import type { FastifyServerOptions } from 'fastify';

export type LogLevel = 'silent' | 'error' | 'warn' | 'info' | 'debug';

/** Where lines go; stdout when absent. */
export interface LogStream {
  write(line: string): void;
}

const allowed = new Set([
  'reqId',
  'method',
  'route',
  'status',
  'milliseconds',
  'code',
  'reason',
  'event',
  'component',
  'check',
  'count',
  'sequence',
  'error',
]);

/** Name, code and stack frames of an error and its causes, without their messages. */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { name: typeof error };
  const code = (error as { code?: unknown }).code;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    name: error.name,
    ...(typeof code === 'string' && code.length <= 60 ? { code } : {}),
    frames: frames.slice(0, 8).map((line) => line.trim()),
    ...(error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}

function pickAllowed(fields: Record<string, unknown>): Record<string, unknown> {
  const picked = Object.entries(fields).filter(([name]) => allowed.has(name));
  const error = fields['err'] ?? fields['error'];
  const described = error instanceof Error ? [['error', describeError(error)] as [string, unknown]] : [];
  return Object.fromEntries([...picked, ...described]);
}

/** pino takes the message of an error as the line's text unless one is given; here one always is. */
function withoutForeignText(args: unknown[]): unknown[] {
  const [first, ...rest] = args;
  if (first instanceof Error) return [{ err: first }, 'error'];
  if (typeof first === 'object' && first !== null && typeof rest[0] !== 'string') return [first, 'event'];
  if ((first as { err?: unknown } | null)?.err instanceof Error) return [first, 'error'];
  return args;
}

/** Fastify's logger options. */
export function loggerOptions(options: {
  level: LogLevel;
  stream?: LogStream;
  now: () => Date;
}): NonNullable<FastifyServerOptions['logger']> {
  if (options.level === 'silent') return false;
  return {
    level: options.level,
    ...(options.stream ? { stream: options.stream } : {}),
    base: null,
    timestamp: () => `,"time":"${options.now().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }), log: pickAllowed },
    hooks: {
      logMethod(args, method) {
        method.apply(this, withoutForeignText(args) as Parameters<typeof method>);
      },
    },
  };
}
