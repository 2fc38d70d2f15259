/** The addresses of offers: HR's systems make and follow them, wallets fetch what is made of them. */
import type { Catalogue } from '../../credential/credential.js';
import { ServiceError } from '../../errors.js';
import { problemResponses } from '../../http/problems.js';
import { qrSvg } from '../../http/qr-code.js';
import type { Caller, HttpServer } from '../../http/server.js';
import { IssueHeaders } from '../wire.js';
import type { MintedOffer, Offers } from './offers.js';
import {
  CreateAnswer,
  CredentialOfferAnswer,
  CredentialOfferParams,
  createBody,
  createBodyLimit,
  MintAnswer,
  MintBody,
  OfferAnswer,
  OfferParams,
  ReleaseBody,
  ResendAnswer,
  ResendBody,
  WithdrawBody,
} from './wire.js';

export interface OffersRoutesDependencies {
  readonly offers: Offers;
  readonly catalogue: Catalogue;
}

export function offersRoutes({ offers, catalogue }: OffersRoutesDependencies) {
  return async (server: HttpServer): Promise<void> => {
    addCreate(server, offers, catalogue);
    addRead(server, offers);
    addWithdraw(server, offers);
    addResend(server, offers);
    addRelease(server, offers);
    addMint(server, offers);
    addCredentialOffer(server, offers);
  };
}

const tags = ['offers'];
const config = { access: { scope: 'vc:offer' } } as const;
const mistakes = ['invalid_request', 'malformed_json', 'not_found', 'conflict'] as const;

function clientOf(caller: Caller | undefined): { clientId: string } {
  if (caller === undefined) throw new ServiceError('unauthorized', 'This operation needs a client.');
  return { clientId: caller.clientId };
}

/** Arrays that stay unchanged are told so; the wire types know no such promise. */
function toWire<T extends { readonly documents: readonly object[] }>(answer: T) {
  return { ...answer, documents: [...answer.documents] as T['documents'][number][] };
}

function withQr<T extends { readonly link: string }>(answer: T): T & { linkQrSvg: string } {
  return { ...answer, linkQrSvg: qrSvg(answer.link, 'The link as a QR code') };
}

function addCreate(server: HttpServer, offers: Offers, catalogue: Catalogue): void {
  server.post(
    '/admin/offers',
    {
      config: { ...config, jsonLimits: { maxKeys: 40_000 } },
      bodyLimit: createBodyLimit,
      schema: {
        tags,
        operationId: 'createOffer',
        summary: 'Offer a passport to a person',
        description:
          'Every credential is checked with the schemas that issuing uses. The answer has the link for the person and, this once, the code; no message is sent.',
        headers: IssueHeaders,
        body: createBody(catalogue),
        response: {
          201: CreateAnswer,
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
          ),
        },
      },
    },
    async (request, reply) => {
      const key = request.headers['idempotency-key'];
      const caller = { ...clientOf(request.caller), ...(key !== undefined && { idempotencyKey: key }) };
      const answer = await offers.create(request.body, caller);
      reply.header('location', `${server.publicUrl}/admin/offers/${answer.offerId}`);
      return reply
        .code(201)
        .header('cache-control', 'no-store')
        .send(toWire(withQr(answer)));
    },
  );
}

function addRead(server: HttpServer, offers: Offers): void {
  server.get(
    '/admin/offers/:id',
    {
      config,
      schema: {
        tags,
        operationId: 'readOffer',
        summary: 'What became of an offer, without its claims',
        params: OfferParams,
        response: { 200: OfferAnswer, ...problemResponses('invalid_request', 'not_found') },
      },
    },
    async (request, reply) => {
      const view = await offers.read(request.params.id);
      return reply.header('cache-control', 'no-store').send(toWire(view));
    },
  );
}

function addWithdraw(server: HttpServer, offers: Offers): void {
  server.post(
    '/admin/offers/:id/withdraw',
    {
      config,
      schema: {
        tags,
        operationId: 'withdrawOffer',
        summary: 'Withdraw an offer, or some of its documents',
        description:
          'Nothing more goes into a wallet, and the contents are forgotten. What is in a wallet already stays valid until it is revoked. A repeated call changes nothing.',
        params: OfferParams,
        body: WithdrawBody,
        response: { 200: OfferAnswer, ...problemResponses(...mistakes) },
      },
    },
    async (request, reply) => {
      const given = { offerId: request.params.id, ...request.body };
      const view = await offers.withdraw(given, clientOf(request.caller));
      return reply.header('cache-control', 'no-store').send(toWire(view));
    },
  );
}

function addResend(server: HttpServer, offers: Offers): void {
  server.post(
    '/admin/offers/:id/resend',
    {
      config,
      schema: {
        tags,
        operationId: 'resendOffer',
        summary: 'Make a new link and code for an offer',
        description:
          'The old link and code open nothing any more. Documents that went into a wallet already can be taken again; the old copies are then revoked.',
        params: OfferParams,
        body: ResendBody,
        response: { 200: ResendAnswer, ...problemResponses(...mistakes) },
      },
    },
    async (request, reply) => {
      const answer = await offers.resend({ offerId: request.params.id, ...request.body }, clientOf(request.caller));
      return reply.header('cache-control', 'no-store').send(withQr(answer));
    },
  );
}

function addRelease(server: HttpServer, offers: Offers): void {
  server.post(
    '/admin/offers/:id/release',
    {
      config,
      schema: {
        tags,
        operationId: 'releaseOffer',
        summary: 'Say that documents are ready',
        params: OfferParams,
        body: ReleaseBody,
        response: { 200: OfferAnswer, ...problemResponses(...mistakes) },
      },
    },
    async (request, reply) => {
      const given = { offerId: request.params.id, documentIds: request.body.documentIds };
      const view = await offers.release(given, clientOf(request.caller));
      return reply.header('cache-control', 'no-store').send(toWire(view));
    },
  );
}

function toMintAnswer({ credentialOfferId, uri, uriByValue, credentialOffer, expiresAt }: MintedOffer) {
  // What minting builds is a credential offer; it is kept as JSON, which has no types.
  const offer = credentialOffer as unknown as {
    credential_issuer: string;
    credential_configuration_ids: string[];
    grants: Record<string, never>;
  };
  return {
    credentialOfferId,
    uri,
    uriByValue,
    qrSvg: qrSvg(uri, 'Credential offer as a QR code'),
    credentialOffer: offer,
    expiresAt,
  };
}

function addMint(server: HttpServer, offers: Offers): void {
  server.post(
    '/admin/offers/:id/credential-offers',
    {
      config,
      schema: {
        tags,
        operationId: 'createCredentialOffer',
        summary: 'Make a credential offer for a wallet (OpenID4VCI)',
        description: 'For systems that speak to a wallet themselves, in place of the page that the link opens.',
        params: OfferParams,
        body: MintBody,
        response: { 201: MintAnswer, ...problemResponses(...mistakes) },
      },
    },
    async (request, reply) => {
      const { grant: grantType, ...rest } = request.body;
      const given = { offerId: request.params.id, grantType, ...rest };
      const minted = await offers.mint(given, clientOf(request.caller));
      return reply.code(201).header('cache-control', 'no-store').send(toMintAnswer(minted));
    },
  );
}

function addCredentialOffer(server: HttpServer, offers: Offers): void {
  server.get(
    '/offers/:id',
    {
      config: { access: 'public', limit: 'wallet' },
      schema: {
        tags: ['wallets'],
        operationId: 'readCredentialOffer',
        summary: 'A credential offer, for the wallet that it was shown to',
        params: CredentialOfferParams,
        response: { 200: CredentialOfferAnswer, ...problemResponses('invalid_request', 'not_found', 'gone') },
      },
    },
    async (request, reply) => {
      const offer = await offers.credentialOffer(request.params.id);
      // Wallets that live in a browser fetch it from another origin; knowing the address is what gives it to them.
      reply.header('access-control-allow-origin', '*').header('cache-control', 'no-store');
      return reply.send(offer as never);
    },
  );
}
