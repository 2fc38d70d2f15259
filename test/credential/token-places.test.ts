import { createHash } from 'node:crypto';
import { readCredential, readPresentation } from '../../src/credential/credential.js';
import { parseSdJwt, verifyKeyBinding } from '../../src/jose/sd-jwt.js';
import type { JsonObject } from '../../src/json.js';
import { parseList } from '../../src/registry/signed-list.js';
import { makeKey, now } from './agent.js';

/**
 * Every place where a JWT is read, against what is true of all of them (security.md 2.3). Access tokens and client
 * assertions have the same table in test/access, the parser itself in test/jose.
 */
const key = makeKey('EdDSA', (multikey) => `did:key:${multikey}#${multikey}`);
const did = key.kid.split('#', 1)[0] ?? '';
const seconds = now.getTime() / 1000;
const subject = 'did:key:z6MkwFKCzeo3xMpVqwNfPxFzmp44e2gj6jv3f5xAQmEaMBDw';
const credential20: JsonObject = {
  '@context': ['https://www.w3.org/ns/credentials/v2'],
  type: ['VerifiableCredential'],
  issuer: did,
  credentialSubject: { id: subject },
};
const credential11: JsonObject = {
  '@context': ['https://www.w3.org/2018/credentials/v1'],
  type: ['VerifiableCredential'],
  issuer: did,
  issuanceDate: now.toISOString(),
  credentialSubject: { id: subject },
};
const presentationOf = (context: unknown): JsonObject => ({
  '@context': [context as string],
  type: ['VerifiablePresentation'],
  holder: did,
});
const presentation20 = presentationOf('https://www.w3.org/ns/credentials/v2');
const presentation11 = presentationOf('https://www.w3.org/2018/credentials/v1');

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signed as it stands, whatever it says. */
async function sign(header: unknown, payload: unknown): Promise<string> {
  const input = `${part(header)}.${part(payload)}`;
  return `${input}.${Buffer.from(await key.sign(Buffer.from(input))).toString('base64url')}`;
}

interface Place {
  readonly typ: string;
  readonly payload: JsonObject;
  /** Throws unless the token may go on to where its key is looked up. */
  read(token: string): Promise<unknown> | unknown;
  /** Whether the header must name its key; a key binding is signed with the one that the issuer named. */
  readonly kid: boolean;
  /** The list's payload is read by the registry, once its signature holds (test/registry). */
  readonly payloadIsRead: boolean;
}

/** An issued SD-JWT without disclosures, before the key binding. */
const issued = () =>
  sign({ alg: 'EdDSA', typ: 'vc+sd-jwt', kid: key.kid }, { ...credential20, cnf: { jwk: { ...key.jwk } } });
const sdHash = (text: string) => createHash('sha256').update(text).digest('base64url');

async function places(): Promise<Readonly<Record<string, Place>>> {
  const bound = `${await issued()}~`;
  const binding = { iat: seconds, nonce: 'n', aud: 'https://v.example', sd_hash: sdHash(bound) };
  const common = { kid: true, payloadIsRead: true };
  return {
    'vc+jwt': { ...common, typ: 'vc+jwt', payload: credential20, read: (token) => readCredential(token) },
    'vc+sd-jwt': { ...common, typ: 'vc+sd-jwt', payload: credential20, read: (token) => readCredential(`${token}~`) },
    'the older credential': {
      ...common,
      typ: 'JWT',
      payload: { iss: did, vc: credential11 },
      read: (token) => readCredential(token),
    },
    'vp+jwt': { ...common, typ: 'vp+jwt', payload: presentation20, read: (token) => readPresentation(token) },
    'vp+sd-jwt': {
      ...common,
      typ: 'vp+sd-jwt',
      payload: presentation20,
      read: (token) => readPresentation(`${token}~`),
    },
    'the older presentation': {
      ...common,
      typ: 'JWT',
      payload: { iss: did, vp: presentation11 },
      read: (token) => readPresentation(token),
    },
    'kb+jwt': {
      typ: 'kb+jwt',
      kid: false,
      payloadIsRead: true,
      payload: binding,
      read: (token) => verifyKeyBinding(parseSdJwt(`${bound}${token}`, { typ: ['vc+sd-jwt'] }), { now }),
    },
    'the list of the registry': {
      typ: 'vc+jwt',
      kid: true,
      payloadIsRead: false,
      payload: credential20,
      read: (token) => parseList(token, { authorityDid: did, keyThumbprints: [] }),
    },
  };
}

const names = [
  ...['vc+jwt', 'vc+sd-jwt', 'the older credential', 'vp+jwt', 'vp+sd-jwt', 'the older presentation'],
  ...['kb+jwt', 'the list of the registry'],
];

const types = [
  'vc+jwt',
  'vc+sd-jwt',
  'vp+jwt',
  'vp+sd-jwt',
  'JWT',
  'kb+jwt',
  'at+jwt',
  'client-authentication+jwt',
  'openid4vci-proof+jwt',
  'dpop+jwt',
  'x',
  '',
];

describe.each(names)('a token in the place of %s', (name) => {
  let place: Place;
  let header: JsonObject;
  beforeAll(async () => {
    const found = (await places())[name];
    if (found === undefined) throw new Error(name);
    place = found;
    header = { alg: 'EdDSA', typ: place.typ, kid: key.kid };
  });

  async function accepts(token: Promise<string>): Promise<boolean> {
    const text = await token;
    try {
      await place.read(text);
      return true;
    } catch (error) {
      // A refusal has a code; a fault of ours has none.
      expect((error as { code?: unknown }).code).toEqual(expect.any(String));
      return false;
    }
  }

  test('is read when it is right', async () => {
    expect(await accepts(sign(header, place.payload))).toBe(true);
  });

  test('is refused with the typ of another place, or with none', async () => {
    for (const typ of types.filter((other) => other.toLowerCase() !== place.typ.toLowerCase())) {
      expect([typ, await accepts(sign({ ...header, typ }, place.payload))]).toEqual([typ, false]);
    }
    const { typ: _, ...without } = header;
    expect(await accepts(sign(without, place.payload))).toBe(false);
  });

  test('is refused with an extension, another algorithm or a key of its own', async () => {
    const strange: JsonObject[] = [
      { crit: ['exp'], exp: seconds },
      { crit: [] },
      { b64: false },
      ...['none', 'HS256', 'RS256', 'ES256K', 'eddsa', ''].map((alg) => ({ alg })),
      { jwk: { ...key.jwk } },
      ...['jku', 'x5u'].map((member) => ({ [member]: 'https://a.example/keys' })),
      { x5c: ['MII='] },
      { kid: 1 },
      { typ: [place.typ] },
    ];
    for (const more of strange) {
      expect([more, await accepts(sign({ ...header, ...more }, place.payload))]).toEqual([more, false]);
    }
  });

  test('is refused when a member stands there twice, or when it is no object', async () => {
    const twice = (text: string) => text.replace('{', `{"alg":"EdDSA",`);
    expect(await accepts(sign(twice(JSON.stringify(header)), place.payload))).toBe(false);
    if (!place.payloadIsRead) return;
    const payload = JSON.stringify({ ...place.payload, iat: seconds });
    expect(await accepts(sign(header, payload.replace('{', `{"iat":${seconds},`)))).toBe(false);
    for (const other of ['[]', 'null', '"x"', '1', '', '{']) {
      expect([other, await accepts(sign(header, other))]).toEqual([other, false]);
    }
  });

  test('is refused unless its kid is a whole DID URL', async () => {
    if (!place.kid) return;
    const { kid: _, ...without } = header;
    // What comes after the DID is judged where the key is looked up, with the list of the registry.
    const kids = ['', '#a', 'a', did, 'https://a.example/k', ...(place.payloadIsRead ? [`${did}#`, `${did}#a#b`] : [])];
    const bad = [without, ...kids.map((kid) => ({ ...header, kid }))];
    const accepted: unknown[] = [];
    for (const one of bad) if (await accepts(sign(one, place.payload))) accepted.push(one);
    expect(accepted).toEqual([]);
  });

  test('is refused with dates that are no whole seconds', async () => {
    if (!place.payloadIsRead) return;
    for (const member of ['iat', 'nbf', 'exp']) {
      for (const date of [String(seconds), seconds + 0.5, -1, null, [seconds], 253_402_300_800, true]) {
        const accepted = await accepts(sign(header, { ...place.payload, [member]: date }));
        expect([member, date, accepted]).toEqual([member, date, false]);
      }
    }
  });
});
