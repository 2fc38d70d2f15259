/**
 * Every outcome of every check, in one table: what it says in words, what causes it, and what mends it.
 * docs/verify.md and the page /verify/codes are generated from it. A refusal of credential/ or an answer of
 * registry/ or status/ without a row here does not compile.
 */
import type { CheckName, RefusalCode } from '../credential/credential.js';
import type { Recognition } from '../registry/registry.js';
import type { StatusCode } from '../status/status.js';

export type CheckOutcome = 'pass' | 'fail' | 'indeterminate' | 'skipped';

/** One row: the meaning of a code. */
export interface CodeRow {
  readonly check: CheckName;
  readonly outcome: CheckOutcome;
  /** What the check found, for the person who reads the report. */
  readonly sentence: string;
  readonly cause: string;
  readonly remedy: string;
  /** Whether "valid" needs this check to have passed. */
  readonly required: boolean;
  /** How the W3C projections see it: an error makes `verified` false, a warning is only told (VCALM 1.0, error handling). */
  readonly projection: 'error' | 'warning' | 'none';
  /** The problem type that a W3C specification has for it; our own address otherwise. */
  readonly problem?: string;
}

const model = 'https://www.w3.org/TR/vc-data-model#';
const integrity = 'https://w3id.org/security#';
const statusList = 'https://www.w3.org/ns/credentials/status-list#';

type Told = Pick<CodeRow, 'sentence' | 'cause' | 'remedy'>;
type Extra = Partial<Pick<CodeRow, 'projection' | 'problem'>>;

function pass(check: CheckName, sentence: string, told: { cause?: string; remedy?: string } = {}): CodeRow {
  const words = { sentence, cause: told.cause ?? 'Nothing is wrong.', remedy: told.remedy ?? 'None needed.' };
  return { check, outcome: 'pass', required: true, projection: 'none', ...words };
}

/**
 * Status, validity and what belongs to them are warnings for VCALM; everything else is an error, and so is what breaks
 * the grammar of either: that is a fault of the data model.
 */
const warned: ReadonlySet<CheckName> = new Set(['validity', 'status']);

function fail(check: CheckName, sentence: string, cause: string, remedy: string, extra: Extra = {}): CodeRow {
  const projection = warned.has(check) ? 'warning' : 'error';
  return { check, outcome: 'fail', required: true, projection, sentence, cause, remedy, ...extra };
}

function open(check: CheckName, told: Told, extra: Extra = {}): CodeRow {
  return { ...fail(check, told.sentence, told.cause, told.remedy, extra), outcome: 'indeterminate' };
}

function listError(name: string): Extra {
  return { problem: `${statusList}${name}` };
}

function brokenList(sentence: string, cause: string, extra = listError('STATUS_VERIFICATION_ERROR')): CodeRow {
  return open('status', { sentence, cause, remedy: 'Tell the issuing organisation.' }, extra);
}

function notReached(check: CheckName, words: string): CodeRow {
  const cause = 'An earlier check failed or could not run, and this one rests on it.';
  return {
    ...fail(check, `${words} was not checked.`, cause, 'Mend what the earlier check says and verify again.'),
    outcome: 'skipped',
    projection: 'none',
  };
}

/** VCALM 1.0 compares a challenge and a domain only where they are given; POST /verify demands both. */
function notAsked(check: CheckName, sentence: string): CodeRow {
  const cause = 'The request to a service instance left it out.';
  const remedy = 'Verify with what the person was asked to sign.';
  return { ...fail(check, sentence, cause, remedy), outcome: 'skipped', projection: 'warning' };
}

const askIssuer = 'Ask the organisation that issued it for a new copy.';
const askHolder = 'Ask the person to present again with their wallet.';
const askOperator = 'The operator of this service should check its connection to the registry (staff-passport doctor).';
const later = 'Try again in a few minutes; if it stays so, tell the issuing organisation.';
const cryptographic: Extra = { problem: `${model}CRYPTOGRAPHIC_SECURITY_ERROR` };
const parsing: Extra = { problem: `${model}PARSING_ERROR` };
const malformed: Extra = { problem: `${model}MALFORMED_VALUE_ERROR` };
const proofError: Extra = { problem: `${integrity}PROOF_VERIFICATION_ERROR` };
const methodError: Extra = { problem: `${integrity}INVALID_VERIFICATION_METHOD` };

/** The refusals of credential/: reading and proving. */
const proving = {
  input_not_recognised: fail(
    'format',
    'This is not a credential in a format that we read.',
    'The input is neither a compact token nor an object with a proof or an envelope.',
    'Send the credential exactly as the wallet or issuer gave it.',
    parsing,
  ),
  input_too_large: fail('format', 'The credential is too large.', 'It exceeds our limit of size.', askIssuer, parsing),
  token_malformed: fail(
    'format',
    'The token cannot be read.',
    'The compact token is cut off, altered in copying, or not strict base64url and JSON.',
    'Copy the whole token without spaces or line breaks.',
    parsing,
  ),
  typ_unknown: fail(
    'format',
    'The token is of another kind.',
    'Its `typ` header is not that of a credential.',
    'Send the credential itself, not an access or identity token.',
    parsing,
  ),
  media_type_unknown: fail(
    'format',
    'The envelope holds something else.',
    'The media type of the data: URL is not that of a credential or presentation.',
    askIssuer,
    parsing,
  ),
  envelope_malformed: fail(
    'format',
    'The envelope cannot be read.',
    'An EnvelopedVerifiableCredential must have the right context, type and a data: URL as id.',
    askIssuer,
    parsing,
  ),
  header_not_allowed: fail(
    'format',
    'The token asks us to trust a key that it brings itself, or uses an extension.',
    'A header such as jwk, jku, x5c or crit is present.',
    askIssuer,
    cryptographic,
  ),
  claims_inconsistent: fail(
    'format',
    'The token contradicts itself.',
    'Its registered claims (iss, sub, jti, nbf, exp) differ from the credential inside.',
    askIssuer,
    malformed,
  ),
  disclosures_invalid: fail(
    'format',
    'The disclosures of the credential do not fit it.',
    'A disclosure of the SD-JWT belongs to no digest, stands there twice or was altered, or the key binding is for others.',
    askHolder,
    malformed,
  ),
  data_model_invalid: fail(
    'format',
    'The credential breaks the W3C data model.',
    'A member is missing, has the wrong type or is not allowed; the evidence names it.',
    askIssuer,
    malformed,
  ),
  proof_malformed: fail(
    'format',
    'The proof cannot be read.',
    'A required member of the Data Integrity proof is missing or malformed.',
    askIssuer,
    parsing,
  ),
  proof_count: fail(
    'format',
    'There is no proof, or there are too many.',
    'The credential carries none, or more than eight. All of them are checked.',
    askIssuer,
    parsing,
  ),
  alg_not_allowed: fail(
    'algorithm',
    'The signature algorithm is not allowed.',
    'Only ES256, ES384 and EdDSA are accepted, never none or a shared secret.',
    askIssuer,
    cryptographic,
  ),
  cryptosuite_unknown: fail(
    'algorithm',
    'The cryptosuite is not supported.',
    'Accepted are eddsa-rdfc-2022, eddsa-jcs-2022, ecdsa-rdfc-2019, ecdsa-jcs-2019, ecdsa-sd-2023 and Ed25519Signature2020.',
    askIssuer,
    cryptographic,
  ),
  key_type_mismatch: fail(
    'algorithm',
    'The key does not fit the algorithm.',
    'The algorithm named is not the one of the key that is referred to.',
    askIssuer,
    cryptographic,
  ),
  issuer_not_did: fail(
    'issuer',
    'The issuer is not named by a DID.',
    'The `issuer` is missing or is not a decentralised identifier.',
    askIssuer,
    malformed,
  ),
  issuer_mismatch: fail(
    'issuer',
    'The issuer named is not the one that signed.',
    'The DID in `issuer` differs from the one whose key is referred to.',
    'Do not rely on it; report it to the organisation named.',
    cryptographic,
  ),
  kid_invalid: fail(
    'key',
    'The key is not named properly.',
    '`kid` or `verificationMethod` is missing or is not a DID URL with a fragment.',
    askIssuer,
    methodError,
  ),
  did_invalid: fail(
    'key',
    "The issuer's DID is malformed.",
    'The DID does not follow the syntax of its method.',
    askIssuer,
    methodError,
  ),
  did_not_found: fail(
    'key',
    "The issuer's DID document does not exist.",
    'The web server answers that there is no such document.',
    'Tell the issuing organisation that its DID document is missing.',
    methodError,
  ),
  did_deactivated: fail(
    'key',
    "The issuer's DID is deactivated.",
    'The organisation ended this identifier.',
    askIssuer,
    methodError,
  ),
  did_method_not_supported: fail(
    'key',
    'This kind of DID is not supported.',
    'Issuers use did:web, holders did:key or did:jwk.',
    askIssuer,
    methodError,
  ),
  did_unresolved: open(
    'key',
    {
      sentence: "The issuer's DID document could not be fetched.",
      cause: 'The web server did not answer properly or in time.',
      remedy: later,
    },
    methodError,
  ),
  controller_not_accepted: fail(
    'key',
    'A further proof is by somebody whose key would have to be fetched.',
    'Besides the issuer only did:key and did:jwk may sign, since nothing is fetched for strangers.',
    askIssuer,
    methodError,
  ),
  key_not_found: fail(
    'key',
    'The key is not among those that the issuer publishes.',
    'The DID document has no such verification method.',
    'Do not rely on it; ask the issuing organisation.',
    methodError,
  ),
  key_not_authorised: fail(
    'key',
    'The key may not be used for this.',
    'The DID document does not list it under assertionMethod (authentication for presentations).',
    'Do not rely on it; ask the issuing organisation.',
    methodError,
  ),
  key_invalid: fail(
    'key',
    'The published key is unusable.',
    'It is not a valid public key of its type.',
    'Tell the issuing organisation.',
    methodError,
  ),
  key_expired: fail(
    'key',
    'The key had expired.',
    'The verification method carries an `expires` that has passed.',
    askIssuer,
    methodError,
  ),
  key_revoked: fail(
    'key',
    'The key was revoked.',
    'The issuer marked its verification method as revoked.',
    askIssuer,
    methodError,
  ),
  signature_invalid: fail(
    'proof',
    'The signature does not match the content.',
    'The credential was altered after signing, or signed with another key.',
    'Do not rely on it. Ask for an unaltered copy.',
    cryptographic,
  ),
  key_binding_invalid: fail(
    'proof',
    'The holder did not prove to hold the key that the issuer named.',
    'The key binding of the SD-JWT is by another key, for another request, or the issuer named no key.',
    askHolder,
    cryptographic,
  ),
  proof_value_malformed: fail(
    'proof',
    'The signature value is malformed.',
    '`proofValue` is not multibase of the right length.',
    askIssuer,
    proofError,
  ),
  proof_not_derived: fail(
    'proof',
    'The credential is meant for its holder, not for a verifier.',
    'It carries the base proof of ecdsa-sd-2023, from which the holder derives what is to be shown.',
    askHolder,
    proofError,
  ),
  previous_proof_unknown: fail(
    'proof',
    'A proof rests on another one that is missing.',
    '`previousProof` names a proof that the document does not carry.',
    'Ask for the whole credential with all of its proofs.',
    proofError,
  ),
  proof_purpose: fail(
    'proof',
    'The proof was made for another purpose.',
    'proofPurpose is not assertionMethod (authentication for presentations).',
    askIssuer,
    proofError,
  ),
  proof_not_yet_valid: fail(
    'proof',
    'The proof is dated in the future.',
    '`created` lies more than 60 s ahead of our clock.',
    'Check the clocks of both organisations.',
    proofError,
  ),
  proof_expired: fail('proof', 'The proof has expired.', '`expires` of the proof has passed.', askIssuer, proofError),
  context_unknown: fail(
    'proof',
    'A JSON-LD context is not known here.',
    'Contexts come from pinned local copies only, never from the network.',
    'Ask the issuer to use the contexts of the programme.',
    proofError,
  ),
  terms_undefined: fail(
    'proof',
    'Some members are not covered by the signature.',
    'A term is not defined by the contexts, so the proof says nothing about it.',
    askIssuer,
    proofError,
  ),
  canonicalisation_refused: fail(
    'proof',
    'The content is too complex to be checked.',
    'Its graph exceeds our limit of work; honest credentials never do.',
    askIssuer,
    proofError,
  ),
  canonicalisation_unfinished: open(
    'proof',
    {
      sentence: 'The signature check did not finish.',
      cause: 'The time allowed for canonicalisation was used up.',
      remedy: later,
    },
    proofError,
  ),
  not_yet_valid: fail(
    'validity',
    'The credential is not valid yet.',
    'validFrom, nbf or iat lies more than 60 s ahead.',
    'Wait until it is valid, or check the clocks.',
  ),
  expired: fail(
    'validity',
    'The credential has expired.',
    'validUntil, expirationDate or exp has passed.',
    'Ask the issuing organisation for a renewed credential.',
  ),
  status_failed: fail('status', 'The credential was withdrawn.', 'The status check of the agent failed.', askIssuer),
  status_unchecked: open('status', {
    sentence: 'The status could not be checked.',
    cause: 'The status check of the agent did not run.',
    remedy: later,
  }),
  holder_not_did: fail(
    'holder',
    'The presenter is not named by a DID.',
    '`holder` is missing or not a DID.',
    askHolder,
    malformed,
  ),
  holder_mismatch: fail(
    'holder',
    'The presenter named is not the one who signed.',
    '`holder` differs from the DID whose key signed the presentation.',
    askHolder,
    cryptographic,
  ),
  holder_not_accepted: fail(
    'holder',
    'This kind of presenter is not accepted.',
    'Holders use did:key or did:jwk; did:web only from hosts that are configured here.',
    askHolder,
  ),
  key_binding_missing: fail(
    'holder',
    'The credential comes without the key binding that was asked for.',
    'It is no SD-JWT, or whoever sent it did not sign with the key that it is bound to.',
    askHolder,
  ),
  challenge_mismatch: fail(
    'challenge',
    'The presentation answers another challenge.',
    'challenge or nonce is not the one that was asked for: perhaps a replay.',
    'Ask for a fresh presentation.',
    { problem: `${integrity}INVALID_CHALLENGE_ERROR` },
  ),
  domain_mismatch: fail(
    'domain',
    'The presentation was made for somebody else.',
    'domain or aud is not the one that was asked for.',
    'Ask for a presentation to you.',
    { problem: `${integrity}INVALID_DOMAIN_ERROR` },
  ),
  challenge_missing: fail(
    'challenge',
    'No challenge was given to compare with.',
    'The request carried none, so the presentation may be a copy.',
    'Verify with the challenge that the person was asked to sign.',
    { problem: `${integrity}INVALID_CHALLENGE_ERROR` },
  ),
  domain_missing: fail(
    'domain',
    'No domain was given to compare with.',
    'The request carried none, so the presentation may have been made for somebody else.',
    'Verify with the domain that the person was asked to sign.',
    { problem: `${integrity}INVALID_DOMAIN_ERROR` },
  ),
  presentation_not_yet_valid: fail(
    'presentation',
    'The presentation is dated in the future.',
    'iat, nbf or created lies more than 60 s ahead.',
    "Check the clock of the person's device.",
  ),
  presentation_expired: fail(
    'presentation',
    'The presentation has expired.',
    'exp or expires has passed.',
    'Ask for a fresh presentation.',
  ),
  presentation_too_many_credentials: fail(
    'presentation',
    'The presentation holds too many credentials.',
    'It exceeds our limit of credentials in one presentation.',
    'Ask for several smaller presentations.',
  ),
  credential_refused: fail(
    'presentation',
    'A credential inside is refused.',
    "The agent's own check of the embedded credentials failed.",
    'See the report of each credential.',
  ),
  credential_unfinished: open('presentation', {
    sentence: 'A credential inside could not be checked.',
    cause: "The agent's own check of the embedded credentials did not finish.",
    remedy: later,
  }),
} satisfies Record<RefusalCode, CodeRow>;

/** The answers of the status lists. */
const status = {
  status_clear: pass('status', 'The credential is neither revoked nor suspended.'),
  status_informational: pass(
    'status',
    'The credential is neither revoked nor suspended; its issuer has marked it otherwise.',
    {
      cause: 'A status of another purpose is set, for example that a newer credential can be had.',
      remedy: 'Ask the issuing organisation for a newer copy when convenient.',
    },
  ),
  status_revoked: fail(
    'status',
    'The credential was revoked.',
    'The issuer revoked it for good.',
    'Do not rely on it. Ask the issuing organisation for a new one.',
  ),
  status_suspended: fail(
    'status',
    'The credential is suspended at present.',
    'The issuer suspended it; it may be reinstated.',
    'Do not rely on it now. Ask the issuing organisation.',
  ),
  status_entry_malformed: fail(
    'status',
    'The status entry cannot be used.',
    'A member of credentialStatus is missing or malformed.',
    askIssuer,
    { ...malformed, projection: 'error' },
  ),
  status_index_out_of_range: fail(
    'status',
    'The status entry points past the end of its list.',
    'statusListIndex is not within the list.',
    askIssuer,
    { problem: `${model}RANGE_ERROR`, projection: 'error' },
  ),
  status_purpose_mismatch: fail(
    'status',
    'The status list is for another purpose.',
    'statusPurpose of the credential is not one of those of its list.',
    askIssuer,
    listError('STATUS_VERIFICATION_ERROR'),
  ),
  status_entry_unsupported: open('status', {
    sentence: 'The kind of status is not supported.',
    cause:
      'Only BitstringStatusListEntry for revocation, suspension, refresh or message, and TokenStatusListEntry with a registered value, can be judged.',
    remedy: askIssuer,
  }),
  status_retrieval_failed: open(
    'status',
    {
      sentence: 'The status list could not be fetched.',
      cause: 'The web server did not answer properly or in time.',
      remedy: later,
    },
    listError('STATUS_RETRIEVAL_ERROR'),
  ),
  status_fetch_not_allowed: open(
    'status',
    {
      sentence: 'The status list was not fetched.',
      cause: 'It does not lie with the organisation that issued the credential.',
      remedy: askIssuer,
    },
    listError('STATUS_RETRIEVAL_ERROR'),
  ),
  status_stale: open(
    'status',
    {
      sentence: 'The copy of the status list is too old.',
      cause: 'It is older than its time to live and could not be fetched anew.',
      remedy: later,
    },
    listError('STATUS_RETRIEVAL_ERROR'),
  ),
  status_media_type: brokenList(
    'The status list is of an unknown kind.',
    'Its media type is neither application/vc nor application/vc+jwt.',
  ),
  status_list_malformed: brokenList(
    'The status list cannot be read.',
    'A member of the list is missing or malformed.',
    malformed,
  ),
  status_list_too_large: brokenList(
    'The status list is too large.',
    'Unpacked it exceeds our limit of size.',
    malformed,
  ),
  status_list_too_short: brokenList(
    'The status list is too short.',
    'It has fewer than 131,072 entries, so it would tell whom it is about.',
    listError('STATUS_LIST_LENGTH_ERROR'),
  ),
  status_list_proof_invalid: brokenList(
    'The signature of the status list does not hold.',
    'It was altered, or signed with a key that is not published.',
  ),
  status_list_issuer_mismatch: brokenList(
    'The status list is not from the issuer.',
    'It was issued by somebody else, whom the registry does not recognise as an issuer of status lists.',
  ),
  status_list_id_mismatch: brokenList(
    'The status list is another one.',
    'Its id is not the address that it was fetched from.',
  ),
  status_list_outside_validity: brokenList(
    'The status list is not valid now.',
    'validFrom lies ahead or validUntil has passed.',
  ),
  status_list_rolled_back: brokenList(
    'The status list is older than one seen before.',
    'An earlier copy was put in its place, perhaps to hide a revocation.',
  ),
} satisfies Record<StatusCode, CodeRow>;

/** The answers of the trust registry. */
const recognition = {
  issuer_recognised: pass(
    'issuer',
    'The trust registry recognises this issuer for this type of credential, then and now.',
  ),
  issuer_reinstated_notice: pass(
    'issuer',
    'The issuer is recognised; it was suspended for a while after this was issued.',
    {
      cause: 'The registry shows a past suspension that began after the time of issue.',
      remedy: 'None needed; take note of it.',
    },
  ),
  issuer_withdrawn_notice: pass('issuer', 'The issuer left the programme in good standing after this was issued.', {
    cause: 'For example a merger: what was issued before stays valid until it expires.',
    remedy: 'Ask the successor organisation for a new copy when it expires.',
  }),
  issuer_authorisation_ended_notice: pass(
    'issuer',
    'The issuer was authorised when this was issued and is not any more.',
    {
      cause: 'The registry ended its authorisation for this type, or its use of this DID, after the time of issue.',
      remedy: 'None needed; a renewed credential will come from another organisation.',
    },
  ),
  issuer_not_listed: fail(
    'issuer',
    'The trust registry does not list this issuer.',
    'Its DID belongs to no organisation of the registry.',
    'Do not rely on it. Ask the governance authority whether the organisation takes part.',
  ),
  issuer_did_not_in_use: fail(
    'issuer',
    'The issuer did not use this identifier at that time.',
    'The registry limits the DID to another period.',
    askIssuer,
  ),
  issuer_not_authorised_for_type: fail(
    'issuer',
    'The issuer may not issue this type of credential.',
    'The registry did not list the type for this organisation at the time of issue.',
    'Ask the governance authority, or ask for a credential from an organisation that may issue it.',
  ),
  issuer_suspended: fail(
    'issuer',
    'The issuer is suspended in the trust registry at present.',
    'The governance authority suspended the organisation.',
    'Do not rely on it now. It may be good again after reinstatement.',
  ),
  issuer_suspended_when_issued: fail(
    'issuer',
    'The issuer was suspended when this was issued.',
    'The time of issue lies within a suspension.',
    askIssuer,
  ),
  issuer_withdrawn: fail(
    'issuer',
    'The issuer had left the programme when this was issued.',
    'The organisation was withdrawn before the time of issue.',
    'Ask the successor organisation.',
  ),
  registry_absent: open('issuer', {
    sentence: 'The trust registry could not be consulted.',
    cause: 'This service has no copy of the registry yet.',
    remedy: askOperator,
  }),
  registry_stale: open('issuer', {
    sentence: 'The copy of the trust registry is out of date.',
    cause: 'It is past its nextUpdate, and a newer one could not be fetched.',
    remedy: askOperator,
  }),
  registry_expired: open('issuer', {
    sentence: 'The copy of the trust registry is too old.',
    cause: 'It could not be refreshed for longer than is allowed.',
    remedy: askOperator,
  }),
} satisfies Record<Recognition['code'], CodeRow>;

/** Our own checks: reading, the issuer's name and key, time, schema, holder, and what keeps the status from being asked. */
const judging = {
  format_read: pass('format', 'It could be read.'),
  algorithm_allowed: pass('algorithm', 'The signature algorithm is one that we accept.'),
  issuer_name_differs: pass(
    'issuer',
    'The issuer is recognised; the name in the credential differs from the registry.',
    {
      cause:
        'The organisation was renamed, or wrote its name in another way. The report shows the name in the registry.',
      remedy: 'None needed; go by the ODS code.',
    },
  ),
  issuer_unbound: fail(
    'issuer',
    'The issuer is not named by a DID, so nothing ties the key to it.',
    'The `issuer` is a URL of another kind; the signature proves only that the key in it was used.',
    askIssuer,
    { projection: 'warning' },
  ),
  issuer_key_not_listed: fail(
    'issuer',
    'The registry does not list the key that signed.',
    'The registry names the thumbprints of the keys of this DID, and this is none of them.',
    'Do not rely on it; tell the issuing organisation and the governance authority.',
  ),
  issuer_ods_missing: fail(
    'issuer',
    'The credential does not name the organisation code of its issuer.',
    "The issuer has no odsCode, so it cannot be compared with the registry's.",
    askIssuer,
    { projection: 'warning' },
  ),
  issuer_ods_mismatch: fail(
    'issuer',
    'The organisation code in the credential is not that of its issuer.',
    "The issuer's odsCode is missing or differs from the one that the registry has for its DID.",
    'Do not rely on it; tell the issuing organisation.',
  ),
  key_published: pass('key', 'The key that signed belongs to the one who is named.'),
  key_not_of_issuer: fail(
    'key',
    'The key belongs to somebody else.',
    'The DID in kid or verificationMethod is not the issuer.',
    'Do not rely on it; report it to the organisation named.',
    methodError,
  ),
  key_timed_out: open(
    'key',
    {
      sentence: "The issuer's key was not found in time.",
      cause: 'The time for the whole verification was used up.',
      remedy: later,
    },
    methodError,
  ),
  key_not_fetched: {
    ...open('key', {
      sentence: "The issuer's key was not looked up.",
      cause: 'DID documents are fetched only for issuers in the trust registry.',
      remedy: 'See the issuer check.',
    }),
    outcome: 'skipped',
  },
  proof_verified: pass('proof', 'The signature is good: nothing was changed since.'),
  proof_unfinished: open(
    'proof',
    {
      sentence: 'The signature check did not finish.',
      cause: 'An unexpected fault in this service; the operator finds it in the log.',
      remedy: 'Tell the operator of this service.',
    },
    proofError,
  ),
  within_validity: pass('validity', 'The credential is within its period of validity.'),
  validity_inverted: fail(
    'validity',
    'The period of validity ends before it begins.',
    'validUntil lies before validFrom.',
    askIssuer,
    { projection: 'error', problem: `${model}RANGE_ERROR` },
  ),
  schema_satisfied: pass('schema', 'The content follows the published schema of its type.'),
  schema_named_satisfied: pass('schema', 'The content follows the schema that the credential names.', {
    cause: 'The type is not in our catalogue; its schema comes from a host that this service allows.',
  }),
  schema_not_run: open('schema', {
    sentence: 'The schema that the credential names cannot be run here.',
    cause:
      'It is in an unknown version, too large or too costly, refers to others, or is a credential that neither a digest nor a proof of somebody trusted vouches for.',
    remedy: 'Ask for a credential of a type of the catalogue.',
  }),
  schema_not_fetched: open('schema', {
    sentence: 'The schema that the credential names could not be fetched.',
    cause: 'Its host did not answer in time, or not with a schema.',
    remedy: later,
  }),
  schema_unknown_type: fail(
    'schema',
    'This type of credential is not in our catalogue.',
    'None of its types is one that the programme has published.',
    'Update this service, or ask for a credential of a known type.',
    { projection: 'warning' },
  ),
  schema_ambiguous_type: fail(
    'schema',
    'The credential claims to be of several types.',
    'A staff credential has exactly one type beside VerifiableCredential.',
    askIssuer,
    malformed,
  ),
  schema_missing: fail(
    'schema',
    'The credential names no schema.',
    'credentialSchema is missing.',
    askIssuer,
    malformed,
  ),
  schema_mismatch: fail(
    'schema',
    'The schema named is not the one of its type.',
    'credentialSchema refers to something else than the catalogue.',
    askIssuer,
    malformed,
  ),
  schema_digest_mismatch: fail(
    'schema',
    'The schema named is not the one that we hold.',
    'digestSRI differs from the digest of the published schema.',
    askIssuer,
    malformed,
  ),
  schema_violation: fail(
    'schema',
    'The content breaks the schema of its type.',
    'A claim is missing, malformed or not allowed; the evidence names it.',
    askIssuer,
    malformed,
  ),
  status_missing: fail(
    'status',
    'The credential cannot be checked for revocation.',
    'credentialStatus is missing, or lacks the entry for revocation or suspension.',
    askIssuer,
  ),
  status_not_fetched: {
    ...open(
      'status',
      {
        sentence: 'The status list was not fetched.',
        cause: 'Status lists are fetched only for issuers whom the trust registry recognises.',
        remedy: 'See the issuer check.',
      },
      listError('STATUS_RETRIEVAL_ERROR'),
    ),
    outcome: 'skipped',
  },
  status_timed_out: open(
    'status',
    {
      sentence: 'The status was not known in time.',
      cause: 'The time for the whole verification was used up.',
      remedy: later,
    },
    listError('STATUS_RETRIEVAL_ERROR'),
  ),
  status_unfinished: open('status', {
    sentence: 'The status check did not finish.',
    cause: 'An unexpected fault in this service; the operator finds it in the log.',
    remedy: 'Tell the operator of this service.',
  }),
  holder_is_subject: pass('holder', 'The presenter is the person that the credential is about.'),
  holder_proved: pass('holder', 'The presenter holds the key of the DID that they are named by.'),
  holder_key_bound: pass('holder', 'The presenter holds the key that the credential is bound to.'),
  holder_not_compared: {
    check: 'holder',
    outcome: 'skipped',
    required: false,
    projection: 'warning',
    sentence: 'The key binding was compared with nothing: the credential may be a copy, or meant for another.',
    cause: 'It was signed for a challenge and a domain, and the request gave none to compare them with.',
    remedy: 'Verify with the challenge and domain that the person was asked to sign.',
  },
  holder_not_presented: {
    check: 'holder',
    outcome: 'skipped',
    required: false,
    projection: 'none',
    sentence: 'Nobody presented it: this says nothing about who sent the credential.',
    cause: 'A bare credential was checked, not a presentation.',
    remedy: 'To know that it is theirs, ask the person for a presentation.',
  },
  // decisions.md 3. Only the service instances, whose callers have business rules of their own, are told it as a warning.
  holder_not_subject: fail(
    'holder',
    'The credential is about somebody else than the presenter.',
    'credentialSubject.id is not the DID that signed the presentation.',
    'Do not accept it from this person.',
  ),
  holder_subject_missing: fail(
    'holder',
    'The credential names no subject to compare the presenter with.',
    'credentialSubject has no id.',
    askIssuer,
  ),
  challenge_matches: pass('challenge', 'The presentation answers the challenge that was asked for.'),
  domain_matches: pass('domain', 'The presentation was made for the domain that was asked for.'),
  presentation_unsigned: {
    check: 'proof',
    outcome: 'skipped',
    required: true,
    projection: 'warning',
    sentence: 'The presentation has no proof: nothing says who presents it, and to whom.',
    cause: 'The request to a service instance gave it as one that nobody signed.',
    remedy: 'Rely on the credentials alone, or ask the person for a presentation that their wallet signs.',
  },
  presentation_complete: pass('presentation', 'Every credential inside was checked; see their own reports.'),
  presentation_empty: fail(
    'presentation',
    'The presentation holds no credential.',
    'verifiableCredential is missing or empty.',
    askHolder,
    { projection: 'warning' },
  ),
} satisfies Record<string, CodeRow>;

const unreached = {
  format_not_reached: notReached('format', 'The form'),
  algorithm_not_reached: notReached('algorithm', 'The algorithm'),
  issuer_not_reached: notReached('issuer', 'Whether the issuer may issue this'),
  key_not_reached: notReached('key', 'The key'),
  proof_not_reached: notReached('proof', 'The signature'),
  validity_not_reached: notReached('validity', 'The period of validity'),
  schema_not_reached: notReached('schema', 'The content'),
  status_not_reached: notReached('status', 'Revocation and suspension'),
  holder_not_reached: notReached('holder', 'Whether it belongs to the presenter'),
  challenge_not_reached: notReached('challenge', 'The challenge'),
  challenge_not_asked: notAsked('challenge', 'No challenge was given to compare with, so this may be a copy.'),
  domain_not_asked: notAsked('domain', 'No domain was given to compare with, so this may be meant for another.'),
  domain_not_reached: notReached('domain', 'The domain'),
  presentation_not_reached: notReached('presentation', 'What the presentation holds'),
} satisfies Record<string, CodeRow>;

const rows = { ...proving, ...recognition, ...status, ...judging, ...unreached };

/** One of the codes of the table. */
export type VerifyCode = keyof typeof rows;

/** The table: code to its meaning. */
export const verifyCodes: Readonly<Record<VerifyCode, CodeRow>> = rows;
