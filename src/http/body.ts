/**
 * Reading bodies: strict JSON (json.ts) in place of Fastify's parser, and forms where a route asks for them.
 * Everything else is 415 before a byte of it is parsed.
 */
import formbody from '@fastify/formbody';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.js';
import { type JsonLimits, parseJson } from '../json.js';

/** Kinds of body that a route may take by `config.bodyTypes`; JSON (and +json) when it says nothing. */
export type BodyType = 'json' | 'form';

const matchers: Readonly<Record<BodyType, RegExp>> = {
  json: /^application\/(?:[a-z0-9][a-z0-9!#$&^_.-]{0,100}\+)?json$/,
  form: /^application\/x-www-form-urlencoded$/,
};

/** The largest form has six fields. */
const maxFormFields = 100;

/** Replaces Fastify's parsers (text/plain among them) by ours. */
export async function addBodyParsers(server: FastifyInstance): Promise<void> {
  server.removeAllContentTypeParsers();
  const asBuffer = { parseAs: 'buffer' } as const;
  const parse = async (request: FastifyRequest, body: Buffer) => parseJsonBody(request, body);
  server.addContentTypeParser<Buffer>('application/json', asBuffer, parse);
  server.addContentTypeParser<Buffer>(/^application\/[a-z0-9][a-z0-9!#$&^_.-]{0,100}\+json(?:;|$)/, asBuffer, parse);
  await server.register(formbody, { parser: parseForm });
  server.addHook('preParsing', async (request) => requireBodyType(request));
}

function requireBodyType(request: FastifyRequest): void {
  const header = request.headers['content-type'];
  if (header === undefined || request.is404 || request.method === 'GET' || request.method === 'HEAD') return;
  const accepted = request.routeOptions.config.bodyTypes ?? ['json'];
  const [mediaType = '', ...parameters] = header.split(';').map((part) => part.trim().toLowerCase());
  if (!accepted.some((type) => matchers[type].test(mediaType))) {
    const names = accepted.map((type) => (type === 'json' ? 'application/json' : 'application/x-www-form-urlencoded'));
    throw new ServiceError('unsupported_media_type', `The body must be ${names.join(' or ')}.`);
  }
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw new ServiceError('unsupported_media_type', 'The body must be UTF-8.');
  }
}

function parseJsonBody(request: FastifyRequest, body: Buffer): unknown {
  const { config, bodyLimit } = request.routeOptions;
  if (body.length === 0) {
    if (config.emptyBody) return undefined;
    throw new ServiceError('malformed_json', 'The body is empty, but Content-Type says that it is JSON.');
  }
  const limits: Partial<JsonLimits> = { maxBytes: bodyLimit, ...config.jsonLimits };
  return parseJson(decodeUtf8(body), limits);
}

function decodeUtf8(body: Buffer): string {
  try {
    // ignoreBOM keeps the mark in the text, where JSON does not allow it (RFC 8259 §8.1).
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
  } catch (cause) {
    throw new ServiceError('malformed_json', 'The body is not valid UTF-8.', { cause });
  }
}

/** RFC 6749 §3.2: parameters must not be sent more than once; which of two would count is a matter of luck. */
function parseForm(text: string): Record<string, string> {
  const fields: Record<string, string> = Object.create(null);
  let count = 0;
  for (const [name, value] of new URLSearchParams(text)) {
    count += 1;
    if (count > maxFormFields) throw new ServiceError('invalid_request', 'The form has too many fields.');
    if (name in fields) throw new ServiceError('invalid_request', 'A form field was sent twice.');
    fields[name] = value;
  }
  return fields;
}
