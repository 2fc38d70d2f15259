/** The command line that W3C's suites call, with keys and documents of our own. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suiteCommand } from '../../src/commands/suite.js';
import type { JsonObject } from '../../src/json.js';

const folder = mkdtempSync(join(tmpdir(), 'suite-'));
const written = process.stdout.write;
beforeAll(() => {
  process.stdout.write = () => true;
});
afterAll(() => {
  process.stdout.write = written;
  rmSync(folder, { recursive: true });
});

const v2 = 'https://www.w3.org/ns/credentials/v2';
const issuer = 'https://issuer.example/1';
const credential: JsonObject = {
  '@context': [v2],
  type: ['VerifiableCredential'],
  issuer,
  credentialSubject: { id: 'did:example:1', name: 'Alex', phones: ['1', '2'] },
  credentialSchema: { id: 'https://schemas.example/1', type: 'JsonSchema' },
};
const enveloped = { '@context': v2, id: 'data:application/vc+jwt,a.b.c', type: 'EnvelopedVerifiableCredential' };
const presentation = {
  '@context': [v2],
  type: 'VerifiablePresentation',
  holder: issuer,
  verifiableCredential: [enveloped],
};

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

function keyFile(curve: 'P-256' | 'P-384' | 'P-521' | 'Ed25519'): string {
  const { privateKey, publicKey } =
    curve === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: curve });
  const [secretKeyJwk, publicKeyJwk] = [privateKey.export({ format: 'jwk' }), publicKey.export({ format: 'jwk' })];
  return file(`${curve}.json`, { id: `${issuer}#${curve}`, controller: issuer, publicKeyJwk, secretKeyJwk });
}

async function ask(
  question: string,
  options: Readonly<Record<string, string>>,
): Promise<{ result: string; data?: string }> {
  const output = join(folder, 'answer.json');
  const words = Object.entries({ ...options, output }).flatMap(([name, value]) => [`--${name}`, value]);
  await suiteCommand().parseAsync([question, ...words], { from: 'user' });
  return JSON.parse(readFileSync(output, 'utf8')) as { result: string; data?: string };
}

describe.each(['P-256', 'P-384', 'P-521', 'Ed25519'] as const)('with a key on %s', (curve) => {
  test.each([
    'credential_jose',
    'credential_sdjwt',
    'credential_cose',
    'presentation_jose',
    'presentation_sdjwt',
    'presentation_cose',
  ])('%s is issued and verified, and refused when altered or under another key', async (feature) => {
    const document = feature.startsWith('credential') ? credential : presentation;
    const sd = feature === 'credential_sdjwt' ? { sd: '["credentialSubject.name","credentialSubject.phones[1]"]' } : {};
    const key = keyFile(curve);
    const issued = await ask('issue', { input: file('input.json', document), key, feature, ...sd });
    expect(issued.result).toBe('success');
    const secured = issued.data ?? '';
    const verified = await ask('verify', { input: file('secured.txt', `${secured}\n`), key, feature });
    expect(verified.result).toBe('success');
    expect(JSON.parse(verified.data ?? '')).toEqual(document);
    const altered = `${secured.slice(0, 40)}${secured.charAt(40) === 'A' ? 'B' : 'A'}${secured.slice(41)}`;
    expect((await ask('verify', { input: file('altered.txt', altered), key, feature })).result).toBe('failure');
    const other = keyFile(curve === 'Ed25519' ? 'P-256' : 'Ed25519');
    expect((await ask('verify', { input: file('secured.txt', secured), key: other, feature })).result).toBe('failure');
  });
});

test('issues nothing that the data model does not define', async () => {
  const key = keyFile('P-256');
  const feature = 'credential_jose';
  const issue = (document: JsonObject) => ask('issue', { input: file('input.json', document), key, feature });
  expect(await issue({ ...credential, badge: { a: 1 } })).toEqual({
    ...{ result: 'failure', data: expect.stringContaining('/badge') as string },
  });
  expect((await issue({ ...credential, issuer: 7 })).result).toBe('failure');
});

test('does not know a feature, and cannot read a file', async () => {
  const input = file('input.json', credential);
  const key = keyFile('P-256');
  expect((await ask('issue', { input, key, feature: 'credential_xml' })).result).toBe('indeterminate');
  expect((await ask('issue', { input: file('bad.json', '{'), key, feature: 'credential_jose' })).result).toBe('error');
});

test('validates against the schema that the credential names, with three results', async () => {
  const schema = { $id: 'https://schemas.example/1', $schema: 'https://json-schema.org/draft/2020-12/schema' };
  const validate = (changes: JsonObject, format = 'JsonSchema') =>
    ask('validate', {
      ...{ format, schema: file('schema.json', { ...schema, ...changes }), credential: file('vc.json', credential) },
    });
  expect(await validate({})).toEqual({ result: 'success' });
  expect((await validate({ required: ['evidence'] })).result).toBe('failure');
  expect((await validate({ $schema: 'https://json-schema.org/unknown' })).result).toBe('indeterminate');
  expect((await validate({}, 'JsonSchemaCredential')).result).toBe('failure');
});
