import {
  type DereferencingAccept,
  type DereferencingOptions,
  dereference,
  readOptions,
  unanswerable,
} from '../../src/identity/dereferencing.js';
import { parseDidUrl, parseParameters } from '../../src/identity/did-url.js';
import type { JsonObject } from '../../src/json.js';

const did = 'did:web:trust.example%3A8443';
const context = ['https://www.w3.org/ns/did/v1'];
const key = { id: `${did}#key`, type: 'Multikey', controller: did, publicKeyMultibase: 'z6Mk' };
const relative = { id: '#relative', type: 'Multikey', controller: did, publicKeyMultibase: 'z6Ml' };
const embedded = { id: `${did}#embedded`, type: 'Multikey', controller: did, publicKeyMultibase: 'z6Mm' };
const files = { id: `${did}#files`, type: 'LinkedDomains', serviceEndpoint: 'https://trust.example/files/' };
const several = {
  id: '#several',
  type: ['LinkedDomains', 'Messages'],
  serviceEndpoint: [
    { uri: 'https://map.example' },
    'did:example:1',
    'https://first.example/a/',
    'https://second.example/',
  ],
};
const unusable = {
  id: `${did}#unusable`,
  type: 'Messages',
  serviceEndpoint: [
    'mailto:hr@trust.example',
    'https://user:word@trust.example/',
    'no address',
    { uri: 'https://x.example' },
  ],
};
const marked = { id: `${did}#marked`, type: 'Marked', serviceEndpoint: 'https://trust.example/page#top' };
const long = { id: `${did}#long`, type: 'Long', serviceEndpoint: `https://trust.example/${'a'.repeat(4096)}` };
const document: JsonObject = {
  '@context': context,
  id: did,
  verificationMethod: [key, relative],
  assertionMethod: [key.id, '#relative'],
  authentication: [embedded],
  service: [files, several, unusable, marked, long],
};

function ask(url: string, accept: DereferencingAccept = 'document', options: DereferencingOptions = {}) {
  const parsed = parseDidUrl(`${did}${url}`);
  if (!parsed) throw new Error(`${url} is no DID URL`);
  return dereference(document, parsed, accept, options);
}

const error = (name: string) => ({ error: name, detail: expect.any(String) });

describe('a DID URL', () => {
  test('is taken apart and nothing in it is decoded but the values of its parameters', () => {
    expect(parseDidUrl(`${did}/a%2Fb?service=files&relativeRef=%2Fa%3Fb%3D+c#d%20?/e`)).toEqual({
      did,
      path: '/a%2Fb',
      parameters: new Map([
        ['service', 'files'],
        ['relativeRef', '/a?b=+c'],
      ]),
      fragment: 'd%20?/e',
    });
    expect(parseDidUrl('did:example:1')).toEqual({
      did: 'did:example:1',
      path: '',
      parameters: new Map(),
      fragment: undefined,
    });
    expect(parseDidUrl('did:example:a::b:c?#')).toMatchObject({ did: 'did:example:a::b:c', fragment: '' });
  });

  test.each([
    '',
    'did:example',
    'did:example:',
    'did:Example:1',
    'DID:example:1',
    'did:example:1#a#b',
    'did:example:1 #a',
    'did:example:1#a b',
    'did:example:1/a[b]',
    'did:example:1?a=%2',
    'did:example:1?a=%GG',
    'did:example:1#%zz',
    'did:example:é',
    'did:example:1\n',
    'did:example:1?service=a&service=b',
    'did:example:1?service=a&service=a',
    'did:example:1?s%65rvice=a&service=b',
    'did:example:1?service=%ff',
    'https://example.org/',
  ])('%j is none', (text) => {
    expect(parseDidUrl(text)).toBeUndefined();
  });

  test('has 2048 characters at most', () => {
    const start = 'did:example:1#';
    expect(parseDidUrl(start.padEnd(2048, 'a'))).toBeDefined();
    expect(parseDidUrl(start.padEnd(2049, 'a'))).toBeUndefined();
  });

  test('has sixteen parameters at most', () => {
    const query = (count: number) => Array.from({ length: count }, (_, index) => `p${index}=`).join('&');
    expect(parseParameters(query(16))?.size).toBe(16);
    expect(parseParameters(query(17))).toBeUndefined();
  });
});

describe('a fragment', () => {
  test.each([
    ['#key', key],
    ['#relative', relative],
    ['#embedded', embedded],
    ['#files', files],
    ['#several', several],
    ['?service=files#files', files],
  ])('%s is what has it as its id, under the context of the document', (url, node) => {
    expect(ask(url)).toEqual({ content: { '@context': context, ...node } });
  });

  test('needs no context where the document has none', () => {
    const { '@context': _context, ...plain } = document;
    const url = parseDidUrl(`${did}#key`);
    expect(url && dereference(plain, url, 'document')).toEqual({ content: key });
  });

  test.each(['#nothing', '#', '#KEY', `#${encodeURIComponent(key.id)}`, '?service=files#several'])(
    '%s is nothing here',
    (url) => {
      expect(ask(url)).toEqual(error('NOT_FOUND'));
    },
  );

  test('of a document whose lists are none finds nothing and harms nothing', () => {
    const url = parseDidUrl(`${did}?service=files#files`);
    const odd = { id: did, verificationMethod: 'x', service: { id: '#files' }, assertionMethod: [null, 1, ['#files']] };
    expect(url && dereference(odd as unknown as JsonObject, url, 'document')).toEqual(error('NOT_FOUND'));
  });
});

describe('a verification relationship', () => {
  test.each([
    ['#key', 'assertionMethod', key],
    ['#relative', 'assertionMethod', relative],
    ['#embedded', 'authentication', embedded],
  ])('%s for %s is authorised', (url, verificationRelationship, node) => {
    expect(ask(url, 'document', { verificationRelationship })).toEqual({ content: { '@context': context, ...node } });
  });

  test.each([
    ['#key', 'authentication'],
    ['#embedded', 'assertionMethod'],
    ['#key', 'keyAgreement'],
  ])('%s for %s is not', (url, verificationRelationship) => {
    const refused = error('INVALID_RELATIONSHIP_FOR_VERIFICATION_METHOD');
    expect(ask(url, 'document', { verificationRelationship })).toEqual(refused);
  });

  test.each([
    ['', 'document'],
    ['#files', 'document'],
    ['?service=files', 'document'],
    ['?service=files', 'text/uri-list'],
    ['?service=files#key', 'text/uri-list'],
  ] as const)('nobody has it at %j as %s, for that is no verification method', (url, accept) => {
    const options = { verificationRelationship: 'assertionMethod' };
    expect(ask(url, accept, options)).toEqual(error('INVALID_VERIFICATION_METHOD'));
  });

  test('is the only option, and one of five', () => {
    expect(readOptions(new Map())).toEqual({});
    const chosen = new Map([['verificationRelationship', 'authentication']]);
    expect(readOptions(chosen)).toEqual({ verificationRelationship: 'authentication' });
    expect(readOptions(new Map([['verificationRelationship', 'service']]))).toEqual(error('INVALID_OPTIONS'));
    expect(readOptions(undefined)).toEqual(error('INVALID_OPTIONS'));
    for (const name of ['versionId', 'noCache', 'expandRelativeUrls', '__proto__']) {
      expect(readOptions(new Map([[name, '1']]))).toEqual(error('FEATURE_NOT_SUPPORTED'));
    }
  });
});

describe('a service', () => {
  test.each([
    ['?service=files', [files]],
    ['?service=%23files', [files]],
    [`?service=${encodeURIComponent(files.id)}`, [files]],
    ['?service=several', [several]],
    [`?service=${encodeURIComponent(`${did}#several`)}`, [several]],
    ['?serviceType=Messages', [several, unusable]],
    ['?service=several&serviceType=LinkedDomains', [several]],
    ['?service=files&serviceType=Messages', []],
    ['?service=fil', []],
    ['?service=', []],
    [`?service=${encodeURIComponent('did:web:other.example#files')}`, []],
    ['?service=files&relativeRef=a', [files]],
  ])('%s leaves these in the document', (url, service) => {
    expect(ask(url)).toEqual({ content: { ...document, service } });
  });

  test.each([
    ['?service=files', 'https://trust.example/files/'],
    ['?service=files&relativeRef=cv.pdf%3Fpage%3D2', 'https://trust.example/files/cv.pdf?page=2'],
    ['?service=files&relativeRef=%2Ffiles%2Fa%2Fb', 'https://trust.example/files/a/b'],
    ['?service=files&relativeRef=', 'https://trust.example/files/'],
    ['?service=files&relativeRef=a%23b', 'https://trust.example/files/a#b'],
    ['?service=files&relativeRef=a#b', 'https://trust.example/files/a#b'],
    ['?service=files&relativeRef=a%3Fpath%3D..', 'https://trust.example/files/a?path=..'],
    ['?service=several', 'https://first.example/a/'],
    ['?service=several&relativeRef=%2Fb', 'https://second.example/b'],
    ['?serviceType=Messages', 'https://first.example/a/'],
    ['?service=marked', 'https://trust.example/page#top'],
    ['?service=marked&relativeRef=next', 'https://trust.example/next'],
  ])('%s has the address %s', (url, address) => {
    expect(ask(url, 'text/uri-list')).toEqual({ address });
  });

  test.each([
    '%2F',
    '%2Fother%2Fa',
    '..%2Fa',
    'a%2F..%2F..%2Fb',
    'a%2F.',
    '%252E%252E%2Fa',
    '%25252E%25252E%25252Fa',
    '%25252525252525252E.%2Fa',
    'a%255C..%255Cb',
    'a%5Cb',
    '%25ff',
    '%2F%2Fevil.example%2Ffiles%2F',
    '%2F%2Ftrust.example%2Ffiles%2F',
    '%2F%2Fuser@trust.example%2Ffiles%2F',
    'https:%2F%2Ftrust.example%2Ffiles%2Fa',
    'https:a',
    'javascript:alert(1)',
    'a%0D%0Ab',
    'a%20b',
    '%C3%A9',
    '%5B',
  ])('is not left by relativeRef=%s', (reference) => {
    for (const accept of ['document', 'text/uri-list'] as const) {
      expect(ask(`?service=files&relativeRef=${reference}`, accept)).toEqual(error('INVALID_DID_URL'));
    }
  });

  test('with a fragment in its address takes no other', () => {
    expect(ask('?service=marked#other', 'text/uri-list')).toEqual(error('INVALID_DID_URL'));
    expect(ask('?service=files&relativeRef=a%23b#c', 'text/uri-list')).toEqual(error('INVALID_DID_URL'));
  });

  test.each(['?service=unusable', '?service=unusable&relativeRef=a', '?service=nothing', '?service=long'])(
    '%s has no address that can be used',
    (url) => {
      expect(ask(url, 'text/uri-list')).toEqual(error('NOT_FOUND'));
    },
  );

  test('has an address of 4096 characters at most', () => {
    const at = (length: number) => {
      const serviceEndpoint = 'https://trust.example/'.padEnd(length, 'a');
      const url = parseDidUrl(`${did}?service=a`);
      return url && dereference({ id: did, service: [{ id: '#a', serviceEndpoint }] }, url, 'text/uri-list');
    };
    expect(at(4096)).toHaveProperty('address');
    expect(at(4097)).toEqual(error('NOT_FOUND'));
  });

  test.each(['', '#key'])('alone has an address: %j has none', (url) => {
    expect(ask(url, 'text/uri-list')).toEqual(error('REPRESENTATION_NOT_SUPPORTED'));
  });
});

test.each([
  ['', undefined],
  ['#key', undefined],
  ['?service=files&relativeRef=a', undefined],
  ['?serviceType=a', undefined],
  ['?versionId=1', 'FEATURE_NOT_SUPPORTED'],
  ['?service=files&versionTime=2020-12-20T19:17:47Z', 'FEATURE_NOT_SUPPORTED'],
  ['/path?noCache=true', 'FEATURE_NOT_SUPPORTED'],
  ['/path', 'NOT_FOUND'],
  ['/', 'NOT_FOUND'],
  ['/path?service=files', 'NOT_FOUND'],
  ['?relativeRef=a', 'NOT_FOUND'],
  ['?service=files&other=1', 'NOT_FOUND'],
  ['?Service=files', 'NOT_FOUND'],
])('before any document is there, %j is told %s', (url, name) => {
  const parsed = parseDidUrl(`${did}${url}`);
  expect(parsed && unanswerable(parsed)).toEqual(name === undefined ? undefined : error(name));
});
