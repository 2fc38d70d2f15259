/**
 * As whom we ask (OpenID4VP 1.0 section 5.9): one row for each Client Identifier Prefix. The prefixed identifier is the
 * audience of every presentation, in full (section 14.8).
 */
import { ServiceError } from '../../errors.js';
import type { Identity } from '../../identity/identity.js';
import type { JwsAlgorithm } from '../../jose/algorithms.js';
import { decodeBase64url } from '../../jose/base64url.js';
import type { Signer } from '../../jose/jws.js';
import type { JsonObject } from '../../json.js';
import { chainHeader, type RequestCertificate } from './certificates.js';

/** The prefixes that requests may use. */
export const clientIdSchemes = ['decentralized_identifier', 'x509_san_dns', 'x509_hash', 'redirect_uri'] as const;

export type ClientIdScheme = (typeof clientIdSchemes)[number];

/** What signs a request object. */
export interface RequestSigner {
  readonly algorithm: JwsAlgorithm;
  readonly header: JsonObject;
  readonly sign: Signer;
}

/** One identity: its name, and its signer where requests are signed. */
export interface ClientIdentity {
  readonly clientId: string;
  readonly signer?: RequestSigner;
}

export interface ClientIdentityDependencies {
  readonly identity: Pick<Identity, 'agent' | 'did' | 'signingKey'>;
  readonly certificates: readonly RequestCertificate[];
  readonly publicUrl: string;
  readonly now: () => Date;
}

/** Which identity a request uses; `x509` names a certificate, the first when absent. */
export interface IdentityChoice {
  readonly scheme: ClientIdScheme;
  readonly x509?: string;
  readonly responseUri: string;
}

type Row = (deps: ClientIdentityDependencies, choice: IdentityChoice) => Promise<ClientIdentity>;

const rows: Readonly<Record<ClientIdScheme, Row>> = {
  decentralized_identifier: async ({ identity }) => ({
    clientId: `decentralized_identifier:${identity.did}`,
    signer: await didSigner(identity),
  }),
  x509_san_dns: async (deps, choice) => {
    const certificate = certificateOf(deps, choice);
    const host = new URL(deps.publicUrl).hostname;
    return { clientId: `x509_san_dns:${host}`, signer: certificateSigner(certificate) };
  },
  x509_hash: async (deps, choice) => {
    const certificate = certificateOf(deps, choice);
    return { clientId: `x509_hash:${certificate.hash}`, signer: certificateSigner(certificate) };
  },
  redirect_uri: async (_deps, { responseUri }) => ({ clientId: `redirect_uri:${responseUri}` }),
};

/** The identity of a request. Throws ServiceError: invalid_request for a choice that there is not, key_unavailable. */
export function chooseIdentity(deps: ClientIdentityDependencies, choice: IdentityChoice): Promise<ClientIdentity> {
  return rows[choice.scheme](deps, choice);
}

/**
 * Wallets look for the key under authentication (Credo 0.6.3, shared/utils getPublicJwkFromDid); an organisation that was
 * initialised before it asked wallets has none until `keys add`, and other wallets take the key that it has.
 */
async function requestKey(signingKey: Identity['signingKey']): ReturnType<Identity['signingKey']> {
  try {
    return await signingKey('ES256', 'authentication');
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'key_unavailable') return signingKey('ES256');
    throw error;
  }
}

/** ES256 is the one algorithm that every wallet reads. The key's id is a DID URL of the document (section 5.9.3). */
async function didSigner({ agent, signingKey }: ClientIdentityDependencies['identity']): Promise<RequestSigner> {
  const { keyRef, kid, walletKid = kid, algorithm } = await requestKey(signingKey);
  return {
    algorithm,
    header: { kid: walletKid },
    async sign(data) {
      // keyManagerSign takes bytes as they are; its type knows strings only.
      const signature = await agent.keyManagerSign({ keyRef, algorithm, data: data as unknown as string });
      return decodeBase64url(signature);
    },
  };
}

function certificateSigner(certificate: RequestCertificate): RequestSigner {
  return { algorithm: certificate.algorithm, header: chainHeader(certificate), sign: certificate.sign };
}

function certificateOf(deps: ClientIdentityDependencies, { x509, scheme }: IdentityChoice): RequestCertificate {
  const { certificates, now } = deps;
  const certificate = x509 === undefined ? certificates[0] : certificates.find(({ name }) => name === x509);
  if (certificate === undefined) {
    const detail = certificates.length === 0 ? 'needs a certificate, and none is configured' : 'is not configured';
    throw new ServiceError('invalid_request', `${scheme}: the certificate ${detail}.`, {
      faults: [{ path: x509 === undefined ? '/clientIdScheme' : '/x509', detail }],
    });
  }
  const [fault] = certificate.faults(now());
  // A wallet would refuse it, and the person would not know why.
  if (fault !== undefined) throw new ServiceError('key_unavailable', `The certificate cannot sign now: ${fault}.`);
  return certificate;
}
