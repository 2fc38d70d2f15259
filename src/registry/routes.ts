import { Type } from 'typebox';
import { sendPage } from '../http/page.js';
import { problemResponses } from '../http/problems.js';
import type { HttpServer } from '../http/server.js';
import { notModified, sendDocument } from '../http/signed-document.js';
import { listPageBody, listPageModel } from './list-page.js';
import { Organisation, OrganisationInput, odsCodePattern, Reason } from './organisation.js';
import type { RegistryAuthority } from './registry.js';
import { timePattern } from './times.js';

const exampleInput = {
  name: 'Ambleford Teaching Hospitals',
  kind: 'nhs-trust',
  dids: [{ did: 'did:web:passport.ambleford.example' }],
  issue: [{ type: 'DbsCheckCredential', from: '2026-01-01T00:00:00Z' }],
};
const exampleOrganisation = { odsCode: 'RXA', ...exampleInput, status: 'active', suspensions: [] };

const Input = Type.Object(OrganisationInput.properties, { additionalProperties: false, examples: [exampleInput] });
const Answer = Type.Object(Organisation.properties, {
  additionalProperties: false,
  description: 'The organisation as it is recorded now',
  examples: [exampleOrganisation],
});
const Answers = Type.Object(
  { organisations: Type.Array(Answer) },
  {
    additionalProperties: false,
    description: 'All organisations, also those that were suspended or have left',
    examples: [{ organisations: [exampleOrganisation] }],
  },
);
const SuspensionBody = Type.Object(
  {
    reason: Reason,
    from: Type.Optional(
      Type.String({ pattern: timePattern, description: 'Whole second in UTC, not in the future; now if absent' }),
    ),
  },
  { additionalProperties: false, examples: [{ reason: 'Signing key under investigation' }] },
);
const Params = Type.Object({ odsCode: Type.String({ pattern: odsCodePattern, examples: ['RXA'] }) });
const tags = ['registry'];
const pageContent = { description: 'A page', content: { 'text/html': { schema: Type.String() } } };

/** The authority's routes; mounted where the role `registry` is. */
export function registryRoutes(deps: { authority: RegistryAuthority }): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addPublicRoutes(server, deps.authority);
    addOrganisationRoutes(server, deps.authority);
    addSuspensionRoute(server, {
      operation: 'suspend',
      summary: 'Suspend an organisation',
      change: deps.authority.suspend,
    });
    addSuspensionRoute(server, {
      operation: 'reinstate',
      summary: 'End the suspension of an organisation',
      change: deps.authority.reinstate,
    });
  };
}

function addPublicRoutes(server: HttpServer, authority: RegistryAuthority): void {
  server.get(
    '/registry/list',
    {
      config: { access: 'public' },
      schema: {
        tags,
        operationId: 'getRegistryList',
        summary: 'The signed list of recognised organisations',
        response: {
          200: {
            description: 'RecognizedEntityCredential as vc+jwt, with sequence, issued and nextUpdate',
            content: { 'application/vc+jwt': { schema: Type.String() } },
          },
          304: notModified,
          ...problemResponses('not_found'),
        },
      },
    },
    async (request, reply) => sendDocument(request, reply, authority.document()),
  );
  server.get(
    '/registry',
    {
      config: {
        access: 'public',
        errors: 'page',
        home: {
          title: 'Recognised organisations',
          about: 'See who may issue which credentials, and who is suspended.',
        },
      },
      schema: { tags, operationId: 'registryPage', summary: 'The list as a page', response: { 200: pageContent } },
    },
    async (_request, reply) => {
      const body = listPageBody(listPageModel(authority.snapshot()), server.basePath);
      return sendPage(reply, { title: 'Recognised organisations', body });
    },
  );
}

function addOrganisationRoutes(server: HttpServer, authority: RegistryAuthority): void {
  server.get(
    '/registry/organisations',
    {
      config: { access: { scope: 'registry:read' } },
      schema: {
        tags,
        operationId: 'listOrganisations',
        summary: 'All organisations as they are recorded',
        response: { 200: Answers },
      },
    },
    async () => ({ organisations: await authority.organisations() }),
  );
  server.put(
    '/registry/organisations/:odsCode',
    {
      config: { access: { scope: 'registry:write' } },
      schema: {
        tags,
        operationId: 'putOrganisation',
        summary: 'Add or change an organisation, its DIDs and what it may issue',
        params: Params,
        body: Input,
        response: {
          200: Answer,
          201: Answer,
          ...problemResponses('conflict', 'key_unavailable', 'storage_unavailable'),
        },
      },
    },
    async (request, reply) => {
      const actor = request.caller?.clientId ?? 'unknown';
      const { organisation, created } = await authority.put(request.params.odsCode, request.body, actor);
      return reply.code(created ? 201 : 200).send(organisation);
    },
  );
}

interface SuspensionRoute {
  readonly operation: 'suspend' | 'reinstate';
  readonly summary: string;
  readonly change: RegistryAuthority['suspend'];
}

function addSuspensionRoute(server: HttpServer, { operation, summary, change }: SuspensionRoute): void {
  server.post(
    `/registry/organisations/:odsCode/${operation}`,
    {
      config: { access: { scope: 'registry:write' } },
      schema: {
        tags,
        operationId: `${operation}Organisation`,
        summary,
        params: Params,
        body: SuspensionBody,
        response: {
          200: Answer,
          ...problemResponses('not_found', 'conflict', 'key_unavailable', 'storage_unavailable'),
        },
      },
    },
    async (request) => change(request.params.odsCode, request.body, request.caller?.clientId ?? 'unknown'),
  );
}
