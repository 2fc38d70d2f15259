/** The addresses of the service instances: /instances and what lies below /instances/{name}. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { ServiceError } from '../errors.js';
import { problemResponses } from '../http/problems.js';
import type { HttpServer, RouteAccess } from '../http/server.js';
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
  readonly verification?: Pick<Verification, 'verifyCredential' | 'verifyPresentation'>;
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
  if (issuer) addIssue(server, instance, issuer);
  if (issuer && kinds.includes('status')) addStatus(server, instance, issuer);
  if (kinds.includes('deriver')) addDerive(server, instance, derive);
  if (verification && kinds.includes('verifier')) addVerifyCredential(server, instance, verification);
  if (verification && kinds.includes('presentationVerifier')) addVerifyPresentation(server, instance, verification);
}

/** The parts of a route that are the same for every operation of every instance. */
function common({ settings: { name, open } }: Instance, operation: string, scope: string) {
  const access: RouteAccess = { scope, open };
  return {
    url: `/instances/${name}/${operation}`,
    access,
    schema: { tags: ['instances'], operationId: `${name}/${operation}`.replaceAll(/[^a-z0-9]+/g, '_') },
  };
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
function clientOf(request: FastifyRequest): string {
  return request.caller?.clientId ?? 'anonymous';
}

function addIssue(server: HttpServer, instance: Instance, issuer: Issuer): void {
  const { url, access, schema } = common(instance, 'credentials/issue', 'vc:issue');
  server.post(
    url,
    {
      config: { access },
      attachValidation: true,
      schema: {
        ...schema,
        summary: `Issue as ${instance.settings.name}`,
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
      },
    },
    async (request, reply) => {
      refuseUnknownOptions(request as unknown as FastifyRequest);
      const { credential, options = {} } = request.body;
      const question = { credential, options, clientId: clientOf(request as unknown as FastifyRequest) };
      const verifiableCredential = (await issuer.issue(question)) as string;
      count(server, instance, 'issue', 'done');
      return noStore(reply).code(201).send({ verifiableCredential });
    },
  );
}

function addStatus(server: HttpServer, instance: Instance, issuer: Issuer): void {
  const { url, access, schema } = common(instance, 'credentials/status', 'vc:revoke');
  server.post(
    url,
    {
      config: { access },
      attachValidation: true,
      schema: {
        ...schema,
        summary: `Change the status of a credential of ${instance.settings.name}`,
        body: StatusBody,
        response: {
          200: Type.Object({}, { additionalProperties: false, description: 'The status is what was asked for.' }),
          ...problemResponses('invalid_request', 'unknown_option', 'not_found', 'conflict', 'status_irreversible'),
        },
      },
    },
    async (request, reply) => {
      refuseUnknownOptions(request as unknown as FastifyRequest);
      const { credentialId, credentialStatus, status } = request.body;
      const clientId = clientOf(request as unknown as FastifyRequest);
      await issuer.changeStatus({ credentialId, purpose: credentialStatus.statusPurpose, status, clientId });
      count(server, instance, 'status', 'done');
      return noStore(reply).send({});
    },
  );
}

/** VCALM 1.0, derive credential: the holder's side, so it needs no key; what comes out is the credential itself. */
function addDerive(server: HttpServer, instance: Instance, derive: Derive): void {
  const { url, access, schema } = common(instance, 'credentials/derive', 'vc:issue');
  server.post(
    url,
    {
      config: { access },
      attachValidation: true,
      schema: {
        ...schema,
        summary: `Derive a credential that shows less, as ${instance.settings.name}`,
        body: DeriveBody,
        response: {
          201: DerivedAnswer,
          ...problemResponses('invalid_request', 'unknown_option', 'malformed_json', 'invalid_credential'),
        },
      },
    },
    async (request, reply) => {
      refuseUnknownOptions(request as unknown as FastifyRequest);
      const { verifiableCredential, options } = request.body;
      const derived = await derive({ credential: verifiableCredential, ...options });
      count(server, instance, 'derive', 'done');
      return noStore(reply).code(201).send(derived);
    },
  );
}

type Verify = NonNullable<InstancesRoutesDependencies['verification']>;

function addVerifyCredential(server: HttpServer, instance: Instance, verification: Verify): void {
  const { url, access, schema } = common(instance, 'credentials/verify', 'vc:verify');
  const { failedVerification } = instance.settings;
  server.post(
    url,
    {
      config: { access, limit: 'verify' },
      attachValidation: true,
      schema: {
        ...schema,
        summary: `Verify a credential as ${instance.settings.name}`,
        body: credentialBody(failedVerification),
        response: verificationAnswers('credential'),
      },
    },
    async (request, reply) => {
      refuseUnknownOptions(request as unknown as FastifyRequest);
      const { verifiableCredential, options = {} } = request.body;
      const report = await verification.verifyCredential({
        verifiableCredential,
        ...verifierOf(instance, request as unknown as FastifyRequest),
      });
      count(server, instance, 'verify', report.decision);
      const answer = projectCredential(report, verifiableCredential, options, { base: server.publicUrl });
      return sendResult(reply as unknown as FastifyReply, answer, failedVerification);
    },
  );
}

function addVerifyPresentation(server: HttpServer, instance: Instance, verification: Verify): void {
  const { url, access, schema } = common(instance, 'presentations/verify', 'vc:verify');
  const { failedVerification } = instance.settings;
  server.post(
    url,
    {
      config: { access, limit: 'verify' },
      attachValidation: true,
      schema: {
        ...schema,
        summary: `Verify a presentation as ${instance.settings.name}`,
        body: presentationBody(failedVerification),
        response: verificationAnswers('verifiablePresentation'),
      },
    },
    async (request, reply) => {
      refuseUnknownOptions(request as unknown as FastifyRequest);
      const { verifiablePresentation, options } = request.body;
      const { challenge, domain } = options ?? {};
      const report = await verification.verifyPresentation({
        verifiablePresentation,
        challenge,
        domain,
        ...verifierOf(instance, request as unknown as FastifyRequest),
      });
      count(server, instance, 'verify', report.decision);
      const answer = projectPresentation(report, verifiablePresentation, options ?? {}, {
        base: server.publicUrl,
        foreignSubject: 'warning',
      });
      return sendResult(reply as unknown as FastifyReply, answer, failedVerification);
    },
  );
}

function verifierOf({ settings: { proofGraceSeconds } }: Instance, { caller }: FastifyRequest) {
  return { proofGraceSeconds, unboundIssuers: true, ...(caller === undefined ? {} : { clientId: caller.clientId }) };
}

/** The same result under either status: 400 is what the suites of W3C take for "not verified". */
function sendResult(reply: FastifyReply, answer: { verified: boolean }, failed: 200 | 400): FastifyReply {
  return noStore(reply)
    .code(answer.verified ? 200 : failed)
    .send(answer);
}

function noStore<Reply extends { header(name: string, value: string): Reply }>(reply: Reply): Reply {
  return reply.header('cache-control', 'no-store');
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
