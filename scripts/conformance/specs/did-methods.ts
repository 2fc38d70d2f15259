/** did:key and did:web, as far as a resolver shows them over HTTP. */
import { base58 } from '@scure/base';
import type { Conversation } from '../conversation.js';
import { aResolver, needs } from '../endpoints.js';
import { asList, type Document, isDocument } from '../inputs/documents.js';
import { createSigner } from '../inputs/keys.js';
import type { Test, Tests } from '../suite.js';

const accept = 'application/did-resolution';
const multikey = (...bytes: readonly number[]) => `z${base58.encode(Uint8Array.from(bytes))}`;
const filled = (length: number, value: number) => Array.from({ length }, () => value);

async function documentOf(talk: Conversation, did: string): Promise<Document | undefined> {
  const { status, json } = await talk.get(`${aResolver(talk.target).url}${did}`, { accept });
  const document: unknown = isDocument(json) ? json['didDocument'] : undefined;
  return status === 200 && isDocument(document) ? document : undefined;
}

const good = createSigner('Ed25519');

/** None of these may resolve; a good one must, or the resolver simply does not know the method. */
function refusesTest(variants: Readonly<Record<string, string>>, control = good.did): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      talk.expect(await documentOf(talk, control), `${control} must resolve`);
      for (const [what, did] of Object.entries(variants)) {
        const { status, json } = await talk.get(`${aResolver(talk.target).url}${did}`, { accept });
        const metadata: unknown = isDocument(json) ? json['didResolutionMetadata'] : undefined;
        const error: unknown = isDocument(metadata) ? metadata['error'] : undefined;
        talk.expect(status >= 400 && error !== undefined, `${what} must be an error, was answered ${status}`);
      }
    },
  };
}

function documentTest(look: (talk: Conversation, document: Document, did: string) => void): Test {
  return {
    lacks: needs.resolver,
    async run(talk) {
      for (const keyType of ['Ed25519', 'P-256', 'P-384'] as const) {
        const { did } = talk.parties.issuer[keyType];
        const document = await documentOf(talk, did);
        talk.expect(document, `${did} (${keyType}) must resolve`);
        if (document) look(talk, document, did);
      }
    },
  };
}

const methods = (document: Document) => asList<Document>(document['verificationMethod']).filter(isDocument);

const didKeyTests: Tests = {
  'DIDKEY-3.1.1-1': refusesTest({
    'another scheme': `dod:key:${good.publicKeyMultibase}`,
    'a multibase value that does not start with z': `did:key:u${Buffer.from(base58.decode(good.publicKeyMultibase.slice(1))).toString('base64url')}`,
    'a did:key without value': 'did:key:z',
    'letters that base58 does not have': 'did:key:z0OIl',
  }),
  'DIDKEY-3.1.1-2': documentTest((talk, { id }, did) => talk.expect(id === did, `the id of the document is ${id}`)),
  'DIDKEY-3.1.2-1': refusesTest({
    'an Ed25519 key of 31 bytes': `did:key:${multikey(0xed, 0x01, ...filled(31, 9))}`,
    'a P-256 key of 32 bytes': `did:key:${multikey(0x80, 0x24, 2, ...filled(31, 9))}`,
    'a P-384 key of 50 bytes': `did:key:${multikey(0x81, 0x24, 2, ...filled(49, 9))}`,
  }),
  'DIDKEY-3.1.2-2': refusesTest({
    'a P-256 point that is not on the curve': `did:key:${multikey(0x80, 0x24, 2, ...filled(32, 0xff))}`,
    'a P-256 point with an unknown prefix': `did:key:${multikey(0x80, 0x24, 7, ...filled(32, 9))}`,
  }),
  'DIDKEY-3.1.2-3': documentTest((talk, document, did) => {
    const id = `${did}#${did.slice('did:key:'.length)}`;
    talk.expect(
      methods(document).some((one) => one['id'] === id),
      `the document must have the method ${id}`,
    );
  }),
  'DIDKEY-3.1.2-6': documentTest((talk, document, did) => {
    const controllers = methods(document).map((one) => one['controller']);
    talk.expect(
      controllers.length > 0 && controllers.every((one) => one === did),
      `the controllers are ${controllers}`,
    );
  }),
};

const didWebTests: Tests = {
  'DIDWEB-2.2-1': refusesTest({
    'a method in capitals': 'did:WEB:example.com',
    'another scheme': 'DID:web:example.com',
  }),
  'DIDWEB-2.3-2': refusesTest({
    'an IPv4 address': 'did:web:192.0.2.1',
    'an IPv4 address with a port': 'did:web:192.0.2.1%3A8443',
    'an IPv6 address': 'did:web:%5B2001%3Adb8%3A%3A1%5D',
  }),
  'DIDWEB-2.5.2-1': {
    lacks: (target) =>
      target.resolvers.some(({ resolvable }) => resolvable.some((did) => did.startsWith('did:web:')))
        ? undefined
        : 'the target names no did:web that resolves',
    async run(talk) {
      for (const did of aResolver(talk.target).resolvable.filter((one) => one.startsWith('did:web:'))) {
        const document = await documentOf(talk, did);
        talk.expect(document?.['id'] === did, `the document of ${did} has the id ${document?.['id']}`);
        const [host = '', ...path] = did.slice('did:web:'.length).split(':').map(decodeURIComponent);
        const place = path.length === 0 ? '.well-known' : path.join('/');
        const { json } = await talk.get(`https://${host}/${place}/did.json`);
        const published: unknown = isDocument(json) ? json['id'] : undefined;
        talk.expect(published === did, `what is published for ${did} has the id ${published}`);
      }
    },
  },
};

export const didMethodTests: Tests = { ...didKeyTests, ...didWebTests };
