/**
 * Credential issuer metadata (OpenID4VCI 1.0 12.2): made once at the start from the catalogue; its signed form is renewed
 * in the background, so that answering a GET signs nothing. Names that people read are those of the published schemas.
 */
import type { ServiceConfig } from '../../config.js';
import { type SignedDocument, signedDocument } from '../../http/signed-document.js';
import type { Identity } from '../../identity/identity.js';
import { signJws } from '../../jose/jws.js';
import type { JsonObject } from '../../json.js';
import type { Configuration } from './configurations.js';
import { batchSize, proofAlgorithms } from './proofs.js';

/** Claims description objects (appendix B.2), in the order of the schema. */
function claimsOf({ type, facts }: Configuration): JsonObject[] {
  return type.claims.map(({ path, mandatory, display }) => ({
    path: [...facts.claimsBelow, ...path],
    mandatory,
    display: display.map(({ label, locale }) => ({ name: label, locale })),
  }));
}

function describe(configuration: Configuration): JsonObject {
  const { id, type, facts } = configuration;
  return {
    format: facts.format,
    scope: id,
    ...facts.define(type),
    cryptographic_binding_methods_supported: [...facts.bindingMethods],
    credential_signing_alg_values_supported: [...facts.signingAlgorithms],
    proof_types_supported: {
      jwt: { proof_signing_alg_values_supported: [...proofAlgorithms, ...facts.moreProofAlgorithms] },
    },
    // Several wallets take an issuer without it for one of a draft (protocols.md, trap 2).
    credential_metadata: {
      display: type.display.map((one) => ({ ...one })),
      claims: claimsOf(configuration),
    },
  };
}

/** The members of 12.2.4. */
export function describeIssuer(
  { publicUrl, name }: Pick<ServiceConfig, 'publicUrl' | 'name'>,
  configurations: Iterable<Configuration>,
): JsonObject {
  const described = [...configurations].map((one) => [one.id, describe(one)]);
  return {
    credential_issuer: publicUrl,
    credential_endpoint: `${publicUrl}/credential`,
    nonce_endpoint: `${publicUrl}/nonce`,
    deferred_credential_endpoint: `${publicUrl}/deferred_credential`,
    notification_endpoint: `${publicUrl}/notification`,
    batch_credential_issuance: { batch_size: batchSize },
    // The name of an organisation is the same in every language.
    display: [{ name }],
    credential_configurations_supported: Object.fromEntries(described),
  };
}

export interface MetadataDependencies {
  readonly metadata: JsonObject;
  readonly identity: Pick<Identity, 'agent' | 'did' | 'signingKey'>;
  readonly now: () => Date;
}

/** The metadata in both forms. */
export interface PublishedMetadata {
  readonly plain: SignedDocument;
  /** Undefined before the first `renew`. */
  signed(): SignedDocument | undefined;
  /** Signs anew where the key has changed or half of the time is over. */
  renew(): Promise<void>;
}

const maxAgeSeconds = 300;
const signedSeconds = 24 * 3600;

export function publishMetadata({ metadata, identity, now }: MetadataDependencies): PublishedMetadata {
  let current: { readonly document: SignedDocument; readonly kid: string; readonly renewAt: number } | undefined;

  /** 12.2.3; `iss` is who vouches for it, `kid` the key in that organisation's DID document. */
  async function sign(keyRef: string, kid: string): Promise<string> {
    const iat = Math.floor(now().getTime() / 1000);
    const subject = metadata['credential_issuer'] ?? null;
    const claims = { iss: identity.did, sub: subject, iat, exp: iat + signedSeconds, ...metadata };
    return signJws({ alg: 'ES256', typ: 'openidvci-issuer-metadata+jwt', kid }, claims, async (data) => {
      // keyManagerSign takes bytes as they are; its type knows strings only.
      const signing = { keyRef, algorithm: 'ES256', data: data as unknown as string };
      return Buffer.from(await identity.agent.keyManagerSign(signing), 'base64url');
    });
  }

  return {
    plain: signedDocument(JSON.stringify(metadata), { contentType: 'application/json', maxAgeSeconds }),
    signed: () => current?.document,
    async renew() {
      const { keyRef, kid, walletKid = kid } = await identity.signingKey('ES256');
      const time = now().getTime();
      if (current?.kid === walletKid && time < current.renewAt) return;
      const bytes = await sign(keyRef, walletKid);
      const document = signedDocument(bytes, { contentType: 'application/jwt', maxAgeSeconds });
      current = { document, kid: walletKid, renewAt: time + (signedSeconds * 1000) / 2 };
    },
  };
}

/** Signed metadata for whoever prefers it (RFC 9110 12.5.1); everybody understands the other form. */
export function prefersSigned(accept: string | undefined): boolean {
  const weights = new Map((accept ?? '').slice(0, 1000).split(',').map(weightOf));
  const signed = weights.get('application/jwt') ?? 0;
  return signed > 0 && signed > (weights.get('application/json') ?? 0);
}

function weightOf(range: string): [string, number] {
  const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return [type, weight === undefined ? 1 : Number(weight.slice(2)) || 0];
}
