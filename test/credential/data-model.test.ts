/** What the data model demands of credentials and presentations, by the pointer of the fault (VCDM 2.0 section 4, VCDM 1.1). */
import { createHash } from 'node:crypto';
import { checkDataModel, checkPresentationModel } from '../../src/credential/credential.js';
import { parseDateTime } from '../../src/credential/dates.js';
import type { Json, JsonObject } from '../../src/json.js';
import { credential11, credential20, plainCredential, presentation20 } from './examples.js';

const holder = 'did:key:z6MkexampleHolder';
const pointers = (faults: readonly { path: string }[]) => faults.map((fault) => fault.path);
const type = 'StaffPassportEvidence';

/** undefined: the member is left out. */
function changed(document: JsonObject, changes: Readonly<Record<string, Json | undefined>>): JsonObject {
  return Object.fromEntries(
    Object.entries({ ...document, ...changes }).filter((entry): entry is [string, Json] => entry[1] !== undefined),
  );
}

const v2 = 'https://www.w3.org/ns/credentials/v2';
const sri = (text: string, hash = 'sha384') => `${hash}-${createHash(hash).update(text).digest('base64')}`;
const related = (resource: JsonObject) => ({ relatedResource: { id: 'urn:a:b', ...resource } });
/** credentials/v2 as its Recommendation gives it (VCDM 2.0 B.1). */
const v2Digest = '59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734';
const v2Sha256 = Buffer.from(v2Digest, 'hex').toString('base64url');
const v2Multihash = Buffer.from(`1220${v2Digest}`, 'hex').toString('base64url');
const v2Sri = 'sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU';

const bad20: readonly [string, Readonly<Record<string, Json | undefined>>, string][] = [
  ['no context', { '@context': undefined }, '/@context'],
  ['an empty context', { '@context': [] }, '/@context'],
  ['a context that is no list', { '@context': v2 }, '/@context'],
  ['another context first', { '@context': ['https://a.example/v1', v2] }, '/@context/0'],
  ['the context of another version first', { '@context': ['https://www.w3.org/2018/credentials/v1'] }, '/@context/0'],
  ['a context that is no URL', { '@context': [v2, 'nowhere'] }, '/@context/1'],
  ['a context that is a number', { '@context': [v2, 7] }, '/@context/1'],
  ['no type', { type: undefined }, '/type'],
  ['an empty type', { type: [] }, '/type'],
  ['a type that is a number', { type: ['VerifiableCredential', 7] }, '/type'],
  ['a type with a space', { type: ['VerifiableCredential', 'https ://x'] }, '/type'],
  ['a type without VerifiableCredential', { type: ['DbsCheckCredential'] }, '/type'],
  ['an id that is null', { id: null }, '/id'],
  ['an id that is a list', { id: ['urn:a:b'] }, '/id'],
  ['an id that is no URL', { id: 'not a url' }, '/id'],
  ['no issuer', { issuer: undefined }, '/issuer'],
  ['an issuer that is null', { issuer: null }, '/issuer'],
  ['an issuer that is no URL', { issuer: 'x' }, '/issuer'],
  ['an issuer whose id is null', { issuer: { id: null } }, '/issuer/id'],
  ['an issuer whose id is no URL', { issuer: { id: 'x' } }, '/issuer/id'],
  ['an issuer without an id', { issuer: { name: 'x' } }, '/issuer/id'],
  ['no subject', { credentialSubject: undefined }, '/credentialSubject'],
  ['an empty subject', { credentialSubject: {} }, '/credentialSubject'],
  ['no subjects', { credentialSubject: [] }, '/credentialSubject'],
  ['an empty subject among others', { credentialSubject: [{ id: holder }, {}] }, '/credentialSubject/1'],
  ['a subject that is a text', { credentialSubject: holder }, '/credentialSubject'],
  ['a subject with several ids', { credentialSubject: { id: [holder] } }, '/credentialSubject/id'],
  ['a subject whose id is no URL', { credentialSubject: { id: 'x' } }, '/credentialSubject/id'],
  ['a start without an offset', { validFrom: '2026-11-01T00:00:00' }, '/validFrom'],
  ['a start that is a date', { validFrom: '2026-11-01' }, '/validFrom'],
  ['a start on 30 February', { validFrom: '2026-02-30T00:00:00Z' }, '/validFrom'],
  ['an end that is a number', { validUntil: 7 }, '/validUntil'],
  ['an end before its start', { validUntil: '2026-10-31T23:59:59Z' }, '/validUntil'],
  ['the start of VCDM 1.1', { issuanceDate: '2026-11-01T00:00:00Z' }, '/issuanceDate'],
  ['the end of VCDM 1.1', { expirationDate: '2027-11-01T00:00:00Z' }, '/expirationDate'],
  ['a status without a type', { credentialStatus: { id: 'urn:a:b' } }, '/credentialStatus/type'],
  ['a status whose type is a number', { credentialStatus: { type: 7 } }, '/credentialStatus/type'],
  ['a status whose id is a list', { credentialStatus: { type, id: ['urn:a:b'] } }, '/credentialStatus/id'],
  ['a status whose id is no URL', { credentialStatus: [{ type, id: 'x' }] }, '/credentialStatus/0/id'],
  ['a status that is a text', { credentialStatus: 'urn:a:b' }, '/credentialStatus'],
  ['no statuses', { credentialStatus: [] }, '/credentialStatus'],
  ['a schema without a type', { credentialSchema: { id: 'urn:a:b' } }, '/credentialSchema/type'],
  ['a schema without an id', { credentialSchema: { type } }, '/credentialSchema/id'],
  ['a schema whose id is no URL', { credentialSchema: { type, id: 'x' } }, '/credentialSchema/id'],
  ['terms of use without a type', { termsOfUse: { id: 'urn:a:b' } }, '/termsOfUse/type'],
  ['evidence without a type', { evidence: [{ type }, {}] }, '/evidence/1/type'],
  ['a render method without a type', { renderMethod: [{ id: 'urn:a:b' }] }, '/renderMethod/0/type'],
  ['a confidence method that is no object', { confidenceMethod: 'urn:a:b' }, '/confidenceMethod'],
  ['a refresh service without a type', { refreshService: { id: 'urn:a:b' } }, '/refreshService/type'],
  ['a related resource that is a text', { relatedResource: ['https://a.example'] }, '/relatedResource/0'],
  ['a related resource without an id', { relatedResource: [{ digestSRI: 'sha256-x' }] }, '/relatedResource/0/id'],
  ['a related resource without a digest', { relatedResource: { id: 'urn:a:b' } }, '/relatedResource'],
  ['a digest that is a number', related({ digestSRI: 7 }), '/relatedResource/digestSRI'],
  ['a digest that is none', related({ digestSRI: 'md5-x' }), '/relatedResource/digestSRI'],
  ['a digest of the wrong length', related({ digestSRI: 'sha384-AAAA' }), '/relatedResource/digestSRI'],
  ['a multibase that is none', related({ digestMultibase: 'zQm' }), '/relatedResource/digestMultibase'],
  [
    'a multihash of the wrong length',
    related({ digestMultibase: `uEiE${'A'.repeat(43)}` }),
    '/relatedResource/digestMultibase',
  ],
  ['the SRI of another text', related({ id: v2, digestSRI: sri('x') }), '/relatedResource/digestSRI'],
  [
    'the multibase of another text',
    related({ id: v2, digestMultibase: `u${'A'.repeat(43)}` }),
    '/relatedResource/digestMultibase',
  ],
  ['a media type that is none', related({ digestSRI: sri('x'), mediaType: 'ld+json' }), '/relatedResource/mediaType'],
  [
    'a related resource named twice',
    {
      relatedResource: [
        { id: 'urn:a:b', digestSRI: sri('x') },
        { id: 'urn:a:b', digestSRI: sri('x') },
      ],
    },
    '/relatedResource/1/id',
  ],
  ['a name with more than a language', { name: { '@value': 'x', url: 'x' } }, '/name/url'],
  ['a name in no language', { name: { '@value': 'x', '@language': 'en_GB_x' } }, '/name/@language'],
  ['a name in no direction', { name: { '@value': 'x', '@direction': 'up' } }, '/name/@direction'],
  ['a context named twice', { '@context': [v2, 'https://a.example/1', 'https://a.example/1'] }, '/@context'],
  ['a name without a value', { name: { '@language': 'cy' } }, '/name/@value'],
  ['a description that is a number', { description: [7] }, '/description/0'],
  ["an issuer's name that is a number", { issuer: { id: 'urn:a:b', name: 7 } }, '/issuer/name'],
];

describe('a credential of VCDM 2.0', () => {
  test.each(bad20)('with %s is faulty', (_name, changes, pointer) => {
    const faults = checkDataModel(changed(credential20(holder), changes), '2.0');
    expect(pointers(faults)).toContain(pointer);
    expect(pointers(faults).every((path) => path.startsWith(pointer))).toBe(true);
  });

  test.each<[string, Readonly<Record<string, Json | undefined>>]>([
    ['nothing optional', { id: undefined, validFrom: undefined, validUntil: undefined, evidence: undefined }],
    ['an end in the past', { validFrom: undefined, validUntil: '2020-01-01T00:00:00+01:00' }],
    ['a status without an id', { credentialStatus: { type: 'Whatever' } }],
    ['several subjects', { credentialSubject: [{ id: holder }, { name: 'x' }] }],
    [
      'names in two languages',
      {
        name: [
          { '@value': 'a', '@language': 'en' },
          { '@value': 'b', '@language': 'cy', '@direction': 'ltr' },
        ],
      },
    ],
    ['a context object', { '@context': [v2, { ward: 'https://a.example/ward' }] }],
    [
      'a related resource',
      { relatedResource: { id: 'https://a.example', digestSRI: sri('x'), mediaType: 'text/plain' } },
    ],
    [
      'several digests, of which the strongest counts',
      related({ id: v2, digestSRI: `${sri('x', 'sha256')} ${v2Sri}` }),
    ],
    ['the digest of what W3C publishes', related({ id: v2, digestSRI: v2Sri })],
    ['the same as multihash', related({ id: v2, digestMultibase: `u${v2Multihash}` })],
    ['the same as bare SHA-256', related({ id: v2, digestMultibase: `u${v2Sha256}` })],
    [
      'the digest of the text that W3C published before',
      related({ id: v2, digestMultibase: 'uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k' }),
    ],
  ])('with %s is in order', (_name, changes) => {
    expect(checkDataModel(changed(credential20(holder), changes), '2.0')).toEqual([]);
  });

  test('has all its faults reported, with escaped pointers', () => {
    const faulty = { ...plainCredential(holder), issuer: 'x', id: null, name: { '@value': 'x', 'a/b~c': 'x' } };
    expect(pointers(checkDataModel(faulty, '2.0')).sort()).toEqual(['/id', '/issuer', '/name/a~1b~0c']);
    expect(pointers(checkDataModel({}, '2.0'))).toEqual(['/@context', '/type', '/issuer', '/credentialSubject']);
  });
});

describe('a credential of VCDM 1.1', () => {
  test.each<[string, Readonly<Record<string, Json | undefined>>, string]>([
    ['the context of VCDM 2.0', { '@context': [v2] }, '/@context/0'],
    ['no issuanceDate', { issuanceDate: undefined }, '/issuanceDate'],
    ['an expirationDate before it', { expirationDate: '2020-01-01T00:00:00Z' }, '/expirationDate'],
    ['a status without an id', { credentialStatus: { type } }, '/credentialStatus/id'],
  ])('with %s is faulty', (_name, changes, pointer) => {
    expect(pointers(checkDataModel(changed(credential11(holder), changes), '1.1'))).toEqual([pointer]);
  });

  test('without faults is in order', () => {
    expect(checkDataModel(credential11(holder), '1.1')).toEqual([]);
    expect(checkDataModel(changed(credential11(holder), { expirationDate: undefined }), '1.1')).toEqual([]);
  });
});

describe('a presentation', () => {
  test.each<[string, Readonly<Record<string, Json | undefined>>, string]>([
    ['no context', { '@context': undefined }, '/@context'],
    ['its contexts in another order', { '@context': ['https://a.example/v1', v2] }, '/@context/0'],
    ['no type', { type: undefined }, '/type'],
    ['another type', { type: 'VerifiableCredential' }, '/type'],
    ['a token among its credentials', { verifiableCredential: ['a.b.c'] }, '/verifiableCredential/0'],
    ['a holder that is no URL', { holder: 'x' }, '/holder'],
    ['a holder whose id is no URL', { holder: { id: 'x' } }, '/holder/id'],
    ['an id that is no URL', { id: 'x' }, '/id'],
  ])('with %s is faulty', (_name, changes, pointer) => {
    expect(pointers(checkPresentationModel(changed(presentation20(holder, []), changes), '2.0'))).toEqual([pointer]);
  });

  test('may hold one credential, many or none; tokens only in VCDM 1.1', () => {
    for (const verifiableCredential of [undefined, [], {}, [{}, {}]]) {
      expect(checkPresentationModel(changed(presentation20(holder, []), { verifiableCredential }), '2.0')).toEqual([]);
    }
    const old = { '@context': ['https://www.w3.org/2018/credentials/v1'], verifiableCredential: ['a.b.c', {}] };
    expect(checkPresentationModel(changed(presentation20(holder, []), old), '1.1')).toEqual([]);
  });
});

test('dates are read as XML Schema writes them', () => {
  for (const good of ['2024-02-29T00:00:00Z', '2026-11-21T09:00:00.123456789+13:30', '2026-12-31T23:59:59-00:00']) {
    expect(parseDateTime(good)).toBeInstanceOf(Date);
  }
  for (const bad of [
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-1-1T00:00:00Z',
    '2026-11-21T24:00:01Z',
    '2026-11-21 09:00:00Z',
    '2026-11-21T09:00:00+1:00',
    'x',
    7,
    null,
  ]) {
    expect(parseDateTime(bad)).toBeUndefined();
  }
});
