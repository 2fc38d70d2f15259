/** The life of one deployment in its operator's hands, by real processes: made, broken off, rekeyed, saved, put back. */
import { randomBytes } from 'node:crypto';
import { chmodSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Answer, type Client, createClient, exampleOf, inParallel, statusOf } from '../journeys/client.js';
import { type Deployment, type Field, openField, patience, type Service, until } from '../journeys/deployment.js';

let field: Field;
let trust: Deployment;
/** What must never be seen in any output. */
const secrets = new Set<string>();

beforeAll(async () => {
  field = await openField();
  trust = await field.deploy('rxa');
  field.recognise(trust);
});
afterAll(() => field.close());

const types = ['DbsCheckCredential', 'StaffIdentityCredential', 'ProfessionalRegistrationCredential'];
const state = (name: string) => join(trust.stateFolder, name);
const indexesOf = (answer: Answer) =>
  statusOf(answer).map((entry) => `${entry.statusListCredential}#${entry.statusListIndex}`);

async function connect(service: Service): Promise<Client> {
  const client = createClient(trust, service.url);
  secrets.add(await client.token());
  return client;
}

async function issueOne(client: Client, key?: string): Promise<Answer> {
  const answer = await client.issue(exampleOf(types[0]!), key === undefined ? {} : { key });
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
  return answer;
}

async function decisionOn(client: Client, { body }: Answer): Promise<string> {
  return (await client.verify(body.verifiableCredential)).body.decision;
}

/** One sentence for the operator; a stack would mean a fault of ours. */
function refused(told: RegExp) {
  return { code: 1, stderr: expect.stringMatching(new RegExp(`^staff-passport: (?!an unexpected)[^]*${told.source}`)) };
}

describe('init', () => {
  test(
    'finishes what was broken off at any moment, and then refuses to touch anything',
    async () => {
      for (const appears of [
        'key-encryption-key',
        'operator.jwk.json',
        'staff-passport.sqlite',
        'identity.sqlite-wal',
      ]) {
        const { child, outcome } = trust.begin('init');
        const end = Date.now() + patience;
        while (!existsSync(state(appears)) && child.exitCode === null && Date.now() < end) await pause(1);
        child.kill('SIGKILL');
        expect([appears, (await outcome).code]).toEqual([appears, null]);
        expect(existsSync(state('initialised.json'))).toBe(false);
      }
      const kept = readFileSync(state('key-encryption-key'), 'utf8');
      await trust.initialise();
      expect(readFileSync(state('key-encryption-key'), 'utf8')).toBe(kept);
      const keys = (await trust.run('keys', 'list')).stdout.trim().split('\n');
      expect(keys.map((line) => line.split('  ').slice(1, 3).join(' ')).sort()).toEqual([
        'ES256 assertionMethod',
        'ES256 authentication',
        'EdDSA assertionMethod',
      ]);

      const before = contents();
      expect(await trust.run('init')).toMatchObject(refused(/initialised already; nothing was changed/));
      expect(contents()).toEqual(before);
      for (const name of readdirSync(trust.stateFolder))
        expect([name, statSync(state(name)).mode & 0o077]).toEqual([name, 0]);
    },
    4 * patience,
  );

  /** Everything in the state folder, byte by byte. */
  function contents(): Record<string, string> {
    const files = readdirSync(trust.stateFolder).map((name) => [name, readFileSync(state(name), 'base64')]);
    return Object.fromEntries(files);
  }
});

test(
  'config check tells every fault at once, by path; --print shows what is in force',
  async () => {
    trust.configure({ odsCode: 'wrong', listen: { speed: 9 }, did: 'did:web:elsewhere.example' });
    const checked = await trust.run('config', 'check');
    trust.configure({ odsCode: 'RXA', listen: { speed: null }, did: trust.did });
    expect(checked).toMatchObject({ code: 1, stdout: '' });
    const paths = checked.stderr.split('\n').map((line) => line.trim().split(':')[0]);
    expect(paths).toEqual(expect.arrayContaining(['/service/odsCode', '/service/listen/speed', '/service/did']));
    const printed = await trust.run('config', 'check', '--print');
    expect(JSON.parse(printed.stdout).service).toMatchObject({ did: trust.did, stateFolder: trust.stateFolder });
  },
  2 * patience,
);

describe('keys', () => {
  test(
    'add publishes a new key in the running service, which soon signs with it; what the old one signed stays valid',
    async () => {
      const service = await trust.serve();
      const client = await connect(service);
      const old = await issueOne(client);
      const added = await trust.run('keys', 'add', '--algorithm', 'ES256');
      expect(added).toMatchObject({ code: 0, stderr: '' });
      const kid = added.stdout.split(' ')[0]!;
      const document = await until(
        () => client.get('/.well-known/did.json'),
        ({ text }) => text.includes(kid),
      );
      expect(document.body.assertionMethod).toContain(`${trust.did}#${kid}`);
      const next = await until(
        () => issueOne(client),
        (answer) => headerOf(answer).kid === `${trust.did}#${kid}`,
      );
      expect(headerOf(next).kid).toBe(`${trust.did}#${kid}`);
      expect([await decisionOn(client, old), await decisionOn(client, next)]).toEqual(['valid', 'valid']);
      expect((await trust.run('keys', 'list')).stdout.trim().split('\n')).toHaveLength(4);
      expect(await trust.run('keys', 'add', '--algorithm', 'RS256')).toMatchObject(refused(/must be ES256 or EdDSA/));
      expect(await service.stop()).toBe(0);
    },
    3 * patience,
  );

  function headerOf({ body }: Answer): { readonly kid: string } {
    const token = body.verifiableCredential.id.split(',')[1];
    return JSON.parse(Buffer.from(token.split('.')[0], 'base64url').toString('utf8'));
  }

  test(
    'rewrap moves everything to another key-encryption key: the old one no longer starts, all that was issued holds',
    async () => {
      let service = await trust.serve();
      let client = await connect(service);
      const before = await issueOne(client, 'before-the-rewrap');
      expect(await service.stop()).toBe(0);
      const next = join(field.folder, 'next-key');
      writeFileSync(next, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600 });
      const rewrapped = await trust.run('keys', 'rewrap', '--to', next);
      expect(rewrapped).toMatchObject({ code: 0, stdout: expect.stringContaining(`keyEncryptionKeyFile to ${next}`) });
      const wrong = /was sealed with key-encryption key [0-9a-f]{16}, but [0-9a-f]{16} was given|key-encryption key/;
      expect(await trust.run('serve')).toMatchObject(refused(wrong));
      expect(await trust.run('token')).toMatchObject(refused(wrong));

      trust.configure({ keys: { keyEncryptionKeyFile: next } });
      service = await trust.serve();
      client = await connect(service);
      expect(await decisionOn(client, before)).toBe('valid');
      expect((await issueOne(client, 'before-the-rewrap')).text).toBe(before.text);
      expect(await decisionOn(client, await issueOne(client))).toBe('valid');
      expect(await service.stop()).toBe(0);
    },
    3 * patience,
  );

  test(
    'a key-encryption key that others may read, that is none, or that is another, is refused',
    async () => {
      const file = join(field.folder, 'other-key');
      trust.configure({ keys: { keyEncryptionKeyFile: file } });
      const known = readFileSync(join(field.folder, 'next-key'));
      try {
        expect(await trust.run('serve')).toMatchObject(refused(/cannot read the key-encryption key file/));
        writeFileSync(file, known, { mode: 0o644 });
        expect(await trust.run('serve')).toMatchObject(refused(/must have mode 0400 or 0600/));
        chmodSync(file, 0o600);
        writeFileSync(file, 'not a key');
        expect(await trust.run('serve')).toMatchObject(refused(/is not 32 bytes/));
        writeFileSync(file, randomBytes(32).toString('hex'));
        expect(await trust.run('serve')).toMatchObject(refused(/key-encryption key/));
      } finally {
        trust.configure({ keys: { keyEncryptionKeyFile: join(field.folder, 'next-key') } });
      }
    },
    3 * patience,
  );
});

test(
  'backup while the service issues, restore into an empty folder: old credentials hold, no status index is used again',
  async () => {
    const saved = join(field.folder, 'saved');
    let service = await trust.serve();
    let client = await connect(service);
    const issued = await inParallel(Array.from({ length: 8 }), 4, () => issueOne(client));
    const [revoked, ...good] = issued as [Answer, ...Answer[]];
    expect((await client.revoke(revoked.body.credentialId)).status).toBe(200);
    let saving = true;
    const meanwhile: Answer[] = [];
    const working = inParallel(Array.from({ length: 3 }), 3, async () => {
      while (saving) meanwhile.push(await issueOne(client));
    });
    const backup = await trust.run('backup', saved);
    saving = false;
    await working;
    expect(backup).toMatchObject({ code: 0, stderr: '' });
    expect(meanwhile.length).toBeGreaterThan(0);
    const late = await inParallel(Array.from({ length: 4 }), 4, () => issueOne(client));
    expect(await trust.run('backup', saved)).toMatchObject(refused(/exists already; nothing was written/));
    expect(await service.stop()).toBe(0);
    expect(await trust.run('restore', saved)).toMatchObject(refused(/exists already/));
    for (const name of readdirSync(saved)) expect([name, statSync(join(saved, name)).mode & 0o077]).toEqual([name, 0]);

    cpSync(trust.stateFolder, join(field.folder, 'lost'), { recursive: true });
    rmSync(trust.stateFolder, { recursive: true });
    expect(await trust.run('serve')).toMatchObject(refused(/run `init` or `restore` first/));
    expect(existsSync(trust.stateFolder)).toBe(false);
    const { child, outcome } = trust.begin('restore', saved);
    await until(async () => existsSync(state('identity.sqlite')) || child.exitCode !== null, Boolean);
    child.kill('SIGKILL');
    expect((await outcome).code).toBe(null);
    expect(await trust.run('serve')).toMatchObject(refused(/run `init` or `restore` first/));
    rmSync(trust.stateFolder, { recursive: true });
    const restored = await trust.run('restore', saved);
    expect(restored).toMatchObject({ code: 0, stderr: '' });
    expect(await trust.run('init')).toMatchObject(refused(/initialised already/));
    service = await trust.serve();
    client = await connect(service);
    const again = await inParallel(Array.from({ length: 12 }), 4, () => issueOne(client));
    const used = new Set([...issued, ...meanwhile, ...late].flatMap(indexesOf));
    expect(again.flatMap(indexesOf).filter((index) => used.has(index))).toEqual([]);
    const decisions = await inParallel([...good, ...again], 4, (answer) => decisionOn(client, answer));
    expect(new Set(decisions)).toEqual(new Set(['valid']));
    expect(await decisionOn(client, revoked)).toBe('invalid');
    expect(await service.stop()).toBe(0);
  },
  4 * patience,
);

test(
  'nothing that any of these processes wrote holds a claim, a token or a key',
  async () => {
    const service = await trust.serve();
    const client = await connect(service);
    const personal = new Set<string>();
    for (const type of types) {
      const credential = exampleOf(type);
      for (const value of textsIn(credential['credentialSubject'])) personal.add(value);
      const issued = await client.issue(credential);
      expect(issued.status).toBe(201);
      await client.verify(issued.body.verifiableCredential);
      const { id } = issued.body.verifiableCredential;
      secrets.add(id.slice(id.indexOf(',') + 1));
      // What is refused is quoted least of all.
      await client.issue({
        ...credential,
        credentialSubject: { ...(credential['credentialSubject'] as object), nickname: 'Q' },
      });
      await client.verify({ ...credential, proof: {} });
      await client.get(`/credentials/${encodeURIComponent(JSON.stringify(credential['credentialSubject']))}`);
    }
    const body = { credential: exampleOf(types[0]!) };
    const foreign = `${await client.token()}x`;
    expect((await client.post('/credentials/issue', body, { authorization: `Bearer ${foreign}` })).status).toBe(401);
    secrets.add(foreign);
    expect(await service.stop()).toBe(0);

    const operator = JSON.parse(readFileSync(state('operator.jwk.json'), 'utf8')) as { d: string };
    secrets.add(operator.d);
    for (const file of [join(field.folder, 'next-key'), join(field.folder, 'lost/key-encryption-key')]) {
      secrets.add(readFileSync(file, 'utf8').trim());
    }
    const diary = field.diary();
    // The diary is the right one: it has the lines of these requests, at the level that says most.
    expect(diary).toContain('"route":"/credentials/issue"');
    expect(diary).toContain('"status":401');
    expect(secrets.size).toBeGreaterThan(8);
    expect([...secrets].filter((secret) => diary.includes(secret))).toEqual([]);
    expect(personal.size).toBeGreaterThan(10);
    expect([...personal].filter((value) => diary.includes(value))).toEqual([]);
  },
  2 * patience,
);

/** Texts of a claim that cannot stand in a log by chance: no codes that the program itself knows. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string')
    return value.length >= 5 && !/^(true|false|[A-Z][A-Za-z]+)$/.test(value) ? [value] : [];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
