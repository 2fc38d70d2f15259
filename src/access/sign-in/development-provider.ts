/**
 * An OpenID Connect provider for demonstrations and tests on this machine: it believes whatever identifier somebody
 * types. config.ts refuses it outside loopback. Small, but it keeps the rules that our own side relies on.
 */
import { createECDH, createHash, createPrivateKey } from 'node:crypto';
import { ServiceError } from '../../errors.js';
import { encodeBase64url } from '../../jose/base64url.js';
import { createKeySigner, signJws } from '../../jose/jws.js';
import { importJwk } from '../../jose/keys.js';
import type { JsonObject } from '../../json.js';
import { callbackPath } from './sign-in.js';

export const developmentPath = '/development/oidc';
/** We are its only client. */
const clientId = 'staff-passport';

/** How our own side is configured for it. */
export function developmentClient(publicUrl: string): { issuer: string; clientId: string } {
  return { issuer: `${publicUrl}${developmentPath}`, clientId };
}

/** The parameters of an authorization request that matter to it. */
export interface SignInQuestion {
  readonly client_id: string;
  readonly redirect_uri: string;
  readonly response_type: string;
  readonly state: string;
  readonly nonce: string;
  readonly code_challenge: string;
  readonly code_challenge_method: string;
}

export interface DevelopmentProvider {
  readonly metadata: JsonObject;
  readonly jwks: JsonObject;
  /** Throws ServiceError when the question is not one of ours. */
  check(question: SignInQuestion): void;
  /** Where the browser goes when somebody has typed an identifier, or nothing. */
  answer(question: SignInQuestion, subject: string | undefined): string;
  /** Throws ServiceError. */
  redeem(request: {
    code: string;
    code_verifier: string;
    redirect_uri: string;
    client_id: string;
  }): Promise<JsonObject>;
}

interface ProviderOptions {
  readonly publicUrl: string;
  /** 32 bytes. */
  readonly seed: Buffer;
  readonly now: () => Date;
  readonly random: (size: number) => Buffer;
}

interface Answered {
  readonly question: SignInQuestion;
  readonly subject: string;
  readonly until: number;
}

const codeMilliseconds = 60_000;
const tokenSeconds = 60;
/** Of one process, on one machine. */
const maxCodes = 1000;

export function createDevelopmentProvider(options: ProviderOptions): DevelopmentProvider {
  const { publicUrl, now, random } = options;
  const { issuer } = developmentClient(publicUrl);
  const signer = createKeySigner(keyOf(options.seed));
  const kid = importJwk(signer.publicJwk).thumbprint;
  const codes = new Map<string, Answered>();

  function check(question: SignInQuestion): void {
    const good =
      question.client_id === clientId &&
      question.redirect_uri === `${publicUrl}${callbackPath}` &&
      question.response_type === 'code' &&
      question.code_challenge_method === 'S256';
    if (!good) throw new ServiceError('invalid_request', 'The development provider serves this service only.');
  }

  function remember(question: SignInQuestion, subject: string): string {
    const code = random(32).toString('base64url');
    if (codes.size >= maxCodes) codes.delete(codes.keys().next().value ?? '');
    codes.set(code, { question, subject, until: now().getTime() + codeMilliseconds });
    return code;
  }

  return {
    metadata: describe(issuer),
    jwks: { keys: [{ ...signer.publicJwk, kid, alg: signer.algorithm, use: 'sig' }] },
    check,
    answer(question, subject) {
      check(question);
      const outcome = subject === undefined ? { error: 'access_denied' } : { code: remember(question, subject) };
      const parameters = new URLSearchParams({ ...outcome, state: question.state, iss: issuer });
      return `${question.redirect_uri}?${parameters.toString()}`;
    },
    async redeem(request) {
      const answered = codes.get(request.code);
      codes.delete(request.code);
      const challenge = createHash('sha256').update(request.code_verifier).digest('base64url');
      const good =
        answered !== undefined &&
        answered.until > now().getTime() &&
        answered.question.redirect_uri === request.redirect_uri &&
        answered.question.client_id === request.client_id &&
        answered.question.code_challenge === challenge;
      if (!good) throw new ServiceError('invalid_request', 'The code is not good.');
      const iat = Math.floor(now().getTime() / 1000);
      const claims = { iss: issuer, aud: clientId, iat, exp: iat + tokenSeconds };
      const idToken = { ...claims, sub: answered.subject, nonce: answered.question.nonce };
      return {
        access_token: random(16).toString('base64url'),
        token_type: 'Bearer',
        expires_in: tokenSeconds,
        id_token: await signJws({ alg: signer.algorithm, kid }, idToken, signer.sign),
      };
    },
  };
}

function describe(issuer: string): JsonObject {
  return {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['ES256'],
    token_endpoint_auth_methods_supported: ['none'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
  };
}

/** The same key after a restart, and on every replica. */
function keyOf(seed: Buffer) {
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(seed);
  const point = curve.getPublicKey();
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    d: encodeBase64url(seed),
    x: encodeBase64url(point.subarray(1, 33)),
    y: encodeBase64url(point.subarray(33)),
  };
  return createPrivateKey({ key: jwk, format: 'jwk' });
}
