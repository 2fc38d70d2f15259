/**
 * The facts about every securing mechanism, as rows. Nothing downstream switches on a format's name: what a
 * format is, how it is signed and how it travels is read from here. A new mechanism is a new row.
 */
import type { JwsAlgorithm } from '../jose/algorithms.js';

/** How a credential is secured; the `options.format` of the issuing API. */
export type SecuringFormat = 'vc+jwt' | 'eddsa-rdfc-2022' | 'ecdsa-rdfc-2019' | 'jwt_vc';

/** How a presentation is secured. */
export type PresentationFormat = 'vp+jwt' | 'jwt_vp' | 'eddsa-rdfc-2022' | 'ecdsa-rdfc-2019';

/** The two versions of the W3C data model that are spoken. */
export type DataModelVersion = '2.0' | '1.1';

/** One row of the table of formats. */
export interface SecuringFormatFacts {
  readonly dataModel: DataModelVersion;
  readonly kind: 'jwt' | 'data-integrity';
  readonly algorithms: readonly JwsAlgorithm[];
  readonly mediaType: string;
}

/** Every format that credentials are issued and verified in. */
export const securingFormats: Readonly<Record<SecuringFormat, SecuringFormatFacts>> = {
  'vc+jwt': { dataModel: '2.0', kind: 'jwt', algorithms: ['ES256', 'EdDSA'], mediaType: 'application/vc+jwt' },
  'eddsa-rdfc-2022': { dataModel: '2.0', kind: 'data-integrity', algorithms: ['EdDSA'], mediaType: 'application/vc' },
  'ecdsa-rdfc-2019': { dataModel: '2.0', kind: 'data-integrity', algorithms: ['ES256'], mediaType: 'application/vc' },
  jwt_vc: { dataModel: '1.1', kind: 'jwt', algorithms: ['ES256', 'EdDSA'], mediaType: 'application/jwt' },
};

/** What a `typ` header says about a compact token (VC-JOSE-COSE 3.1.1 and 3.1.2, VCDM 1.1 6.3.1). */
export const credentialTyp = { 'vc+jwt': 'vc+jwt', jwt_vc: 'JWT' } as const;
export const presentationTyp = { 'vp+jwt': 'vp+jwt', jwt_vp: 'JWT' } as const;

/** The first context names the version of the data model (VCDM 2.0 4.3, VCDM 1.1 4.1). */
export const baseContexts: Readonly<Record<DataModelVersion, string>> = {
  '2.0': 'https://www.w3.org/ns/credentials/v2',
  '1.1': 'https://www.w3.org/2018/credentials/v1',
};
