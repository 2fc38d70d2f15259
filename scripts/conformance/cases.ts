/** Data model questions, put to every role that must know the answer: to the issuer unsigned, to the verifier signed. */
import type { Conversation } from './conversation.js';
import {
  plainCredential,
  plainPresentation,
  presentable,
  presentationProof,
  presenter,
  signerFor,
} from './conversation.js';
import { anIssuer, aPresentationVerifier, aVerifier, forgeable, needs } from './endpoints.js';
import { isCryptosuite, secure } from './inputs/data-integrity.js';
import { type Document, isDocument } from './inputs/documents.js';
import type { Signer } from './inputs/keys.js';
import { secureWith } from './inputs/securing.js';
import type { Test } from './suite.js';
import type { Securing } from './target.js';

/** What is changed in the plain document, by what one would call it. */
export type Variants = Readonly<Record<string, Document>>;

export interface Cases {
  readonly accepts?: Variants;
  readonly refuses?: Variants;
  /** Whom to ask; both when absent. */
  readonly roles?: readonly ('issuer' | 'verifier')[];
}

/** Signs a document as it stands, well formed or not. */
export async function forged(
  securing: Securing,
  document: Document,
  signer: Signer,
  proof: Document = {},
): Promise<Document> {
  if (!isCryptosuite(securing)) return (await secureWith(securing, document, signer, proof)).wire;
  return secure(document, { signer, cryptosuite: securing, proof, safe: false });
}

async function askIssuer(talk: Conversation, { accepts = {}, refuses = {} }: Cases): Promise<void> {
  const issuer = anIssuer(talk.target);
  for (const [what, changes] of Object.entries(accepts)) {
    const credential = plainCredential(issuer.issuer, withIssuer(changes, issuer.issuer));
    talk.expect(await talk.issued(issuer, credential), `issuing ${what}`);
  }
  for (const [what, changes] of Object.entries(refuses)) {
    await talk.refusesToIssue(issuer, plainCredential(issuer.issuer, withIssuer(changes, issuer.issuer)), what);
  }
}

async function askVerifier(talk: Conversation, { accepts = {}, refuses = {} }: Cases): Promise<void> {
  const verifier = aVerifier(talk.target);
  const securing = forgeable(verifier);
  const signer = signerFor(talk.parties, securing);
  const make = (changes: Document) =>
    forged(securing, plainCredential(signer.did, withIssuer(changes, signer.did)), signer);
  for (const [what, changes] of Object.entries(accepts)) await talk.accepts(verifier, await make(changes), what);
  for (const [what, changes] of Object.entries(refuses)) await talk.refuses(verifier, await make(changes), what);
}

/** Stands for the DID of whoever issues, where a test writes about the issuer. */
export const theIssuer = 'the-issuer';

function withIssuer(changes: Document, did: string): Document {
  return replaced(changes, did) as Document;
}

function replaced(value: unknown, did: string): unknown {
  if (value === theIssuer) return did;
  if (Array.isArray(value)) return value.map((one) => replaced(one, did));
  if (!isDocument(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, replaced(one, did)]));
}

const asks = { issuer: askIssuer, verifier: askVerifier };

/** A test of the credential's data model. */
export function credentialTest(cases: Cases): Test {
  const roles = cases.roles ?? (['issuer', 'verifier'] as const);
  return {
    lacks: needs.oneOf(...roles.map((role) => needs[role])),
    async run(talk) {
      for (const role of roles) if (needs[role](talk.target) === undefined) await asks[role](talk, cases);
    },
  };
}

/** A test of the presentation's data model. `credentials` replaces what is presented, given one that would do. */
export function presentationTest(cases: Omit<Cases, 'roles'>): Test {
  return {
    lacks: needs.presentationVerifier,
    async run(talk) {
      const verifier = aPresentationVerifier(talk.target);
      const securing = forgeable(verifier);
      const holder = presenter(talk.parties, securing);
      const credential = await presentable(talk.parties, securing);
      const make = (changes: Document) =>
        forged(securing, plainPresentation(holder.did, [credential], changes), holder, presentationProof);
      for (const [what, changes] of Object.entries(cases.accepts ?? {})) {
        await talk.acceptsPresentation(verifier, await make(changes), what);
      }
      for (const [what, changes] of Object.entries(cases.refuses ?? {})) {
        await talk.refusesPresentation(verifier, await make(changes), what);
      }
    },
  };
}
