/**
 * The facts about every securing mechanism, as rows. Nothing downstream switches on a format's name: what a
 * format is, how it is signed and how it travels is read from here. A new mechanism is a new row.
 */
import type { JwsAlgorithm } from '../jose/algorithms.js';
import { type Cryptosuite, cryptosuites, type ProofSuite, type RetiredSuite } from './cryptosuites.js';

/** How a credential is secured; the `options.format` of the issuing API. */
export type SecuringFormat = 'vc+jwt' | 'vc+sd-jwt' | 'vc+cose' | 'dc+sd-jwt' | 'jwt_vc' | Cryptosuite;

/** How a credential that is verified may be secured. */
export type CredentialFormat = SecuringFormat | RetiredSuite;

/** How a presentation is secured. */
export type PresentationFormat = 'vp+jwt' | 'vp+sd-jwt' | 'vp+cose' | 'dc+sd-jwt' | 'jwt_vp' | ProofSuite;

/** The two versions of the W3C data model that are spoken. */
export type DataModelVersion = '2.0' | '1.1';

/** One row of the table of formats. */
export interface SecuringFormatFacts {
  readonly dataModel: DataModelVersion;
  /** Enveloping (`jwt`, SD-JWT and COSE too), embedded or SD-JWT VC: decides in which form a status list answers. */
  readonly kind: 'jwt' | 'data-integrity' | 'token';
  readonly algorithms: readonly JwsAlgorithm[];
  readonly mediaType: string;
  /** Not among what the product's own API issues (decisions.md 1). */
  readonly instancesOnly?: true;
  /** Issued to wallets alone: it is bound to a key that a wallet has proved. */
  readonly walletsOnly?: true;
  /** Read by wallets, which know our key by another id (identity/did-document.ts). */
  readonly walletKey?: true;
}

/** ES512 is left to callers that bring the key themselves: no wallet and no registry of ours uses P-521. */
const joseAlgorithms: readonly JwsAlgorithm[] = ['ES256', 'ES384', 'EdDSA'];

/** Every format that credentials are issued and verified in. */
export const securingFormats: Readonly<Record<SecuringFormat, SecuringFormatFacts>> = {
  'vc+jwt': { dataModel: '2.0', kind: 'jwt', algorithms: joseAlgorithms, mediaType: 'application/vc+jwt' },
  'vc+sd-jwt': {
    dataModel: '2.0',
    kind: 'jwt',
    algorithms: joseAlgorithms,
    mediaType: 'application/vc+sd-jwt',
    instancesOnly: true,
  },
  'vc+cose': {
    dataModel: '2.0',
    kind: 'jwt',
    algorithms: joseAlgorithms,
    mediaType: 'application/vc+cose',
    instancesOnly: true,
  },
  'dc+sd-jwt': {
    dataModel: '2.0',
    kind: 'token',
    algorithms: joseAlgorithms,
    mediaType: 'application/dc+sd-jwt',
    walletsOnly: true,
    walletKey: true,
  },
  ...integrityRows(),
  jwt_vc: {
    dataModel: '1.1',
    kind: 'jwt',
    algorithms: joseAlgorithms,
    mediaType: 'application/jwt',
    walletKey: true,
  },
};

/** VCDM 2.0 unless the credential itself says 1.1. */
function integrityRows(): Record<Cryptosuite, SecuringFormatFacts> {
  const row = { dataModel: '2.0', kind: 'data-integrity', mediaType: 'application/vc' } as const;
  const rows = Object.entries(cryptosuites).map(([name, { algorithms, transformation }]) => [
    name,
    { ...row, algorithms, ...(transformation === 'rdfc' ? {} : { instancesOnly: true }) },
  ]);
  return Object.fromEntries(rows) as Record<Cryptosuite, SecuringFormatFacts>;
}

/** The first context names the version of the data model (VCDM 2.0 4.3, VCDM 1.1 4.1). */
export const baseContexts: Readonly<Record<DataModelVersion, string>> = {
  '2.0': 'https://www.w3.org/ns/credentials/v2',
  '1.1': 'https://www.w3.org/2018/credentials/v1',
};
