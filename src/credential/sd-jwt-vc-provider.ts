/**
 * SD-JWT VC: dc+sd-jwt (draft-ietf-oauth-sd-jwt-vc, RFC 9901). The catalogue names what is hidden behind digests, each
 * copy has its own salts, and decoys keep the number of hidden claims to themselves. What is presented is the token
 * with a key binding; only a wallet makes one, for it chooses what is shown.
 */
import { ServiceError } from '../errors.js';
import type { ClaimPath, Decoys } from '../jose/disclosures.js';
import { signSdJwt } from '../jose/sd-jwt.js';
import { isJsonObject, type Json, type JsonObject } from '../json.js';
import type { ClaimsPath, SdJwtVcType } from './catalogue/type-metadata.js';
import { type EnvelopeContent, type EnvelopingKind, EnvelopingProvider } from './enveloping-provider.js';
import { CredentialRefusal } from './refusals.js';
import { type Random, refusingJose } from './sd-jwt-provider.js';
import { toClaims, toCredential } from './sd-jwt-vc.js';
import type { ResolvedSigner } from './signer.js';

const media = ['dc+sd-jwt'] as const;

/** An array is filled up to a multiple of this; the longest list of the catalogue has ten. */
const elementsAtOnce = 16;

/** The claims that a path leads to, in these claims; null stands for every element of an array. */
function expand(claims: Json | undefined, [step, ...rest]: ClaimsPath): ClaimPath[] {
  if (step === undefined) return claims === undefined ? [] : [[]];
  if (step !== null) {
    const member = isJsonObject(claims) && Object.hasOwn(claims, step) ? claims[step] : undefined;
    return expand(member, rest).map((path) => [step, ...path]);
  }
  const elements = Array.isArray(claims) ? claims : [];
  return elements.flatMap((element, index) => expand(element, rest).map((path) => [index, ...path]));
}

/**
 * As many digests in each object as its type has hidden claims, and in each array as its longest one: otherwise their
 * number would tell what the holder does not.
 */
function decoysFor(claims: JsonObject, paths: readonly ClaimsPath[]): Decoys[] {
  const parents = new Map<string, { path: ClaimsPath; total: number }>();
  for (const path of paths) {
    const parent = path.slice(0, -1);
    const key = JSON.stringify(parent);
    const total = path.at(-1) === null ? elementsAtOnce : (parents.get(key)?.total ?? 0) + 1;
    parents.set(key, { path: parent, total });
  }
  return [...parents.values()].flatMap(({ path, total }) => expand(claims, path).map((at) => ({ at, total })));
}

/** The claims that an address names as the type's own must be those that the credential has (toClaims reads it back). */
function secure(random: Random) {
  return async (content: EnvelopeContent, { algorithm, kid, sign }: ResolvedSigner): Promise<JsonObject> => {
    const { document, now, holderKid } = content;
    const { vct, integrity, selectivelyDisclosable } = typeOf(content);
    const claims = toClaims(document, { vct, integrity, now, ...(holderKid === undefined ? {} : { holderKid }) });
    const paths = selectivelyDisclosable.flatMap((path) => expand(claims, path));
    const decoys = decoysFor(claims, selectivelyDisclosable);
    const header = { alg: algorithm, typ: media[0], kid };
    const jwt = await refusingJose(signSdJwt(header, claims, { paths, decoys, random, sign }));
    // As whoever reads the token sees it: what stands beside a token must be what it says.
    return { ...toCredential({ claims, concealed: claims }), proof: { type: 'JwtProof2020', jwt } };
  };
}

function typeOf({ sdJwtVc }: EnvelopeContent): SdJwtVcType {
  if (sdJwtVc !== undefined) return sdJwtVc;
  throw new CredentialRefusal('claims_inconsistent', 'An SD-JWT VC has a type with metadata at its vct.');
}

async function refusePresentation(): Promise<never> {
  throw new ServiceError('invalid_request', 'A presentation of an SD-JWT VC is made by the wallet that holds it.');
}

function credentialKind(random: Random): EnvelopingKind {
  return { proofFormats: media, media, secure: secure(random) };
}

/** Issues and verifies dc+sd-jwt, and verifies its presentations. */
export class SdJwtVcProvider extends EnvelopingProvider {
  constructor({ random }: { random: Random }) {
    super(credentialKind(random), { proofFormats: [], media, secure: refusePresentation });
  }
}
