/** Questions about Data Integrity proofs, put once for every cryptosuite and key type that the target verifies. */
import { base58 } from '@scure/base';
import { type Conversation, plainCredential } from '../conversation.js';
import { issuersOf, needs, verifyingWith } from '../endpoints.js';
import { type Cryptosuite, proofsOf, secure } from '../inputs/data-integrity.js';
import { changed, type Document } from '../inputs/documents.js';
import type { KeyType, Signer } from '../inputs/keys.js';
import type { Test } from '../suite.js';

/** What a case is made from. */
export interface Material {
  readonly cryptosuite: Cryptosuite;
  readonly keyType: KeyType;
  readonly signer: Signer;
  /** The plain credential of the signer, unsecured. */
  readonly credential: Document;
  readonly talk: Conversation;
}

export type Make = (material: Material) => Promise<unknown>;
export type Makes = Readonly<Record<string, Make>>;

/** A proof whose members are changed before it is signed. */
export function signed(proof: Document, credential: Document = {}): Make {
  return ({ signer, cryptosuite, credential: plain }) =>
    secure(changed(plain, credential), { signer, cryptosuite, proof, safe: false });
}

/** A good proof whose members are changed afterwards. */
export function spoilt(change: (proof: Document) => unknown): Make {
  return async ({ signer, cryptosuite, credential }) => {
    const wire = await secure(credential, { signer, cryptosuite });
    return { ...wire, proof: change(wire['proof']) };
  };
}

/** A credential signed well, then changed. */
export function tampered(change: (wire: Document) => unknown): Make {
  return async ({ signer, cryptosuite, credential }) => change(await secure(credential, { signer, cryptosuite }));
}

const verifies = (suites: readonly Cryptosuite[]) => needs.oneOf(...suites.map((one) => needs.verifying(one)));

/** Puts the cases to a verifier of each cryptosuite. */
export function verifierTest(
  suites: readonly Cryptosuite[],
  { accepts = {}, refuses = {} }: { readonly accepts?: Makes; readonly refuses?: Makes },
): Test {
  return {
    lacks: verifies(suites),
    async run(talk) {
      for (const { verifier, cryptosuite, keyType } of suites.flatMap((one) => verifyingWith(talk.target, one))) {
        const signer = talk.parties.issuer[keyType];
        const material = { talk, cryptosuite, keyType, signer, credential: plainCredential(signer.did) };
        const label = (what: string) => `${cryptosuite} ${keyType}: ${what}`;
        for (const [what, make] of Object.entries(accepts)) {
          await talk.accepts(verifier, await make(material), label(what));
        }
        if (Object.keys(refuses).length > 0 && Object.keys(accepts).length === 0) {
          await talk.accepts(verifier, await signed({})(material), label('an unchanged credential'));
        }
        for (const [what, make] of Object.entries(refuses)) {
          await talk.refuses(verifier, await make(material), label(what));
        }
      }
    },
  };
}

/** Issues with every issuer of the cryptosuites and looks at what came back. */
export function issuerTest(
  suites: readonly Cryptosuite[],
  look: (talk: Conversation, issued: { credential: Document; proof: Document; label: string }) => Promise<void> | void,
  changes: Document = {},
): Test {
  return {
    lacks: needs.oneOf(...suites.map((one) => needs.issuing(one))),
    async run(talk) {
      for (const issuer of suites.flatMap((one) => issuersOf(talk.target, one))) {
        const credential = await talk.issued(issuer, plainCredential(issuer.issuer, changes));
        if (!credential) continue;
        const label = `${issuer.securing} ${issuer.keyType ?? ''}`.trim();
        const proofs = proofsOf(credential).filter(
          (one) => one['cryptosuite'] === issuer.securing || one['type'] === issuer.securing,
        );
        talk.expect(proofs.length > 0, `${label}: no proof of this cryptosuite was made`);
        for (const proof of proofs) await look(talk, { credential, proof, label });
      }
    },
  };
}

/** Runs several tests as one; each part needs its own endpoint. */
export function together(...tests: readonly Test[]): Test {
  return {
    lacks: needs.oneOf(...tests.map(({ lacks }) => lacks)),
    async run(talk) {
      for (const test of tests) if (test.lacks(talk.target) === undefined) await test.run(talk);
    },
  };
}

/** xsd:dateTimeStamp (VCDM 2.0 5.8), as far as a proof needs it. */
export function isDateTimeStamp(value: unknown): boolean {
  const form = /^-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
  return typeof value === 'string' && form.test(value) && !Number.isNaN(Date.parse(value));
}

export async function expectProofHolds(
  talk: Conversation,
  issued: { credential: Document; proof: Document; label: string },
) {
  const fault = await talk.proofFault(issued.credential, issued.proof);
  talk.expect(fault === undefined, `${issued.label}: the issued proof must verify: ${fault}`);
}

/** The signature in a proofValue, or undefined when it is no base58btc. */
export function signatureBytes(proof: Document): Uint8Array | undefined {
  const value: unknown = proof['proofValue'];
  if (typeof value !== 'string' || !/^z[1-9A-HJ-NP-Za-km-z]+$/.test(value)) return undefined;
  return base58.decode(value.slice(1));
}

/** The same signature under another header and encoding. */
export const inBase64url: Make = spoilt((proof) => {
  const bytes = base58.decode(String(proof['proofValue']).slice(1));
  return { ...proof, proofValue: `u${Buffer.from(bytes).toString('base64url')}` };
});

/** One bit of the signature is another. */
export const otherSignature: Make = spoilt((proof) => {
  const bytes = Uint8Array.from(base58.decode(String(proof['proofValue']).slice(1)));
  bytes[10] = (bytes[10] ?? 0) ^ 1;
  return { ...proof, proofValue: `z${base58.encode(bytes)}` };
});

export const shortSignature: Make = spoilt((proof) => {
  const bytes = base58.decode(String(proof['proofValue']).slice(1));
  return { ...proof, proofValue: `z${base58.encode(bytes.subarray(0, -1))}` };
});

export const withoutHeader: Make = spoilt((proof) => ({ ...proof, proofValue: String(proof['proofValue']).slice(1) }));
