/** Stopping without losing anybody's request: readiness off, stop accepting, finish what is in flight, then cut. */
import type { HttpServer } from './http-server.js';

/** Stops the server; resolves when nothing is in flight any more or the deadline has passed. */
export async function drain(
  server: HttpServer,
  options: { graceMilliseconds?: number; deadlineMilliseconds?: number } = {},
): Promise<{ clean: boolean }> {
  const { graceMilliseconds = 0, deadlineMilliseconds = 30_000 } = options;
  server.lifecycle.draining = true;
  // While a load balancer still sends requests they are served: it must see readiness fail first.
  if (graceMilliseconds > 0) await new Promise((resolve) => setTimeout(resolve, graceMilliseconds));
  let clean = true;
  const deadline = setTimeout(() => {
    clean = false;
    server.server.closeAllConnections();
  }, deadlineMilliseconds);
  // A connection whose answer had begun before the stop stays open for its keep-alive time otherwise.
  const sweep = setInterval(() => server.server.closeIdleConnections(), 100);
  await server.close();
  clearInterval(sweep);
  clearTimeout(deadline);
  return { clean };
}
