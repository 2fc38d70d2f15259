/** The verifier's addresses: POST /verify, its page for people, and the W3C projections (decisions.md 1, 2, 5). */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { type Fault, ServiceError } from '../errors.js';
import { sendPage } from '../http/page.js';
import { problemResponses } from '../http/problems.js';
import type { HttpServer, RouteAccess } from '../http/server.js';
import { projectCredential, projectPresentation } from './projection.js';
import type { KeyBinding, Verification } from './verification.js';
import { closedBody, codesBody, formBody, pastedFault, readPasted, verdictBody } from './verify-page.js';
import {
  CredentialVerifyAnswer,
  CredentialVerifyBody,
  PastedForm,
  PresentationVerifyAnswer,
  PresentationVerifyBody,
  VerifyAnswer,
  VerifyBody,
} from './wire.js';

export interface VerificationRoutesDependencies {
  readonly verification: Pick<Verification, 'verifyCredential' | 'verifyPresentation'>;
  /** Anyone may verify, without a token. */
  readonly open: boolean;
}

const htmlAnswer = { description: 'A page', content: { 'text/html': { schema: Type.String() } } };

export function verificationRoutes(deps: VerificationRoutesDependencies): (server: HttpServer) => Promise<void> {
  return async (server) => {
    const access: RouteAccess = { scope: 'vc:verify', open: deps.open };
    const counted = countVerifications(server, deps.verification);
    addVerify(server, counted, access);
    addProjections(server, counted, access);
    addPages(server, counted, access);
  };
}

type Verify = VerificationRoutesDependencies['verification'];

/** decisions.md 17: every verification is counted. */
function countVerifications(server: HttpServer, verification: Verify): Verify {
  const counter = server.metrics.counter({
    name: 'verifications_total',
    help: 'Verifications by kind and decision',
    labels: ['kind', 'decision'],
  });
  return {
    async verifyCredential(input) {
      const report = await verification.verifyCredential(input);
      counter.inc({ kind: 'credential', decision: report.decision });
      return report;
    },
    async verifyPresentation(input) {
      const report = await verification.verifyPresentation(input);
      counter.inc({ kind: 'presentation', decision: report.decision });
      return report;
    },
  };
}

function callerOf(request: FastifyRequest): { clientId?: string } {
  return request.caller === undefined ? {} : { clientId: request.caller.clientId };
}

function refuse(faults: Fault[]): never {
  const first = faults[0];
  throw new ServiceError('invalid_request', `The body is not valid at ${first?.path}: ${first?.detail}.`, { faults });
}

interface VerifyRequest {
  readonly verifiableCredential?: unknown;
  readonly verifiablePresentation?: unknown;
  readonly options?: { readonly challenge?: string; readonly domain?: string };
}

type Question =
  | { readonly verifiableCredential: unknown; readonly keyBinding?: KeyBinding }
  | { readonly verifiablePresentation: unknown; readonly challenge: string; readonly domain: string };

/**
 * decisions.md 2: exactly one of the two; challenge and domain go together and are never ignored: with a credential they
 * demand its key binding (RFC 9901 7.3).
 */
function toQuestion(body: VerifyRequest): Question {
  const { verifiableCredential, verifiablePresentation, options = {} } = body;
  const both = verifiableCredential !== undefined && verifiablePresentation !== undefined;
  if (both) refuse([{ path: '/verifiablePresentation', detail: 'must not stand beside verifiableCredential' }]);
  const { challenge, domain } = options;
  if (verifiableCredential !== undefined && challenge === undefined && domain === undefined) {
    return { verifiableCredential };
  }
  if (verifiableCredential === undefined && verifiablePresentation === undefined) {
    refuse([{ path: '/verifiableCredential', detail: 'is required, or verifiablePresentation' }]);
  }
  if (challenge === undefined || domain === undefined) {
    const missing = (['challenge', 'domain'] as const).filter((name) => options[name] === undefined);
    refuse(missing.map((name) => ({ path: `/options/${name}`, detail: 'is required' })));
  }
  if (verifiableCredential !== undefined) return { verifiableCredential, keyBinding: { challenge, domain } };
  return { verifiablePresentation, challenge, domain };
}

function addVerify(server: HttpServer, verification: Verify, access: RouteAccess): void {
  server.post(
    '/verify',
    {
      config: { access, limit: 'verify' },
      schema: {
        tags: ['verifying'],
        operationId: 'verify',
        summary: 'Verify a credential or a presentation and say why',
        description:
          'Answers 200 with a report of every check, also for what is not a credential at all. The decision is invalid when a check failed, indeterminate when none failed but a required one could not run, else valid.',
        body: VerifyBody,
        response: { 200: VerifyAnswer, ...problemResponses('invalid_request', 'malformed_json') },
      },
    },
    async (request, reply) => {
      const question = toQuestion(request.body);
      const caller = callerOf(request);
      noStore(reply);
      const report =
        'verifiableCredential' in question
          ? await verification.verifyCredential({ ...question, ...caller })
          : await verification.verifyPresentation({ ...question, ...caller });
      return reply.send(report);
    },
  );
}

function addProjections(server: HttpServer, verification: Verify, access: RouteAccess): void {
  const common = {
    tags: ['verifying'],
    description:
      'The W3C projection of the report of POST /verify (VCALM 1.0): status and validity are warnings there.',
  };
  const config = { access, limit: 'verify' } as const;
  server.post(
    '/credentials/verify',
    {
      config,
      attachValidation: true,
      schema: {
        ...common,
        operationId: 'verifyCredential',
        summary: 'Verify a credential, W3C style',
        body: CredentialVerifyBody,
        response: { 200: CredentialVerifyAnswer, ...problemResponses('invalid_request', 'unknown_option') },
      },
    },
    async (request, reply) => {
      refuseUnknownOptions(request);
      const { verifiableCredential, options = {} } = request.body;
      const report = await verification.verifyCredential({ verifiableCredential, ...callerOf(request) });
      noStore(reply);
      return projectCredential(report, verifiableCredential, options, { base: server.publicUrl });
    },
  );
  server.post(
    '/presentations/verify',
    {
      config,
      attachValidation: true,
      schema: {
        ...common,
        operationId: 'verifyPresentation',
        summary: 'Verify a presentation, W3C style',
        body: PresentationVerifyBody,
        response: { 200: PresentationVerifyAnswer, ...problemResponses('invalid_request', 'unknown_option') },
      },
    },
    async (request, reply) => {
      refuseUnknownOptions(request);
      const { verifiablePresentation, options } = request.body;
      const { challenge, domain } = options;
      const question = { verifiablePresentation, challenge, domain, ...callerOf(request) };
      const report = await verification.verifyPresentation(question);
      noStore(reply);
      return projectPresentation(report, verifiablePresentation, options, { base: server.publicUrl });
    },
  );
}

/** VCALM 1.0: an unknown option is an error of its own kind, never ignored. */
function refuseUnknownOptions(request: FastifyRequest): void {
  const error = request.validationError;
  if (error === undefined) return;
  const unknown = error.validation?.find((fault: { keyword: string }) => fault.keyword === 'additionalProperties');
  if (unknown === undefined) throw error;
  const name = String(unknown.params.additionalProperty).slice(0, 100);
  const path = `${unknown.instancePath}/${name}`;
  throw new ServiceError('unknown_option', `The option at ${path} is not known.`, {
    faults: [{ path, detail: 'is not a known option' }],
  });
}

function noStore(reply: FastifyReply): void {
  reply.header('cache-control', 'no-store');
}

function addPages(server: HttpServer, verification: Verify, access: Exclude<RouteAccess, 'public'>): void {
  const base = server.basePath;
  const form = access.open ? formBody(base) : closedBody(base);
  const schema = { tags: ['pages'], response: { 200: htmlAnswer } };
  server.get(
    '/verify',
    {
      config: {
        access: 'public',
        errors: 'page',
        home: {
          title: 'Verify a staff credential',
          about: 'Paste a credential and read whether it can be relied on, and why.',
        },
      },
      schema: { ...schema, operationId: 'verifyPage', summary: 'The page to paste a credential' },
    },
    async (_request, reply) => sendPage(reply, { title: 'Verify a staff credential', body: form }),
  );
  server.get(
    '/verify/codes',
    {
      config: { access: 'public', errors: 'page' },
      schema: { ...schema, operationId: 'verifyCodes', summary: 'What the codes of a report mean' },
    },
    async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=3600');
      return sendPage(reply, { title: 'Codes of verification', body: codesBody() });
    },
  );
  server.post(
    '/verify/page',
    {
      config: { access, errors: 'page', limit: 'verify', bodyTypes: ['form'] },
      schema: {
        ...schema,
        operationId: 'verifyPasted',
        summary: 'The verdict as a page',
        consumes: ['application/x-www-form-urlencoded'],
        body: PastedForm,
      },
    },
    async (request, reply) => answerPasted(request.body.credential, verification, request, reply),
  );
}

async function answerPasted(text: string, verification: Verify, request: FastifyRequest, reply: FastifyReply) {
  const base = request.server.basePath;
  const title = 'Verify a staff credential';
  const again = (fault: string) => sendPage(reply.code(400), { title: `Error: ${title}`, body: formBody(base, fault) });
  if (text.trim() === '') return again('Paste a credential.');
  let verifiableCredential: unknown;
  try {
    verifiableCredential = readPasted(text);
  } catch (error) {
    const fault = pastedFault(error);
    if (fault === undefined) throw error;
    return again(fault);
  }
  const report = await verification.verifyCredential({ verifiableCredential, ...callerOf(request) });
  return sendPage(reply, { title: 'Result of the verification', body: verdictBody(report, base) });
}
