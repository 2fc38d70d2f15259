/** Prometheus metrics in a registry of our own; labels are route patterns, never addresses that were asked for. */
import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** The registry, and the one histogram that http/ fills. */
export interface Metrics {
  readonly registry: Registry;
  observeRequest(request: { method: string; route: string; status: number; seconds: number }): void;
  /** A counter of a slice, made once by name. */
  counter(options: { name: string; help: string; labels?: readonly string[] }): Counter;
}

/** Creates the registry; `processMetrics` adds memory, CPU and event-loop lag of this process. */
export function createMetrics(options: { processMetrics?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first byte of a request to the end of its answer',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 20],
    registers: [registry],
  });
  return {
    registry,
    observeRequest: ({ method, route, status, seconds }) =>
      requests.observe({ method, route, status: String(status) }, seconds),
    counter({ name, help, labels = [] }) {
      const known = registry.getSingleMetric(name);
      return known instanceof Counter
        ? known
        : new Counter({ name, help, labelNames: [...labels], registers: [registry] });
    },
  };
}
