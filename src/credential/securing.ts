/** Signs what was prepared, through the agent, and gives it the form in which it travels. */
import { ServiceError } from '../errors.js';
import type { PassportAgent } from '../identity/identity.js';
import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../json.js';
import type { SdJwtVcType } from './catalogue/type-metadata.js';
import { decodeBase64, digestOf, envelop, isEnvelope, openEnvelope, openText } from './envelopes.js';
import type { PresentationFormat, SecuringFormat } from './formats.js';
import type { ExistingProof } from './further-proof.js';
import type { SecuredCredential, SecuredPresentation, SigningKey } from './model.js';
import { sha256 } from './verdict.js';

/** A complete credential, with issuer and dates, and the key to sign it with. */
export interface SecureOptions {
  readonly credential: JsonObject;
  readonly format: SecuringFormat;
  readonly key: SigningKey;
  readonly now: Date;
  /** vc+sd-jwt only: paths of claims that the holder may leave out; those that the credential does not have count for nothing. */
  readonly selectivelyDisclosable?: readonly string[];
  /** dc+sd-jwt only, and needed there: what the catalogue says of the type. */
  readonly sdJwtVc?: SdJwtVcType;
  /** dc+sd-jwt only: the DID URL by which the holder proved the key, where a DID was named; else cnf has the key itself. */
  readonly holderKid?: string;
  /** ecdsa-sd-2023 only: JSON Pointers to what every disclosure must show; status, validity and issuer always are. */
  readonly mandatoryPointers?: readonly string[];
  /** What becomes of a credential that has a proof already; an error where absent. */
  readonly existingProof?: ExistingProof;
}

/** A presentation with its holder, the holder's key, and whom it is for. Compact tokens in it are enveloped as needed. */
export interface SecurePresentationOptions {
  readonly presentation: JsonObject;
  readonly format: PresentationFormat;
  readonly key: SigningKey;
  readonly challenge: string;
  readonly domain: string;
  readonly now: Date;
}

/** Signs a credential; throws ServiceError invalid_credential with its faults, or key_unavailable. */
export async function secureCredential(agent: PassportAgent, options: SecureOptions): Promise<SecuredCredential> {
  const { credential, format, key, ...terms } = options;
  const result = await agent.createVerifiableCredential({
    // Veramo's type is that of VCDM 1.1; the plugin checks the shape of either version.
    credential: credential as never,
    proofFormat: format,
    ...keyArguments(key),
    ...terms,
  });
  const secured = result as unknown as JsonObject;
  if (isEnvelope(secured, 'credential')) return describeEnvelope(format, secured);
  const compact = compactOf(secured);
  if (compact === undefined) return { format, verifiableCredential: secured, digest: sha256(canonicalJson(secured)) };
  const enveloped = format === 'vc+jwt' ? envelop('credential', 'vc+jwt', compact) : compact;
  return { format, verifiableCredential: enveloped, digest: sha256(compact), compact };
}

/** The digest is that of the token in the envelope: bytes, where it is binary. */
function describeEnvelope(format: SecuringFormat, secured: JsonObject): SecuredCredential {
  const text = openEnvelope(secured, 'credential');
  if (!text.startsWith('data:')) return { format, verifiableCredential: secured, digest: sha256(text), compact: text };
  return { format, verifiableCredential: secured, digest: digestOf(decodeBase64(openText(text).text)) };
}

/** Signs a presentation as its holder. */
export async function securePresentation(
  agent: PassportAgent,
  options: SecurePresentationOptions,
): Promise<SecuredPresentation> {
  const { format, key, challenge, domain, now } = options;
  const presentation = format === 'jwt_vp' ? options.presentation : withEnvelopes(options.presentation);
  const result = await agent.createVerifiablePresentation({
    presentation: presentation as never,
    proofFormat: format,
    ...keyArguments(key),
    challenge,
    domain,
    now,
  });
  const secured = result as unknown as JsonObject;
  const compact = compactOf(secured);
  return compact === undefined
    ? { format, verifiablePresentation: secured }
    : { format, verifiablePresentation: compact, compact };
}

function keyArguments({ keyRef, kid, algorithm }: SigningKey) {
  return { keyRef, verificationMethod: kid, algorithm };
}

function compactOf(secured: JsonObject): string | undefined {
  const { proof } = secured;
  return isJsonObject(proof) && typeof proof['jwt'] === 'string' ? proof['jwt'] : undefined;
}

/** VCDM 2.0 4.13: a token travels in a presentation only inside an envelope. */
function withEnvelopes(presentation: JsonObject): JsonObject {
  const credentials = presentation['verifiableCredential'];
  if (credentials === undefined) return presentation;
  return { ...presentation, verifiableCredential: [credentials].flat().map(inEnvelope) };
}

function inEnvelope(credential: Json): Json {
  if (typeof credential !== 'string') return credential;
  const { medium, enveloped } = openText(credential);
  if (!enveloped && (medium === 'vc+jwt' || medium === 'vc+sd-jwt')) return envelop('credential', medium, credential);
  throw new ServiceError('invalid_request', 'A credential in a presentation is an object or a compact token.');
}
