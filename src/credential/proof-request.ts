/** What a proof procedure is asked, for making a proof and for verifying one. */
import type { JwsAlgorithm } from '../jose/algorithms.js';
import type { Signer } from '../jose/jws.js';
import type { VerificationKey } from '../jose/keys.js';
import type { Json, JsonObject } from '../json.js';

/** A document and the proof configuration that belongs to it, as they are hashed. */
export interface Configured {
  readonly document: JsonObject;
  readonly options: JsonObject;
}

export interface ProveRequest extends Configured {
  readonly algorithm: JwsAlgorithm;
  readonly sign: Signer;
  /** What every disclosure must show; read by suites with selective disclosure only. */
  readonly mandatoryPointers?: readonly string[];
}

export interface VerifyRequest extends Configured {
  readonly key: VerificationKey;
  readonly proofValue: Json | undefined;
}
