import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import jsonld from 'jsonld';
import { loadCatalogue } from '../../../src/credential/catalogue/catalogue.js';
import { createContexts } from '../../../src/credential/contexts.js';
import type { Json, JsonObject } from '../../../src/json.js';
import { buildList } from '../../../src/registry/list-document.js';
import { baseUrl, completeCredential, dataModels, put, root } from './credentials.js';

const catalogue = loadCatalogue({ baseUrl, root });
const { documents } = createContexts({ baseUrl, root });

async function documentLoader(url: string) {
  const document = documents.get(url);
  if (document === undefined) throw new Error(`the context ${url} is not pinned`);
  return { document, documentUrl: url };
}

async function canonise(credential: JsonObject): Promise<string> {
  const options = { algorithm: 'RDFC-1.0', format: 'application/n-quads', safe: true, documentLoader };
  return (await jsonld.canonize(
    credential as object,
    options as unknown as Parameters<typeof jsonld.canonize>[1],
  )) as unknown as string;
}

/** Texts and booleans of the credential; @context and types become IRIs and are looked for by their terms instead. */
function* leaves(value: Json, name = ''): Generator<string> {
  if (Array.isArray(value)) for (const item of value) yield* leaves(item, name);
  else if (typeof value === 'object' && value !== null) {
    for (const [member, inner] of Object.entries(value)) if (member !== '@context') yield* leaves(inner, member);
  } else if (value !== null) yield String(value);
}

/** As N-Quads write it. */
function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"');
}

describe.each(catalogue.types.map((type) => [type.type, type] as const))('%s', (_name, type) => {
  test.each(dataModels)('is signed whole in data model %s: no value is lost in canonicalisation', async (dataModel) => {
    const credential = completeCredential(type, dataModel);
    const quads = await canonise(credential);
    for (const value of leaves(credential)) expect(quads).toContain(escaped(value));
    expect(quads).toContain(`<${baseUrl}/vocabulary#${type.type}>`);
    expect(quads).toContain(`<${baseUrl}/vocabulary#checkMethod>`);
    expect(quads).toContain('"^^<http://www.w3.org/2001/XMLSchema#dateTime>');
  });

  test.each(dataModels)('does not hide an unknown member in data model %s', async (dataModel) => {
    for (const place of ['/credentialSubject', '/evidence/0', '/issuer']) {
      const credential = put(completeCredential(type, dataModel), `${place}/unheardOf`, 'x');
      await expect(canonise(credential)).rejects.toThrow(/safe mode/i);
    }
  });

  test('says something else when a claim changes', async () => {
    const credential = completeCredential(type, '2.0');
    const changed = put(
      structuredClone(credential),
      '/credentialSubject/personBindingId',
      '00000000-0000-4000-8000-000000000000',
    );
    expect(await canonise(changed)).not.toBe(await canonise(credential));
  });
});

describe('the context of the registry’s document', () => {
  test('defines every member of a list that the registry builds', async () => {
    const list = buildList(
      {
        did: 'did:web:authority.example',
        name: 'Authority (invented)',
        odsCode: 'XGA',
        publicUrl: baseUrl,
        programmeBaseUrl: baseUrl,
      },
      {
        sequence: 7,
        issued: '2026-11-21T09:00:00Z',
        nextUpdate: '2026-11-28T09:00:00Z',
        organisations: [
          {
            odsCode: 'RXA',
            name: 'Rexford Acute NHS Trust (invented)',
            kind: 'nhs-trust',
            status: 'suspended',
            suspensions: [{ from: '2026-11-20T09:00:00Z', until: '2026-11-21T08:00:00Z' }],
            dids: [
              {
                did: 'did:web:rxa.example',
                validFrom: '2026-01-01T00:00:00Z',
                validTo: '2029-01-01T00:00:00Z',
                keyThumbprints: ['oFm2cDFU9Ky0e2dUj1fBEmUMKx3GpSeJgvFzrC6wCqs'],
              },
            ],
            issue: [{ type: 'CoreSkillCredential', from: '2026-01-01T00:00:00Z', until: '2029-01-01T00:00:00Z' }],
          },
        ],
      },
    );
    list['@context'] = [
      'https://www.w3.org/ns/credentials/v2',
      `${baseUrl}/contexts/RecognizedEntityCredential/v1.json`,
    ];
    const quads = await canonise(list);
    for (const value of leaves(list)) expect(quads).toContain(escaped(value));
  });
});

describe('the reserved terms', () => {
  const file = JSON.parse(readFileSync(join(root, 'contexts/reserved-terms.json'), 'utf8')) as {
    contexts: Record<string, string[]>;
  };

  function* termsIn(context: unknown): Generator<string> {
    if (Array.isArray(context)) for (const part of context) yield* termsIn(part);
    if (typeof context !== 'object' || context === null || Array.isArray(context)) return;
    for (const [name, definition] of Object.entries(context)) {
      if (!name.startsWith('@')) yield name;
      yield* termsIn((definition as { '@context'?: unknown } | null)?.['@context']);
    }
  }

  test.each(Object.keys(file.contexts))('are all terms of %s', (url) => {
    const terms = new Set(termsIn((documents.get(url) as JsonObject)['@context']));
    expect([...terms].sort()).toEqual(file.contexts[url]);
  });
});
