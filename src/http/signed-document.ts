/**
 * Serving bytes that were signed or fixed once: DID documents, status lists, the registry's list, schemas, contexts.
 * They travel exactly as stored, with a strong ETag (RFC 9110 §8.8.3) and a lifetime, so any cache may hold them.
 */
import { createHash } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ServiceError } from '../errors.js';

/** Bytes with everything that a GET of them needs; made once, served many times. */
export interface SignedDocument {
  readonly bytes: Buffer;
  readonly contentType: string;
  readonly etag: string;
  readonly maxAgeSeconds: number;
  readonly immutable?: boolean;
  readonly lastModified?: Date;
}

/** How 304 stands in the API description: without a body. */
export const notModified = { type: 'null', description: 'The caller has these bytes already' } as const;

/** Fixes bytes as a document; the ETag is their SHA-256, so the same bytes have the same one on every replica. */
export function signedDocument(
  bytes: Buffer | string,
  options: { contentType: string; maxAgeSeconds: number; immutable?: boolean; lastModified?: Date },
): SignedDocument {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes;
  const etag = `"${createHash('sha256').update(buffer).digest('base64url')}"`;
  return Object.freeze({ bytes: buffer, etag, ...options });
}

/** Answers a GET or HEAD with a document: 200, or 304 when the caller has it, or a `not_found` problem. */
export function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  document: SignedDocument | undefined,
): FastifyReply {
  if (document === undefined) throw new ServiceError('not_found', 'There is no such document.');
  setDocumentHeaders(reply, document);
  if (matchesEtag(request.headers['if-none-match'], document.etag)) return reply.code(304).send();
  return reply.type(document.contentType).send(document.bytes);
}

function setDocumentHeaders(reply: FastifyReply, document: SignedDocument): void {
  // no-transform: a proxy that recompresses or minifies would break the digest that others pin.
  const lifetime = `public, max-age=${document.maxAgeSeconds}, no-transform`;
  reply.header('cache-control', document.immutable ? `${lifetime}, immutable` : lifetime);
  reply.header('etag', document.etag);
  // These are public facts that browsers of other organisations read; nothing else of ours is open to them.
  reply.header('access-control-allow-origin', '*');
  reply.header('cross-origin-resource-policy', 'cross-origin');
  if (document.lastModified) reply.header('last-modified', document.lastModified.toUTCString());
}

/** If-None-Match (RFC 9110 §13.1.2): a list, compared weakly. */
function matchesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}
