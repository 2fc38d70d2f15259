/** Which endpoint of the target answers which question, and why a test has nobody to ask. */
import type { Cryptosuite } from './inputs/data-integrity.js';
import { cryptosuites, isCryptosuite } from './inputs/data-integrity.js';
import type { KeyType } from './inputs/keys.js';
import type { DataModel, IssuerEndpoint, ResolverEndpoint, Securing, Target, VerifierEndpoint } from './target.js';

type Lacks = (target: Target) => string | undefined;

/** What a test is tried with: the first of these that the endpoint takes. JCS first, for it signs any JSON. */
const preference: readonly Securing[] = [
  'eddsa-jcs-2022',
  'ecdsa-jcs-2019',
  'vc+jwt',
  'eddsa-rdfc-2022',
  'ecdsa-rdfc-2019',
];

const speaks = (endpoint: { readonly dataModels?: readonly DataModel[] }, model: DataModel) =>
  (endpoint.dataModels ?? ['2.0']).includes(model);

/** The mechanism in which the checker sends what no library would sign. */
export function forgeable(verifier: VerifierEndpoint): Securing {
  const securing = preference.find((one) => verifier.securing.includes(one));
  if (!securing) throw new Error(`${verifier.url} takes no mechanism that the checker can make`);
  return securing;
}

function makeable(verifier: VerifierEndpoint): boolean {
  return preference.some((one) => verifier.securing.includes(one)) && speaks(verifier, '2.0');
}

export function issuersOf(target: Target, securing?: Securing): readonly IssuerEndpoint[] {
  return target.issuers.filter((one) => (securing === undefined || one.securing === securing) && speaks(one, '2.0'));
}

/** The issuer of data model tests: Data Integrity when there is one, for its output can be read as it stands. */
export function anIssuer(target: Target): IssuerEndpoint {
  const candidates = issuersOf(target);
  const issuer = candidates.find(({ securing }) => isCryptosuite(securing)) ?? candidates[0];
  if (!issuer) throw new Error('the target has no issuer');
  return issuer;
}

export function verifiersOf(target: Target, securing?: Securing): readonly VerifierEndpoint[] {
  return target.verifiers.filter((one) => (securing ? one.securing.includes(securing) : makeable(one)));
}

export function aVerifier(target: Target): VerifierEndpoint {
  const [verifier] = verifiersOf(target);
  if (!verifier) throw new Error('the target has no verifier');
  return verifier;
}

export function aPresentationVerifier(target: Target): VerifierEndpoint {
  const verifier = target.presentationVerifiers.find(makeable);
  if (!verifier) throw new Error('the target has no presentation verifier');
  return verifier;
}

export function aResolver(target: Target): ResolverEndpoint {
  const [resolver] = target.resolvers;
  if (!resolver) throw new Error('the target has no resolver');
  return resolver;
}

/** The mechanism with a key type, as often as the target verifies it. */
export interface Verifying {
  readonly verifier: VerifierEndpoint;
  readonly cryptosuite: Cryptosuite;
  readonly keyType: KeyType;
}

export function verifyingWith(target: Target, cryptosuite: Cryptosuite): Verifying[] {
  const [verifier] = verifiersOf(target, cryptosuite);
  if (!verifier) return [];
  const known = verifier.keyTypes ?? cryptosuites[cryptosuite].keyTypes;
  const keyTypes = cryptosuites[cryptosuite].keyTypes.filter((one) => known.includes(one));
  return keyTypes.map((keyType) => ({ verifier, cryptosuite, keyType }));
}

const lacking =
  (has: (target: Target) => boolean, what: string): Lacks =>
  (target) =>
    has(target) ? undefined : `the target declares no ${what}`;

export const needs = {
  issuer: lacking((target) => issuersOf(target).length > 0, 'issuer of VCDM 2.0 credentials'),
  verifier: lacking((target) => verifiersOf(target).length > 0, 'verifier of a mechanism that the checker can make'),
  presentationVerifier: lacking((target) => target.presentationVerifiers.some(makeable), 'presentation verifier'),
  resolver: lacking((target) => target.resolvers.length > 0, 'DID resolver'),
  hosting: lacking((target) => target.hosting !== undefined, 'trust in what the checker publishes'),
  statusIssuer: lacking((target) => target.issuers.some(({ status }) => status), 'issuer with status'),
  statusPurpose: (purpose: string): Lacks =>
    lacking(
      (target) => target.issuers.some(({ status }) => status?.purposes.includes(purpose)),
      `issuer with the status purpose ${purpose}`,
    ),
  issuing: (securing: Securing): Lacks =>
    lacking((target) => issuersOf(target, securing).length > 0, `issuer of ${securing}`),
  verifying: (securing: Securing): Lacks =>
    lacking((target) => verifiersOf(target, securing).length > 0, `verifier of ${securing}`),
  oneOf:
    (...needed: Lacks[]): Lacks =>
    (target) => {
      const missing = needed.map((one) => one(target));
      return missing.every((one) => one !== undefined) ? missing[0] : undefined;
    },
  all:
    (...needed: Lacks[]): Lacks =>
    (target) =>
      needed.map((one) => one(target)).find((one) => one !== undefined),
};
