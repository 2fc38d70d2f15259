/** The audit trail for those who review it, page by page, and whether it is whole. Ids and codes only, as recorded. */
import { Type } from 'typebox';
import { problemResponses } from '../http/problems.js';
import type { HttpServer } from '../http/server.js';
import type { Audit, AuditRecord, ChainReport } from './audit.js';

const closed = { additionalProperties: false } as const;
const hash = (description: string) => Type.String({ pattern: '^[A-Za-z0-9_-]{43}$', description });

const Entry = Type.Object(
  {
    sequence: Type.Integer({ minimum: 1, description: 'Its place in the chain' }),
    recordedAt: Type.String(),
    action: Type.String(),
    actor: Type.String({ description: 'A client id, or a part of the program' }),
    subject: Type.Optional(Type.String({ description: 'The id of what it was done to' })),
    outcome: Type.String(),
    data: Type.Object({}, { additionalProperties: true, description: 'Codes and counts' }),
    previous: hash('Hash of the record before it'),
    hash: hash('SHA-256 of the RFC 8785 form of all other members, null for no subject'),
  },
  closed,
);

const exampleEntry = {
  sequence: 1,
  recordedAt: '2026-11-21T09:00:00.000Z',
  action: 'credential.issued',
  actor: 'hr-system',
  subject: 'urn:uuid:9c0f6f0e-8f0e-4d5a-9a40-2f1f6a5b7c11',
  outcome: 'success',
  data: { type: 'DbsCheckCredential' },
  previous: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  hash: '6CIQ_-oHudb1xbEFWDGDAtLZSfK01QrXEmoWmoTekR8',
};

const Page = Type.Object(
  {
    events: Type.Array(Entry, { maxItems: 500 }),
    next: Type.Optional(Type.Integer({ description: 'What to give as `after` for the next page; absent at the end' })),
  },
  {
    ...closed,
    description: 'Records in the order of the chain; the latest appear within a second',
    examples: [{ events: [exampleEntry], next: 1 }],
  },
);

const Chain = Type.Object(
  {
    ok: Type.Boolean(),
    length: Type.Integer({ description: 'How many records the chain has' }),
    brokenAt: Type.Optional(Type.Integer({ description: 'The place where it first fails' })),
  },
  {
    ...closed,
    description: 'Whether every record says what it said when it was sealed',
    examples: [{ ok: true, length: 1042 }],
  },
);

/** Texts, as a query has nothing else. 15 digits stay whole numbers. */
const Query = Type.Object(
  {
    after: Type.Optional(
      Type.String({
        pattern: '^(0|[1-9][0-9]{0,14})$',
        description: 'Records after this place; 0 if absent',
        examples: ['0'],
      }),
    ),
    limit: Type.Optional(
      Type.String({
        pattern: '^([1-9][0-9]?|[1-4][0-9]{2}|500)$',
        description: 'At most so many, 1 to 500; 100 if absent',
        examples: ['100'],
      }),
    ),
  },
  closed,
);

const common = { tags: ['operation'] };
const access = { scope: 'audit:read' } as const;

/** GET /audit/events and GET /audit/chain, for holders of `audit:read`. */
export function auditRoutes({
  audit,
}: {
  audit: Pick<Audit, 'read' | 'verifyChain'>;
}): (server: HttpServer) => Promise<void> {
  const verifyChain = onceAtATime(() => audit.verifyChain());
  return async (server) => {
    server.get(
      '/audit/events',
      {
        config: { access },
        schema: {
          ...common,
          operationId: 'readAuditEvents',
          summary: 'The audit trail, page by page',
          querystring: Query,
          response: { 200: Page, ...problemResponses('invalid_request') },
        },
      },
      async (request, reply) => {
        const { after = '0', limit = '100' } = request.query;
        const { records, next } = await audit.read({ after: Number(after), limit: Number(limit) });
        reply.header('cache-control', 'no-store');
        return reply.send({ events: records.map(toWire), ...(next !== undefined && { next }) });
      },
    );
    server.get(
      '/audit/chain',
      {
        config: { access },
        schema: {
          ...common,
          operationId: 'verifyAuditChain',
          summary: 'Whether the audit trail is whole',
          response: { 200: Chain },
        },
      },
      async (_request, reply) => reply.header('cache-control', 'no-store').send(await verifyChain()),
    );
  };
}

/** To read the whole chain takes long: whoever asks meanwhile gets the same answer. */
function onceAtATime(verify: () => Promise<ChainReport>): () => Promise<ChainReport> {
  let running: Promise<ChainReport> | undefined;
  return () => {
    running ??= verify().finally(() => {
      running = undefined;
    });
    return running;
  };
}

function toWire({ subject, data, ...record }: AuditRecord) {
  return { ...record, ...(subject !== null && { subject }), data: data ?? {} };
}
