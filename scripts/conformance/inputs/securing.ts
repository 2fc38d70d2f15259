/** One door to every securing mechanism that the checker can make itself. */
import { sign } from 'node:crypto';
import { credentialsV2 } from './contexts.js';
import { coseSign1, cwt } from './cose.js';
import { isCryptosuite, secure } from './data-integrity.js';
import type { Document } from './documents.js';
import { keyFacts, type Signer } from './keys.js';

/** A secured document as it travels: an object, which for enveloping mechanisms is the Enveloped object. */
export interface Secured {
  readonly wire: Document;
  /** The compact form of an enveloping mechanism. */
  readonly compact?: string;
}

export interface TokenOptions {
  readonly header?: Document;
  readonly claims?: Document;
  readonly signer: Signer;
}

const segment = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** JWS compact serialisation (RFC 7515 3.1), also of what no library would sign. */
export function token(payload: Document, { header = {}, claims = {}, signer }: TokenOptions): string {
  const facts = keyFacts[signer.keyType];
  const protectedHeader = defined({ alg: facts.algorithm, kid: signer.verificationMethod, ...header });
  const input = `${segment(protectedHeader)}.${segment(defined({ ...payload, ...claims }))}`;
  const key = { key: signer.privateKey, dsaEncoding: 'ieee-p1363' } as const;
  const signature = sign(signer.keyType === 'Ed25519' ? null : facts.hash, Buffer.from(input), key);
  return `${input}.${signature.toString('base64url')}`;
}

function defined(document: Document): Document {
  return Object.fromEntries(Object.entries(document).filter(([, value]) => value !== undefined));
}

const isPresentation = (document: Document) => [document['type']].flat().includes('VerifiablePresentation');

/** The Enveloped object around a compact form (VCDM 2.0 4.13.1, 4.13.2). */
export function envelope(kind: 'Credential' | 'Presentation', mediaType: string, data: string): Document {
  return { '@context': credentialsV2, id: `data:${mediaType},${data}`, type: `EnvelopedVerifiable${kind}` };
}

/**
 * Secures a credential or presentation. `proof` are the members of the proof to replace; an enveloping mechanism has
 * nonce and aud for challenge and domain.
 */
export async function secureWith(
  securing: string,
  document: Document,
  signer: Signer,
  proof: Document = {},
): Promise<Secured> {
  if (isCryptosuite(securing)) return { wire: await secure(document, { signer, cryptosuite: securing, proof }) };
  const envelop = mechanisms[securing];
  if (!envelop) throw new Error(`the checker cannot make ${securing}`);
  const [kind, letters] = isPresentation(document)
    ? (['Presentation', 'vp'] as const)
    : (['Credential', 'vc'] as const);
  const typ = securing.replace('vc', letters);
  const { data, encoding = '' } = envelop({ document, signer, typ, nonce: proof['challenge'], aud: proof['domain'] });
  return { wire: envelope(kind, `application/${typ}${encoding}`, data), compact: data };
}

interface Content {
  readonly document: Document;
  readonly signer: Signer;
  readonly typ: string;
  readonly nonce: string | undefined;
  readonly aud: string | undefined;
}

type Mechanism = (content: Content) => { readonly data: string; readonly encoding?: string };

const jwt = ({ document, signer, typ, nonce, aud }: Content) =>
  token(document, { header: { typ, cty: typ.slice(0, 2) }, claims: { nonce, aud }, signer });

/** By the media type of a credential; that of a presentation has vp in place of vc (VC-JOSE-COSE 3). */
const mechanisms: Readonly<Record<string, Mechanism>> = {
  'vc+jwt': (content) => ({ data: jwt(content) }),
  // An SD-JWT without disclosures and key binding ends in the tilde that follows the token (RFC 9901 4).
  'vc+sd-jwt': (content) => ({ data: `${jwt(content)}~` }),
  'vc+cose': ({ document, signer, typ, nonce, aud }) => {
    const claims = { [cwt.aud]: aud, [cwt.nonce]: nonce };
    const message = coseSign1(document, { signer, typ: `application/${typ}`, claims });
    return { data: message.toString('base64'), encoding: ';base64' };
  },
};

/** The object form that stands in `verifiableCredential` of a presentation. */
export function envelopeCredential(secured: Secured): Document {
  return secured.wire;
}

/** The claims of an Enveloped credential or presentation; undefined when the document is none. */
export function decodedToken(document: Document): Document | undefined {
  const match = /^data:application\/v[cp]\+jwt,[\w-]+\.([\w-]+)\.[\w-]+$/.exec(String(document['id']));
  if (!match?.[1]) return undefined;
  return JSON.parse(Buffer.from(match[1], 'base64url').toString()) as Document;
}
