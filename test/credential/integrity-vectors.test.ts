/**
 * W3C's vectors of the Data Integrity suites, every value on the way from the document to the proof compared, and not
 * only the last yes or no. They lie outside the project; without VECTORS_DIR the suite is skipped, by name.
 */
import { sign as nodeSign } from 'node:crypto';
import { base58 } from '@scure/base';
import { createCanonicaliser } from '../../src/credential/canonicaliser.js';
import { readCredential, verifyProof } from '../../src/credential/credential.js';
import { type Cryptosuite, type ProofSuite, proofSuites } from '../../src/credential/cryptosuites.js';
import { documentUnder, readSecuredCredential } from '../../src/credential/integrity-proof.js';
import { selectMembers } from '../../src/credential/pointers.js';
import { type HashingProcedure, procedures } from '../../src/credential/proof-procedures.js';
import {
  parseBaseProofValue,
  parseDisclosureProofValue,
  serializeBaseProofValue,
  serializeDisclosureProofValue,
} from '../../src/credential/sd-proof-value.js';
import { createBaseProof, discloseProof, signedPartsOf } from '../../src/credential/selective-disclosure.js';
import { createKeySigner, verifyBytes } from '../../src/jose/jws.js';
import { importMultikey } from '../../src/jose/keys.js';
import type { JsonObject } from '../../src/json.js';
import { createAgent, now, type TestAgent } from './agent.js';
import { json, privateKeyOf, read, vectorContexts, vectorsDir } from './published-vectors.js';

/** Each row is one signed document; below these numbers the suite fails, for then vectors were not found. */
const wantedSignatures = 10;
const wantedChains = 4;
const wantedDisclosures = 2;
const ran = { signatures: 0, chains: 0, disclosures: 0 };

const run = vectorsDir === undefined ? test.skip : test;
const transformations = createCanonicaliser(vectorContexts);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

let t: TestAgent;
beforeAll(async () => {
  t = await createAgent({ contexts: vectorContexts });
});
afterAll(async () => {
  await Promise.all([t.close(), transformations.close()]);
});

interface Row {
  readonly folder: string;
  readonly suffix: string;
  readonly suite: ProofSuite;
  readonly keys: string;
  readonly unsigned: string;
}
const eddsa = { keys: 'vc-di-eddsa/keyPair.json' };
const row = (suite: ProofSuite, folder: string, suffix: string, keys: string): Row => ({
  folder,
  suffix,
  suite,
  keys,
  unsigned: `${folder.split('/')[0]}/${folder.endsWith('/employ') ? 'employmentAuth' : 'unsigned'}.json`,
});
const ecdsaRows = (['P256', 'P384'] as const).flatMap((curve) => {
  const [lower, keys] = [curve.toLowerCase(), `vc-di-ecdsa/${curve.toLowerCase()}KeyPair.json`];
  return [
    row('ecdsa-rdfc-2019', `vc-di-ecdsa/ecdsa-rdfc-2019-${lower}`, `ECDSA${curve}`, keys),
    row('ecdsa-rdfc-2019', `vc-di-ecdsa/ecdsa-rdfc-2019-${lower}/employ`, `ECDSA${curve}`, keys),
    row('ecdsa-jcs-2019', `vc-di-ecdsa/ecdsa-jcs-2019-${lower}`, `JCSECDSA${curve}`, keys),
  ];
});
const rows: readonly Row[] = [
  row('eddsa-rdfc-2022', 'vc-di-eddsa/eddsa-rdfc-2022', 'DataInt', eddsa.keys),
  row('eddsa-rdfc-2022', 'vc-di-eddsa/eddsa-rdfc-2022/employ', 'DataInt', eddsa.keys),
  row('eddsa-jcs-2022', 'vc-di-eddsa/eddsa-jcs-2022', 'JCS', eddsa.keys),
  row('Ed25519Signature2020', 'vc-di-eddsa/Ed25519Signature2020', 'EdSig', eddsa.keys),
  ...ecdsaRows,
];

describe.each(rows)('published vectors: $suite in $folder', ({ folder, suffix, suite, keys, unsigned }) => {
  const file = (name: string) => `${folder}/${name}${suffix}`;

  run('canonical forms, hashes, what is signed, signature and proof value', async () => {
    const signed = json(`${file('signed')}.json`);
    const key = importMultikey(String(json(keys)['publicKeyMultibase']));
    const { unsecured, proofs } = readSecuredCredential(signed);
    expect(unsecured).toMatchObject(withoutContext(json(unsigned)));
    const [proof] = proofs;
    const procedure = procedures[proofSuites[suite].transformation as 'rdfc' | 'jcs'] as HashingProcedure;
    const configured = procedure.configure(proof?.stated ?? {}, unsecured);
    expect(configured.options).toEqual(json(`${file('proofConfig')}.json`));
    const hashed = await procedure.hash(transformations, configured, key.algorithm);
    expect(hashed.document).toBe(read(`${file('canonDoc')}.txt`));
    expect(hashed.configuration).toBe(read(`${file('proofCanon')}.txt`));
    expect(hex(hashed.documentHash)).toBe(read(`${file('docHash')}.txt`));
    expect(hex(hashed.configurationHash)).toBe(read(`${file('proofHash')}.txt`));
    expect(hex(hashed.data)).toBe(read(`${file('combinedHash')}.txt`));
    const signature = base58.decode(String(proof?.proofValue).slice(1));
    expect(hex(signature)).toBe(read(`${file('sigHex')}.txt`));
    expect(proof?.proofValue).toBe(read(`${file('sigBTC58')}.txt`));
    expect(verifyBytes(key, hashed.data, signature)).toBe(true);
    const swapped = Buffer.concat([hashed.documentHash, hashed.configurationHash]);
    expect(verifyBytes(key, swapped, signature)).toBe(false);
    ran.signatures += 1;
  });

  run('signing again gives a proof value that verifies, for Ed25519 the very same', async () => {
    const signed = json(`${file('signed')}.json`);
    const { secretKeyMultibase, privateKeyMultibase } = json<Record<string, string>>(keys);
    const signer = createKeySigner(privateKeyOf(secretKeyMultibase ?? privateKeyMultibase ?? ''));
    const { unsecured, proofs } = readSecuredCredential(signed);
    const procedure = procedures[proofSuites[suite].transformation as 'rdfc' | 'jcs'];
    const configured = procedure.configure(proofs[0]?.stated ?? {}, unsecured);
    const proofValue = await procedure.prove(transformations, { ...configured, ...signer });
    if (signer.algorithm === 'EdDSA') expect(proofValue).toBe(proofs[0]?.proofValue);
    const key = importMultikey(String(json(keys)['publicKeyMultibase']));
    expect(await procedure.verify(transformations, { ...configured, key, proofValue })).toBe(true);
  });

  run(
    'the whole path accepts it, where an issuer that owns no key may stay unbound, and refuses it altered',
    async () => {
      const signed = json(`${file('signed')}.json`);
      const options = { now, unboundIssuer: true };
      const check = (input: JsonObject, given: object = options) =>
        verifyProof(t.agent, readCredential(input), { now, ...given });
      if (folder.endsWith('/employ')) {
        await expect(check(signed)).rejects.toMatchObject({ code: 'issuer_mismatch' });
        return;
      }
      await expect(check(signed)).resolves.toMatchObject({ format: suite, issuer: 'https://vc.example/issuers/5678' });
      await expect(check(signed, { unboundIssuer: false })).rejects.toMatchObject({ code: 'issuer_not_did' });
      await expect(check({ ...signed, name: 'Another' })).rejects.toMatchObject({ code: 'signature_invalid' });
      const proof = signed['proof'] as JsonObject;
      const later = { ...signed, proof: { ...proof, created: '2023-02-24T23:36:39Z' } };
      await expect(check(later)).rejects.toMatchObject({ code: 'signature_invalid' });
    },
  );
});

/** Ed25519Signature2020 adds the context of its suite to the document. */
function withoutContext({ '@context': _context, ...rest }: JsonObject): JsonObject {
  return rest;
}

describe.each([
  ['proofSet', 1, 1],
  ['proofSet', 2, 2],
  ['proofChain', 1, 3],
  ['proofChain', 2, 4],
] as const)('published vectors: %s %i', (kind, index, count) => {
  const folder = 'vc-di-eddsa/proof-set-chain';
  const capital = kind === 'proofSet' ? 'ProofSet' : 'ProofChain';
  const all = () => json(`${folder}/signed${capital}${index}.json`);

  run(`each proof covers the document with its previous proofs, and is made again word for word`, async () => {
    const signed = all();
    const secured = readSecuredCredential(signed);
    expect(secured.proofs).toHaveLength(count);
    const latest = secured.proofs.at(-1);
    const configured = json(`${folder}/${kind}ConfigSigned${index}.json`);
    expect(latest?.proof).toEqual(configured);
    if (latest === undefined) return;
    if (kind === 'proofChain') {
      expect(documentUnder(latest, secured)).toEqual(json(`${folder}/proofChainTempDoc${index}.json`));
    }
    const pairs = Object.values(json<Record<string, Record<string, string>>>(`${folder}/multiKeyPairs.json`));
    for (const proof of secured.proofs) {
      const pair = pairs.find(({ publicKeyMultibase }) => proof.controller === `did:key:${publicKeyMultibase}`);
      const hashing = procedures.rdfc.configure(proof.stated, documentUnder(proof, secured));
      const { data } = await procedures.rdfc.hash(transformations, hashing, 'EdDSA');
      const signature = nodeSign(null, data, privateKeyOf(pair?.['privateKeyMultibase'] ?? ''));
      expect(`z${base58.encode(signature)}`).toBe(proof.proofValue);
    }
    ran.chains += 1;
  });

  run('the whole is accepted, and refused once any one proof fails', async () => {
    const signed = all();
    const options = { now, unboundIssuer: true };
    const check = (input: JsonObject) => verifyProof(t.agent, readCredential(input), options);
    await expect(check(signed)).resolves.toMatchObject({ format: 'eddsa-rdfc-2022' });
    const proofs = [signed['proof']].flat() as JsonObject[];
    for (const [place, proof] of proofs.entries()) {
      const broken = { ...proof, created: '2023-02-26T22:00:00Z' };
      await expect(check({ ...signed, proof: proofs.with(place, broken) })).rejects.toMatchObject({
        code: 'signature_invalid',
      });
    }
  });
});

interface Signed {
  readonly baseSignature: string;
  readonly signatures: readonly string[];
}
type Listed = { readonly value: [number, string][] };
const places = (list: Listed) => list.value.map(([index]) => index);

describe.each([
  ['employ', 'employmentAuth', 'employMandatory', 'employSelective'],
  ['prc', 'prCredUnsigned', 'prCredMandatory', 'prCredSelective'],
])('published vectors: ecdsa-sd-2023 %s', (name, document, mandatory, selective) => {
  const folder = `vc-di-ecdsa/ecdsa-sd-2023/${name}`;
  const keyMaterial = () =>
    json<Record<string, Record<string, string>>>('vc-di-ecdsa/ecdsa-sd-2023/SDKeyMaterial.json');
  const hmacKey = () => Buffer.from(String(keyMaterial()['hmacKeyString']), 'hex');
  /** The document that was signed; prCredUnsigned.json has another description, an error of the published files. */
  const unsigned = (): JsonObject => {
    const { proof: _proof, ...rest } = signedBase();
    const { description: _description, ...published } = json(`vc-di-ecdsa/${document}.json`);
    expect(rest).toMatchObject(published);
    return rest;
  };
  const mandatoryPointers = () => json<string[]>(`vc-di-ecdsa/${mandatory}.json`);
  const selectivePointers = () => json<string[]>(`vc-di-ecdsa/${selective}.json`);
  const signedBase = () => json(`${folder}/addSignedSDBase.json`);
  const base = () => parseBaseProofValue((signedBase()['proof'] as JsonObject)['proofValue']);
  const baseKey = () => importMultikey(keyMaterial()['baseKeyPair']?.['publicKeyMultibase'] ?? '');
  const options = () => json(`${folder}/addProofConfig.json`);

  run('base proof: pointers, canonical form, HMAC labels, groups, hashes, signatures and proof value', async () => {
    for (const { pointer, value } of json<{ pointer: string; value: unknown }[]>(`${folder}/addPointerValues.json`)) {
      const [member = ''] = pointer.split('/').slice(1, 2);
      const selected = selectMembers(unsigned(), [pointer]) ?? {};
      expect(pointer.split('/').length === 2 ? selected[member] : JSON.stringify(selected)).toEqual(
        pointer.split('/').length === 2 ? value : expect.stringContaining(JSON.stringify(value)),
      );
    }
    const canonical = await transformations.canonicalise({ document: unsigned() });
    expect(canonical).toBe(json<string[]>(`${folder}/addBaseDocCanon.json`).join(''));
    const groups = { mandatory: mandatoryPointers() };
    const grouped = await transformations.groupStatements({ document: unsigned(), hmacKey: hmacKey(), groups });
    expect(grouped.statements).toEqual(json(`${folder}/addBaseDocHMACCanon.json`));
    const wanted = json<{ mandatory: Listed; nonMandatory: Listed }>(`${folder}/addBaseTransform.json`);
    const mandatoryIndexes = grouped.groups['mandatory']?.indexes ?? [];
    expect(mandatoryIndexes).toEqual(places(wanted.mandatory));
    const parts = await signedPartsOf(transformations, options(), { statements: grouped.statements, mandatoryIndexes });
    expect(parts.mandatory).toEqual(wanted.mandatory.value.map(([, statement]) => statement));
    expect(parts.nonMandatory).toEqual(wanted.nonMandatory.value.map(([, statement]) => statement));
    expect(await transformations.canonicalise({ document: options() })).toBe(
      `${read(`${folder}/addProofConfigCanon.txt`).trimEnd()}\n`,
    );
    const hashes = json(`${folder}/addHashData.json`);
    expect({ proofHash: hex(parts.proofHash), mandatoryHash: hex(parts.mandatoryHash) }).toEqual(hashes);
    const raw = json<Signed & { publicKey: string }>(`${folder}/addRawBaseSignatureInfo.json`);
    const own = importMultikey(raw.publicKey);
    for (const [index, statement] of parts.nonMandatory.entries()) {
      const signature = Buffer.from(raw.signatures[index] ?? '', 'hex');
      expect(verifyBytes(own, Buffer.from(statement), signature)).toBe(true);
    }
    expect(hex(base().baseSignature)).toBe(raw.baseSignature);
    expect(base().signatures.map(hex)).toEqual(raw.signatures);
    expect(serializeBaseProofValue(base())).toBe((signedBase()['proof'] as JsonObject)['proofValue']);
    ran.disclosures += 1;
  });

  run(
    'a base proof of ours with the same secrets differs in nothing but the random part of its signatures',
    async () => {
      const secret = (pair: string) => createKeySigner(privateKeyOf(keyMaterial()[pair]?.['secretKeyMultibase'] ?? ''));
      const publicKey = base58.decode(keyMaterial()['proofKeyPair']?.['publicKeyMultibase']?.slice(1) ?? '');
      const secrets = { hmacKey: hmacKey(), publicKey, sign: secret('proofKeyPair').sign };
      const request = { document: unsigned(), options: options(), sign: secret('baseKeyPair').sign };
      const made = await createBaseProof(
        transformations,
        { ...request, mandatoryPointers: mandatoryPointers() },
        secrets,
      );
      expect(hex(made.publicKey)).toBe(hex(base().publicKey));
      expect(hex(made.hmacKey)).toBe(hex(base().hmacKey));
      expect(made.mandatoryPointers).toEqual(base().mandatoryPointers);
      expect(made.signatures).toHaveLength(base().signatures.length);
      const { value, disclosed } = await discloseProof(transformations, {
        document: unsigned(),
        base: made,
        selectivePointers: selectivePointers(),
      });
      const proofValue = serializeDisclosureProofValue(value);
      const verification = { document: disclosed, options: options(), key: baseKey(), proofValue };
      expect(await procedures.selective.verify(transformations, verification)).toBe(true);
    },
  );

  run('derived proof: recovered parts, groups, adjusted indexes, labels, signatures and proof value', async () => {
    const recovered = json<Signed & { hmacKey: string; mandatoryPointers: string[] }>(
      `${folder}/derivedRecoveredBaseData.json`,
    );
    expect(hex(base().hmacKey)).toBe(recovered.hmacKey);
    expect(base().signatures.map(hex)).toEqual(recovered.signatures);
    expect(base().mandatoryPointers).toEqual(recovered.mandatoryPointers);
    const asked = { document: unsigned(), base: base(), selectivePointers: selectivePointers() };
    const { disclosed, value, grouped } = await discloseProof(transformations, asked);
    expect(disclosed).toEqual(json(`${folder}/derivedUnsignedReveal.json`));
    const indexes = json<Record<string, number[]>>(`${folder}/derivedGroupIndexes.json`);
    for (const group of ['mandatory', 'selective', 'combined']) {
      expect(grouped.groups[group]?.indexes).toEqual(indexes[`${group}Indexes`]);
    }
    const all = json<{ groups: Record<string, { matching: Listed; nonMatching: Listed }> }>(
      `${folder}/derivedAllGroupData.json`,
    );
    for (const [group, { matching }] of Object.entries(all.groups)) {
      const statements = grouped.groups[group]?.indexes.map((index) => [index, grouped.statements[index]]);
      expect(statements).toEqual(matching.value);
    }
    const adjusted = json<{ adjMandatoryIndexes: number[] }>(`${folder}/derivedAdjMandatoryIndexes.json`);
    expect(value.mandatoryIndexes).toEqual(adjusted.adjMandatoryIndexes);
    const filtered = json<{ filteredSignatures: string[] }>(`${folder}/derivedAdjSignatures.json`);
    expect(value.signatures.map(hex)).toEqual(filtered.filteredSignatures);
    const disclosure = json<{ labelMap: { value: [string, string][] } }>(`${folder}/derivedDisclosureData.json`);
    expect([...value.labels].sort()).toEqual(disclosure.labelMap.value);
    const revealed = json(`${folder}/derivedRevealDocument.json`);
    expect(serializeDisclosureProofValue(value)).toBe((revealed['proof'] as JsonObject)['proofValue']);
  });

  run('verification: parts of the proof value, statements, hashes, and the answer', async () => {
    const { proof, ...document } = json(`${folder}/derivedRevealDocument.json`);
    const { proofValue } = proof as JsonObject;
    const value = parseDisclosureProofValue(proofValue);
    const wanted = json<Signed & { mandatoryIndexes: number[]; labelMap: [string, string][] }>(
      `${folder}/verifyDerivedProofValue.json`,
    );
    expect(hex(value.baseSignature)).toBe(wanted.baseSignature);
    expect(value.signatures.map(hex)).toEqual(wanted.signatures);
    expect(value.mandatoryIndexes).toEqual(wanted.mandatoryIndexes);
    expect([...value.labels].sort()).toEqual(wanted.labelMap);
    const statements = await transformations.relabelStatements({ document, labels: value.labels });
    expect(statements).toEqual(json(`${folder}/verifyNQuads.json`));
    const parts = await signedPartsOf(transformations, options(), { ...value, statements });
    const data = json<Signed & Record<string, unknown>>(`${folder}/verifyCreateVerifyData.json`);
    expect(hex(parts.proofHash)).toBe(data['proofHash']);
    expect(hex(parts.mandatoryHash)).toBe(data['mandatoryHash']);
    expect(parts.nonMandatory).toEqual(data['nonMandatory']);
    const verification = { document, options: options(), key: baseKey(), proofValue };
    expect(await procedures.selective.verify(transformations, verification)).toBe(true);
    const altered = { ...document, validUntil: '2039-12-03T00:00:00Z' };
    expect(await procedures.selective.verify(transformations, { ...verification, document: altered })).toBe(false);
  });
});

describe('published vectors of Data Integrity', () => {
  run('all of them ran', () => {
    expect(ran.signatures).toBeGreaterThanOrEqual(wantedSignatures);
    expect(ran.chains).toBeGreaterThanOrEqual(wantedChains);
    expect(ran.disclosures).toBeGreaterThanOrEqual(wantedDisclosures);
    const covered = new Set<ProofSuite>([...rows.map(({ suite }) => suite), 'ecdsa-sd-2023' satisfies Cryptosuite]);
    expect([...covered].sort()).toEqual(Object.keys(proofSuites).sort());
  });
});
