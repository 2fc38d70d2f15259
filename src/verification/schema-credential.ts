/**
 * Whether a schema credential vouches for its schema by its own proof (VC JSON Schema 2.2, 4.1). Its issuer is that of
 * the credential in question, or one whom the registry recognises for the type JsonSchemaCredential; nobody else's key
 * is looked up (decisions.md 5).
 */
import { CredentialRefusal, readCredential, type VerifiedCredential, verifyProof } from '../credential/credential.js';
import type { FetchResult } from '../http/client.js';
import type { PassportAgent } from '../identity/identity.js';
import { JsonError, parseJson } from '../json.js';
import type { RegistryView } from '../registry/registry.js';
import { checkValidity } from './content-checks.js';

const schemaType = 'JsonSchemaCredential';

export interface SchemaCredentialDeps {
  readonly agent: PassportAgent;
  readonly registry: Pick<RegistryView, 'isRecognised' | 'acceptsKey'>;
}

/** Whose credential names the schema, and when. */
export interface SchemaCredentialQuestion {
  readonly issuer: string;
  readonly now: Date;
}

/** The schema credential as it was signed, or nothing when nobody vouches for it. */
export async function proveSchemaCredential(
  { agent, registry }: SchemaCredentialDeps,
  fetched: Pick<FetchResult, 'body' | 'contentType'>,
  { issuer, now }: SchemaCredentialQuestion,
): Promise<Buffer | undefined> {
  try {
    const unverified = readCredential(contentOf(fetched));
    const by = unverified.claimedIssuer;
    const trusted = by === issuer || registry.isRecognised(by, schemaType, now).outcome === 'recognised';
    if (!trusted) return undefined;
    const verified = await verifyProof(agent, unverified, { now });
    const accepted = registry.acceptsKey(verified.issuer, verified.keyThumbprint) && isInForce(verified, now);
    return accepted ? Buffer.from(JSON.stringify(verified.credential)) : undefined;
  } catch (error) {
    if (error instanceof CredentialRefusal || error instanceof JsonError) return undefined;
    throw error;
  }
}

function contentOf({ body, contentType }: Pick<FetchResult, 'body' | 'contentType'>): unknown {
  return contentType === 'application/vc+jwt' ? body.toString('latin1').trim() : parseJson(body);
}

/** One that can be withdrawn would have to be asked for; whoever publishes a schema can publish another. */
function isInForce(verified: VerifiedCredential, now: Date): boolean {
  return verified.credential['credentialStatus'] === undefined && checkValidity(verified, now).outcome === 'pass';
}
