/** The issuer's addresses: issue, read the record, change the status (decisions.md 1). */
import type { Catalogue, SecuringFormat, securingFormats } from '../credential/credential.js';
import { ServiceError } from '../errors.js';
import { problemResponses } from '../http/problems.js';
import type { Caller, HttpServer } from '../http/server.js';
import type { Issuance } from './issuance.js';
import { IssueAnswer, IssueHeaders, issueBody, RecordAnswer, RecordParams, StatusBody } from './wire.js';

export interface IssuanceRoutesDependencies {
  readonly issuance: Pick<Issuance, 'issue' | 'record' | 'changeStatus'>;
  readonly catalogue: Catalogue;
}

export function issuanceRoutes(deps: IssuanceRoutesDependencies): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addIssue(server, deps);
    addRecord(server, deps.issuance);
    addStatus(server, deps.issuance);
  };
}

const common = { tags: ['issuing'] } as const;

function clientOf(caller: Caller | undefined): string {
  if (caller === undefined) throw new ServiceError('unauthorized', 'This operation needs a client.');
  return caller.clientId;
}

function addIssue(server: HttpServer, { issuance, catalogue }: IssuanceRoutesDependencies): void {
  const counter = server.metrics.counter({
    name: 'credentials_issued_total',
    help: 'Credentials delivered, retries included',
    labels: ['format'],
  });
  server.post(
    '/credentials/issue',
    {
      config: { access: { scope: 'vc:issue' } },
      schema: {
        ...common,
        operationId: 'issueCredential',
        summary: 'Issue a credential of the catalogue',
        headers: IssueHeaders,
        body: issueBody(catalogue),
        response: {
          201: IssueAnswer,
          ...problemResponses(
            'invalid_request',
            'malformed_json',
            'invalid_credential',
            'unknown_credential_type',
            'schema_violation',
            'issuer_not_recognised',
            'conflict',
            'idempotency_conflict',
            'registry_unavailable',
            'key_unavailable',
          ),
        },
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const caller = { clientId: clientOf(request.caller), ...(key !== undefined && { idempotencyKey: key }) };
      const issued = await issuance.issue(toIssueRequest(request.body), caller);
      counter.inc({ format: issued.format });
      reply.header('location', `${server.publicUrl}/credentials/${issued.credentialId}`);
      return reply.code(201).header('cache-control', 'no-store').send(issued);
    },
  );
}

type IssueRequest = Parameters<Issuance['issue']>[0];

/** An option that is absent stays absent: the digest of the body must not depend on how it was parsed. */
function toIssueRequest(body: { credential: IssueRequest['credential']; options?: object }): IssueRequest {
  return body.options === undefined ? { credential: body.credential } : (body as IssueRequest);
}

function addRecord(server: HttpServer, issuance: Pick<Issuance, 'record'>): void {
  server.get(
    '/credentials/:id',
    {
      config: { access: { scope: 'vc:read' } },
      schema: {
        ...common,
        operationId: 'readIssuance',
        summary: 'The record of an issued credential, without its claims',
        params: RecordParams,
        response: { 200: RecordAnswer, ...problemResponses('invalid_request', 'not_found') },
      },
    },
    async (request, reply) => {
      const record = await issuance.record(request.params.id);
      return reply.header('cache-control', 'no-store').send(toWire(record));
    },
  );
}

function addStatus(server: HttpServer, issuance: Pick<Issuance, 'changeStatus'>): void {
  server.post(
    '/credentials/status',
    {
      config: { access: { scope: 'vc:revoke' } },
      schema: {
        ...common,
        operationId: 'changeCredentialStatus',
        summary: 'Revoke, suspend or reinstate a credential',
        description:
          'Verifiers see it when their copy of the status list is older than its ttl. A repeated call changes nothing.',
        body: StatusBody,
        response: {
          200: RecordAnswer,
          ...problemResponses('invalid_request', 'malformed_json', 'not_found', 'conflict', 'status_irreversible'),
        },
      },
    },
    async (request, reply) => {
      const record = await issuance.changeStatus(request.body, { clientId: clientOf(request.caller) });
      return reply.header('cache-control', 'no-store').send(toWire(record));
    },
  );
}

type WireRecord = Awaited<ReturnType<Issuance['record']>>;

/** Formats and algorithms are stored as text; what is stored came from the table. */
function toWire(record: WireRecord) {
  const format = record.format as SecuringFormat;
  const algorithm = record.algorithm as (typeof securingFormats)[SecuringFormat]['algorithms'][number];
  return { ...record, format, algorithm, credentialStatus: [...record.credentialStatus] };
}
