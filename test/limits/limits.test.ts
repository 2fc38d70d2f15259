import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { encode } from 'cborg';
import { createCanonicaliser } from '../../src/credential/canonicaliser.js';
import { patternProblem } from '../../src/credential/catalogue/linear-pattern.js';
import {
  createContexts,
  readCredential,
  readPresentation,
  validateAgainstSchema,
} from '../../src/credential/credential.js';
import { selectMembers } from '../../src/credential/pointers.js';
import { malformedDigests } from '../../src/credential/resource-digests.js';
import { schemaHazard } from '../../src/credential/schema-safety.js';
import { parseDisclosureProofValue } from '../../src/credential/sd-proof-value.js';
import { parseTarget } from '../../src/http/client-addresses.js';
import { parseDidWeb } from '../../src/identity/did-web.js';
import { readDidDocument } from '../../src/identity/resolution.js';
import { negotiate } from '../../src/identity/resolution-http.js';
import { parseCose } from '../../src/jose/cose.js';
import { parseJws } from '../../src/jose/jws.js';
import { checkTimeClaims } from '../../src/jose/jwt.js';
import { parseSdJwt } from '../../src/jose/sd-jwt.js';
import { canonicalJson, type Json, type JsonObject, parseJson } from '../../src/json.js';
import { decodeBitstring } from '../../src/status/bitstring.js';
import { listEntries, parseEntry } from '../../src/status/entry.js';

const root = join(import.meta.dirname, '../..');

/** What a reader says: "accepted", or why not, by code where there is one. */
function answerOf(work: () => unknown): string {
  try {
    const answer = work();
    return answer === undefined ? 'refused' : 'accepted';
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    // A programming error is no refusal.
    if (error instanceof TypeError || error instanceof RangeError) throw error;
    return code ?? message;
  }
}

const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
const members = (count: number): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`m${index}`, 0]));
const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const token = (header: unknown, payload: string = part({})): string => `${part(header)}.${payload}.${'A'.repeat(86)}`;
const header = { alg: 'ES256', typ: 'vc+jwt' };
/** The text filled up to so many bytes. */
const filled = (bytes: number, text: (filling: string) => string): string =>
  text('x'.repeat(bytes - Buffer.byteLength(text(''))));

const jws = (compact: string) => () => parseJws(compact, { typ: ['vc+jwt'] });
const did = 'did:web:trust.example';
const documentOf = (count: number) =>
  Buffer.from(
    JSON.stringify({
      id: did,
      verificationMethod: Array.from({ length: count }, (_, index) => ({
        id: `${did}#k${index}`,
        type: 'Multikey',
        controller: did,
      })),
    }),
  );
const document = { '@context': ['https://www.w3.org/ns/credentials/v2'], a: { b: 1 }, list: Array(300).fill(0) };
const pointers = (count: number) => Array.from({ length: count }, (_, index) => `/list/${index}`);

/** vc-di-ecdsa 3.5.7, of so many statements. */
function disclosure(signatures: number, filling = 0): string {
  const parts = [
    Buffer.alloc(64),
    Buffer.alloc(35),
    Array.from({ length: signatures }, () => Buffer.alloc(64)),
    new Map(),
    [],
  ];
  const bytes = Buffer.concat([Buffer.from([0xd9, 0x5d, 0x01]), encode(parts)]);
  return `u${bytes.toString('base64url')}${'A'.repeat(filling)}`;
}

const schemaId = 'https://schemas.example/1';
/** Whether a schema is run over a credential at all. */
function runs(more: JsonObject, credential: JsonObject = { credentialSubject: {} }): string {
  const $schema = 'https://json-schema.org/draft/2020-12/schema';
  const schema = Buffer.from(JSON.stringify({ $schema, $id: schemaId, ...more }));
  const reference = { id: schemaId, type: 'JsonSchema' };
  const { outcome } = validateAgainstSchema({ credential, reference, schema });
  return outcome === 'success' ? 'accepted' : outcome;
}

function hazardOf(schema: JsonObject): string {
  return schemaHazard(schema) ?? 'accepted';
}

const entry = {
  type: 'BitstringStatusListEntry',
  statusPurpose: 'revocation',
  statusListIndex: '1',
  statusListCredential: 'https://a.example/1',
};
const bitstring = (bytes: number) => `u${gzipSync(Buffer.alloc(bytes)).toString('base64url')}`;
const resource = (expressions: number): JsonObject => ({
  digestSRI: Array.from({ length: expressions }, () => 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=').join(' '),
});
const presentation = (count: number): JsonObject => ({
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: 'VerifiablePresentation',
  holder: 'did:key:z6Mk',
  verifiableCredential: Array.from({ length: count }, () => ({ type: 'x' })),
  proof: {
    type: 'DataIntegrityProof',
    cryptosuite: 'eddsa-rdfc-2022',
    verificationMethod: 'did:key:z6Mk#z6Mk',
    proofPurpose: 'authentication',
    proofValue: 'z',
  },
});
const cose = (bytes: number) => {
  const message = (size: number) =>
    Buffer.from(encode([Buffer.from([0xa0]), new Map(), Buffer.alloc(size), Buffer.alloc(64)]));
  return message(bytes - (message(100_000).length - 100_000));
};
const coseWithHeader = (bytes: number) =>
  Buffer.from(encode([Buffer.alloc(bytes, 0xff), new Map(), Buffer.from('{}'), Buffer.alloc(64)]));
const parsedCose = (bytes: Uint8Array) => () =>
  parseCose(bytes, { typ: 'application/vc+cose', contentType: 'application/vc' });
const sdJwt = (text: string) => () => parseSdJwt(text, { typ: ['vc+sd-jwt'] });

/** What is bounded, the largest that is taken, the smallest that is not, and what is said of it. */
type Row = readonly [string, () => unknown, () => unknown, string];
/** For readers that say why not rather than throw. */
const says = (answer: string) => () => {
  if (answer !== 'accepted') throw Object.assign(new Error(answer), { code: answer });
  return answer;
};

const rows: readonly Row[] = [
  [
    'the bytes of a JSON text',
    () => parseJson(filled(256 * 1024, (x) => `"${x}"`)),
    () => parseJson(filled(256 * 1024 + 1, (x) => `"${x}"`)),
    'too_large',
  ],
  ['the levels of a JSON text', () => parseJson(nested(64)), () => parseJson(nested(65)), 'too_deep'],
  [
    'the members of a JSON text',
    () => parseJson(JSON.stringify(members(10_000))),
    () => parseJson(JSON.stringify(members(10_001))),
    'too_many_keys',
  ],
  ['the levels of a canonical form', () => canonicalJson(deep(128)), () => canonicalJson(deep(129)), 'too_deep'],
  [
    'the bytes of a token',
    jws(filled(256 * 1024, (x) => token(header, `eyJ${x}`))),
    jws(filled(256 * 1024 + 4, (x) => token(header, `eyJ${x}`))),
    'too_large',
  ],
  [
    'the bytes of its header',
    jws(token(filled(8 * 1024, (x) => JSON.stringify({ ...header, x })))),
    jws(token(filled(8 * 1024 + 1, (x) => JSON.stringify({ ...header, x })))),
    'header_invalid',
  ],
  [
    'the levels of its header',
    jws(token(`{"alg":"ES256","typ":"vc+jwt","x":${nested(7)}}`)),
    jws(token(`{"alg":"ES256","typ":"vc+jwt","x":${nested(8)}}`)),
    'header_invalid',
  ],
  [
    'the members of its header',
    jws(token({ ...header, ...members(62) })),
    jws(token({ ...header, ...members(63) })),
    'header_invalid',
  ],
  [
    'the dates of a token',
    () => checkTimeClaims({ exp: 253_402_300_799 }, new Date()) ?? 'fine',
    () => checkTimeClaims({ exp: 253_402_300_800 }, new Date()),
    'claim_invalid',
  ],
  [
    'the bytes of COSE',
    refusedAs(parsedCose(cose(256 * 1024)), 'too_large'),
    parsedCose(cose(256 * 1024 + 1)),
    'too_large',
  ],
  [
    'the bytes of a protected header of COSE',
    refusedAs(parsedCose(coseWithHeader(8 * 1024)), 'too_large'),
    parsedCose(coseWithHeader(8 * 1024 + 1)),
    'too_large',
  ],
  [
    'the bytes of an SD-JWT',
    refusedAs(sdJwt(`${'x'.repeat(256 * 1024 - 1)}~`), 'too_large'),
    sdJwt(`${'x'.repeat(256 * 1024)}~`),
    'too_large',
  ],
  ['the length of a DID', () => parseDidWeb(longDid(1024)), () => parseDidWeb(longDid(1025)), 'refused'],
  [
    'the path of a did:web',
    () => parseDidWeb(`${did}${':a'.repeat(16)}`),
    () => parseDidWeb(`${did}${':a'.repeat(17)}`),
    'refused',
  ],
  [
    'the host of a did:web',
    () => parseDidWeb(`did:web:${'a.'.repeat(123)}example`),
    () => parseDidWeb(`did:web:${'a.'.repeat(123)}examples`),
    'refused',
  ],
  [
    'the verification methods of a DID document',
    () => readDidDocument(did, documentOf(64)),
    () => readDidDocument(did, documentOf(65)),
    'verificationMethod is too long',
  ],
  [
    'the ranges of an Accept',
    () => negotiate(`${'text/html,'.repeat(31)}*/*`),
    () => negotiate(`${'text/html,'.repeat(32)}*/*`),
    'refused',
  ],
  [
    'the levels of an object to be verified',
    refusedAs(() => readCredential({ deep: JSON.parse(nested(63)) as Json }), 'input_too_large'),
    () => readCredential({ deep: JSON.parse(nested(66)) as Json }),
    'input_too_large',
  ],
  [
    'the values of an object to be verified',
    refusedAs(() => readCredential(members(10_000)), 'input_too_large'),
    () => readCredential(members(10_001)),
    'input_too_large',
  ],
  [
    'the credentials of a presentation',
    () => readPresentation(presentation(64)),
    () => readPresentation(presentation(65)),
    'presentation_too_many_credentials',
  ],
  [
    'the pointers of a disclosure',
    () => selectMembers(document, pointers(256)),
    () => selectMembers(document, pointers(257)),
    'invalid_request',
  ],
  [
    'the length of a pointer',
    () => selectMembers(longMember(1023), [`/${'a'.repeat(1023)}`]),
    () => selectMembers(longMember(1024), [`/${'a'.repeat(1024)}`]),
    'invalid_request',
  ],
  [
    'the statements of ecdsa-sd-2023',
    () => parseDisclosureProofValue(disclosure(1024)),
    () => parseDisclosureProofValue(disclosure(1025)),
    'proof_value_malformed',
  ],
  [
    'the bytes of a schema',
    says(runs({ title: 'x'.repeat(65_000) })),
    says(runs({ title: 'x'.repeat(66_000) })),
    'indeterminate',
  ],
  [
    'the members of a schema',
    says(runs({ examples: [members(797)] })),
    says(runs({ examples: [members(798)] })),
    'indeterminate',
  ],
  [
    'the levels of a schema',
    says(runs({ examples: JSON.parse(nested(47)) as Json })),
    says(runs({ examples: JSON.parse(nested(48)) as Json })),
    'indeterminate',
  ],
  [
    'the values that a schema is run over',
    says(runs({}, { credentialSubject: members(999) })),
    says(runs({}, { credentialSubject: members(1000) })),
    'indeterminate',
  ],
  [
    'the subschemas of a schema with its references followed',
    says(hazardOf({ allOf: Array.from({ length: 1999 }, () => ({})) })),
    says(hazardOf({ allOf: Array.from({ length: 2000 }, () => ({})) })),
    'grows too large when its references are followed',
  ],
  [
    'the choices of a regular expression',
    says(patternProblem('^a{1,64}b{1,64}$') ?? 'accepted'),
    says(patternProblem('^a{1,64}b{1,65}$') ?? 'accepted'),
    'has quantifiers with too wide a range',
  ],
  [
    'the digests of a resource',
    says(malformedDigests(resource(16)).join() || 'accepted'),
    says(malformedDigests(resource(17)).join() || 'accepted'),
    'digestSRI',
  ],
  [
    'the status entries of a credential',
    () => listEntries({ credentialStatus: Array.from({ length: 8 }, () => entry) }),
    () => listEntries({ credentialStatus: Array.from({ length: 9 }, () => entry) }),
    'status_entry_malformed',
  ],
  [
    'the digits of a status index',
    () => parseEntry({ ...entry, statusListIndex: '1'.repeat(128) }),
    () => parseEntry({ ...entry, statusListIndex: '1'.repeat(129) }),
    'status_index_out_of_range',
  ],
  [
    'the address of a status list',
    () => parseEntry({ ...entry, statusListCredential: filled(2048, (x) => `https://a.example/${x}`) }),
    () => parseEntry({ ...entry, statusListCredential: filled(2049, (x) => `https://a.example/${x}`) }),
    'status_entry_malformed',
  ],
  [
    'the bytes of a status list when it is unpacked',
    () => decodeBitstring(bitstring(2 * 1024 * 1024)),
    () => decodeBitstring(bitstring(2 * 1024 * 1024 + 1)),
    'encodedList expands beyond 2 MiB',
  ],
  [
    'the length of an address that is fetched',
    () =>
      parseTarget(
        filled(2048, (x) => `https://a.example/${x}`),
        { reach: 'public', ports: [443] },
      ),
    () =>
      parseTarget(
        filled(2049, (x) => `https://a.example/${x}`),
        { reach: 'public', ports: [443] },
      ),
    'fetch_refused',
  ],
];

function deep(levels: number): Json {
  let value: Json = 0;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
}

/** Four segments, each as long as need be. */
function longDid(length: number): string {
  return filled(length, (x) => `${did}:${x}`);
}

function longMember(length: number): JsonObject {
  return { '@context': [], ['a'.repeat(length)]: 1 };
}

/** What is at the edge may be refused for what it is, but not for its size. */
function refusedAs(work: () => unknown, code: string): () => unknown {
  return () => {
    const answer = answerOf(work);
    if (answer === code) throw Object.assign(new Error(code), { code });
    return answer;
  };
}

describe('a bound', () => {
  test.each(rows)(
    'on %s is met by the largest, and one more is refused by name',
    (_what, largest, tooLarge, answer) => {
      expect(answerOf(largest)).toBe('accepted');
      expect(answerOf(tooLarge)).toBe(answer);
    },
  );
});

describe('canonical forms', () => {
  const contexts = createContexts({ baseUrl: 'https://programme.example' });
  const base = ['https://www.w3.org/ns/credentials/v2'];
  const credential = () => ({
    '@context': base,
    type: ['VerifiableCredential'],
    credentialSubject: [{ name: 'alike' }, { name: 'alike' }],
  });
  const presentation = (count: number): JsonObject => ({
    '@context': base,
    type: ['VerifiablePresentation'],
    verifiableCredential: Array.from({ length: count }, credential),
  });

  test.each(['on the main thread', 'in the thread'])(
    'that take more work than is allowed are refused %s',
    async (where) => {
      const canonicaliser = createCanonicaliser(contexts, where === 'in the thread' ? { inlineValues: 0 } : {});
      await expect(canonicaliser.canonicalise({ document: presentation(1) })).resolves.toContain('alike');
      await expect(canonicaliser.canonicalise({ document: presentation(2) })).rejects.toMatchObject({
        code: 'canonicalisation_refused',
      });
      await canonicaliser.close();
    },
  );

  test('wait for the thread in a queue, and what finds it full is undecided', async () => {
    const canonicaliser = createCanonicaliser(contexts, { inlineValues: 0, queue: 2 });
    const [first, second, third] = [1, 2, 3].map(() => canonicaliser.canonicalise({ document: presentation(1) }));
    await expect(third).rejects.toMatchObject({ code: 'canonicalisation_unfinished' });
    await expect(Promise.all([first, second])).resolves.toHaveLength(2);
    await canonicaliser.close();
  });

  test('that are asked for at once are begun one in each turn of the event loop', async () => {
    const canonicaliser = createCanonicaliser(contexts);
    let turns = 0;
    let going = true;
    const count = () => {
      turns += 1;
      if (going) setImmediate(count);
    };
    setImmediate(count);
    await Promise.all(Array.from({ length: 20 }, () => canonicaliser.canonicalise({ document: presentation(1) })));
    going = false;
    expect(turns).toBeGreaterThanOrEqual(20);
    await canonicaliser.close();
  });
});

/** The rows of docs/limits.md: a constant, its value and its file. */
function documented(): { name: string; value: string; file: string }[] {
  const text = readFileSync(join(root, 'docs/limits.md'), 'utf8');
  const row = /^\| [^|]+ \| `([^`|]+)` \| `([^`|]+)` \| `([^`|]+)` \|/gm;
  return [...text.matchAll(row)].map(([, name = '', value = '', file = '']) => ({ name, value, file }));
}

describe('docs/limits.md', () => {
  const sources = new Map(
    readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => [`src/${name}`, readFileSync(join(root, 'src', name), 'utf8').replace(/\s+/g, ' ')]),
  );

  test('states every constant as the code has it', () => {
    expect(documented().length).toBeGreaterThan(60);
    const wrong = documented().filter(({ name, value, file }) => {
      const member = name.replace(/^\w+\./, '');
      const text = (sources.get(file) ?? '')
        .replace(`const ${member}: `, `const ${member} = `)
        .replace(/ = \w+Limits = /, ' = ');
      return ![`${member} = ${value}`, `${member}: ${value}`].some((stated) => text.includes(stated));
    });
    expect(wrong).toEqual([]);
  });

  test('lists every constant that is called a largest one', () => {
    const listed = new Set(documented().map(({ name, file }) => `${file} ${name}`));
    const constants = [...sources].flatMap(([file, text]) =>
      [...text.matchAll(/ const (max(?:imum)?[A-Z]\w*) = [\d'(]/g)].map(([, name]) => `${file} ${name}`),
    );
    expect(constants.length).toBeGreaterThan(40);
    expect(constants.filter((constant) => !listed.has(constant))).toEqual([]);
  });
});
