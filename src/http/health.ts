/** Liveness, readiness and metrics: what an orchestrator and a monitoring system ask. */
import { Type } from 'typebox';
import type { RouteAccess } from './access.js';
import type { HttpServer } from './http-server.js';

/** One condition of readiness; it answers quickly or counts as failed. */
export type HealthCheck = () => Promise<{ readonly ok: boolean; readonly detail?: string }>;

const checkDeadlineMilliseconds = 2000;

const live = Type.Object(
  { status: Type.Literal('live') },
  { additionalProperties: false, description: 'The process answers.' },
);
const checkResult = Type.Object(
  { name: Type.String(), ok: Type.Boolean(), detail: Type.Optional(Type.String()) },
  { additionalProperties: false },
);
const readiness = Type.Object(
  {
    status: Type.Enum(['ready', 'not_ready', 'stopping']),
    checks: Type.Array(checkResult),
  },
  { additionalProperties: false, description: 'Each condition of readiness and whether it holds.' },
);

interface CheckResult {
  name: string;
  ok: boolean;
  detail?: string;
}

/** Routes /health/live, /health/ready and /metrics. */
export function healthRoutes(options: {
  checks: Readonly<Record<string, HealthCheck>>;
  metricsAccess?: RouteAccess;
}): (server: HttpServer) => Promise<void> {
  return async (server) => {
    server.get(
      '/health/live',
      {
        // A process that sheds load is alive; restarting it would make things worse.
        config: { access: 'public', pressureHandler: () => undefined } as { access: 'public' },
        schema: { tags: ['operation'], operationId: 'live', summary: 'Is the process alive', response: { 200: live } },
      },
      async (_request, reply) => reply.header('cache-control', 'no-store').send({ status: 'live' }),
    );
    server.get(
      '/health/ready',
      {
        config: { access: 'public' },
        schema: {
          tags: ['operation'],
          operationId: 'ready',
          summary: 'Can it serve requests now',
          response: { 200: readiness, 503: readiness },
        },
      },
      async (_request, reply) => {
        const { draining, closing } = server.lifecycle;
        const checks = await runChecks(options.checks);
        const ok = checks.every((check) => check.ok);
        const status = draining || closing ? 'stopping' : ok ? 'ready' : 'not_ready';
        reply.header('cache-control', 'no-store').code(status === 'ready' ? 200 : 503);
        return reply.send({ status, checks });
      },
    );
    addMetricsRoute(server, options.metricsAccess ?? 'public');
  };
}

function addMetricsRoute(server: HttpServer, access: RouteAccess): void {
  server.get(
    '/metrics',
    {
      config: { access, limit: 'none' },
      schema: {
        tags: ['operation'],
        operationId: 'metrics',
        summary: 'Prometheus metrics',
        response: { 200: { description: 'Text format', content: { 'text/plain': { schema: Type.String() } } } },
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'no-store').type(server.metrics.registry.contentType);
      return reply.send(await server.metrics.registry.metrics());
    },
  );
}

async function runChecks(checks: Readonly<Record<string, HealthCheck>>): Promise<CheckResult[]> {
  return Promise.all(Object.entries(checks).map(([name, check]) => runCheck(name, check)));
}

async function runCheck(name: string, check: HealthCheck): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<{ ok: false; detail: string }>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: 'did not answer in time' }), checkDeadlineMilliseconds);
  });
  try {
    return { name, ...(await Promise.race([check(), late])) };
  } catch {
    // The reason may quote a connection string; it is in the log of whoever failed.
    return { name, ok: false, detail: 'failed' };
  } finally {
    clearTimeout(timer);
  }
}
