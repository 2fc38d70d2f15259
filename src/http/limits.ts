/**
 * How much one caller may ask: buckets per client, else per address, and shedding while the event loop lags.
 * The counters are in memory, so with several replicas each grants its own share.
 */
import rateLimit, { normalizeIP } from '@fastify/rate-limit';
import underPressure from '@fastify/under-pressure';
import type { FastifyInstance, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify';
import { ServiceError } from '../errors.js';

/** Buckets that routes choose by `config.limit`; `denied` counts failed authentication only. */
export type LimitName = 'none' | 'default' | 'verify' | 'token' | 'wallet' | 'denied';

/** So many requests in so many seconds. */
export interface Limit {
  readonly max: number;
  readonly perSeconds: number;
}

export type Limits = Readonly<Record<Exclude<LimitName, 'none'>, Limit>>;

/** Generous for a client that does its work (a trust issues 45,000 in a fortnight), tight for one that guesses tokens. */
export const defaultLimits: Limits = {
  default: { max: 60_000, perSeconds: 60 },
  verify: { max: 1200, perSeconds: 60 },
  token: { max: 60, perSeconds: 60 },
  // A hospital's wireless network is one address with thousands of phones behind it; codes are bounded by tries of their own.
  wallet: { max: 3000, perSeconds: 60 },
  denied: { max: 300, perSeconds: 60 },
};

/** The bucket of failed authentication: guessing is slowed without slowing the clients that are known. */
export interface DeniedLimit {
  refuseWhenExhausted(request: FastifyRequest): Promise<void>;
  count(request: FastifyRequest): Promise<void>;
}

/** Per client when it is known, otherwise per address; an IPv6 subscriber has a whole /64 to walk through. */
function limitKey(request: FastifyRequest): string {
  return request.caller ? `client:${request.caller.clientId}` : `address:${normalizeIP(request.ip, 64)}`;
}

function addressKey(request: FastifyRequest): string {
  return `address:${normalizeIP(request.ip, 64)}`;
}

/** Registers the buckets and gives every route the one it declares. */
export async function addLimits(server: FastifyInstance, limits: Limits): Promise<DeniedLimit> {
  await server.register(rateLimit, {
    global: false,
    enableDraftSpec: true,
    keyGenerator: limitKey,
    errorResponseBuilder: () => new ServiceError('rate_limited', 'Too many requests from this client or address.'),
  });
  const { denied, ...buckets } = limits;
  const hooks = new Map(Object.entries(buckets).map(([name, limit]) => [name, server.rateLimit(asOptions(limit))]));
  server.addHook('onRoute', (route) => {
    const name = route.config?.limit ?? defaultBucket(route);
    if (name === 'none') return;
    const hook = hooks.get(name);
    if (!hook) throw new Error(`The route ${route.url} names the unknown limit "${name}".`);
    route.onRequest = [...asArray(route.onRequest), hook as unknown as preHandlerAsyncHookHandler] as never;
  });
  return deniedLimit(server, denied);
}

function asOptions(limit: Limit): { max: number; timeWindow: number } {
  return { max: limit.max, timeWindow: limit.perSeconds * 1000 };
}

function asArray<T>(value: T | T[] | undefined): T[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** Public documents are bytes from memory that caches fetch; counting them would cost more than serving them. */
function defaultBucket(route: { method: string | string[]; config?: { access?: unknown } }): LimitName {
  const reads = [route.method].flat().every((method) => method === 'GET' || method === 'HEAD');
  return reads && route.config?.access === 'public' ? 'none' : 'default';
}

function deniedLimit(server: FastifyInstance, limit: Limit): DeniedLimit {
  const consult = server.createRateLimit({ ...asOptions(limit), keyGenerator: addressKey });
  const refuse = () => {
    throw new ServiceError('rate_limited', 'Too many failed authentications from this address.');
  };
  return {
    async refuseWhenExhausted(request) {
      const state = await consult(request, { increment: false });
      if (!state.isAllowed && state.remaining === 0) refuse();
    },
    async count(request) {
      await consult(request);
    },
  };
}

/** When to shed load; 0 turns a bound off. */
export interface Pressure {
  readonly maxEventLoopDelayMilliseconds: number;
  readonly maxRssBytes: number;
  /** How long it must last: one long computation, at start above all, is no overload. */
  readonly patienceMilliseconds: number;
}

export const defaultPressure: Pressure = {
  maxEventLoopDelayMilliseconds: 1000,
  maxRssBytes: 0,
  patienceMilliseconds: 1500,
};

/** Answers 503 with Retry-After while the process cannot keep up; probes exempt themselves by `pressureHandler`. */
export async function addPressureRelief(server: FastifyInstance, pressure: Pressure): Promise<void> {
  // A monotonic clock: a wall clock that is set forward must not look like lasting load.
  const elapsed = () => performance.now();
  let pressedSince: number | undefined;
  server.addHook('onRequest', async () => {
    if (!server.isUnderPressure()) pressedSince = undefined;
    else pressedSince ??= elapsed();
  });
  await server.register(underPressure, {
    maxEventLoopDelay: pressure.maxEventLoopDelayMilliseconds,
    maxRssBytes: pressure.maxRssBytes,
    exposeStatusRoute: false,
    async pressureHandler() {
      const lasted = pressedSince === undefined ? 0 : elapsed() - pressedSince;
      if (lasted >= pressure.patienceMilliseconds)
        throw new ServiceError('overloaded', 'The service is shedding load.');
    },
  });
}
