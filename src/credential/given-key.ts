/**
 * Enveloping proofs with a key that the caller brings, as VC-JOSE-COSE 6 describes them: the discovery of keys "is
 * assumed to have succeeded", and dates, status, schema and trust are the caller's policy. No DID is resolved and
 * nothing is fetched. For the command line `suite`; the service goes through the agent.
 */
import { jwsAlgorithmNames } from '../jose/algorithms.js';
import { signCose } from '../jose/cose.js';
import { signJws, verifyJws } from '../jose/jws.js';
import type { VerificationKey } from '../jose/keys.js';
import type { JsonObject } from '../json.js';
import { checkDataModel, checkPresentationModel, idOf, unknownMembers } from './data-model.js';
import type { EnvelopeKind } from './envelopes.js';
import { refuseJose } from './faults.js';
import { CredentialRefusal } from './refusals.js';
import { type Random, secureWithDisclosures } from './sd-jwt-provider.js';
import type { ResolvedSigner } from './signer.js';
import { readCredentialToken, readPresentationToken, refuseFaults, type TokenRules } from './token.js';
import { textClaim } from './token-claims.js';

/** The three mechanisms of VC-JOSE-COSE 3, by the suffix of their media types. */
export type GivenMechanism = 'jwt' | 'sd-jwt' | 'cose';

/** What is to be secured or verified. */
export interface GivenKeyTask {
  readonly kind: EnvelopeKind;
  readonly mechanism: GivenMechanism;
}

/** A document to secure. */
export interface SecureWithKey extends GivenKeyTask {
  readonly document: JsonObject;
  readonly signer: ResolvedSigner;
  readonly selectivelyDisclosable: readonly string[];
  readonly random: Random;
}

type Secure = (task: SecureWithKey, header: { typ: string; cty: string; claims: JsonObject }) => Promise<string>;

const mechanisms: Readonly<Record<GivenMechanism, Secure>> = {
  jwt: ({ document, signer: { algorithm, kid, sign } }, { typ, cty, claims }) =>
    signJws({ alg: algorithm, typ, cty, kid }, { ...document, ...claims }, sign),
  'sd-jwt': ({ signer, random, ...content }, { claims }) =>
    secureWithDisclosures({ ...content, claims }, signer, random),
  cose: async ({ document, signer: { algorithm, kid, sign } }, { typ, cty, claims }) => {
    const header = { alg: algorithm, kid, typ: `application/${typ}`, contentType: `application/${cty}`, claims };
    const message = await signCose({ ...header, claims: header.claims as { iss?: string } }, document, sign);
    return message.toString('base64');
  },
};

/** Secures a document of VCDM 2.0 that has no member which the data model does not know; throws CredentialRefusal. */
export async function secureWithKey(task: SecureWithKey): Promise<string> {
  const { kind, mechanism, document } = task;
  const check = kind === 'credential' ? checkDataModel : checkPresentationModel;
  refuseFaults([...check(document, '2.0'), ...unknownMembers(document, kind)]);
  const claims = textClaim('iss', idOf(document[kind === 'credential' ? 'issuer' : 'holder']));
  return mechanisms[mechanism](task, { ...typesOf(task), claims });
}

function typesOf({ kind, mechanism }: GivenKeyTask): { typ: string; cty: string } {
  const cty = kind === 'credential' ? 'vc' : 'vp';
  return { typ: `${cty}+${mechanism}`, cty };
}

/** A text to verify, and the key with the names that its kid may have. */
export interface VerifyWithKey extends GivenKeyTask {
  readonly text: string;
  readonly key: VerificationKey;
  readonly names: readonly string[];
}

/** Dates may be of any form, for nobody evaluates them here. */
const rules: TokenRules = { algorithms: jwsAlgorithmNames, key: 'given', dates: 'unread' };

/** The document that the key has signed; throws CredentialRefusal. */
export function verifyWithKey({ text, key, names, ...task }: VerifyWithKey): JsonObject {
  const { typ } = typesOf(task);
  const input = `data:application/${typ}${task.mechanism === 'cose' ? ';base64' : ''},${text}`;
  const token = task.kind === 'credential' ? readCredentialToken(input, rules) : readPresentationToken(input, rules);
  const { kid } = token.jws.header;
  if (kid !== undefined && !names.includes(String(kid))) {
    throw new CredentialRefusal('key_not_found', 'The kid of the token is not the name of the key.');
  }
  refuseJose(() => verifyJws(token.jws, key));
  return 'credential' in token ? token.credential : token.presentation;
}
