/** ecdsa-sd-2023 by the reference library of its authors; the bytes of a proof value by cborg. */
import { DataIntegrityProof } from '@digitalbazaar/data-integrity';
import { generate } from '@digitalbazaar/ecdsa-multikey';
import {
  createDiscloseCryptosuite,
  createSignCryptosuite,
  createVerifyCryptosuite,
} from '@digitalbazaar/ecdsa-sd-2023-cryptosuite';
import { derive, issue, verifyCredential } from '@digitalbazaar/vc';
import { decode, encode } from 'cborg';
import { documentLoader } from './contexts.js';
import type { Document } from './documents.js';

interface SdIssuer {
  readonly did: string;
  sign(credential: Document, mandatoryPointers?: readonly string[]): Promise<Document>;
}

/** An issuer with a P-256 key of its own. */
export async function createSdIssuer(): Promise<SdIssuer> {
  const key = await generate({ curve: 'P-256' });
  const did = `did:key:${key.publicKeyMultibase}`;
  const id = `${did}#${key.publicKeyMultibase}`;
  Object.assign(key, { id, controller: did });
  return {
    did,
    async sign(credential, mandatoryPointers = ['/issuer']) {
      const cryptosuite = createSignCryptosuite({ mandatoryPointers });
      const suite = new DataIntegrityProof({ signer: { ...key.signer(), id }, cryptosuite });
      return (await issue({ credential: structuredClone(credential), suite, documentLoader })) as Document;
    },
  };
}

export async function disclose(base: Document, selectivePointers: readonly string[]): Promise<Document> {
  const suite = new DataIntegrityProof({ cryptosuite: createDiscloseCryptosuite({ selectivePointers }) });
  return (await derive({ verifiableCredential: structuredClone(base), suite, documentLoader })) as Document;
}

/** Why a derived credential does not verify, or undefined. */
export async function disclosureFault(derived: Document): Promise<string | undefined> {
  const suite = new DataIntegrityProof({ cryptosuite: createVerifyCryptosuite() });
  const credential = structuredClone(derived);
  const outcome = await verifyCredential({ credential, suite, documentLoader: withDidKeys });
  if (outcome.verified) return undefined;
  return outcome.error?.errors?.[0]?.message ?? outcome.error?.message ?? 'the reference library does not verify it';
}

/** The document of a did:key, or one verification method of it, as the library asks for either. */
async function withDidKeys(url: string) {
  const match = /^(did:key:(z[\w]+))(#.*)?$/.exec(url);
  if (!match?.[1] || !match[2]) return documentLoader(url);
  const [, did, publicKeyMultibase, fragment] = match;
  const id = `${did}#${publicKeyMultibase}`;
  const method = { id, type: 'Multikey', controller: did, publicKeyMultibase };
  const multikey = 'https://w3id.org/security/multikey/v1';
  const contexts = ['https://www.w3.org/ns/did/v1', multikey];
  const whole = { '@context': contexts, id: did, verificationMethod: [method], assertionMethod: [id] };
  return { documentUrl: url, document: fragment ? { '@context': multikey, ...method } : whole };
}

export interface ProofValue {
  readonly header: string;
  readonly components: unknown[];
}

/** Throws on CBOR tags: none may stand among the components. */
export function readProofValue(value: string): ProofValue {
  const bytes = Buffer.from(value.slice(1), 'base64url');
  return {
    header: bytes.subarray(0, 3).toString('hex'),
    components: decode(bytes.subarray(3), { useMaps: true }) as unknown[],
  };
}

export function writeProofValue({ header, components }: ProofValue): string {
  return `u${Buffer.concat([Buffer.from(header, 'hex'), encode(components)]).toString('base64url')}`;
}
