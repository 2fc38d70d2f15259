/**
 * One input for each refusal code, in which exactly that is wrong. The record's type makes a code without a case a
 * compile error.
 */
import { createHash } from 'node:crypto';
import type { IAgentPlugin } from '@veramo/core-types';
import { createCanonicaliser } from '../../src/credential/canonicaliser.js';
import {
  CredentialRefusal,
  type RefusalCode,
  readCredential,
  readPresentation,
  refusals,
  secureCredential,
  securePresentation,
  verifyPresentationProof,
  verifyProof,
} from '../../src/credential/credential.js';
import { refuseCanonicalisation } from '../../src/credential/faults.js';
import type { Json, JsonObject } from '../../src/json.js';
import { createAgent, didDocument, makeKey, now, type TestAgent, trust } from './agent.js';
import { credential11, credential20, plainCredential, presentation20 } from './examples.js';

const other = 'did:web:other.example';
let revoked: boolean | undefined;
const statusPlugin: IAgentPlugin = {
  methods: { checkCredentialStatus: async () => ({ revoked }) },
};

let t: TestAgent;
let withStatus: TestAgent;
beforeAll(async () => {
  t = await createAgent();
  withStatus = await createAgent({ plugins: [statusPlugin] });
});
afterAll(async () => {
  await t.close();
  await withStatus.close();
});

const check = (input: unknown, on: TestAgent = t) => verifyProof(on.agent, readCredential(input), { now });

/** What the agent itself says, with all checks on, as any other Veramo caller gets it. */
async function checkWithAgent(on: TestAgent, credential: Json, policies: object = {}): Promise<void> {
  const { input } = readCredential(credential);
  const { refusal } = await on.agent.verifyCredential({ credential: input as string, policies });
  if (refusal) throw refusal;
}

async function signed(
  format: 'vc+jwt' | 'eddsa-rdfc-2022' | 'ecdsa-sd-2023',
  changes: JsonObject = {},
  on: TestAgent = t,
): Promise<Json> {
  const key = format === 'eddsa-rdfc-2022' ? on.ed25519 : on.es256;
  const credential = plainCredential(on.holder.did, changes);
  return (await secureCredential(on.agent, { credential, format, key, now })).verifiableCredential;
}

async function secured(changes: JsonObject = {}): Promise<{ document: JsonObject; proof: JsonObject }> {
  const document = (await signed('eddsa-rdfc-2022', changes)) as JsonObject;
  return { document, proof: document['proof'] as JsonObject };
}

async function withProof(changes: JsonObject): Promise<JsonObject> {
  const { document, proof } = await secured();
  return { ...document, proof: { ...proof, ...changes } };
}

async function presented(changes: JsonObject = {}, credentials: Json[] = []): Promise<Json> {
  const presentation = presentation20(t.holder.did, credentials, changes);
  const options = {
    presentation,
    format: 'vp+jwt',
    key: t.holder.key,
    challenge: 'c1',
    domain: 'https://v.example',
    now,
  };
  return (await securePresentation(t.agent, options as never)).verifiablePresentation;
}

const expected = { challenge: 'c1', domain: 'https://v.example', now };
const present = (input: unknown, options: object = {}) =>
  verifyPresentationProof(t.agent, readPresentation(input), { ...expected, ...options });

/** The trust's document with something else in it, and a credential signed by the trust's own P-256 key. */
async function underDocument(overrides: object, method: object = {}): Promise<unknown> {
  const fresh = await createAgent();
  const document = didDocument(trust, [fresh.es256], overrides) as { verificationMethod: object[] };
  document.verificationMethod = document.verificationMethod.map((entry) => ({ ...entry, ...method }));
  fresh.documents.set(trust, document);
  const token = await fresh.es256.token(plainCredential(t.holder.did));
  return check(token, fresh).finally(() => fresh.close());
}

/** Credentials of a DID whose resolution says this. */
async function resolvingTo(did: string, result: object): Promise<unknown> {
  const fresh = await createAgent({
    plugins: [{ methods: { resolveDid: async () => result } as never }],
  });
  const key = makeKey('ES256', () => `${did}#a1`);
  const token = await key.token(plainCredential(t.holder.did, { issuer: did }));
  return check(token, fresh).finally(() => fresh.close());
}

const failing = (error: string) => ({ didDocument: null, didDocumentMetadata: {}, didResolutionMetadata: { error } });

const status = {
  id: 'https://rxa.example/s#1',
  type: 'BitstringStatusListEntry',
  statusPurpose: 'revocation',
  statusListIndex: '1',
  statusListCredential: 'https://rxa.example/s',
};

/** Twice two equal nodes without ids, one below the other: telling them apart takes more work than is given. */
const intricate = { checkMethod: [{ checkMethod: ['x', 'y'] }, { checkMethod: ['x', 'y'] }] };

const cases: Record<RefusalCode, () => unknown> = {
  input_not_recognised: () => check(42),
  input_too_large: () => check(`${'a'.repeat(300_000)}.e30.AA`),
  token_malformed: () => check('a.b'),
  typ_unknown: async () => check(await t.es256.token(plainCredential(t.holder.did), { typ: 'at+jwt' })),
  media_type_unknown: async () => {
    const envelope = (await signed('vc+jwt')) as JsonObject;
    return check({ ...envelope, id: String(envelope['id']).replace('vc+jwt', 'at+jwt') });
  },
  envelope_malformed: async () =>
    check({ ...((await signed('vc+jwt')) as JsonObject), credentialSubject: { id: other } }),
  header_not_allowed: async () => check(await t.es256.token(plainCredential(t.holder.did), { crit: ['exp'] })),
  disclosures_invalid: async () =>
    check(`${await t.es256.token(plainCredential(t.holder.did), { typ: 'vc+sd-jwt' })}~WyJzIiwibiIsMV0~`),
  key_binding_invalid: async () => {
    const issued = `${await t.es256.token(plainCredential(t.holder.did), { typ: 'vc+sd-jwt' })}~`;
    const seconds = now.getTime() / 1000;
    const sdHash = createHash('sha256').update(issued).digest('base64url');
    const claims = { nonce: 'n', aud: 'a', iat: seconds, sd_hash: sdHash };
    return check(issued + (await t.holder.key.token(claims, { typ: 'kb+jwt', cty: undefined as never })));
  },
  key_binding_missing: async () => {
    const keyBinding = { challenge: 'c1', domain: 'https://v.example' };
    return verifyProof(t.agent, readCredential(await signed('eddsa-rdfc-2022')), { now, keyBinding });
  },
  claims_inconsistent: async () => check(await t.es256.token({ ...plainCredential(t.holder.did), vc: {} })),
  data_model_invalid: async () => check(await t.es256.token(plainCredential(t.holder.did, { validUntil: 'tomorrow' }))),
  proof_malformed: async () => check(await withProof({ created: 'yesterday' })),
  proof_count: async () => {
    const { document, proof } = await secured();
    return check({ ...document, proof: Array(9).fill(proof) });
  },
  alg_not_allowed: () => {
    const header = Buffer.from('{"alg":"none","typ":"vc+jwt","kid":"did:web:rxa.example#a1"}').toString('base64url');
    return check(`${header}.e30.AA`);
  },
  cryptosuite_unknown: async () => check(await withProof({ cryptosuite: 'bbs-2023' })),
  key_type_mismatch: async () => check(await t.ed25519.token(plainCredential(t.holder.did), { kid: t.es256.kid })),
  issuer_not_did: async () =>
    check(await t.es256.token(plainCredential(t.holder.did, { issuer: 'https://rxa.example' }))),
  issuer_mismatch: async () => {
    const attacker = makeKey('ES256', () => `${other}#a1`);
    t.documents.set(other, didDocument(other, [attacker]));
    return check(await attacker.token(plainCredential(t.holder.did)));
  },
  kid_invalid: async () => check(await t.es256.token(plainCredential(t.holder.did), { kid: '#a1' })),
  did_invalid: () =>
    resolvingTo(other, { ...failing(''), didResolutionMetadata: {}, didDocument: didDocument(trust, []) }),
  did_not_found: () => resolvingTo(other, failing('notFound')),
  did_deactivated: () =>
    resolvingTo(other, {
      ...failing(''),
      didResolutionMetadata: {},
      didDocument: didDocument(other, []),
      didDocumentMetadata: { deactivated: true },
    }),
  did_method_not_supported: async () => {
    const key = makeKey('ES256', () => 'did:ion:abc#a1');
    return check(await key.token(plainCredential(t.holder.did, { issuer: 'did:ion:abc' })));
  },
  did_unresolved: () => resolvingTo(other, failing('internalError')),
  controller_not_accepted: async () => {
    const { document, proof } = await secured();
    const stranger = { ...proof, id: 'urn:a:b', verificationMethod: `${other}#a1` };
    return check({ ...document, proof: [proof, stranger] });
  },
  key_not_found: async () => check(await t.es256.token(plainCredential(t.holder.did), { kid: `${trust}#zz` })),
  key_not_authorised: () => underDocument({ assertionMethod: [] }),
  key_invalid: () => underDocument({}, { type: 'EcdsaSecp256k1VerificationKey2019' }),
  key_expired: () => underDocument({}, { expires: '2026-11-01T00:00:00Z' }),
  key_revoked: () => underDocument({}, { revoked: '2026-11-01T00:00:00Z' }),
  signature_invalid: async () => {
    const { document } = await secured();
    return check({ ...document, credentialSubject: { id: t.holder.did, name: 'Somebody Else' } });
  },
  proof_value_malformed: async () => check(await withProof({ proofValue: 'z3vQB' })),
  proof_not_derived: async () => check(await signed('ecdsa-sd-2023')),
  previous_proof_unknown: async () => check(await withProof({ previousProof: 'urn:a:b' })),
  proof_purpose: async () => check(await withProof({ proofPurpose: 'authentication' })),
  proof_not_yet_valid: async () => check(await withProof({ created: '2026-11-21T09:01:01Z' })),
  proof_expired: async () => check(await withProof({ expires: '2026-11-21T09:00:00Z' })),
  context_unknown: async () => {
    const { document } = await secured();
    return check({ ...document, '@context': ['https://www.w3.org/ns/credentials/v2', 'https://unknown.example/v1'] });
  },
  terms_undefined: async () => check({ ...(await secured()).document, ward: '7' }),
  canonicalisation_refused: async () => {
    const context = credential20(t.holder.did)['@context'] ?? [];
    const credentialSubject = { checkMethod: [intricate, intricate] };
    return check({ ...(await secured()).document, '@context': context, credentialSubject });
  },
  canonicalisation_unfinished: async () => {
    const slow = createCanonicaliser(t.contexts, { inlineValues: 0, queue: 0 });
    return refuseCanonicalisation(slow.canonicalise({ document: plainCredential(t.holder.did) }));
  },
  not_yet_valid: async () => checkWithAgent(t, await signed('vc+jwt', { validFrom: '2026-11-21T09:01:01Z' })),
  expired: async () => checkWithAgent(t, await signed('vc+jwt', { validUntil: '2026-11-21T09:00:00Z' })),
  status_failed: async () => {
    revoked = true;
    return checkWithAgent(withStatus, await signed('vc+jwt', { credentialStatus: status }, withStatus));
  },
  status_unchecked: async () => checkWithAgent(t, await signed('vc+jwt', { credentialStatus: status })),
  holder_not_did: async () =>
    present(await t.holder.key.token({ ...presentation20('https://v.example', []) }, { typ: 'vp+jwt', cty: 'vp' })),
  holder_mismatch: async () =>
    present(await t.holder.key.token({ ...presentation20(other, []) }, { typ: 'vp+jwt', cty: 'vp' })),
  holder_not_accepted: async () =>
    present(await t.es256.token({ ...presentation20(trust, []) }, { typ: 'vp+jwt', cty: 'vp' })),
  challenge_missing: async () => present(await presented(), { challenge: '' }),
  challenge_mismatch: async () => present(await presented(), { challenge: 'c2' }),
  domain_missing: async () => present(await presented(), { domain: '' }),
  domain_mismatch: async () => present(await presented(), { domain: 'https://w.example' }),
  presentation_not_yet_valid: async () => present(await presented(), { now: new Date('2026-11-21T08:58:59Z') }),
  presentation_expired: async () => present(await presented(), { now: new Date('2026-11-21T09:05:00Z') }),
  presentation_too_many_credentials: async () => present(await presented({}, Array(65).fill(await signed('vc+jwt')))),
  credential_refused: async () => {
    const forged = await t.ed25519.token(plainCredential(t.holder.did), { kid: t.es256.kid });
    const presentation = (await presented({}, [forged])) as string;
    const { refusal } = await t.agent.verifyPresentation({ presentation, ...expected });
    throw refusal;
  },
  credential_unfinished: async () => {
    const enveloped = await signed('vc+jwt', { credentialStatus: status });
    const presentation = (await presented({}, [enveloped])) as string;
    const { refusal } = await t.agent.verifyPresentation({ presentation, ...expected });
    throw refusal;
  },
};

async function refusalOf(step: () => unknown): Promise<CredentialRefusal> {
  try {
    await step();
  } catch (error) {
    if (error instanceof CredentialRefusal) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('every refusal', () => {
  test.each(Object.entries(cases))('%s is given when exactly that is wrong', async (code, step) => {
    const refusal = await refusalOf(step);
    expect(refusal.code).toBe(code);
    expect({ check: refusal.check, outcome: refusal.outcome }).toEqual(refusals[code as RefusalCode]);
    expect(refusal.message).not.toContain('Alex Example');
  });

  test('what the cases start from is accepted', async () => {
    revoked = false;
    await expect(check(await signed('vc+jwt'))).resolves.toMatchObject({ issuer: trust });
    await expect(check((await secured()).document)).resolves.toMatchObject({ issuer: trust });
    await expect(check(await t.es256.token(plainCredential(t.holder.did)))).resolves.toMatchObject({ issuer: trust });
    await expect(present(await presented())).resolves.toMatchObject({ holder: t.holder.did });
    await checkWithAgent(t, await signed('vc+jwt'));
    await checkWithAgent(withStatus, await signed('vc+jwt', { credentialStatus: status }, withStatus));
    await expect(underDocument({})).resolves.toMatchObject({ issuer: trust });
    await expect(underDocument({}, { expires: '2026-12-01T00:00:00Z' })).resolves.toMatchObject({ issuer: trust });
    const credential = credential11(t.holder.did);
    const { verifiableCredential } = await secureCredential(t.agent, {
      credential,
      format: 'jwt_vc',
      key: t.es256,
      now,
    });
    await expect(check(verifiableCredential)).resolves.toMatchObject({ dataModel: '1.1', credential });
  });
});
