/** The reference libraries ship no types; only what the tests call. */
declare module '@digitalbazaar/vc' {
  interface Outcome {
    readonly verified: boolean;
    readonly error?: Error & { errors?: readonly Error[] };
  }
  export function issue(options: object): Promise<object>;
  export function derive(options: object): Promise<object>;
  export function verifyCredential(options: object): Promise<Outcome>;
  export function verify(options: object): Promise<Outcome>;
  export function signPresentation(options: object): Promise<object>;
}
declare module '@digitalbazaar/data-integrity' {
  export class DataIntegrityProof {
    constructor(options: object);
  }
}
declare module '@digitalbazaar/eddsa-rdfc-2022-cryptosuite' {
  export const cryptosuite: object;
}
declare module '@digitalbazaar/ecdsa-rdfc-2019-cryptosuite' {
  export const cryptosuite: object;
}
interface ReferenceKey {
  readonly publicKeyMultibase: string;
  signer(): object;
}
declare module '@digitalbazaar/ed25519-multikey' {
  export function generate(options: { id?: string; controller?: string }): Promise<ReferenceKey>;
}
declare module '@digitalbazaar/ecdsa-multikey' {
  export function generate(options: { id?: string; controller?: string; curve: string }): Promise<ReferenceKey>;
}
declare module '@digitalbazaar/eddsa-jcs-2022-cryptosuite' {
  export function createSignCryptosuite(): object;
  export function createVerifyCryptosuite(): object;
}
declare module '@digitalbazaar/ecdsa-jcs-2019-cryptosuite' {
  export function createSignCryptosuite(): object;
  export function createVerifyCryptosuite(): object;
}
declare module '@digitalbazaar/ecdsa-sd-2023-cryptosuite' {
  export function createSignCryptosuite(options?: { mandatoryPointers?: readonly string[] }): object;
  export function createDiscloseCryptosuite(options?: { selectivePointers?: readonly string[] }): object;
  export function createVerifyCryptosuite(): object;
}
declare module '@digitalbazaar/citizenship-context' {
  export const contexts: ReadonlyMap<string, object>;
}
