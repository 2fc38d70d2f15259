/** The type that routes are written against, and what our server adds to Fastify's own types. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { ErrorCode } from '../errors.js';
import type { JsonLimits } from '../json.js';
import type { Caller, RouteAccess } from './access.js';
import type { BodyType } from './body.js';
import type { LimitName } from './limits.js';
import type { Metrics } from './metrics.js';
import type { ErrorStyle } from './presenters.js';
import type { HomeLink, RouteTable } from './route-table.js';

/** The server that routes are written against. */
export type HttpServer = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call; every route says it. */
    access?: RouteAccess;
    /** How errors are told; problem documents when absent. */
    errors?: ErrorStyle;
    /** Makes the start page lead here. */
    home?: HomeLink;
    /** Which bucket of limits counts the calls. */
    limit?: LimitName;
    /** What the body may be; JSON when absent. */
    bodyTypes?: readonly BodyType[];
    /** Whether a JSON content type without a body is acceptable. */
    emptyBody?: boolean;
    /** Other bounds than usual for a JSON body; `maxBytes` is the route's bodyLimit. */
    jsonLimits?: Partial<JsonLimits>;
  }
  interface FastifyRequest {
    caller: Caller | undefined;
    /** Code of the problem that was answered, for the log line. */
    problemCode: ErrorCode | '';
  }
  interface FastifyInstance {
    publicUrl: string;
    basePath: string;
    serviceName: string;
    metrics: Metrics;
    routeTable: RouteTable;
    lifecycle: Lifecycle;
  }
}

/** Where the service is between listening and stopped; readiness and the shutdown read and write it. */
export interface Lifecycle {
  draining: boolean;
  closing: boolean;
}
