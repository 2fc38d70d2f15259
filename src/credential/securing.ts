import type { JsonObject } from '../json.js';
import type { PassportAgent } from '../identity/identity.js';
import type { PresentationFormat, SecuringFormat } from './formats.js';
import type { SecuredCredential, SecuredPresentation, SigningKey } from './model.js';

export interface SecureOptions {
  readonly credential: JsonObject;
  readonly format: SecuringFormat;
  readonly key: SigningKey;
  readonly now: Date;
}
export interface SecurePresentationOptions {
  readonly presentation: JsonObject;
  readonly format: PresentationFormat;
  readonly key: SigningKey;
  readonly challenge: string;
  readonly domain: string;
  readonly now: Date;
}
export declare function secureCredential(agent: PassportAgent, options: SecureOptions): Promise<SecuredCredential>;
export declare function securePresentation(agent: PassportAgent, options: SecurePresentationOptions): Promise<SecuredPresentation>;
