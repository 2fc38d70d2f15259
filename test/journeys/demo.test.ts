/** `npm start -- --once`, played by real processes; and that it notices when the story does not go as told. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Field, freePort, openField, patience } from './deployment.js';

const root = resolve(import.meta.dirname, '../..');
const names = ['registry', 'rxa', 'rxb'] as const;
type Name = (typeof names)[number];
type Registry = { organisations: { odsCode: string; dids: { did: string }[]; issue: { type: string }[] }[] };

let field: Field;

beforeEach(async () => {
  field = await openField();
});
afterEach(() => field.close());

/** The demonstration's deployment files at ports of our own, with their state in the field's folder. */
async function layOut(change: (registry: Registry) => void = () => undefined): Promise<Record<Name, string>> {
  const ports = { registry: await freePort(), rxa: await freePort(), rxb: await freePort() };
  const registry = JSON.parse(readFileSync(join(root, 'demo/registry/organisations.json'), 'utf8')) as Registry;
  for (const organisation of registry.organisations) {
    const port = ports[organisation.odsCode.toLowerCase() as Name];
    organisation.dids = [{ did: `did:web:localhost%3A${port}` }];
  }
  const authority = `http://localhost:${ports.registry}`;
  Object.assign(registry, { programmeBaseUrl: authority });
  change(registry);
  writeFileSync(join(field.folder, 'organisations.json'), JSON.stringify(registry));
  for (const name of names) {
    const port = ports[name];
    const service = {
      did: `did:web:localhost%3A${port}`,
      publicUrl: `http://localhost:${port}`,
      listen: { port },
      stateFolder: `./${name}`,
      programme: { baseUrl: authority },
      ...(name === 'registry'
        ? { registryAuthority: { seedFile: '../organisations.json' } }
        : { registry: { url: `${authority}/registry/list` } }),
    };
    writeFileSync(file(name), JSON.stringify({ extends: join(root, `agents/${name}.yml`), service }));
  }
  return { registry: authority, rxa: `http://localhost:${ports.rxa}`, rxb: `http://localhost:${ports.rxb}` };
}

const file = (name: Name) => join(field.folder, `${name}.yml`);

function play(): Promise<{ code: number | null; told: string }> {
  const args = ['--import', 'tsx', 'scripts/demo/demo.ts', '--once', '--agents', field.folder, '--data', 'demo'];
  const child = spawn(process.execPath, args, { cwd: root, env: field.environment });
  let told = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (told += text));
  return new Promise((done) => child.once('close', (code) => done({ code, told })));
}

/** Everything that was begun has been ended: nobody listens any more. */
async function expectSilence(urls: Record<Name, string>): Promise<void> {
  for (const url of Object.values(urls)) await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed');
}

test(
  'the story goes as told, twice on one state; a foreign pin is noticed',
  async () => {
    const urls = await layOut();
    const first = await play();
    expect(first.told).toContain('Every step was as told');
    expect(first.code).toBe(0);
    for (const sentence of [
      '60 issued',
      'her wallet receives what is behind the QR code … 20 documents',
      'her wallet answers … valid',
      'her wallet answers … invalid',
      'invalid: The credential was revoked',
      'suspended in the trust registry',
    ]) {
      expect(first.told).toContain(sentence);
    }
    await expectSilence(urls);
    const second = await play();
    expect(second.told).toContain('did:web and database … kept');
    expect(second.told).toContain('Every step was as told');
    expect(second.code).toBe(0);

    const pin = join(field.folder, 'registry/registry-pin.json');
    const foreign = {
      ...JSON.parse(readFileSync(pin, 'utf8')),
      keyThumbprints: ['NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs'],
    };
    writeFileSync(pin, JSON.stringify(foreign));
    const distrusting = await play();
    expect(distrusting.code).not.toBe(0);
    expect(distrusting.told).toMatch(/serve … NOT AS TOLD/);
    expect(distrusting.told).toContain('"name":"registry","ok":false');
    await expectSilence(urls);
  },
  6 * patience,
);

test(
  'an issuer whom the registry does not authorise for one type ends the story at the step where it issues',
  async () => {
    const urls = await layOut(({ organisations }) => {
      const trust = organisations.find(({ odsCode }) => odsCode === 'RXA')!;
      trust.issue = trust.issue.filter(({ type }) => type !== 'ImmunisationStatusCredential');
    });
    const { code, told } = await play();
    expect(code).not.toBe(0);
    expect(told).toMatch(/RXA issues .* NOT AS TOLD/);
    expect(told).toContain('issuer_not_recognised');
    await expectSilence(urls);
  },
  3 * patience,
);
