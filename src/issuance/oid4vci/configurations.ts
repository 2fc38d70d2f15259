/**
 * What a wallet may ask for: one credential configuration (OpenID4VCI 1.0 12.2.4) for each type of the catalogue in each
 * wallet format. What a format is to a wallet and what it is inside the house are columns of one table.
 */
import type { Catalogue, CredentialType, SecuringFormat } from '../../credential/credential.js';
import type { JwsAlgorithm } from '../../jose/algorithms.js';
import type { JsonObject } from '../../json.js';
import type { SigningTerms } from '../cycle.js';
import { configurationIdOf, type WalletFormat, walletFormatNames } from '../offers/wallet-formats.js';

/** One row of the table of wallet formats. */
interface WalletFormatFacts {
  /** The credential format identifier (OpenID4VCI 1.0 appendix A). */
  readonly format: 'jwt_vc_json' | 'dc+sd-jwt' | 'ldp_vc';
  readonly securing: SecuringFormat;
  readonly algorithm: JwsAlgorithm;
  /** `credential_signing_alg_values_supported`. */
  readonly signingAlgorithms: readonly string[];
  /** `cryptographic_binding_methods_supported`. */
  readonly bindingMethods: readonly string[];
  /** `proof_signing_alg_values_supported` beyond the algorithms of proofs. */
  readonly moreProofAlgorithms: readonly string[];
  /** Where the claims about the person stand in the credential that the wallet reads. */
  readonly claimsBelow: readonly string[];
  /** Wallets take one `credentialStatus` and no more (Credo 0.6.3, modules/vc/models/credential/W3cCredential). */
  readonly oneStatus?: true;
  /** What signing needs to know beside the credential. */
  readonly signingTerms?: (type: CredentialType, holder: { readonly kid?: string }) => SigningTerms;
  /** The members that the format demands of a configuration. */
  readonly define: (type: CredentialType) => JsonObject;
}

const dids = ['did:jwk', 'did:key'] as const;

function typesOf({ type }: CredentialType): string[] {
  return ['VerifiableCredential', type];
}

const jwtRow = {
  format: 'jwt_vc_json',
  algorithm: 'ES256',
  signingAlgorithms: ['ES256'],
  bindingMethods: dids,
  moreProofAlgorithms: [],
  claimsBelow: ['credentialSubject'],
  define: (type: CredentialType) => ({ credential_definition: { type: typesOf(type) } }),
} as const;

/** ES256 is the only JOSE algorithm that every wallet accepts (protocols.md, decision 3). */
const walletFormats: Readonly<Record<WalletFormat, WalletFormatFacts>> = {
  jwt_vc: { ...jwtRow, securing: 'jwt_vc', oneStatus: true },
  sd_jwt: {
    ...jwtRow,
    format: 'dc+sd-jwt',
    securing: 'dc+sd-jwt',
    bindingMethods: ['jwk', ...dids],
    claimsBelow: [],
    signingTerms: ({ sdJwtVc }, { kid }) => ({ sdJwtVc, ...(kid !== undefined && { holderKid: kid }) }),
    define: ({ sdJwtVc }) => ({ vct: sdJwtVc.vct }),
  },
  vc2_jwt: { ...jwtRow, securing: 'vc+jwt' },
  ldp: {
    format: 'ldp_vc',
    securing: 'eddsa-rdfc-2022',
    algorithm: 'EdDSA',
    signingAlgorithms: ['eddsa-rdfc-2022'],
    bindingMethods: dids,
    // Credo 0.6 and before look for the suite of the credential here, which is not what it means, and give up without it.
    moreProofAlgorithms: ['Ed25519Signature2018', 'Ed25519Signature2020'],
    claimsBelow: ['credentialSubject'],
    define: (type) => ({
      credential_definition: { '@context': [...type.contexts['2.0']], type: typesOf(type) },
    }),
  },
};

/** A type in a format. */
export interface Configuration {
  /** `credential_configuration_id`, and the scope by the same name. */
  readonly id: string;
  readonly type: CredentialType;
  readonly facts: WalletFormatFacts;
}

/** Every configuration by its id, in the order of the catalogue. */
export function configurationsOf(catalogue: Catalogue): ReadonlyMap<string, Configuration> {
  const all = catalogue.types.flatMap((type) =>
    walletFormatNames.map((name) => ({ id: configurationIdOf(type.type, name), type, facts: walletFormats[name] })),
  );
  return new Map(all.map((configuration) => [configuration.id, configuration]));
}
