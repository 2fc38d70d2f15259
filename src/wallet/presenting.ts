/** Showing credentials to a verifier that asked for them: one presentation for each, bound to this request by the holder's key. */
import { createHash } from 'node:crypto';
import { base58 } from '@scure/base';
import { CompactEncrypt, importJWK } from 'jose';
import { ServiceError } from '../errors.js';
import { signJws } from '../jose/jws.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../json.js';
import { type AuthorizationRequest, readRequest } from './authorization-request.js';
import { type Answer, answerQuery } from './dcql.js';
import { form, objectOf, type Send } from './exchange.js';
import { payloadOf } from './held-credential.js';
import type { Holder } from './holder-key.js';
import { selectDisclosures } from './selecting.js';
import type { HeldCredential } from './wallet-file.js';

/** What presenting takes. */
export interface PresentingDependencies {
  readonly send: Send;
  readonly holder: Holder;
  readonly now: () => Date;
  readonly nonce: () => string;
}

/** What was shown, to whom, and where the verifier wants the person to go on. */
export interface Presented {
  readonly verifier: string;
  readonly names: readonly string[];
  readonly redirectUri?: string;
}

/** Answers the request behind a link with what the wallet holds; throws when it lacks something. */
export async function presentTo(
  deps: PresentingDependencies,
  link: string,
  credentials: readonly HeldCredential[],
): Promise<Presented> {
  const request = await readRequest(deps, link);
  const answers = answerQuery(request.query, credentials);
  const token: Record<string, Json[]> = {};
  for (const answer of answers) {
    const presentation = await presentationOf(deps, request, answer);
    token[answer.queryId] = [...(token[answer.queryId] ?? []), presentation];
  }
  const answer = await deps.send(form(request.responseUri, await responseOf(request, token)));
  const { redirect_uri: redirectUri } = objectOf(answer, 'The presentation');
  const names = answers.map(({ held }) => held.name);
  return { verifier: request.clientId, names, ...(typeof redirectUri === 'string' ? { redirectUri } : {}) };
}

type Present = (deps: PresentingDependencies, request: AuthorizationRequest, answer: Answer) => Promise<Json>;

/** By format identifier (OpenID4VP 1.0 appendix B); a credential without a row here cannot be shown. */
const presentations: Readonly<Record<string, Present>> = {
  'dc+sd-jwt': presentSdJwt,
  jwt_vc_json: presentJwt,
  ldp_vc: presentObject,
};

function presentationOf(deps: PresentingDependencies, request: AuthorizationRequest, answer: Answer): Promise<Json> {
  const present = presentations[answer.held.format];
  if (present === undefined) throw new ServiceError('invalid_request', `A ${answer.held.format} cannot be shown.`);
  return present(deps, request, answer);
}

function seconds(now: () => Date): number {
  return Math.floor(now().getTime() / 1000);
}

/** RFC 9901 4.3: the key binding covers exactly what is shown. */
async function presentSdJwt({ holder, now }: PresentingDependencies, request: AuthorizationRequest, answer: Answer) {
  const shown = selectDisclosures(String(answer.held.credential), answer.paths);
  const claims = {
    iat: seconds(now),
    aud: request.clientId,
    nonce: request.nonce,
    sd_hash: createHash('sha256').update(shown).digest('base64url'),
  };
  return shown + (await signJws({ alg: 'ES256', typ: 'kb+jwt' }, claims, holder.sign));
}

/** VCDM 2.0 in a vp+jwt with the enveloped credential; VCDM 1.1 in a JWT with `vp` (B.1.3.1.5). */
function presentJwt({ holder, now }: PresentingDependencies, request: AuthorizationRequest, { held }: Answer) {
  const compact = String(held.credential);
  const bound = { aud: request.clientId, nonce: request.nonce, iat: seconds(now) };
  const base = { type: ['VerifiablePresentation'], holder: holder.did };
  if (isJsonObject(payloadOf(compact).vc)) {
    const vp = { '@context': ['https://www.w3.org/2018/credentials/v1'], ...base, verifiableCredential: [compact] };
    return signJws({ alg: 'ES256', typ: 'JWT', kid: holder.kid }, { iss: holder.did, ...bound, vp }, holder.sign);
  }
  const context = 'https://www.w3.org/ns/credentials/v2';
  const enveloped = {
    '@context': context,
    id: `data:application/vc+jwt,${compact}`,
    type: 'EnvelopedVerifiableCredential',
  };
  const vp = { '@context': [context], ...base, verifiableCredential: [enveloped] };
  return signJws({ alg: 'ES256', typ: 'vp+jwt', cty: 'vp', kid: holder.kid }, { ...vp, ...bound }, holder.sign);
}

/** Data Integrity with ecdsa-jcs-2019 (3.3): this wallet needs no linked-data processing to sign. */
async function presentObject({ holder, now }: PresentingDependencies, request: AuthorizationRequest, { held }: Answer) {
  const context = ['https://www.w3.org/ns/credentials/v2'];
  const document: JsonObject = {
    '@context': context,
    type: ['VerifiablePresentation'],
    holder: holder.did,
    verifiableCredential: [held.credential],
  };
  const proof: JsonObject = {
    '@context': context,
    type: 'DataIntegrityProof',
    cryptosuite: 'ecdsa-jcs-2019',
    created: now()
      .toISOString()
      .replace(/\.\d{3}Z$/, 'Z'),
    verificationMethod: holder.kid,
    proofPurpose: 'authentication',
    challenge: request.nonce,
    domain: request.clientId,
  };
  const digests = [proof, document].map((part) => createHash('sha256').update(canonicalJson(part)).digest());
  const signature = await holder.sign(Buffer.concat(digests));
  return { ...document, proof: { ...proof, proofValue: `z${base58.encode(signature)}` } };
}

/** Section 8: plain, or encrypted to the key that came with the request. */
async function responseOf(
  request: AuthorizationRequest,
  token: JsonObject,
): Promise<Record<string, string | undefined>> {
  const { state, responseMode, clientMetadata } = request;
  if (responseMode === 'direct_post') return { vp_token: JSON.stringify(token), state };
  const keys =
    isJsonObject(clientMetadata.jwks) && Array.isArray(clientMetadata.jwks.keys) ? clientMetadata.jwks.keys : [];
  const key = keys.filter(isJsonObject).find(({ use }) => use === undefined || use === 'enc');
  const encodings = clientMetadata.encrypted_response_enc_values_supported;
  const enc = Array.isArray(encodings) && typeof encodings[0] === 'string' ? encodings[0] : 'A128GCM';
  if (key === undefined)
    throw new ServiceError('invalid_request', 'The request brings no key to encrypt the answer to.');
  const payload = JSON.stringify({ vp_token: token, ...(state === undefined ? {} : { state }) });
  const header = { alg: 'ECDH-ES', enc, ...(typeof key.kid === 'string' ? { kid: key.kid } : {}) };
  const encrypted = new CompactEncrypt(Buffer.from(payload)).setProtectedHeader(header);
  return { response: await encrypted.encrypt(await importJWK(key as { kty: string }, 'ECDH-ES')) };
}
