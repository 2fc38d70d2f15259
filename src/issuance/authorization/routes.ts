import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import { OAuthError, toOAuthError } from '../../http/oauth-errors.js';
import { errorPageSchema, prefersPage, sendPage } from '../../http/page.js';
import type { HttpServer } from '../../http/server.js';
import { notModified, sendDocument, signedDocument } from '../../http/signed-document.js';
import { type Authorization, AuthorizationRefusal } from './authorization.js';
import { withoutEmpty } from './authorization-request.js';
import { consentPath } from './interaction.js';
import { metadataPaths } from './metadata.js';
import { consentBody, consentTitle, refusalBody, refusalTitle } from './pages.js';
import { formTargetOf, isOnDevice } from './redirect-uri.js';
import { preAuthorizedGrant } from './token-requests.js';

/** Metadata changes only with the configuration and the catalogue. */
const metadataSeconds = 300;
/** A request for a whole passport with every parameter at its longest. */
const maxFormBytes = 64 * 1024;

const text = (maxLength: number, description?: string) =>
  Type.Optional(Type.String({ maxLength, ...(description === undefined ? {} : { description }) }));

/** RFC 6749 3.1: parameters that are not known are ignored. */
const open = { additionalProperties: true } as const;

const requestParameters = {
  client_id: text(512, 'What the wallet calls itself'),
  response_type: text(100),
  redirect_uri: text(2048, 'https, a private-use scheme of an app, or http on loopback'),
  scope: text(8192, 'Credential configuration ids'),
  authorization_details: text(32 * 1024, 'RFC 9396, of the type openid_credential'),
  state: text(1024),
  issuer_state: text(1024, 'From a credential offer'),
  code_challenge: text(128),
  code_challenge_method: text(32, 'S256'),
  response_mode: text(32),
  dpop_jkt: text(128),
  request: text(1024, 'Refused: push the request instead'),
  prompt: text(100),
};

const TokenForm = Type.Object(
  {
    grant_type: text(200, `${preAuthorizedGrant}, authorization_code or refresh_token`),
    'pre-authorized_code': text(512),
    tx_code: text(64),
    user_pin: text(64, 'The name of tx_code in drafts of OpenID4VCI'),
    code: text(512),
    code_verifier: text(512),
    redirect_uri: text(2048),
    refresh_token: text(512),
    client_id: text(512),
    authorization_details: text(32 * 1024),
  },
  {
    ...open,
    examples: [{ grant_type: preAuthorizedGrant, 'pre-authorized_code': 'SplxlOBeZQQYbYS6WxSbIA', tx_code: '493536' }],
  },
);

const TokenAnswer = Type.Object(
  {
    access_token: Type.String(),
    token_type: Type.Enum(['Bearer', 'DPoP']),
    expires_in: Type.Integer(),
    refresh_token: Type.String(),
    scope: Type.Optional(Type.String()),
    authorization_details: Type.Optional(Type.Array(Type.Object({}, open))),
  },
  { description: 'An access token (RFC 6749 section 5.1, OpenID4VCI 1.0 section 6.2)' },
);

const PushedForm = Type.Object(
  { ...requestParameters, request_uri: text(512, 'Refused here') },
  {
    ...open,
    examples: [
      {
        response_type: 'code',
        client_id: 'https://wallet.example.org',
        redirect_uri: 'https://wallet.example.org/cb',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
        issuer_state: 'eyJhbGciOiJSU0Et',
      },
    ],
  },
);

const PushedAnswer = Type.Object(
  { request_uri: Type.String(), expires_in: Type.Integer() },
  { description: 'Where the request is kept, for a minute and one use (RFC 9126)' },
);

const AuthorizeQuery = Type.Object({ ...requestParameters, request_uri: text(512, 'From POST /par') }, open);

const ConsentForm = Type.Object(
  { form_token: Type.String({ maxLength: 64 }), decision: Type.Enum(['allow', 'refuse']) },
  { ...open, examples: [{ form_token: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', decision: 'allow' }] },
);

const Metadata = Type.Object(
  { issuer: Type.String(), token_endpoint: Type.String() },
  { description: 'Where and how a wallet gets its token; more members as the specifications name them' },
);

const redirection = { description: 'The browser goes on elsewhere', type: 'null' } as const;
const pageAnswer = { description: 'A page', content: { 'text/html': { schema: Type.String() } } };
const form = { consumes: ['application/x-www-form-urlencoded'], tags: ['wallets'] };

/** The endpoints of the wallets' authorization server. */
export function authorizationRoutes(authorization: Authorization): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addMetadata(server, authorization);
    addTokenEndpoint(server, authorization);
    addPushEndpoint(server, authorization);
    addAuthorizeEndpoint(server, authorization);
    addConsent(server, authorization);
  };
}

function addMetadata(server: HttpServer, { issuer, metadata }: Authorization): void {
  const document = signedDocument(JSON.stringify(metadata), {
    contentType: 'application/json',
    maxAgeSeconds: metadataSeconds,
  });
  for (const [index, url] of metadataPaths(issuer).entries()) {
    const summary = 'Metadata of the authorization server of wallets (RFC 8414)';
    const success = { description: summary, content: { 'application/json': { schema: Metadata } } };
    const operationId = index === 0 ? 'walletAuthorizationMetadata' : `walletAuthorizationMetadata${index + 1}`;
    server.get(
      url,
      {
        config: { access: 'public' },
        schema: { tags: ['wallets'], operationId, summary, response: { 200: success, 304: notModified } },
      },
      async (request, reply) => sendDocument(request, reply, document),
    );
  }
}

function addTokenEndpoint(server: HttpServer, authorization: Authorization): void {
  const refusals = server.metrics.counter({
    name: 'wallet_token_refusals_total',
    help: 'Token requests of wallets that were refused, by error',
    labels: ['error'],
  });
  server.post(
    '/token',
    {
      config: { access: 'public', errors: 'oauth', limit: 'wallet', bodyTypes: ['form'] },
      bodyLimit: maxFormBytes,
      schema: {
        ...form,
        operationId: 'walletToken',
        summary: "A wallet's access token (OpenID4VCI 1.0 section 6)",
        body: TokenForm,
        response: { 200: TokenAnswer },
      },
    },
    async (request, reply) => {
      openToWallets(reply);
      refuseHeaderAuthentication(request);
      try {
        return await authorization.token({ parameters: withoutEmpty(request.body), dpop: dpopOf(request) });
      } catch (error) {
        if (error instanceof OAuthError) refusals.inc({ error: error.error });
        throw error;
      }
    },
  );
}

function addPushEndpoint(server: HttpServer, authorization: Authorization): void {
  server.post(
    '/par',
    {
      config: { access: 'public', errors: 'oauth', limit: 'wallet', bodyTypes: ['form'] },
      bodyLimit: maxFormBytes,
      schema: {
        ...form,
        operationId: 'walletPushedRequest',
        summary: 'Push an authorization request (RFC 9126)',
        body: PushedForm,
        response: { 201: PushedAnswer },
      },
    },
    async (request, reply) => {
      openToWallets(reply);
      refuseHeaderAuthentication(request);
      const pushed = await authorization.push({ parameters: withoutEmpty(request.body), dpop: dpopOf(request) });
      return reply.code(201).send(pushed);
    },
  );
}

/** Wallets may be web pages of any origin; no cookie counts here. */
function openToWallets(reply: FastifyReply): void {
  reply.header('cache-control', 'no-store').header('pragma', 'no-cache').header('access-control-allow-origin', '*');
}

/** RFC 6749 5.2: the challenge in the scheme that was tried. */
function refuseHeaderAuthentication({ headers }: FastifyRequest): void {
  if (headers.authorization === undefined) return;
  const challenge = /^basic /i.test(headers.authorization) ? 'Basic realm="staff-passport"' : 'Bearer';
  throw new OAuthError('invalid_client', 'Wallets are public clients here and authenticate with nothing.', {
    challenge,
  });
}

function dpopOf({ headers }: FastifyRequest): string | undefined {
  return [headers.dpop].flat().join(',') || undefined;
}

function addAuthorizeEndpoint(server: HttpServer, authorization: Authorization): void {
  server.get(
    '/authorize',
    {
      // A HEAD, perhaps of a preview, must not use the request up.
      exposeHeadRoute: false,
      config: { access: 'public', errors: 'negotiatedOauth', limit: 'wallet' },
      schema: {
        tags: ['wallets'],
        operationId: 'walletAuthorize',
        summary: 'Where a wallet sends its person to sign in (RFC 6749 section 3.1)',
        querystring: AuthorizeQuery,
        response: { 302: redirection },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      try {
        const { redirect, cookie } = await authorization.begin(withoutEmpty(request.query));
        return await reply.header('set-cookie', cookie).redirect(redirect, 302);
      } catch (error) {
        if (!(error instanceof AuthorizationRefusal)) throw error;
        return answerRefusal(error, request, reply);
      }
    },
  );
}

/** Back to an app on the person's own device at once; to a website only when the person chooses to. */
function answerRefusal(refusal: AuthorizationRefusal, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (isOnDevice(refusal.redirectUri)) return reply.redirect(refusal.location, 302);
  if (!prefersPage(request.headers.accept)) throw refusal;
  return sendRefusal(refusal, reply);
}

function sendRefusal(refusal: AuthorizationRefusal, reply: FastifyReply): FastifyReply {
  const { status } = toOAuthError(refusal);
  return sendPage(reply.code(status), { title: refusalTitle, body: refusalBody(refusal) });
}

/**
 * The person comes from the form of a sign-in, whose page may not let a browser go on to a wallet (CSP 3 form-action
 * holds redirects too), and phones open apps for those only who tap on something: so there is a page in between.
 */
function answerUnmet(refusal: AuthorizationRefusal, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (prefersPage(request.headers.accept)) return sendRefusal(refusal, reply);
  return reply.redirect(refusal.location, 302);
}

function addConsent(server: HttpServer, authorization: Authorization): void {
  server.get(
    consentPath,
    {
      exposeHeadRoute: false,
      config: { access: 'public', errors: 'negotiatedOauth', limit: 'wallet' },
      schema: {
        tags: ['pages'],
        operationId: 'walletConsentPage',
        summary: 'The page on which a person allows a wallet to receive documents',
        response: { 200: pageAnswer, 302: redirection },
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      try {
        const consent = await authorization.ask(request.headers.cookie);
        reply.header('set-cookie', consent.cookie);
        const formTargets = [formTargetOf(consent.redirectUri)];
        return sendPage(reply, { title: consentTitle, body: consentBody(consent, server.basePath), formTargets });
      } catch (error) {
        if (error instanceof AuthorizationRefusal) return answerUnmet(error, request, reply);
        throw error;
      }
    },
  );
  server.post(
    consentPath,
    {
      config: { access: 'public', errors: 'page', limit: 'wallet', bodyTypes: ['form'] },
      schema: {
        ...form,
        tags: ['pages'],
        operationId: 'walletConsent',
        summary: 'What the person answered',
        body: ConsentForm,
        response: { 302: redirection, 400: errorPageSchema },
      },
    },
    async (request, reply) => {
      const { form_token: formToken, decision } = request.body;
      const answer = { cookie: request.headers.cookie, formToken, allow: decision === 'allow' };
      return reply.header('cache-control', 'no-store').redirect(await authorization.decide(answer), 302);
    },
  );
}
