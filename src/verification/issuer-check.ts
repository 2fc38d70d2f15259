/** Who may issue: the two looks at the registry, before the key is fetched and after the signature held. */
import type { UnverifiedCredential, VerifiedCredential } from '../credential/credential.js';
import { isJsonObject, type JsonObject } from '../json.js';
import { type Recognition, type RegistryView, recogniseIssuer } from '../registry/registry.js';
import { type Check, finding } from './report.js';

/** DID methods that are resolved from the identifier itself: nothing is fetched for them. */
const selfContained = /^did:(?:key|jwk):/;

/**
 * An issuer that is a URL of another kind owns no key; that somebody's key signed is all that can be proved. Only the
 * compatibility instances want that much: anywhere else it would lend a stranger's signature a trust's name.
 */
export function isUnbound({ claimedIssuer, verificationMethod }: UnverifiedCredential, allowed: boolean): boolean {
  return allowed && !/^did:/i.test(claimedIssuer) && selfContained.test(verificationMethod);
}

/** Whether the issuer's key may be looked up at all, and what the registry says already. */
export interface IssuerGate {
  readonly mayResolve: boolean;
  readonly check?: Check;
}

function recognitionFinding(recognition: Recognition): Check {
  return finding(recognition.code, { odsCode: recognition.organisation?.odsCode, notice: recognition.notice });
}

/** The type that the registry is asked about: the most special one, or the base type where there is no other. */
function askedType(types: readonly string[]): string {
  return types.findLast((type) => type !== 'VerifiableCredential') ?? 'VerifiableCredential';
}

/**
 * Before the signature. decisions.md 5: only the DID document of an issuer that the registry lists is fetched. What
 * the credential says of its times is not believed yet, so the only verdict here is one that no time can change.
 */
export function gateIssuer(
  registry: RegistryView,
  unverified: UnverifiedCredential,
  { now, unboundIssuers }: { now: Date; unboundIssuers: boolean },
): IssuerGate {
  const did = unverified.claimedIssuer;
  if (isUnbound(unverified, unboundIssuers)) return { mayResolve: true, check: finding('issuer_unbound') };
  const listed = registry.isListed(did);
  const recognition = recogniseIssuer(registry, did, askedType(unverified.claimedTypes), { issuedAt: now, now });
  const timeless = !listed || recognition.code === 'issuer_suspended';
  const mayResolve = listed || selfContained.test(did);
  return timeless && recognition.outcome !== 'recognised'
    ? { mayResolve, check: recognitionFinding(recognition) }
    : { mayResolve };
}

function issuerMembers(credential: JsonObject): { name?: string; odsCode?: string } {
  const issuer = credential.issuer;
  if (!isJsonObject(issuer)) return {};
  const members: { name?: string; odsCode?: string } = {};
  if (typeof issuer.name === 'string') members.name = issuer.name;
  if (typeof issuer.odsCode === 'string') members.odsCode = issuer.odsCode;
  return members;
}

/**
 * decisions.md 10, for each time that the credential gives for its issue: whoever was suspended when he signed does not
 * get around it by a validFrom that lies before.
 */
function recogniseThenAndNow(
  registry: RegistryView,
  verified: VerifiedCredential,
  type: string,
  now: Date,
): Recognition {
  const { issuer, issuedAt, signedAt = issuedAt } = verified;
  const answers = [issuedAt, signedAt].map((time) => recogniseIssuer(registry, issuer, type, { issuedAt: time, now }));
  return answers.find(({ outcome }) => outcome !== 'recognised') ?? (answers[0] as Recognition);
}

/** After the signature: recognised for the type at the time of issue and now, and under its own ODS code (domain.md §6). */
export function checkIssuer(
  registry: RegistryView,
  verified: VerifiedCredential,
  type: string | undefined,
  now: Date,
): Check {
  if (!verified.issuer.startsWith('did:')) return finding('issuer_unbound');
  const asked = type ?? askedType(typesOf(verified.credential));
  const recognition = recogniseThenAndNow(registry, verified, asked, now);
  if (recognition.outcome !== 'recognised') return recognitionFinding(recognition);
  const claimed = issuerMembers(verified.credential);
  const known = recognition.organisation;
  if (known !== undefined && claimed.odsCode === undefined) return finding('issuer_ods_missing');
  if (known !== undefined && claimed.odsCode !== known.odsCode) {
    return finding('issuer_ods_mismatch', { claimed: claimed.odsCode, registry: known.odsCode });
  }
  if (!registry.acceptsKey(verified.issuer, verified.keyThumbprint)) {
    return finding('issuer_key_not_listed', { keyThumbprint: verified.keyThumbprint });
  }
  if (known !== undefined && claimed.name !== undefined && claimed.name !== known.name) {
    return finding('issuer_name_differs', { claimed: claimed.name, registry: known.name, notice: recognition.notice });
  }
  return recognitionFinding(recognition);
}

/** The `type` member as a list of strings. */
export function typesOf(credential: JsonObject): string[] {
  const type = credential.type;
  const list = Array.isArray(type) ? type : [type];
  return list.filter((item): item is string => typeof item === 'string');
}
