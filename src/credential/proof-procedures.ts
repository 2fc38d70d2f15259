/**
 * How a document becomes what is signed, by transformation: the graph (vc-di-eddsa 3.2, vc-di-ecdsa 3.2), the text
 * (vc-di-eddsa 3.3, vc-di-ecdsa 3.3) or statement by statement (vc-di-ecdsa 3.4). One row for each.
 */
import { createHash } from 'node:crypto';
import { base58 } from '@scure/base';
import { type JwsAlgorithm, jwsAlgorithms } from '../jose/algorithms.js';
import { verifyBytes } from '../jose/jws.js';
import { canonicalJson, type Json, type JsonObject } from '../json.js';
import type { Transformations } from './canonicalisation.js';
import { hashOf, type Transformation } from './cryptosuites.js';
import { asArray } from './data-model.js';
import { refuseCanonicalisation } from './faults.js';
import type { Configured, ProveRequest, VerifyRequest } from './proof-request.js';
import { CredentialRefusal } from './refusals.js';
import { proveSelectively, verifySelectively } from './selective-disclosure.js';

export interface Procedure {
  /** What a new proof says besides its type, key, time and purpose. */
  members(document: JsonObject): JsonObject;
  /** Document and proof configuration as they are hashed, for a proof that states this. */
  configure(stated: JsonObject, document: JsonObject): Configured;
  /** Answers with the proofValue. */
  prove(transformations: Transformations, request: ProveRequest): Promise<string>;
  /** Whether the signature holds; a malformed one is a refusal. */
  verify(transformations: Transformations, request: VerifyRequest): Promise<boolean>;
}

/** All that lies between a document and what is signed. */
export interface HashedInputs {
  readonly document: string;
  readonly configuration: string;
  readonly documentHash: Buffer;
  readonly configurationHash: Buffer;
  /** Hash of the configuration, then hash of the document (vc-di-eddsa 3.2.4). */
  readonly data: Buffer;
}

/** A procedure that signs two hashes. */
export interface HashingProcedure extends Procedure {
  hash(transformations: Transformations, configured: Configured, algorithm: JwsAlgorithm): Promise<HashedInputs>;
}

type Canonical = (transformations: Transformations, request: { document: JsonObject; hash: string }) => Promise<string>;

/** vc-di-ecdsa 3.2.3: RDFC-1.0 itself hashes as the suite does. */
const graph: Canonical = ({ canonicalise }, request) => canonicalise(request);

/** The text is signed as it stands, but a word that means nothing has no place in a credential (VCDM 2.0 4.2). */
const text: Canonical = async ({ checkTerms }, { document }) => {
  await checkTerms(document);
  return canonicalJson(document);
};

/** The configuration needs no check of its own: its words are those of the suite. */
const plainText: Canonical = async (_transformations, { document }) => canonicalJson(document);

export const procedures = {
  rdfc: {
    members: () => ({}),
    configure: underSameContext,
    ...signingHashes(graph, graph),
  },
  jcs: {
    // vc-di-ecdsa 3.3.1 step 3: what is added to the document's contexts later is not covered, and so stays apart.
    members: (document) => ({ '@context': document['@context'] ?? [] }),
    configure: underLeadingContext,
    ...signingHashes(text, plainText),
  },
  selective: {
    members: () => ({}),
    configure: underSameContext,
    prove: proveSelectively,
    verify: verifySelectively,
  },
} satisfies Readonly<Record<Transformation, Procedure>>;

/** vc-di-eddsa 3.2.5: the configuration is canonicalised under the document's own contexts. */
function underSameContext(stated: JsonObject, document: JsonObject): Configured {
  const { '@context': own, ...options } = stated;
  const context = document['@context'] ?? [];
  if (own !== undefined && canonicalJson(own) !== canonicalJson(context)) throw foreignContext();
  return { document, options: { '@context': context, ...options } };
}

/** vc-di-ecdsa 3.3.2 step 3: the document's contexts begin with those of the proof, and only these are covered. */
function underLeadingContext(stated: JsonObject, document: JsonObject): Configured {
  const own = stated['@context'];
  if (own === undefined) return { document, options: stated };
  const contexts = asArray(document['@context']);
  const leads = asArray(own).every((context, index) => {
    const counterpart = contexts[index];
    return counterpart !== undefined && canonicalJson(context) === canonicalJson(counterpart);
  });
  if (!leads) throw foreignContext();
  return { document: { ...document, '@context': own }, options: stated };
}

function foreignContext(): CredentialRefusal {
  const fault = { path: '/proof/@context', detail: 'must be that of the document' };
  return new CredentialRefusal('proof_malformed', `${fault.path} ${fault.detail}.`, { faults: [fault] });
}

/** Signs the hashes of document and configuration; the signature is the proofValue. */
function signingHashes(
  ofDocument: Canonical,
  ofOptions: Canonical,
): Pick<HashingProcedure, 'prove' | 'verify' | 'hash'> {
  const hash: HashingProcedure['hash'] = async (transformations, { document, options }, algorithm) => {
    const hash = hashOf(algorithm);
    const configuration = await refuseCanonicalisation(ofOptions(transformations, { document: options, hash }));
    const canonical = await refuseCanonicalisation(ofDocument(transformations, { document, hash }));
    const digest = (form: string) => createHash(hash).update(form).digest();
    const [configurationHash, documentHash] = [digest(configuration), digest(canonical)];
    const data = Buffer.concat([configurationHash, documentHash]);
    return { document: canonical, configuration, documentHash, configurationHash, data };
  };
  return {
    hash,
    prove: async (transformations, request) => {
      const { data } = await hash(transformations, request, request.algorithm);
      return `z${base58.encode(await request.sign(data))}`;
    },
    verify: async (transformations, request) => {
      const { algorithm } = request.key;
      const signature = readSignature(request.proofValue, jwsAlgorithms[algorithm].signatureLength);
      const { data } = await hash(transformations, request, algorithm);
      return verifyBytes(request.key, data, signature);
    },
  };
}

/** Multibase base58btc of exactly the key's signature; the length is checked before the costly decoding. */
function readSignature(value: Json | undefined, length: number): Uint8Array {
  if (typeof value === 'string' && value.length <= length * 2 && /^z[1-9A-HJ-NP-Za-km-z]+$/.test(value)) {
    const signature = base58.decode(value.slice(1));
    if (signature.length === length) return signature;
  }
  const detail = 'The proofValue is not a signature of the suite in base58btc (z...).';
  throw new CredentialRefusal('proof_value_malformed', detail);
}
