/** The query language by itself: what may be asked, and which credentials and answers it is satisfied by. */
import { Check } from 'typebox/value';
import type { JsonObject } from '../../../src/json.js';
import { type DcqlQuery, DcqlQuerySchema, queryFaults } from '../../../src/verification/oid4vp/dcql.js';
import { mismatchOf, readVpToken, selectClaims } from '../../../src/verification/oid4vp/matching.js';

const isKnownIri = (iri: string) => iri === 'https://example.org/examples#Degree';
const expand = (type: string) => (type === 'Degree' ? 'https://example.org/examples#Degree' : undefined);

const sd = (changes: object = {}) => ({
  id: 'pid',
  format: 'dc+sd-jwt',
  meta: { vct_values: ['https://example.org/pid'] },
  ...changes,
});
const jwt = (changes: object = {}) => ({
  id: 'degree',
  format: 'jwt_vc_json',
  meta: { type_values: [['Degree']] },
  ...changes,
});
const query = (...credentials: object[]) => ({ credentials }) as DcqlQuery;

describe('a query', () => {
  const accepted: [string, object][] = [
    ['one credential', query(sd())],
    [
      'claims with paths of every kind',
      query(sd({ claims: [{ path: ['a', null, 0, 'b'] }, { path: ['c'], values: ['x', 1, true] }] })),
    ],
    [
      'claim sets',
      query(
        sd({
          claims: [
            { id: 'a', path: ['a'] },
            { id: 'b', path: ['b'] },
          ],
          claim_sets: [['a'], ['a', 'b']],
        }),
      ),
    ],
    ['holder binding, said aloud', query(sd({ require_cryptographic_holder_binding: true }))],
    ['a type by its IRI', query(jwt({ meta: { type_values: [['https://example.org/examples#Degree']] } }))],
    ['sets', { ...query(sd(), jwt()), credential_sets: [{ options: [['pid'], ['degree']] }] }],
    [
      'an optional set beside a required one',
      { ...query(sd(), jwt()), credential_sets: [{ options: [['pid']] }, { options: [['degree']], required: false }] },
    ],
  ];
  test.each(accepted)('may have %s', (_title, value) => {
    expect(Check(DcqlQuerySchema, value)).toBe(true);
    expect(queryFaults(value as DcqlQuery, isKnownIri)).toEqual([]);
  });

  test.each<[string, unknown]>([
    ['no credentials', {}],
    ['an empty list', { credentials: [] }],
    ['an id with a space', query(sd({ id: 'a b' }))],
    ['no id', query({ format: 'dc+sd-jwt', meta: {} })],
    ['no meta', query({ id: 'a', format: 'dc+sd-jwt' })],
    ['a format that is not verified here', query(sd({ format: 'mso_mdoc' }))],
    ['an unknown member', query(sd({ purpose: 'x' }))],
    ['a path that is empty', query(sd({ claims: [{ path: [] }] }))],
    ['a negative index', query(sd({ claims: [{ path: ['a', -1] }] }))],
    ['half an index', query(sd({ claims: [{ path: ['a', 0.5] }] }))],
    ['a path through an object', query(sd({ claims: [{ path: ['a', {}] }] }))],
    ['no values to choose from', query(sd({ claims: [{ path: ['a'], values: [] }] }))],
    ['a value that is a fraction', query(sd({ claims: [{ path: ['a'], values: [0.5] }] }))],
    ['an empty claim set', query(sd({ claims: [{ id: 'a', path: ['a'] }], claim_sets: [[]] }))],
    ['an empty option', { ...query(sd()), credential_sets: [{ options: [[]] }] }],
    ['more than anybody needs', query(...Array.from({ length: 33 }, (_, index) => sd({ id: `a${index}` })))],
  ])('may not have %s', (_title, value) => {
    expect(Check(DcqlQuerySchema, value)).toBe(false);
  });

  test.each<[string, object, string]>([
    ['one id for two', query(sd(), sd()), '/credentials/1/id'],
    ['no vct_values for dc+sd-jwt', query(sd({ meta: {} })), '/credentials/0/meta/vct_values'],
    [
      'type_values for dc+sd-jwt',
      query(sd({ meta: { vct_values: ['a'], type_values: [['a']] } })),
      '/credentials/0/meta/type_values',
    ],
    ['no type_values for a W3C format', query(jwt({ meta: {} })), '/credentials/0/meta/type_values'],
    [
      'an IRI that nobody here can compare',
      query(jwt({ meta: { type_values: [['https://example.org/x']] } })),
      '/credentials/0/meta/type_values/0/0',
    ],
    [
      'no holder binding',
      query(sd({ require_cryptographic_holder_binding: false })),
      '/credentials/0/require_cryptographic_holder_binding',
    ],
    [
      'trusted authorities',
      query(sd({ trusted_authorities: [{ type: 'aki', values: ['s9tIpPmhxdiuNkHMEWNpYim8S8Y'] }] })),
      '/credentials/0/trusted_authorities',
    ],
    ['one claim twice', query(sd({ claims: [{ path: ['a'] }, { path: ['a'] }] })), '/credentials/0/claims/1/path'],
    [
      'one id for two claims',
      query(
        sd({
          claims: [
            { id: 'a', path: ['a'] },
            { id: 'a', path: ['b'] },
          ],
        }),
      ),
      '/credentials/0/claims',
    ],
    ['a path that starts at an index', query(sd({ claims: [{ path: [0] }] })), '/credentials/0/claims/0/path/0'],
    ['claim sets without claims', query(sd({ claim_sets: [['a']] })), '/credentials/0/claim_sets'],
    [
      'claim sets of claims without ids',
      query(sd({ claims: [{ id: 'a', path: ['a'] }, { path: ['b'] }], claim_sets: [['a']] })),
      '/credentials/0/claims/1/id',
    ],
    [
      'a claim set with an unknown claim',
      query(sd({ claims: [{ id: 'a', path: ['a'] }], claim_sets: [['b']] })),
      '/credentials/0/claim_sets/0',
    ],
    [
      'a claim set with a claim twice',
      query(sd({ claims: [{ id: 'a', path: ['a'] }], claim_sets: [['a', 'a']] })),
      '/credentials/0/claim_sets/0',
    ],
    [
      'a set of unknown credentials',
      { ...query(sd()), credential_sets: [{ options: [['pid'], ['x']] }] },
      '/credential_sets/0/options/1',
    ],
    [
      'a set with a credential twice',
      { ...query(sd()), credential_sets: [{ options: [['pid', 'pid']] }] },
      '/credential_sets/0/options/0',
    ],
    [
      'a credential in no set',
      { ...query(sd(), jwt()), credential_sets: [{ options: [['pid']] }] },
      '/credentials/1/id',
    ],
    [
      'nothing that is required',
      { ...query(sd()), credential_sets: [{ options: [['pid']], required: false }] },
      '/credential_sets',
    ],
  ])('is refused with %s', (_title, value, path) => {
    expect(Check(DcqlQuerySchema, value)).toBe(true);
    expect(queryFaults(value as DcqlQuery, isKnownIri).map((fault) => fault.path)).toEqual([path]);
  });
});

/** The example of OpenID4VP 1.0 section 7.3. */
const holder: JsonObject = {
  name: 'Arthur Dent',
  address: { street_address: '42 Market Street', locality: 'Milliways', postal_code: '12345' },
  degrees: [
    { type: 'Bachelor of Science', university: 'University of Betelgeuse' },
    { type: 'Master of Science', university: 'University of Betelgeuse' },
  ],
  nationalities: ['British', 'Betelgeusian'],
};

describe('a claims path', () => {
  test.each<[(string | number | null)[], unknown]>([
    [['name'], ['Arthur Dent']],
    [['address'], [holder['address']]],
    [['address', 'street_address'], ['42 Market Street']],
    [
      ['degrees', null, 'type'],
      ['Bachelor of Science', 'Master of Science'],
    ],
    [['nationalities', 1], ['Betelgeusian']],
    [['nationalities', 2], undefined],
    [['name', 'first'], undefined],
    [['name', 0], undefined],
    [['name', null], undefined],
    [['address', null], undefined],
    [['address', 0], undefined],
    [['constructor'], undefined],
    [['nationalities', 'length'], undefined],
    [['degrees', null, 'year'], undefined],
  ])('%j selects %j', (path, selected) => {
    expect(selectClaims(holder, path)).toEqual(selected);
  });
});

describe('a credential', () => {
  const root = {
    vct: 'https://example.org/pid',
    type: ['VerifiableCredential', 'Degree'],
    age: 21,
    adult: true,
    ...holder,
  };
  const against = (credential: object, format: string) => mismatchOf(credential as never, { format, root }, expand);

  test.each<[string, object, string | undefined]>([
    ['its vct', sd(), undefined],
    ['another vct', sd({ meta: { vct_values: ['https://example.org/other'] } }), 'type_differs'],
    ['a claim that it has', sd({ claims: [{ path: ['name'] }] }), undefined],
    ['a claim that it has not', sd({ claims: [{ path: ['shoes'] }] }), 'claim_missing'],
    ['its value among others', sd({ claims: [{ path: ['name'], values: ['Ford', 'Arthur Dent'] }] }), undefined],
    ['another value', sd({ claims: [{ path: ['name'], values: ['Ford'] }] }), 'value_differs'],
    ['its value as another type', sd({ claims: [{ path: ['age'], values: ['21'] }] }), 'value_differs'],
    ['a number', sd({ claims: [{ path: ['age'], values: [21] }] }), undefined],
    ['a truth', sd({ claims: [{ path: ['adult'], values: [true] }] }), undefined],
    ['one of many values', sd({ claims: [{ path: ['nationalities', null], values: ['British'] }] }), undefined],
    ['all claims, of which one is missing', sd({ claims: [{ path: ['name'] }, { path: ['shoes'] }] }), 'claim_missing'],
    [
      'one of two claim sets',
      sd({
        claims: [
          { id: 'a', path: ['shoes'] },
          { id: 'b', path: ['name'] },
        ],
        claim_sets: [['a'], ['b']],
      }),
      undefined,
    ],
    [
      'neither of two claim sets',
      sd({
        claims: [
          { id: 'a', path: ['shoes'] },
          { id: 'b', path: ['hat'] },
        ],
        claim_sets: [['a'], ['b']],
      }),
      'claim_missing',
    ],
  ])('is compared with %s', (_title, credential, mismatch) => {
    expect(against(credential, 'dc+sd-jwt')).toBe(mismatch);
  });

  test.each<[string, string[][], string | undefined]>([
    ['its short type', [['Degree']], undefined],
    ['the IRI of its type', [['https://example.org/examples#Degree']], undefined],
    ['both of its types', [['VerifiableCredential', 'Degree']], undefined],
    ['a type more than it has', [['Degree', 'Honours']], 'type_differs'],
    ['one of two alternatives', [['Honours'], ['Degree']], undefined],
  ])('of the W3C is compared with %s', (_title, types, mismatch) => {
    expect(against(jwt({ meta: { type_values: types } }), 'jwt_vc_json')).toBe(mismatch);
  });

  test('answers no query for another format', () => {
    expect(against(sd(), 'jwt_vc_json')).toBe('format_differs');
    expect(mismatchOf(jwt() as never, { format: undefined, root }, expand)).toBe('format_differs');
  });
});

describe('a vp_token with credential sets', () => {
  const asked = {
    ...query(sd({ id: 'a' }), sd({ id: 'b' }), sd({ id: 'c' }), sd({ id: 'd' })),
    credential_sets: [{ options: [['a'], ['b', 'c']] }, { options: [['d']], required: false }],
  } as DcqlQuery;
  const token = (...ids: string[]) => Object.fromEntries(ids.map((id) => [id, ['eyJ']]));

  test.each([
    ['the first option', ['a']],
    ['the other option', ['b', 'c']],
    ['an option and what need not be there', ['a', 'd']],
    ['both options', ['a', 'b', 'c']],
  ])('may hold %s', (_title, ids) => {
    expect(readVpToken(asked, token(...ids))).toEqual({ vpToken: token(...ids) });
  });

  test.each([
    ['nothing', [], { mismatch: 'set_not_satisfied' }],
    ['half an option', ['b'], { mismatch: 'set_not_satisfied' }],
    ['only what need not be there', ['d'], { mismatch: 'set_not_satisfied' }],
    ['an option and half of another', ['a', 'b'], { mismatch: 'not_asked', query: 'b' }],
    ['what nobody asked for', ['a', 'x'], { mismatch: 'not_asked' }],
  ])('may not hold %s', (_title, ids, fault) => {
    expect(readVpToken(asked, token(...ids))).toEqual({ fault });
  });

  test('may not hold more presentations than a passport twice over', () => {
    const many = Array.from({ length: 65 }, (_, index) => `eyJ${index}`);
    const fault = { mismatch: 'malformed' };
    expect(readVpToken(query(sd({ multiple: true })), { pid: many })).toEqual({ fault });
  });
});
