import { Type } from 'typebox';
import { ServiceError } from '../../errors.js';
import { errorPageSchema, html, sendPage } from '../../http/page.js';
import type { HttpServer } from '../../http/server.js';
import { type DevelopmentProvider, developmentPath, type SignInQuestion } from './development-provider.js';
import { callbackPath, type SignIn } from './sign-in.js';

const redirection = { description: 'The browser goes on elsewhere', type: 'null' } as const;
const page = { description: 'A page', content: { 'text/html': { schema: Type.String() } } };

/** The one address that the organisation's identity provider sends people back to. */
export function signInRoutes(signIn: Pick<SignIn, 'receive'>): (server: HttpServer) => Promise<void> {
  return async (server) => {
    server.get(
      callbackPath,
      {
        exposeHeadRoute: false,
        config: { access: 'public', errors: 'page', limit: 'wallet' },
        schema: {
          tags: ['pages'],
          operationId: 'signInCallback',
          summary: 'Where the identity provider sends people back to (OpenID Connect)',
          response: { 302: redirection, 403: errorPageSchema },
        },
      },
      async (request, reply) => {
        const query = request.url.split('?', 2)[1] ?? '';
        const { redirect, cookie } = await signIn.receive({ query, cookie: request.headers.cookie });
        return reply.header('cache-control', 'no-store').header('set-cookie', cookie).redirect(redirect, 302);
      },
    );
  };
}

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });
const question = {
  client_id: text(200),
  redirect_uri: text(2048),
  response_type: text(100),
  state: text(512),
  nonce: text(512),
  code_challenge: text(128),
  code_challenge_method: text(10),
};
const names = Object.keys(question) as (keyof SignInQuestion)[];
const Question = Type.Object(question, { additionalProperties: true });
const Answer = Type.Object(
  { ...question, subject: Type.Optional(Type.String({ maxLength: 255 })), cancel: Type.Optional(text(10)) },
  {
    additionalProperties: true,
    examples: [
      {
        client_id: 'staff-passport',
        redirect_uri: 'http://localhost:8401/sign-in/callback',
        response_type: 'code',
        state: 'af0ifjsldkj',
        nonce: 'n-0S6_WzA2Mj',
        code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
        code_challenge_method: 'S256',
        subject: 'staff-4711',
      },
    ],
  },
);
const Redemption = Type.Object(
  {
    grant_type: Type.Literal('authorization_code'),
    code: text(512),
    code_verifier: text(128),
    redirect_uri: text(2048),
    client_id: text(200),
  },
  {
    additionalProperties: true,
    examples: [
      {
        grant_type: 'authorization_code',
        code: 'SplxlOBeZQQYbYS6WxSbIA',
        code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
        redirect_uri: 'http://localhost:8401/sign-in/callback',
        client_id: 'staff-passport',
      },
    ],
  },
);
const anyObject = Type.Object({}, { additionalProperties: true, description: 'As OpenID Connect describes it' });
const form = { consumes: ['application/x-www-form-urlencoded'] };

/** The identity provider of demonstrations; mounted on loopback only. */
export function developmentProviderRoutes(provider: DevelopmentProvider): (server: HttpServer) => Promise<void> {
  return async (server) => {
    addDocuments(server, provider);
    addPages(server, provider);
    server.post(
      `${developmentPath}/token`,
      {
        config: { access: 'public', errors: 'oauth', limit: 'wallet', bodyTypes: ['form'] },
        schema: {
          ...form,
          tags: ['development'],
          operationId: 'developmentProviderToken',
          summary: 'The token endpoint of the development identity provider',
          body: Redemption,
          response: { 200: anyObject },
        },
      },
      async (request, reply) => {
        reply.header('cache-control', 'no-store');
        return provider.redeem(request.body);
      },
    );
  };
}

function addDocuments(server: HttpServer, { metadata, jwks }: DevelopmentProvider): void {
  const documents = [
    ['/.well-known/openid-configuration', 'developmentProviderMetadata', metadata],
    ['/jwks', 'developmentProviderKeys', jwks],
  ] as const;
  for (const [path, operationId, document] of documents) {
    server.get(
      `${developmentPath}${path}`,
      {
        config: { access: 'public' },
        schema: {
          tags: ['development'],
          operationId,
          summary: 'A document of the development identity provider',
          response: { 200: anyObject },
        },
      },
      async () => document,
    );
  }
}

function addPages(server: HttpServer, provider: DevelopmentProvider): void {
  const url = `${developmentPath}/authorize`;
  const config = { access: 'public', errors: 'page', limit: 'wallet' } as const;
  server.get(
    url,
    {
      config,
      schema: {
        tags: ['development'],
        operationId: 'developmentProviderPage',
        summary: 'The page of the development identity provider',
        querystring: Question,
        response: { 200: page },
      },
    },
    async (request, reply) => {
      provider.check(request.query);
      return sendPage(reply, { title: 'Development sign-in', body: formBody(request.query, server.basePath) });
    },
  );
  server.post(
    url,
    {
      config: { ...config, bodyTypes: ['form'] },
      schema: {
        ...form,
        tags: ['development'],
        operationId: 'developmentProviderAnswer',
        summary: 'Signs somebody in without asking who it is',
        body: Answer,
        response: { 302: redirection },
      },
    },
    async (request, reply) => {
      const { subject = '', cancel } = request.body;
      if (cancel === undefined && subject.trim() === '')
        throw new ServiceError('invalid_request', 'Type an identifier.');
      return reply.redirect(provider.answer(request.body, cancel === undefined ? subject.trim() : undefined), 302);
    },
  );
}

function formBody(asked: SignInQuestion, basePath: string): string {
  const hidden = names.map(
    (name) => html`<input type="hidden" name="${name}" value="${asked[name]}">
`,
  );
  return html`<p>This stands in for the organisation's identity provider on this machine. It asks for no password.</p>
<form method="post" action="${basePath}${developmentPath}/authorize">
!${hidden}<label for="subject">Staff identifier</label>
<p class="hint" id="subject-hint">The one that HR wrote on the offer, for instance staff-4711.</p>
<input id="subject" name="subject" aria-describedby="subject-hint" autocomplete="off" maxlength="255">
<button type="submit">Sign in</button>
<button type="submit" name="cancel" value="yes">Cancel</button>
</form>`;
}
