/** A server of ours with one route that does nothing: what a request costs before anything is done for it. */
import { randomUUID } from 'node:crypto';
import { createMetrics } from '../../src/http/metrics.js';
import { createServer } from '../../src/http/server.js';

const server = await createServer({
  publicUrl: 'http://localhost',
  serviceName: 'empty',
  version: '0',
  authorise: async () => ({ clientId: 'nobody', scopes: [] }),
  metrics: createMetrics({ processMetrics: false }),
  logger: { level: 'info' },
  now: () => new Date(),
  newId: randomUUID,
});
server.post(
  '/empty',
  { config: { access: 'public' }, schema: { tags: ['operation'], operationId: 'empty', summary: 'Nothing' } },
  async () => ({}),
);
process.send?.(await server.listen({ host: '127.0.0.1', port: 0 }));
