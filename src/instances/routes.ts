/** The addresses of the service instances: /instances and what lies below /instances/{name}. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Static, type TSchema, Type } from 'typebox';
import { type Fault, ServiceError } from '../errors.js';
import { problemResponses } from '../http/problems.js';
import type { Caller, HttpServer, RouteAccess } from '../http/server.js';
import type { JsonObject } from '../json.js';
import { projectCredential, projectPresentation, type Verification } from '../verification/verification.js';
import type { Instance, Issuer } from './instances.js';
import {
  CredentialAnswer,
  credentialBody,
  DeriveBody,
  DerivedAnswer,
  InstanceList,
  IssueBody,
  presentationBody,
  StatusBody,
  verificationAnswers,
} from './wire.js';

export interface InstancesRoutesDependencies {
  readonly instances: readonly Instance[];
  /** Absent where no instance verifies. */
  readonly verification?: Pick<Verification, 'verifyCredential' | 'verifyPresentation' | 'verifyUnsignedPresentation'>;
  readonly derive: Derive;
}

/** Reduces a credential to what it must show and what is pointed at. */
type Derive = (request: { credential: JsonObject; selectivePointers: readonly string[] }) => Promise<JsonObject>;

/** Every operation of every instance. */
export function instancesRoutes(deps: InstancesRoutesDependencies): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addList(server, deps.instances);
    for (const instance of deps.instances) addOperations(server, instance, deps);
  };
}

function addList(server: HttpServer, instances: readonly Instance[]): void {
  const list = instances.map(({ settings: { name, kinds, failedVerification }, issuer }) => ({
    name,
    kinds: [...kinds],
    failedVerification,
    ...(issuer ? { issuer: issuer.did, format: issuer.format, algorithm: issuer.algorithm } : {}),
  }));
  server.get(
    '/instances',
    {
      config: { access: 'public' },
      schema: {
        tags: ['instances'],
        operationId: 'listInstances',
        summary: 'The service instances with the DIDs that they issue under',
        response: { 200: InstanceList },
      },
    },
    async () => list,
  );
}

function addOperations(server: HttpServer, instance: Instance, { verification, derive }: InstancesRoutesDependencies) {
  const { kinds } = instance.settings;
  const { issuer } = instance;
  const { publicUrl } = server;
  if (issuer) add(server, instance, issuing(issuer));
  if (issuer && kinds.includes('status')) add(server, instance, changingStatus(issuer));
  if (kinds.includes('deriver')) add(server, instance, deriving(derive));
  if (verification && kinds.includes('verifier')) {
    add(server, instance, verifyingCredentials(verification, instance, publicUrl));
  }
  if (verification && kinds.includes('presentationVerifier')) {
    add(server, instance, verifyingPresentations(verification, instance, publicUrl));
  }
}

/** What differs between the operations of an instance. */
interface Operation<Body extends TSchema> {
  readonly path: string;
  readonly scope: string;
  readonly limit?: 'verify';
  readonly summary: string;
  readonly body: Body;
  readonly response: Record<number, TSchema>;
  /** Under which name it is counted. */
  readonly counted: string;
  answer(body: Static<Body>, caller: Caller | undefined): Promise<Answer>;
}

interface Answer {
  readonly code: 200 | 201 | 400;
  readonly payload: object;
  /** What is counted. */
  readonly outcome: string;
}

function add<Body extends TSchema>(server: HttpServer, instance: Instance, operation: Operation<Body>): void {
  const { name, open } = instance.settings;
  const { path, scope, limit, summary, body, response, counted } = operation;
  const access: RouteAccess = { scope, open };
  const operationId = `${name}/${path}`.replaceAll(/[^a-z0-9]+/g, '_');
  server.post(
    `/instances/${name}/${path}`,
    {
      config: { access, ...(limit && { limit }) },
      attachValidation: true,
      schema: { tags: ['instances'], operationId, summary: `${summary} ${name}`, body, response },
    },
    async (request, reply) => {
      const checked = request as unknown as FastifyRequest;
      refuseUnknownOptions(checked);
      const { code, payload, outcome } = await operation.answer(checked.body as Static<Body>, checked.caller);
      count(server, instance, counted, outcome);
      return (reply as unknown as FastifyReply).header('cache-control', 'no-store').code(code).send(payload);
    },
  );
}

/** What every instance did, for /metrics; a name of configuration is a label, never one of a caller. */
function count(
  server: HttpServer,
  { settings: { name: instance } }: Instance,
  operation: string,
  outcome: string,
): void {
  const help = 'Operations of service instances that were answered, by outcome';
  const labels = ['instance', 'operation', 'outcome'];
  server.metrics.counter({ name: 'instance_operations_total', help, labels }).inc({ instance, operation, outcome });
}

/** Whoever an open instance does not know. */
function clientOf(caller: Caller | undefined): string {
  return caller?.clientId ?? 'anonymous';
}

function issuing(issuer: Issuer): Operation<typeof IssueBody> {
  return {
    path: 'credentials/issue',
    scope: 'vc:issue',
    summary: 'Issue as',
    body: IssueBody,
    response: {
      201: CredentialAnswer,
      ...problemResponses(
        'invalid_request',
        'unknown_option',
        'malformed_json',
        'invalid_credential',
        'unknown_credential_type',
        'schema_violation',
        'issuer_not_recognised',
        'conflict',
        'registry_unavailable',
        'key_unavailable',
      ),
    },
    counted: 'issue',
    async answer({ credential, options = {} }, caller) {
      const verifiableCredential = await issuer.issue({ credential, options, clientId: clientOf(caller) });
      return { code: 201, payload: { verifiableCredential }, outcome: 'done' };
    },
  };
}

function changingStatus(issuer: Issuer): Operation<typeof StatusBody> {
  return {
    path: 'credentials/status',
    scope: 'vc:revoke',
    summary: 'Change the status of a credential of',
    body: StatusBody,
    response: {
      200: Type.Object({}, { additionalProperties: false, description: 'The status is what was asked for.' }),
      ...problemResponses('invalid_request', 'unknown_option', 'not_found', 'conflict', 'status_irreversible'),
    },
    counted: 'status',
    async answer({ credentialId, credentialStatus, status }, caller) {
      const { statusPurpose: purpose } = credentialStatus;
      await issuer.changeStatus({ credentialId, purpose, status, clientId: clientOf(caller) });
      return { code: 200, payload: {}, outcome: 'done' };
    },
  };
}

/** VCALM 1.0, derive credential: the holder's side, so it needs no key; what comes out is the credential itself. */
function deriving(derive: Derive): Operation<typeof DeriveBody> {
  return {
    path: 'credentials/derive',
    scope: 'vc:issue',
    summary: 'Derive a credential that shows less, as',
    body: DeriveBody,
    response: {
      201: DerivedAnswer,
      ...problemResponses('invalid_request', 'unknown_option', 'malformed_json', 'invalid_credential'),
    },
    counted: 'derive',
    async answer({ verifiableCredential, options }) {
      const payload = await derive({ credential: verifiableCredential, ...options });
      return { code: 201, payload, outcome: 'done' };
    },
  };
}

type Verify = NonNullable<InstancesRoutesDependencies['verification']>;

/** What verifying credentials and presentations have in common. */
const verifying = { scope: 'vc:verify', limit: 'verify', counted: 'verify' } as const;

function verifyingCredentials(
  verification: Verify,
  { settings }: Instance,
  base: string,
): Operation<ReturnType<typeof credentialBody>> {
  return {
    ...verifying,
    path: 'credentials/verify',
    summary: 'Verify a credential as',
    body: credentialBody(settings.failedVerification),
    response: verificationAnswers('credential'),
    async answer({ verifiableCredential, options = {} }, caller) {
      const report = await verification.verifyCredential({ verifiableCredential, ...rulesOf(settings, caller) });
      const payload = projectCredential(report, verifiableCredential, options, { base });
      return { code: codeOf(payload, settings), payload, outcome: report.decision };
    },
  };
}

function verifyingPresentations(
  verification: Verify,
  { settings }: Instance,
  base: string,
): Operation<ReturnType<typeof presentationBody>> {
  return {
    ...verifying,
    path: 'presentations/verify',
    summary: 'Verify a presentation as',
    body: presentationBody(settings.failedVerification),
    response: verificationAnswers('verifiablePresentation'),
    async answer({ verifiablePresentation, presentation, options = {} }, caller) {
      const rules = rulesOf(settings, caller);
      refuseMixed({ verifiablePresentation, presentation, options });
      const { challenge, domain } = options;
      const report =
        presentation === undefined
          ? await verification.verifyPresentation({ verifiablePresentation, challenge, domain, ...rules })
          : await verification.verifyUnsignedPresentation({ presentation, ...rules });
      const payload = projectPresentation(report, verifiablePresentation, options, { base, foreignSubject: 'warning' });
      return { code: codeOf(payload, settings), payload, outcome: report.decision };
    },
  };
}

/** What a proof answers, or what is given back for one; an unsigned presentation has none (VCALM 1.0). */
const proofOptions = ['challenge', 'domain', 'returnPresentation'] as const;

interface PresentationRequest {
  readonly verifiablePresentation?: unknown;
  readonly presentation?: unknown;
  readonly options: { readonly [option in (typeof proofOptions)[number]]?: unknown };
}

/** Exactly one of the two, and no option that would go without an answer. */
function refuseMixed({ verifiablePresentation, presentation, options }: PresentationRequest): void {
  const faults: Fault[] = [];
  if ((verifiablePresentation === undefined) === (presentation === undefined)) {
    faults.push({ path: '/verifiablePresentation', detail: 'is required, or presentation, and not both' });
  }
  const idle = presentation === undefined ? [] : proofOptions.filter((name) => options[name] !== undefined);
  faults.push(
    ...idle.map((name) => ({ path: `/options/${name}`, detail: 'only a presentation with a proof answers it' })),
  );
  const [first] = faults;
  if (first === undefined) return;
  throw new ServiceError('invalid_request', `The body is not valid at ${first.path}: ${first.detail}.`, { faults });
}

function rulesOf({ proofGraceSeconds }: Instance['settings'], caller: Caller | undefined) {
  return { proofGraceSeconds, unboundIssuers: true, ...(caller === undefined ? {} : { clientId: caller.clientId }) };
}

/** The same result under either status: 400 is what the suites of W3C take for "not verified". */
function codeOf({ verified }: { verified: boolean }, { failedVerification }: Instance['settings']): 200 | 400 {
  return verified ? 200 : failedVerification;
}

/** VCALM 1.0: an unknown option is an error of its own kind, never ignored. */
function refuseUnknownOptions(request: FastifyRequest): void {
  const error = request.validationError;
  if (error === undefined) return;
  const unknown = error.validation?.find((fault: { keyword: string }) => fault.keyword === 'additionalProperties');
  if (unknown === undefined) throw error;
  const name = String(unknown.params['additionalProperty']).slice(0, 100);
  const path = `${unknown.instancePath}/${name}`;
  throw new ServiceError('unknown_option', `The option at ${path} is not known.`, {
    faults: [{ path, detail: 'is not a known option' }],
  });
}
