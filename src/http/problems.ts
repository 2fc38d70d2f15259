/**
 * Problem documents for HTTP APIs (RFC 9457): the only place where an error becomes a status code.
 * Everybody throws ServiceError; the three presenters (problem+json here, oauth-errors.ts, page.ts) read one table.
 */
import { type TSchema, Type } from 'typebox';
import { type ErrorCode, errorCodes, type Fault, ServiceError } from '../errors.js';
import { JsonError } from '../json.js';

/** What a caller is told (RFC 9457 §3); `code` repeats the last part of `type` for programs that compare strings. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  detail: string;
  instance?: string;
  errors?: Fault[];
}

/** One row for each code: what the caller reads, and what to do about it (shown at /problems/{code}). */
export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  readonly remedy: string;
  /** The type that a specification gives to it; the address of our own page when absent. */
  readonly type?: string;
  /** Seconds to wait before a retry makes sense; becomes Retry-After. */
  readonly retryAfter?: number;
}

/** A code without a row here does not compile. */
export const problemKinds: Readonly<Record<ErrorCode, ProblemKind>> = {
  invalid_request: {
    status: 400,
    title: 'The request is not valid',
    remedy: 'Mend the members named in "errors" and send it again.',
  },
  malformed_json: {
    status: 400,
    title: 'The body is not acceptable JSON',
    remedy: 'Send one JSON value in UTF-8 without duplicate members, at most 64 levels deep.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'The media type of the body is not supported here',
    remedy: 'Send the Content-Type that the API description names for this operation.',
  },
  not_acceptable: {
    status: 406,
    title: 'No representation that you accept',
    remedy: 'Accept one of the media types in the API description.',
  },
  payload_too_large: {
    status: 413,
    title: 'The body is too large',
    remedy: 'Send less at a time; the API description states the limit.',
  },
  uri_too_long: { status: 414, title: 'The address is too long', remedy: 'Use a shorter identifier.' },
  unknown_option: {
    status: 400,
    type: 'https://www.w3.org/TR/vcalm#UNKNOWN_OPTION_PROVIDED',
    title: 'An option is not known',
    remedy: 'Leave the option out or use one from the API description.',
  },
  unauthorized: {
    status: 401,
    title: 'Authentication is needed',
    remedy: 'Get an access token from the token endpoint and send it as "Authorization: Bearer …".',
  },
  forbidden: {
    status: 403,
    title: 'Not allowed',
    remedy: 'Ask the operator for the scope that this operation needs.',
  },
  not_found: { status: 404, title: 'Not found', remedy: 'Check the address.' },
  gone: {
    status: 410,
    title: 'Taken away for good',
    remedy: 'Use the identifier that the organisation has now; the trust registry lists it.',
  },
  method_not_allowed: {
    status: 405,
    title: 'The method is not allowed here',
    remedy: 'Use one of the methods in the Allow header.',
  },
  conflict: {
    status: 409,
    title: 'The state does not permit this',
    remedy: 'Read the current state, then decide again.',
  },
  idempotency_conflict: {
    status: 422,
    title: 'This Idempotency-Key was used for another request',
    remedy: 'Use a new Idempotency-Key for a new request.',
  },
  invalid_credential: {
    status: 400,
    title: 'The credential is not acceptable',
    remedy: 'Mend the members named in "errors" and send it again.',
  },
  unknown_credential_type: {
    status: 422,
    title: 'The credential type is not in the catalogue',
    remedy: 'Use one of the types listed at /catalogue.',
  },
  schema_violation: {
    status: 422,
    title: 'The credential does not satisfy the schema of its type',
    remedy: 'Compare it with the schema and the example of the type at /catalogue.',
  },
  issuer_not_recognised: {
    status: 403,
    title: 'The trust registry does not recognise this issuer for this type',
    remedy: 'Ask the governance authority to list the organisation for this credential type.',
  },
  status_irreversible: {
    status: 409,
    title: 'A revocation cannot be undone',
    remedy: 'Issue a new credential.',
  },
  registry_unavailable: {
    status: 503,
    title: 'The trust registry cannot be relied on now',
    remedy: 'Try again later; the operator can see the reason with "staff-passport doctor".',
    retryAfter: 60,
  },
  key_unavailable: {
    status: 503,
    title: 'The signing key is not available',
    remedy: 'Try again later; the operator can see the reason with "staff-passport doctor".',
    retryAfter: 30,
  },
  storage_unavailable: {
    status: 503,
    title: 'The store is not available',
    remedy: 'Try again later. Nothing was changed.',
    retryAfter: 10,
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait as long as Retry-After says.',
    retryAfter: 60,
  },
  overloaded: {
    status: 503,
    title: 'The service is too busy or is stopping',
    remedy: 'Wait as long as Retry-After says and try again.',
    retryAfter: 10,
  },
  fetch_refused: {
    status: 502,
    title: 'An address may not be fetched',
    remedy: 'Only public https addresses of recognised organisations are fetched.',
  },
  fetch_failed: {
    status: 502,
    title: 'Another organisation did not answer properly',
    remedy: 'Try again later; the fault is with the organisation named in "detail".',
    retryAfter: 30,
  },
  configuration: {
    status: 500,
    title: 'The service is not configured for this',
    remedy: 'Tell the operator; "staff-passport doctor" shows what is missing.',
  },
  internal: {
    status: 500,
    title: 'An unexpected fault on our side',
    remedy: 'Try again; if it persists, tell the operator the "instance" of this problem.',
  },
};

/** Faults of one document that are listed; a caller who sends 100,000 wrong members is told of the first ones. */
const maxFaults = 50;
/** Paths and sentences of ours are shorter; the rest would be a stranger's text. */
const maxFaultText = 300;

/** Fastify's own errors, by their code. Anything of Fastify that is not here and is a 4xx becomes invalid_request. */
const frameworkErrors: Readonly<Record<string, { code: ErrorCode; detail: string }>> = {
  FST_ERR_NOT_FOUND: { code: 'not_found', detail: 'There is nothing at this address.' },
  FST_ERR_BAD_URL: { code: 'invalid_request', detail: 'The address is not a valid URL path.' },
  FST_ERR_MAX_PARAM_LENGTH: { code: 'uri_too_long', detail: 'A part of the address is too long.' },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'payload_too_large', detail: 'The body exceeds the limit of this operation.' },
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported_media_type',
    detail: 'The Content-Type of the body is missing or not supported by this operation.',
  },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: {
    code: 'invalid_request',
    detail: 'The body is not as long as Content-Length says.',
  },
  FST_ERR_CTP_EMPTY_JSON_BODY: { code: 'malformed_json', detail: 'The body is empty.' },
  FST_ERR_CTP_INVALID_JSON_BODY: { code: 'malformed_json', detail: 'The body is not JSON.' },
  FST_ERR_HANDLER_TIMEOUT: { code: 'overloaded', detail: 'The request took too long and was stopped.' },
  FST_UNDER_PRESSURE: { code: 'overloaded', detail: 'The service is shedding load.' },
};

/** These details may hold what only the operator should see, so the caller gets the general sentence. */
const quietCodes: ReadonlySet<ErrorCode> = new Set(['internal', 'configuration']);

interface FrameworkError {
  code?: unknown;
  statusCode?: unknown;
  validation?: unknown;
  validationContext?: unknown;
}

interface AjvFault {
  instancePath?: string;
  keyword?: string;
  message?: string;
  params?: Record<string, unknown>;
}

/** Turns anything thrown into a ServiceError, without letting a foreign message through. */
export function toServiceError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  if (error instanceof JsonError) return new ServiceError('malformed_json', error.message, { cause: error });
  const framework = (typeof error === 'object' && error !== null ? error : {}) as FrameworkError;
  if (Array.isArray(framework.validation)) return validationError(framework);
  const known = typeof framework.code === 'string' ? frameworkErrors[framework.code] : undefined;
  if (known) return new ServiceError(known.code, known.detail, { cause: error });
  if (isClientFault(framework)) {
    return new ServiceError('invalid_request', 'The request could not be understood.', { cause: error });
  }
  return new ServiceError('internal', 'An unexpected fault on our side.', { cause: error });
}

function isClientFault(error: FrameworkError): boolean {
  return typeof error.statusCode === 'number' && error.statusCode >= 400 && error.statusCode < 500;
}

const validatedParts: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'headers',
};

function validationError(error: FrameworkError): ServiceError {
  const part = validatedParts[String(error.validationContext)] ?? 'request';
  const faults = (error.validation as AjvFault[]).slice(0, maxFaults).map(toFault);
  const first = faults[0];
  const where = first && first.path !== '' ? ` at ${first.path}` : '';
  return new ServiceError('invalid_request', `The ${part} is not valid${where}: ${first?.detail ?? 'see errors'}.`, {
    faults,
    cause: error,
  });
}

/** An Ajv error as a fault by JSON Pointer; a missing or unknown member is named by the path it has or should have. */
function toFault(fault: AjvFault): Fault {
  const path = fault.instancePath ?? '';
  const params = fault.params ?? {};
  const missing = params['missingProperty'];
  if (typeof missing === 'string') return boundFault(`${path}/${escapePointer(missing)}`, 'is required');
  const unknown = params['additionalProperty'] ?? params['unevaluatedProperty'];
  if (typeof unknown === 'string') return boundFault(`${path}/${escapePointer(unknown)}`, 'is not a known member');
  const allowed = params['allowedValues'];
  if (Array.isArray(allowed)) return boundFault(path, `must be one of ${allowed.map(String).join(', ')}`);
  return boundFault(path, fault.message ?? 'is not valid');
}

function boundFault(path: string, detail: string): Fault {
  return { path: path.slice(0, maxFaultText), detail: detail.slice(0, maxFaultText) };
}

function escapePointer(segment: string): string {
  return segment.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The address of what explains a problem; `base` is the service's public URL. */
function problemType(code: ErrorCode, base = ''): string {
  return problemKinds[code].type ?? `${base}/problems/${code}`;
}

/** The problem document of anything thrown; an unknown error is `internal` and says nothing of itself. */
export function toProblem(error: unknown, options: { base?: string; instance?: string } = {}): Problem {
  const fault = toServiceError(error);
  const kind = problemKinds[fault.code];
  const problem: Problem = {
    type: problemType(fault.code, options.base),
    title: kind.title,
    status: kind.status,
    code: fault.code,
    detail: quietCodes.has(fault.code) ? kind.remedy : fault.message,
  };
  if (options.instance !== undefined) problem.instance = options.instance;
  if (fault.faults.length > 0) problem.errors = fault.faults.slice(0, maxFaults).map((f) => ({ ...f }));
  return problem;
}

/** The wire type of a problem; a shared schema, so that the API description states it once. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: 'Address of a page about this kind of problem.' }),
    title: Type.String({ description: 'The kind of problem in words.' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    code: Type.Enum([...errorCodes], { description: 'The kind of problem for programs.' }),
    detail: Type.String({ description: 'What was wrong with this request.' }),
    instance: Type.Optional(Type.String({ description: 'Identifies this occurrence in the logs of the service.' })),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          path: Type.String({ description: 'JSON Pointer (RFC 6901) into what was sent.' }),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { $id: 'Problem', title: 'Problem', description: 'Problem details for HTTP APIs (RFC 9457).' },
);

/** Every authenticated or limited route may answer these; the server adds them, so routes name only their own codes. */
export function exampleProblem(code: ErrorCode, base = 'https://passport.example.nhs.uk'): Problem {
  const kind = problemKinds[code];
  const example: Problem = {
    type: problemType(code, base),
    title: kind.title,
    status: kind.status,
    code,
    detail: exampleDetails[code] ?? kind.remedy,
    instance: 'urn:uuid:5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11',
  };
  const path = examplePaths[code];
  return path === undefined ? example : { ...example, errors: [{ path, detail: 'is required' }] };
}

const exampleDetails: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'The body is not valid at /credential: is required.',
  malformed_json: 'The member "type" occurs twice in one object.',
  not_found: 'There is no such record.',
  forbidden: 'The token lacks the scope vc:issue.',
};

const examplePaths: Partial<Record<ErrorCode, string>> = {
  invalid_request: '/credential',
  invalid_credential: '/credentialSubject',
  schema_violation: '/credentialSubject/dbsLevel',
};

/**
 * Response schemas of the problems that a route may answer, one entry for each status, an example for each code.
 * The type is empty on purpose: problems are thrown, never sent, so they must not widen the type of reply.send().
 */
export function problemResponses(...codes: ErrorCode[]): Record<never, TSchema> {
  const responses: Record<number, ProblemResponse> = {};
  for (const code of codes) addProblem(responses, code);
  return responses as Record<never, TSchema>;
}

interface ProblemResponse {
  description: string;
  content: { 'application/problem+json': { schema: { $ref: string }; examples: Record<string, { value: Problem }> } };
}

/** Adds the response of one code to a table by status, beside what is there already. */
export function addProblem(responses: Record<number, ProblemResponse>, code: ErrorCode): void {
  const kind = problemKinds[code];
  const known = responses[kind.status];
  // A route that answers this status with something of its own has described it.
  if (known && known.content?.['application/problem+json'] === undefined) return;
  const response: ProblemResponse = known ?? {
    description: kind.title,
    content: { 'application/problem+json': { schema: { $ref: 'Problem#' }, examples: {} } },
  };
  const examples = response.content['application/problem+json'].examples;
  if (known && !(code in examples)) response.description = `${known.description}; ${lowerFirst(kind.title)}`;
  examples[code] = { value: exampleProblem(code) };
  responses[kind.status] = response;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
