import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createKeySigner } from '../../src/jose/jws.js';
import { parseSdJwt, signSdJwt } from '../../src/jose/sd-jwt.js';
import type { JsonObject } from '../../src/json.js';
import { answerQuery } from '../../src/wallet/dcql.js';
import { holderOf, valuesAt } from '../../src/wallet/held-credential.js';
import { selectDisclosures } from '../../src/wallet/selecting.js';
import type { HeldCredential } from '../../src/wallet/wallet.js';

const { sign } = createKeySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);

const claims = {
  vct: 'https://programme.example/vct/Identity/v1',
  name: { given: 'Asha', family: 'Rao' },
  nationalities: ['GB', 'IN'],
  birthDate: '1990-01-01',
  employer: 'RXA',
};

function sdJwt(paths: (string | number)[][]): Promise<string> {
  return signSdJwt({ alg: 'ES256', typ: 'dc+sd-jwt' }, claims, { paths, random: (bytes) => randomBytes(bytes), sign });
}

function held(id: string, format: string, credential: string | JsonObject): HeldCredential {
  return { id, format, credential, configurationId: id, name: id, issuer: 'https://rxa.example', receivedAt: '' };
}

const object = (type: string, subject: JsonObject = {}) =>
  ({ type: ['VerifiableCredential', type], credentialSubject: subject }) satisfies JsonObject;

describe('what a wallet shows of an SD-JWT', () => {
  const concealed = [['name'], ['name', 'family'], ['nationalities', 1], ['birthDate']];
  const shownOf = async (paths: (string | number | null)[][]) => {
    const { claims: shown } = parseSdJwt(selectDisclosures(await sdJwt(concealed), paths), { typ: ['dc+sd-jwt'] });
    return shown;
  };

  test('is nothing hidden when nothing was asked for', async () => {
    expect(await shownOf([])).toEqual({ vct: claims.vct, nationalities: ['GB'], employer: 'RXA' });
  });

  test('is one claim with what leads to it, and not its neighbours', async () => {
    expect((await shownOf([['name', 'family']])).name).toEqual({ given: 'Asha', family: 'Rao' });
    expect((await shownOf([['name', 'given']])).name).toEqual({ given: 'Asha' });
    expect(await shownOf([['birthDate']])).not.toHaveProperty('name');
  });

  test('is everything below a claim that was asked for whole, and every element where null stands', async () => {
    expect((await shownOf([['name']])).name).toEqual(claims.name);
    expect((await shownOf([['nationalities', null]])).nationalities).toEqual(['GB', 'IN']);
  });
});

describe('which credentials answer a query', () => {
  const identity = held('identity', 'ldp_vc', object('StaffIdentityCredential', { familyName: 'Rao', level: 2 }));
  const dbs = held('dbs', 'ldp_vc', object('DbsCheckCredential', { result: 'clear' }));
  const older = held('older', 'ldp_vc', object('DbsCheckCredential', { result: 'old' }));
  const wallet = [identity, older, dbs];
  const ask = (type: string, more: JsonObject = {}): JsonObject => ({
    id: type,
    format: 'ldp_vc',
    meta: { type_values: [[type]] },
    ...more,
  });
  const answered = (query: JsonObject) => answerQuery(query, wallet).map(({ held: { id } }) => id);

  test('are those of the format and type, the one that was received last, or all where all are asked for', () => {
    expect(answered({ credentials: [ask('DbsCheckCredential')] })).toEqual(['dbs']);
    expect(answered({ credentials: [ask('DbsCheckCredential', { multiple: true })] })).toEqual(['dbs', 'older']);
    const iri = 'https://programme.example/vocabulary#DbsCheckCredential';
    expect(answered({ credentials: [ask('x', { meta: { type_values: [[iri]] } })] })).toEqual(['dbs']);
    expect(() => answered({ credentials: [ask('DbsCheckCredential', { format: 'jwt_vc_json' })] })).toThrow('DbsCheck');
  });

  test('have the claims that are asked for, with one of the values', () => {
    const path = ['credentialSubject', 'familyName'];
    const of = (claim: JsonObject) => () =>
      answered({ credentials: [ask('StaffIdentityCredential', { claims: [claim] })] });
    expect(of({ path })()).toEqual(['identity']);
    expect(of({ path, values: ['Rao', 'Roe'] })()).toEqual(['identity']);
    expect(of({ path, values: ['Roe'] })).toThrow('holds nothing');
    expect(of({ path: ['credentialSubject', 'shoeSize'] })).toThrow('holds nothing');
  });

  test('show the first set of claims that they have', () => {
    const claims = [
      { id: 'a', path: ['credentialSubject', 'shoeSize'] },
      { id: 'b', path: ['credentialSubject', 'level'] },
    ];
    const credentials = [ask('StaffIdentityCredential', { claims, claim_sets: [['a'], ['b']] })];
    expect(answerQuery({ credentials }, wallet)[0]?.paths).toEqual([['credentialSubject', 'level']]);
  });

  test('follow the first option of each set that the wallet can answer; a set that is not required may stay open', () => {
    const credentials = [ask('RightToWorkCredential'), ask('DbsCheckCredential'), ask('StaffIdentityCredential')];
    const options = [['RightToWorkCredential'], ['DbsCheckCredential', 'StaffIdentityCredential']];
    expect(answered({ credentials, credential_sets: [{ options }] })).toEqual(['dbs', 'identity']);
    const required = { options: [['RightToWorkCredential']] };
    expect(() => answered({ credentials, credential_sets: [required] })).toThrow('RightToWorkCredential');
    const sets = [{ ...required, required: false }, { options: [['DbsCheckCredential']] }];
    expect(answered({ credentials, credential_sets: sets })).toEqual(['dbs']);
  });
});

describe('what a wallet reads of a credential', () => {
  test('is whom it is bound to, by subject or by key', async () => {
    expect(holderOf(object('X', { id: 'did:jwk:abc' }))).toEqual({ did: 'did:jwk:abc' });
    const jwk = { kty: 'EC', crv: 'P-256', x: 'x', y: 'y' };
    const boundTo = async (cnf: JsonObject) => {
      const header = { alg: 'ES256', typ: 'dc+sd-jwt' } as const;
      const disclosing = { paths: [], random: (bytes: number) => randomBytes(bytes), sign };
      return holderOf(await signSdJwt(header, { ...claims, cnf }, disclosing));
    };
    expect(await boundTo({ jwk })).toEqual({ jwk });
    expect(await boundTo({ kid: 'did:jwk:abc#0' })).toEqual({ did: 'did:jwk:abc' });
  });

  test('are the values at a path', () => {
    const value = { list: [{ a: 1 }, { a: 2 }, { b: 3 }], own: 'x' };
    expect(valuesAt(value, ['list', null, 'a'])).toEqual([1, 2]);
    expect(valuesAt(value, ['list', 1])).toEqual([{ a: 2 }]);
    expect(valuesAt(value, ['toString'])).toEqual([]);
    expect(valuesAt(value, [])).toEqual([value]);
  });
});
