/** Bitstring Status List v1.0: what an issuer publishes, how it changes, and what a verifier says to malformed entries. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { forged } from '../cases.js';
import { type Conversation, isRefusal, plainCredential, type Reply, signerFor } from '../conversation.js';
import { aVerifier, forgeable, needs } from '../endpoints.js';
import { credentialsV2 } from '../inputs/contexts.js';
import { proofsOf } from '../inputs/data-integrity.js';
import { asList, type Document, isDocument } from '../inputs/documents.js';
import { keyTypeOf } from '../inputs/keys.js';
import { decodedToken, secureWith } from '../inputs/securing.js';
import type { Test, Tests } from '../suite.js';
import type { IssuerEndpoint } from '../target.js';

const statusIssuer = (talk: Conversation): IssuerEndpoint & { status: NonNullable<IssuerEndpoint['status']> } => {
  const issuer = talk.target.issuers.find(({ status }) => status);
  if (!issuer?.status) throw new Error('the target has no issuer with status');
  return { ...issuer, status: issuer.status };
};

interface Issued {
  readonly credential: Document;
  /** The credential without its envelope. */
  readonly claims: Document;
  readonly entries: readonly Document[];
}

async function issueWithStatus(talk: Conversation): Promise<Issued> {
  const issuer = statusIssuer(talk);
  const credential = (await talk.issued(issuer, plainCredential(issuer.issuer))) ?? {};
  const claims = decodedToken(credential) ?? credential;
  const entries = asList<Document>(claims['credentialStatus']).filter(
    (one) => isDocument(one) && one['type'] === 'BitstringStatusListEntry',
  );
  talk.expect(entries.length > 0, 'the issued credential has no entry of type BitstringStatusListEntry');
  return { credential, claims, entries };
}

interface List {
  readonly credential: Document;
  readonly subject: Document;
  readonly bits: Buffer;
}

async function fetchList(talk: Conversation, entry: Document): Promise<List> {
  const { status, text, json } = await talk.get(String(entry['statusListCredential']));
  talk.expect(status === 200, `the status list answered ${status}`);
  const wire = isDocument(json) ? json : { id: `data:application/vc+jwt,${text}` };
  const credential = decodedToken(wire) ?? wire;
  const subject = isDocument(credential['credentialSubject']) ? credential['credentialSubject'] : {};
  const encoded = String(subject['encodedList'] ?? '');
  return { credential, subject, bits: expand(encoded) };
}

/** 3.4 Bitstring Expansion Algorithm. */
function expand(encoded: string): Buffer {
  if (!encoded.startsWith('u')) return Buffer.alloc(0);
  return gunzipSync(Buffer.from(encoded.slice(1), 'base64url'), { maxOutputLength: 64 * 1024 * 1024 });
}

/** Index 0 is the left-most bit of the first byte. */
function bitAt(bits: Buffer, index: number): number {
  return ((bits[index >> 3] ?? 0) >> (7 - (index & 7))) & 1;
}

/** A question about every entry of a freshly issued credential. */
function entryTest(look: (talk: Conversation, entry: Document, claims: Document) => void | Promise<void>): Test {
  return {
    lacks: needs.statusIssuer,
    async run(talk) {
      const { entries, claims } = await issueWithStatus(talk);
      for (const entry of entries) await look(talk, entry, claims);
    },
  };
}

/** As entryTest, of entries whose status the question changes: each is of a credential of its own. */
function changeTest(look: (talk: Conversation, entry: Document, claims: Document) => Promise<void>): Test {
  return {
    lacks: needs.statusIssuer,
    async run(talk) {
      const purposes = (await issueWithStatus(talk)).entries.map(({ statusPurpose }) => statusPurpose);
      for (const purpose of purposes) {
        const { entries, claims } = await issueWithStatus(talk);
        for (const entry of entries) if (entry['statusPurpose'] === purpose) await look(talk, entry, claims);
      }
    },
  };
}

/** A question about every list that the entries of a freshly issued credential name. */
function listTest(look: (talk: Conversation, list: List, entry: Document) => void | Promise<void>): Test {
  return entryTest(async (talk, entry) => look(talk, await fetchList(talk, entry), entry));
}

/** A question about lists of messages; only an issuer that has some is asked. */
function messageTest(fault: (list: List) => string | undefined): Test {
  return {
    lacks: needs.all(needs.statusIssuer, needs.statusPurpose('message')),
    async run(talk) {
      const { entries } = await issueWithStatus(talk);
      const messages = entries.filter(({ statusPurpose }) => statusPurpose === 'message');
      talk.expect(messages.length > 0, 'the issued credential has no entry of the purpose message');
      for (const entry of messages) {
        const found = fault(await fetchList(talk, entry));
        talk.expect(found === undefined, found ?? '');
      }
    },
  };
}

async function setStatus(talk: Conversation, claims: Document, entry: Document, status: boolean): Promise<Reply> {
  const { url } = statusIssuer(talk).status;
  const { type, statusPurpose } = entry;
  const body = { credentialId: claims['id'], credentialStatus: { type, statusPurpose }, status };
  const reply = await talk.post(url, body);
  talk.expect(reply.status === 200, `POST ${url} answered ${reply.status} ${reply.text.slice(0, 160)}`);
  return reply;
}

const goodEntry = {
  id: 'https://lists.example/status/3#94567',
  type: 'BitstringStatusListEntry',
  statusPurpose: 'revocation',
  statusListIndex: '94567',
  statusListCredential: 'https://lists.example/status/3',
};

const shortestList = 16 * 1024;

/** Publishes a list of the checker's own in which exactly this bit is set, for both purposes that end validity. */
async function publishList({ host, target }: Conversation, bit: number, size = 1): Promise<string> {
  const securing = forgeable(aVerifier(target));
  const bits = Buffer.alloc(shortestList * size);
  bits[bit >> 3] = 0x80 >> (bit & 7);
  const encodedList = `u${gzipSync(bits).toString('base64url')}`;
  const reserved = host.reserve('a-status-list');
  const list = {
    '@context': [credentialsV2],
    id: reserved.url,
    type: ['VerifiableCredential', 'BitstringStatusListCredential'],
    issuer: host.did,
    validFrom: '2024-01-01T00:00:00Z',
    credentialSubject: {
      id: `${reserved.url}#list`,
      type: 'BitstringStatusList',
      statusPurpose: ['revocation', 'suspension'],
      encodedList,
    },
  };
  const { wire, compact } = await secureWith(securing, list, host.signers[keyTypeOf(securing)]);
  reserved.publish(compact ?? wire, compact === undefined ? 'application/vc' : 'application/vc+jwt');
  return reserved.url;
}

/** An entry of two bits with a message for each value. */
const twoBits = {
  statusSize: 2,
  statusMessage: ['0x0', '0x1', '0x2', '0x3'].map((status) => ({ status, message: `message ${status}` })),
};

/** Asks about a credential of the checker's own with entries at this index of the list. */
async function askAbout(talk: Conversation, statusListCredential: string, entry: Document): Promise<Reply> {
  const verifier = aVerifier(talk.target);
  const securing = forgeable(verifier);
  const signer = talk.host.signers[keyTypeOf(securing)];
  const credentialStatus = ['revocation', 'suspension'].map((statusPurpose) => ({
    type: 'BitstringStatusListEntry',
    statusPurpose,
    statusListCredential,
    ...entry,
  }));
  const verifiableCredential = await forged(securing, plainCredential(signer.did, { credentialStatus }), signer);
  return talk.post(verifier.url, { verifiableCredential, options: { returnResults: true } });
}

function problemsOf({ json }: Reply): string[] {
  const told = isDocument(json) ? json : {};
  const lists = [...asList(told['problemDetails']), ...asList(told['errors']), ...asList(told['warnings'])];
  return lists.filter(isDocument).map(({ type }) => String(type));
}

/** A verifier that refuses everything proves nothing: it must accept the credential when it has no status. */
async function control(talk: Conversation): Promise<void> {
  const verifier = aVerifier(talk.target);
  const securing = forgeable(verifier);
  const signer = signerFor(talk.parties, securing);
  const wire = await forged(securing, plainCredential(signer.did), signer);
  await talk.accepts(verifier, wire, 'the control, without a status');
}

/** Section 3: a malformed entry raises MALFORMED_VALUE_ERROR; a verifier may refuse for it, but not be silent. */
function malformedTest(variants: Readonly<Record<string, Document>>): Test {
  return {
    lacks: needs.verifier,
    async run(talk) {
      const verifier = aVerifier(talk.target);
      const securing = forgeable(verifier);
      const signer = signerFor(talk.parties, securing);
      await control(talk);
      for (const [what, changes] of Object.entries(variants)) {
        const entry = Object.fromEntries(
          Object.entries({ ...goodEntry, ...changes }).filter(([, value]) => value !== undefined),
        );
        const wire = await forged(securing, plainCredential(signer.did, { credentialStatus: entry }), signer);
        const reply = await talk.post(verifier.url, { verifiableCredential: wire });
        const told = problemsOf(reply).some((type) => type.endsWith('MALFORMED_VALUE_ERROR'));
        talk.expect(isRefusal(reply) || (reply.status === 200 && told), `${what}: answered ${reply.status}, no error`);
      }
    },
  };
}

const entries: Tests = {
  'BSL-1.3-1': malformedTest({ 'an entry without index': { statusListIndex: undefined } }),
  'BSL-2.1-2': entryTest((talk, { id, statusListCredential }) =>
    talk.expect(id === undefined || id !== statusListCredential, `the id of the entry is the URL of the list: ${id}`),
  ),
  'BSL-2.1-3': {
    lacks: needs.statusIssuer,
    async run(talk) {
      const { claims } = await issueWithStatus(talk);
      for (const { type } of asList<Document>(claims['credentialStatus'])) {
        talk.expect(type === 'BitstringStatusListEntry', `the type of the entry is ${type}`);
      }
    },
  },
  'BSL-2.1-4': both(
    entryTest((talk, { statusPurpose }) =>
      talk.expect(typeof statusPurpose === 'string', `statusPurpose is ${JSON.stringify(statusPurpose)}`),
    ),
    malformedTest({
      'an entry without purpose': { statusPurpose: undefined },
      'a purpose that is a number': { statusPurpose: 5 },
      'a list of purposes': { statusPurpose: ['revocation', 'suspension'] },
    }),
  ),
  'BSL-2.1-6': both(
    entryTest((talk, { statusListIndex }) => {
      const good = typeof statusListIndex === 'string' && /^(0|[1-9]\d*)$/.test(statusListIndex);
      talk.expect(good, `statusListIndex is ${JSON.stringify(statusListIndex)}`);
    }),
    malformedTest({
      'a negative index': { statusListIndex: '-1' },
      'a fractional index': { statusListIndex: '1.5' },
      'a hexadecimal index': { statusListIndex: '0x10' },
      'an index followed by letters': { statusListIndex: '12abc' },
      'an index that is a number': { statusListIndex: 94567 },
      'an empty index': { statusListIndex: '' },
    }),
  ),
  'BSL-2.1-7': both(
    entryTest((talk, { statusListCredential }) =>
      talk.expect(URL.canParse(String(statusListCredential)), `statusListCredential is ${statusListCredential}`),
    ),
    malformedTest({
      'a list that is no URL': { statusListCredential: 'not-a-url' },
      'an entry without list': { statusListCredential: undefined },
      'a list that is a number': { statusListCredential: 5 },
    }),
  ),
  'BSL-2.1-8': listTest((talk, { credential }) =>
    talk.expect(
      asList<string>(credential['type']).includes('BitstringStatusListCredential'),
      `the type of the list is ${JSON.stringify(credential['type'])}`,
    ),
  ),
  'BSL-2.1-9': {
    lacks: needs.all(needs.verifier, needs.hosting),
    async run(talk) {
      const list = await publishList(talk, 5);
      // Of one bit, entry 5 is set and entry 2 is not; of two bits it would be the other way round.
      const set = saysSet(await askAbout(talk, list, { statusListIndex: '5' }));
      talk.expect(set, 'an entry without statusSize whose bit is 1 must be refused or reported');
      const unset = !saysSet(await askAbout(talk, list, { statusListIndex: '2' }));
      talk.expect(unset, 'an entry without statusSize whose bit is 0 must not be reported as set');
    },
  },
  'BSL-2.1-10': malformedTest({
    'a statusSize of 0': { statusSize: 0 },
    'a negative statusSize': { statusSize: -1 },
    'a fractional statusSize': { statusSize: 1.5 },
    'a statusSize that is a string': { statusSize: 'one' },
  }),
  'BSL-2.1-11': malformedTest({
    'a statusSize of 2 without messages': { statusPurpose: 'message', statusSize: 2 },
  }),
  'BSL-2.1-12': malformedTest({
    'a statusSize of 2 with three messages': {
      statusPurpose: 'message',
      statusSize: 2,
      statusMessage: ['0x0', '0x1', '0x2'].map((status) => ({ status, message: `message ${status}` })),
    },
  }),
  'BSL-2.1-13': malformedTest({
    'a statusMessage that is a string': { statusPurpose: 'message', statusSize: 1, statusMessage: 'unset' },
  }),
  'BSL-2.1-14': malformedTest({
    'a message without status': {
      statusPurpose: 'message',
      statusSize: 1,
      statusMessage: [{ message: 'unset' }, { status: '0x1', message: 'set' }],
    },
    'a message without text': {
      statusPurpose: 'message',
      statusSize: 1,
      statusMessage: [{ status: '0x0' }, { status: '0x1', message: 'set' }],
    },
  }),
  'BSL-2.1-15': malformedTest({
    'a statusReference that is no URL': { statusReference: 'not-a-url' },
    'a statusReference that is a number': { statusReference: 5 },
  }),
};

function both(...tests: readonly Test[]): Test {
  return {
    lacks: needs.oneOf(...tests.map(({ lacks }) => lacks)),
    async run(talk) {
      for (const test of tests) if (test.lacks(talk.target) === undefined) await test.run(talk);
    },
  };
}

const lists: Tests = {
  'BSL-2.2-1': listTest(async (talk, { credential }) => {
    talk.expect(asList(credential['@context'])[0] === credentialsV2, 'the list has another first context');
    talk.expect(asList<string>(credential['type']).includes('VerifiableCredential'), 'the list is no credential');
    talk.expect(credential['issuer'], 'the list has no issuer');
    for (const proof of proofsOf(credential)) {
      const fault = await talk.proofFault(credential, proof);
      talk.expect(fault === undefined, `the proof of the list must verify: ${fault}`);
    }
  }),
  'BSL-2.2-2': listTest((talk, { credential }) =>
    talk.expect(
      asList<string>(credential['type']).includes('BitstringStatusListCredential'),
      `the type of the list is ${JSON.stringify(credential['type'])}`,
    ),
  ),
  'BSL-2.2-3': listTest((talk, { subject }) =>
    talk.expect(subject['type'] === 'BitstringStatusList', `the type of the list's subject is ${subject['type']}`),
  ),
  'BSL-2.2-4': listTest((talk, { subject }, entry) => {
    const purposes = asList<unknown>(subject['statusPurpose']);
    talk.expect(
      purposes.length > 0 && purposes.every((one) => typeof one === 'string'),
      `statusPurpose of the list is ${JSON.stringify(subject['statusPurpose'])}`,
    );
    talk.expect(purposes.includes(entry['statusPurpose']), 'the list does not have the purpose of the entry');
  }),
  'BSL-2.2-6': messageTest(({ subject }) => {
    const messages = asList<unknown>(subject['statusMessages']);
    const whole = (one: unknown) =>
      isDocument(one) && typeof one['status'] === 'string' && typeof one['message'] === 'string';
    return messages.length > 0 && messages.every(whole) ? undefined : 'the list does not define its messages';
  }),
  'BSL-2.2-7': messageTest(({ subject }) => {
    const size: unknown = subject['statusSize'];
    const good = typeof size === 'number' && Number.isSafeInteger(size) && size > 0;
    return good ? undefined : `statusSize of a list of messages is ${JSON.stringify(size)}`;
  }),
  'BSL-2.2-8': listTest((talk, { subject, bits }) => {
    const encoded: unknown = subject['encodedList'];
    const good = typeof encoded === 'string' && /^u[A-Za-z0-9_-]+$/.test(encoded);
    talk.expect(good && bits.length > 0, 'encodedList must be multibase base64url without padding of a GZIP stream');
  }),
  'BSL-2.2-9': listTest((talk, { bits }) =>
    talk.expect(bits.length >= 16 * 1024, `the bitstring has ${bits.length} bytes, not 16 KB`),
  ),
  'BSL-2.2-10': changeTest(async (talk, entry, claims) => {
    const index = Number(entry['statusListIndex']);
    const before = (await fetchList(talk, entry)).bits;
    talk.expect(bitAt(before, index) === 0, `the bit at ${index} must be 0 before ${entry['statusPurpose']}`);
    await setStatus(talk, claims, entry, true);
    const after = (await fetchList(talk, entry)).bits;
    talk.expect(bitAt(after, index) === 1, `the bit at ${index}, counted from the left, must be 1 afterwards`);
    const mirrored = ((after[index >> 3] ?? 0) >> (index & 7)) & 1;
    const symmetric = index % 8 === 7 - (index % 8);
    talk.expect(symmetric || mirrored === (((before[index >> 3] ?? 0) >> (index & 7)) & 1), 'another bit was set');
    const [long, short] = [Math.max(after.length, before.length), Math.min(after.length, before.length)];
    talk.expect(long === short && countBits(after) - countBits(before) === 1, 'exactly one bit must change');
  }),
};

function countBits(bits: Buffer): number {
  let number = 0;
  for (const byte of bits) for (let rest = byte; rest > 0; rest &= rest - 1) number += 1;
  return number;
}

/** 2.2: what the ttl is when the list does not say it, in milliseconds. */
const unstatedTtl = 300_000;
const longestWait = 10_000;

const algorithms: Tests = {
  'BSL-3-1': malformedTest({
    'an index in words': { statusListIndex: 'first' },
    'a purpose that is an object': { statusPurpose: { name: 'revocation' } },
  }),
  'BSL-3.1-1': changeTest(async (talk, entry, claims) => {
    const before = await fetchList(talk, entry);
    await setStatus(talk, claims, entry, true);
    const after = await fetchList(talk, entry);
    const changed = before.subject['encodedList'] !== after.subject['encodedList'];
    talk.expect(changed, 'the published list must change with the status');
  }),
  'BSL-3.2-1': both(
    {
      lacks: needs.all(needs.statusIssuer, needs.verifier),
      async run(talk) {
        const { securing } = statusIssuer(talk);
        const verifier = talk.target.verifiers.find((one) => one.securing.includes(securing));
        if (!verifier) throw new Error(`nobody verifies ${securing}`);
        const {
          credential,
          claims,
          entries: [entry],
        } = await issueWithStatus(talk);
        if (!entry) return;
        const ask = () =>
          talk.post(verifier.url, { verifiableCredential: credential, options: { returnResults: true } });
        talk.expect(!saysSet(await ask()), 'a credential whose bit is 0 must not be reported as set');
        const { ttl = unstatedTtl } = (await fetchList(talk, entry)).subject;
        const waits = typeof ttl === 'number' && ttl <= longestWait;
        talk.expect(waits, `the ttl of the list is ${ttl}: make it ${longestWait} ms at most for this run`);
        await setStatus(talk, claims, entry, true);
        // The verifier may keep its copy for so long.
        if (waits) await talk.pause(ttl + 200);
        talk.expect(saysSet(await ask()), 'a credential whose bit is 1 must be refused or reported');
      },
    },
    {
      lacks: needs.all(needs.verifier, needs.hosting),
      async run(talk) {
        const list = await publishList(talk, 11, twoBits.statusSize);
        // Step 9: the position is the index times the size, so entry 5 has bits 10 and 11.
        const set = saysSet(await askAbout(talk, list, { ...twoBits, statusListIndex: '5' }));
        talk.expect(set, 'an entry of two bits that are not both 0 must be refused or reported');
        const unset = !saysSet(await askAbout(talk, list, { ...twoBits, statusListIndex: '11' }));
        talk.expect(unset, 'an entry of two bits that are 0 must not be reported as set');
      },
    },
  ),
  'BSL-3.2-2': {
    lacks: needs.all(needs.statusIssuer, needs.verifier),
    async run(talk) {
      const {
        entries: [entry],
      } = await issueWithStatus(talk);
      if (!entry) return;
      const verifier = aVerifier(talk.target);
      const securing = forgeable(verifier);
      const signer = signerFor(talk.parties, securing);
      const outside = { ...entry, id: `${entry['id']}0`, statusListIndex: '99999999999999999999' };
      const wire = await forged(securing, plainCredential(signer.did, { credentialStatus: outside }), signer);
      const reply = await talk.post(verifier.url, { verifiableCredential: wire });
      const told = problemsOf(reply).some((type) => /RANGE_ERROR|STATUS_/.test(type));
      talk.expect(isRefusal(reply) || told, 'an index outside the list must be an error');
    },
  },
  'BSL-3.5-1': {
    lacks: needs.verifier,
    async run(talk) {
      const verifier = aVerifier(talk.target);
      const securing = forgeable(verifier);
      const signer = signerFor(talk.parties, securing);
      await control(talk);
      const wire = await forged(securing, plainCredential(signer.did, { credentialStatus: goodEntry }), signer);
      const reply = await talk.post(verifier.url, { verifiableCredential: wire });
      for (const type of problemsOf(reply)) {
        const code = /STATUS_[A-Z_]*ERROR$/.exec(type)?.[0];
        if (code === undefined) continue;
        const good = ['STATUS_RETRIEVAL_ERROR', 'STATUS_VERIFICATION_ERROR', 'STATUS_LIST_LENGTH_ERROR'].includes(code);
        talk.expect(
          good && type === `https://www.w3.org/ns/credentials/status-list#${code}`,
          `${type} is no such error`,
        );
      }
      const told = problemsOf(reply).some((type) => type.endsWith('STATUS_RETRIEVAL_ERROR'));
      talk.expect(told || isRefusal(reply), 'a list that cannot be had must be a STATUS_RETRIEVAL_ERROR');
    },
  },
};

/** Whether the verifier says in any of the usual places that a status is set. */
function saysSet(reply: Reply): boolean {
  if (isRefusal(reply)) return true;
  const results: unknown = isDocument(reply.json) ? reply.json['results'] : undefined;
  const statuses = isDocument(results) ? asList<Document>(results['credentialStatus']) : [];
  const problems = problemsOf(reply).some((type) => /revoked|suspended|status/i.test(type));
  return problems || statuses.some(({ verified, value }) => verified === false || value === true || value === 1);
}

export const bitstringTests: Tests = { ...entries, ...lists, ...algorithms };
