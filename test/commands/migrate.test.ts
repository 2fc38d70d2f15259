/** A deployment on PostgreSQL from an empty database to a running service, and what refuses to run before its time. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient, exampleOf } from '../journeys/client.js';
import { type Deployment, type Field, openField, patience } from '../journeys/deployment.js';
import { dropPostgres, postgresUrl } from '../store/postgres.js';

let field: Field;
let databaseUrl: string;
let trust: Deployment;

beforeAll(async () => {
  databaseUrl = await postgresUrl();
  field = await openField();
  field.environment['STAFF_PASSPORT_DATABASE'] = databaseUrl;
  const database = { type: 'postgres', file: null, urlEnvironment: 'STAFF_PASSPORT_DATABASE', poolSize: 4 };
  trust = await field.deploy('rxa', { database });
  field.recognise(trust);
}, patience);
afterAll(async () => {
  await field.close();
  await dropPostgres(databaseUrl);
});

const sentence = (told: RegExp) => ({
  code: 1,
  stderr: expect.stringMatching(new RegExp(`^staff-passport: (?!an unexpected)[^\\n]*${told.source}[^\\n]*\\n$`)),
});

test(
  'serve and doctor refuse what is pending; migrate brings an empty database up to date, and init finishes it',
  async () => {
    mkdirSync(trust.stateFolder, { mode: 0o700 });
    const keyFile = join(trust.stateFolder, 'key-encryption-key');
    writeFileSync(keyFile, randomBytes(32).toString('hex'), { mode: 0o400 });
    const pending = /migrate.*pending: 0001-audit, .*0005-issuance/;
    expect(await trust.run('serve')).toMatchObject(sentence(pending));
    expect(await trust.run('doctor')).toMatchObject(sentence(pending));
    const migrated = await trust.run('migrate');
    expect(migrated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ran: .*0001-audit.*\n$/), stderr: '' });
    expect(await trust.run('migrate')).toMatchObject({ code: 0, stdout: 'nothing to do\n', stderr: '' });
    expect(await trust.run('serve')).toMatchObject(sentence(/run staff-passport init/));
    await trust.initialise();
    expect(await trust.run('backup', join(field.folder, 'saved'))).toMatchObject(sentence(/pg_dump/));
    const service = await trust.serve();
    const answer = await createClient(trust, service.url).issue(exampleOf('DbsCheckCredential'));
    expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
    expect(await service.stop()).toBe(0);
  },
  4 * patience,
);

test(
  'a database that does not answer, or that is named wrongly, is told without its password',
  async () => {
    const closed = new URL(databaseUrl);
    closed.port = '1';
    field.environment['STAFF_PASSPORT_DATABASE'] = closed.href;
    expect(await trust.run('serve')).toMatchObject(sentence(/database/));
    delete field.environment['STAFF_PASSPORT_DATABASE'];
    expect(await trust.run('serve')).toMatchObject(
      sentence(/URL of the PostgreSQL database is not set|neither in a file nor set/),
    );
    writeFileSync(join(field.folder, 'empty'), '');
    trust.configure({ database: { urlEnvironment: null, urlFile: '../empty' } });
    expect(await trust.run('doctor')).toMatchObject(sentence(/database/));
    expect(field.diary()).not.toContain(new URL(databaseUrl).password);
    expect(field.diary()).not.toContain('postgres://');
  },
  2 * patience,
);
