/**
 * VCDM 2.0 secured with SD-JWT: vc+sd-jwt and vp+sd-jwt (VC-JOSE-COSE 3.2, RFC 9901). What the issuer names is hidden
 * behind digests; the holder leaves out disclosures before presenting.
 */
import type { ClaimPath } from '../jose/disclosures.js';
import type { JwsHeader } from '../jose/jws.js';
import { signSdJwt } from '../jose/sd-jwt.js';
import type { JsonObject } from '../json.js';
import { type EnvelopeKind, envelop } from './envelopes.js';
import { type EnvelopingKind, EnvelopingProvider } from './enveloping-provider.js';
import { refuseJose } from './faults.js';
import { CredentialRefusal } from './refusals.js';
import type { ResolvedSigner } from './signer.js';
import { type ClaimFacts, credentialClaims, presentationClaims } from './token-claims.js';

/** Gives random bytes. */
export type Random = (bytes: number) => Uint8Array;

/**
 * What a verifier needs to judge at all (VC-JOSE-COSE 3.2.1, RFC 9901 9.7): a holder who could leave out the status
 * of a credential could not be refused.
 */
const neverConcealed: Readonly<Record<EnvelopeKind, readonly string[]>> = {
  credential: [
    ...['@context', 'type', 'issuer', 'validFrom', 'validUntil', 'credentialStatus', 'credentialSchema'],
    ...['relatedResource', 'termsOfUse', 'cnf'],
  ],
  presentation: ['@context', 'type'],
};

/** The claims with which a VCDM document is signed, and which of its members stay hidden. */
export interface SdJwtContent {
  readonly kind: EnvelopeKind;
  readonly document: JsonObject;
  readonly claims: JsonObject;
  readonly selectivelyDisclosable: readonly string[];
}

/** Signs a document as SD-JWT with all its disclosures; throws CredentialRefusal for paths that must not be hidden. */
export async function secureWithDisclosures(
  { kind, document, claims, selectivelyDisclosable }: SdJwtContent,
  { algorithm, kid, sign }: ResolvedSigner,
  random: Random,
): Promise<string> {
  const paths = selectivelyDisclosable.map(parsePath);
  const exposed = paths.find(([first]) => neverConcealed[kind].includes(String(first)));
  if (exposed !== undefined) {
    throw new CredentialRefusal('disclosures_invalid', `${String(exposed[0])} may not be selectively disclosable.`);
  }
  // A claim that repeats a hidden member would tell what the holder leaves out.
  const hidden = new Set(paths.map((path) => path.join('.')));
  const stated = Object.entries(claims).filter(([name]) => !(sources[name] ?? []).some((path) => hidden.has(path)));
  const header: JwsHeader = { alg: algorithm, typ: kind === 'credential' ? 'vc+sd-jwt' : 'vp+sd-jwt', kid };
  const cty = kind === 'credential' ? 'vc' : 'vp';
  return signSdJwt({ ...header, cty }, { ...document, ...Object.fromEntries(stated) }, { paths, random, sign });
}

/** Members that a claim repeats. */
const sources: Readonly<Record<string, readonly string[]>> = {
  iss: ['holder'],
  sub: ['credentialSubject', 'credentialSubject.id', 'credentialSubject.0', 'credentialSubject.0.id'],
  jti: ['id'],
};

const step = /^([^.[\]]+)((?:\[\d{1,6}\])*)$/;

/** `credentialSubject.phones[0].number`, as the suites and the catalogue write paths. */
export function parsePath(path: string): ClaimPath {
  return path.split('.').flatMap((part) => {
    const [, name, places] = step.exec(part) ?? [];
    if (name === undefined) throw new CredentialRefusal('disclosures_invalid', 'A path to a claim cannot be read.');
    return [name, ...[...(places ?? '').matchAll(/\d+/g)].map(([place]) => Number(place))];
  });
}

/** One kind of SD-JWT. */
function kindOf(
  kind: EnvelopeKind,
  claimsOf: (document: JsonObject, facts: ClaimFacts) => JsonObject,
  random: Random,
): EnvelopingKind {
  const medium = kind === 'credential' ? 'vc+sd-jwt' : 'vp+sd-jwt';
  return {
    proofFormats: [medium],
    media: [medium],
    secure: async ({ document, selectivelyDisclosable, ...facts }, signer) => {
      const claims = claimsOf(document, facts);
      const text = await refusingJose(
        secureWithDisclosures({ kind, document, claims, selectivelyDisclosable }, signer, random),
      );
      return envelop(kind, medium, text);
    },
  };
}

/** A path that leads nowhere is the caller's fault, not ours. */
export async function refusingJose<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    return refuseJose(() => {
      throw error;
    });
  }
}

/** Issues and verifies vc+sd-jwt and vp+sd-jwt. */
export class SdJwtProvider extends EnvelopingProvider {
  constructor({ random }: { random: Random }) {
    super(kindOf('credential', credentialClaims, random), kindOf('presentation', presentationClaims, random));
  }
}
