/**
 * Occasions for the operations of wallets, people and presentations: offers, codes, tokens, cookies and requests exist
 * only in one service and mostly for one use, so an example of one can only show its form. Each occasion makes fresh
 * ones by HTTP, as a trust's system, a wallet and a browser would.
 */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { decodeJwt, exportJWK, SignJWT } from 'jose';
import { exampleOf } from './client.js';
import type { Member } from './programme.js';

type Texts = Readonly<Record<string, string>>;

/** What is put into an example before it is sent. */
export interface Occasion {
  readonly path?: Texts;
  readonly query?: Texts;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Texts;
  /** Where several successes are described: the one that this occasion leads to. */
  readonly status?: number;
}

const nurse = 'staff-4711';
const clientId = 'com.example.wallet';
const redirectUri = 'com.example.wallet:/cb';
const configuration = 'CoreSkillCredential_sd_jwt';
const preAuthorized = 'urn:ietf:params:oauth:grant-type:pre-authorized_code';
/** RFC 7636 appendix B: the examples of the description have its challenge. */
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
const challenge = createHash('sha256').update(verifier).digest('base64url');

/** The answer when it is a success; anything else is a fault of the occasion, not of the operation that it is for. */
async function expectOk<T extends { readonly status: number; readonly text: string }>(sending: Promise<T>): Promise<T> {
  const answer = await sending;
  if (answer.status >= 400) throw new Error(`${answer.status}: ${answer.text}`);
  return answer;
}

/** A document as HR prepares it, without a holder. */
function contentOf(type: string): object {
  const { credentialSubject, ...rest } = exampleOf(type);
  const { id: _holder, ...subject } = credentialSubject as Record<string, unknown>;
  return { ...rest, credentialSubject: subject };
}

async function offer(member: Member, { pending = false } = {}) {
  const credentials = [{ credential: contentOf('CoreSkillCredential'), ...(pending && { pending }) }];
  const { body } = await expectOk(member.post('/admin/offers', { credentials, person: { signInSubject: nurse } }));
  const link: string = new URL(body.link).pathname.split('/').at(-1) ?? '';
  return { id: body.offerId as string, documentId: body.documents[0].id as string, link, code: body.txCode as string };
}

async function mint(member: Member, id: string, grant = 'pre-authorized_code') {
  return (await expectOk(member.post(`/admin/offers/${id}/credential-offers`, { grant }))).body;
}

async function redemption(member: Member, options?: { pending: boolean }): Promise<Texts> {
  const { id, code } = await offer(member, options);
  const { credentialOffer } = await mint(member, id);
  return {
    grant_type: preAuthorized,
    'pre-authorized_code': credentialOffer.grants[preAuthorized]['pre-authorized_code'],
    tx_code: code,
  };
}

/** A form, by a browser that keeps cookies and follows nothing by itself. */
function openBrowser(member: Member) {
  const cookies = new Map<string, string>();
  const headers = () => ({ cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') });
  async function go(path: string, form?: Texts) {
    const body = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) };
    const request = { redirect: 'manual', headers: headers(), ...body } as const;
    const response = await fetch(new URL(path, member.url), request);
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location') ?? '';
    return expectOk(Promise.resolve({ status: response.status, location, text: await response.text() }));
  }
  return { go, headers };
}

type Browser = ReturnType<typeof openBrowser>;

async function accessToken(member: Member, options?: { pending: boolean }): Promise<Texts> {
  const { text } = await openBrowser(member).go('/token', await redemption(member, options));
  return { authorization: `Bearer ${JSON.parse(text).access_token}` };
}

const newKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

async function credentialRequest(member: Member): Promise<Readonly<Record<string, unknown>>> {
  const { privateKey, publicKey } = newKey();
  const nonce = (await expectOk(member.post('/nonce', {}))).body.c_nonce;
  const proof = await new SignJWT({ aud: member.url, nonce })
    .setProtectedHeader({ alg: 'ES256', typ: 'openid4vci-proof+jwt', jwk: await exportJWK(publicKey) })
    .setIssuedAt()
    .sign(privateKey);
  return { credential_configuration_id: configuration, proofs: { jwt: [proof] } };
}

/** What the credential endpoint told a wallet, and the token that it was told for. */
async function received(member: Member, options?: { pending: boolean }) {
  const headers = await accessToken(member, options);
  const { body } = await expectOk(member.post('/credential', await credentialRequest(member), headers));
  return { headers, body };
}

async function authorizationQuery(member: Member): Promise<Texts> {
  await offer(member);
  const { text } = await openBrowser(member).go('/par', {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: 'S256',
  });
  return { client_id: clientId, request_uri: JSON.parse(text).request_uri };
}

/** A browser that was sent to the identity provider, with the question that it has for it. */
async function signingIn(member: Member): Promise<{ browser: Browser; question: Texts }> {
  const browser = openBrowser(member);
  const { location } = await browser.go(`/authorize?${new URLSearchParams(await authorizationQuery(member))}`);
  return { browser, question: Object.fromEntries(new URL(location).searchParams) };
}

async function signedIn(member: Member): Promise<{ browser: Browser; callback: string }> {
  const { browser, question } = await signingIn(member);
  const { location } = await browser.go('/development/oidc/authorize', { ...question, subject: nurse });
  return { browser, callback: location };
}

/** A browser before the page that asks for consent. */
async function consenting(member: Member): Promise<Browser> {
  const { browser, callback } = await signedIn(member);
  await browser.go(callback);
  return browser;
}

/** The development provider serves our own side, which keeps its verifiers: so its question is asked by the test. */
async function providerCode(member: Member): Promise<Texts> {
  const asked = { client_id: 'staff-passport', redirect_uri: `${member.url}/sign-in/callback` };
  const { location } = await openBrowser(member).go('/development/oidc/authorize', {
    ...asked,
    response_type: 'code',
    state: 's',
    nonce: 'n',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    subject: nurse,
  });
  return { ...asked, code: new URL(location).searchParams.get('code') ?? '', code_verifier: verifier };
}

/** A person's visit, and the token that stands in its forms. */
async function visit(member: Member) {
  const { link, code, documentId } = await offer(member);
  const browser = openBrowser(member);
  const { location } = await browser.go(`/passport/${link}/code`, { code });
  const { text } = await browser.go(location);
  const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? '';
  return { link, documentId, browser, csrf };
}

async function returnFromSignIn(member: Member): Promise<Browser> {
  const { link } = await offer(member);
  const browser = openBrowser(member);
  const { location } = await browser.go(`/passport/${link}/sign-in`);
  const question = Object.fromEntries(new URL(location).searchParams);
  const answered = await browser.go('/development/oidc/authorize', { ...question, subject: nurse });
  await browser.go(answered.location);
  return browser;
}

/** A question to a wallet, and what the wallet learns of it. */
async function question(member: Member) {
  const { body } = await expectOk(member.post('/vp/requests', { template: 'dbs-check', flow: 'cross' }));
  const requestUri = new URL(body.uri).searchParams.get('request_uri') ?? '';
  return { id: body.id as string, requestUri, name: requestUri.split('/').at(-1) ?? '' };
}

type RequestObject = Readonly<Record<'client_id' | 'nonce' | 'state' | 'response_uri', string>>;

async function readQuestion(requestUri: string): Promise<RequestObject> {
  return decodeJwt<RequestObject>(await (await fetch(requestUri)).text());
}

/** The id of a request that was answered with a document of the trust's own. */
async function answered(member: Member): Promise<string> {
  const { id, requestUri } = await question(member);
  const { client_id: aud, nonce, state, response_uri: path } = await readQuestion(requestUri);
  const { privateKey, publicKey } = newKey();
  const holder = `did:jwk:${Buffer.from(JSON.stringify(await exportJWK(publicKey))).toString('base64url')}`;
  const example = exampleOf('DbsCheckCredential');
  const credentialSubject = { ...(example['credentialSubject'] as object), id: holder };
  const { body } = await expectOk(member.issue({ ...example, credentialSubject }, { format: 'jwt_vc' }));
  const vp = {
    '@context': ['https://www.w3.org/2018/credentials/v1'],
    type: ['VerifiablePresentation'],
    verifiableCredential: [body.verifiableCredential],
  };
  const presentation = await new SignJWT({ vp, nonce, aud, iss: holder, jti: randomBytes(8).toString('hex') })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: `${holder}#0` })
    .setIssuedAt()
    .sign(privateKey);
  await openBrowser(member).go(path, { state, vp_token: JSON.stringify({ 'dbs-jwt_vc': [presentation] }) });
  return id;
}

const ofOffer = async (member: Member): Promise<Occasion> => ({ path: { id: (await offer(member)).id } });
const ofLink = async (member: Member): Promise<Occasion> => ({ path: { link: (await offer(member)).link } });

/** By operation, as the description names it. */
export const occasions: Readonly<Record<string, (member: Member) => Promise<Occasion>>> = {
  'GET /admin/offers/{id}': ofOffer,
  'GET /admin/offers/{id}/credentials': ofOffer,
  'POST /admin/offers/{id}/withdraw': ofOffer,
  'POST /admin/offers/{id}/resend': ofOffer,
  'POST /admin/offers/{id}/credential-offers': ofOffer,
  async 'POST /admin/offers/{id}/release'(member) {
    const { id, documentId } = await offer(member, { pending: true });
    return { path: { id }, body: { documentIds: [documentId] } };
  },
  async 'POST /admin/offers/{id}/revoke'(member) {
    const { id, documentId } = await offer(member);
    return { path: { id }, body: { documentIds: [documentId] } };
  },
  async 'GET /offers/{id}'(member) {
    const { credentialOfferId } = await mint(member, (await offer(member)).id);
    return { path: { id: credentialOfferId } };
  },
  'POST /token': async (member) => ({ body: await redemption(member) }),
  'POST /credential': async (member) => ({
    headers: await accessToken(member),
    body: await credentialRequest(member),
    status: 200,
  }),
  async 'POST /deferred_credential'(member) {
    const { headers, body } = await received(member, { pending: true });
    return { headers, body: { transaction_id: body.transaction_id }, status: 202 };
  },
  async 'POST /notification'(member) {
    const { headers, body } = await received(member);
    return { headers, body: { notification_id: body.notification_id } };
  },
  async 'POST /par'(member) {
    const { credentialOffer } = await mint(member, (await offer(member)).id, 'authorization_code');
    return { body: { issuer_state: credentialOffer.grants.authorization_code.issuer_state } };
  },
  'GET /authorize': async (member) => ({ query: await authorizationQuery(member) }),
  'GET /authorize/consent': async (member) => ({ headers: (await consenting(member)).headers(), status: 200 }),
  async 'POST /authorize/consent'(member) {
    const browser = await consenting(member);
    const { text } = await browser.go('/authorize/consent');
    const formToken = /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? '';
    return { headers: browser.headers(), body: { form_token: formToken } };
  },
  async 'GET /sign-in/callback'(member) {
    const { browser, callback } = await signedIn(member);
    return { headers: browser.headers(), query: Object.fromEntries(new URL(callback).searchParams) };
  },
  'GET /development/oidc/authorize': async (member) => ({ query: (await signingIn(member)).question }),
  'POST /development/oidc/authorize': async (member) => ({ body: (await signingIn(member)).question }),
  'POST /development/oidc/token': async (member) => ({ body: await providerCode(member) }),
  'GET /passport/{link}': async (member) => ({ ...(await ofLink(member)), status: 200 }),
  'GET /passport/{link}/sign-in': async (member) => ({ ...(await ofLink(member)), status: 303 }),
  async 'POST /passport/{link}/code'(member) {
    const { link, code } = await offer(member);
    return { path: { link }, body: { code }, status: 303 };
  },
  'GET /passport/signed-in': async (member) => ({
    headers: (await returnFromSignIn(member)).headers(),
    status: 303,
  }),
  async 'GET /passport/{link}/documents'(member) {
    const { link, browser } = await visit(member);
    return { path: { link }, headers: browser.headers(), status: 200 };
  },
  async 'POST /passport/{link}/documents'(member) {
    const { link, browser, csrf, documentId } = await visit(member);
    return { path: { link }, headers: browser.headers(), body: { csrf, [`take-${documentId}`]: 'yes' }, status: 303 };
  },
  async 'GET /passport/{link}/receive'(member) {
    const { link, browser, csrf, documentId } = await visit(member);
    await browser.go(`/passport/${link}/documents`, { csrf, wallet: 'other', [`take-${documentId}`]: 'yes' });
    return { path: { link }, headers: browser.headers(), status: 200 };
  },
  async 'POST /passport/{link}/leave'(member) {
    const { link, browser, csrf } = await visit(member);
    return { path: { link }, headers: browser.headers(), body: { csrf } };
  },
  'GET /vp/requests/{id}': async (member) => ({ path: { id: (await question(member)).id } }),
  'GET /vp/requests/{id}/result': async (member) => ({ path: { id: await answered(member) } }),
  'GET /vp/request/{id}': async (member) => ({ path: { id: (await question(member)).name } }),
  'POST /vp/request/{id}': async (member) => ({ path: { id: (await question(member)).name } }),
  async 'POST /vp/response/{id}'(member) {
    const { name, requestUri } = await question(member);
    const { state } = await readQuestion(requestUri);
    return { path: { id: name }, body: { state } };
  },
  'GET /vp/page/{id}': async (member) => ({ path: { id: (await question(member)).id }, status: 200 }),
};
