import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { EntitySchema } from 'typeorm';
import { ServiceError } from '../../src/errors.js';
import { applyMigrations, listPendingMigrations } from '../../src/store/migrate.js';
import type { Migration } from '../../src/store/migration.js';
import { openPostgres } from '../../src/store/postgres.js';
import { openSqlite } from '../../src/store/sqlite.js';
import { backup, columns, columnTypes, openStore, pendingMigrations, type Store } from '../../src/store/store.js';
import { describeDialects } from './dialects.js';
import { administer } from './postgres.js';

interface Note {
  id: string;
  text: string;
  counter: string | null;
  bytes: Buffer | null;
  read: boolean;
}

const noteSchema = new EntitySchema<Note>({
  name: 'Note',
  tableName: 'test_note',
  columns: {
    id: { ...columns.text, primary: true },
    text: columns.text,
    counter: { ...columns.bigint, nullable: true },
    bytes: { ...columns.blob, nullable: true },
    read: columns.boolean,
  },
});

async function createNotes(store: Store): Promise<void> {
  const type = columnTypes(store.dialect);
  await store.transaction((tx) =>
    tx.query(`CREATE TABLE IF NOT EXISTS test_note (
      id ${type.text} PRIMARY KEY, text ${type.text} NOT NULL UNIQUE, counter ${type.bigint}, bytes ${type.blob},
      read ${type.boolean} NOT NULL)`),
  );
}

function note(id: string, rest: Partial<Note> = {}): Note {
  return { id, text: `text of ${id}`, counter: null, bytes: null, read: false, ...rest };
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It did not fail.');
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await failureOf(promise);
  if (error instanceof ServiceError) return error.code;
  throw error;
}

function everyText(error: unknown): string {
  const parts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    parts.push(at.message, at.stack ?? '', JSON.stringify({ ...at, cause: undefined }));
  }
  return parts.join('\n');
}

describeDialects('the store', (database, kind) => {
  let store: Store;

  beforeAll(async () => {
    store = await openStore({ database: database(), entities: [noteSchema], migrate: 'run' });
    await createNotes(store);
  });

  afterAll(() => store.close());

  beforeEach(() => store.transaction((tx) => tx.query('DELETE FROM test_note')));

  function ids(): Promise<string[]> {
    return store.read(async (tx) => (await tx.find(noteSchema, { order: { id: 'ASC' } })).map((row) => row.id));
  }

  test('gives values back as they were stored, alike on every database', async () => {
    const stored = note('a', { counter: '9007199254740991', bytes: Buffer.from([0, 255, 1]), read: true });
    await store.transaction((tx) => tx.insert(noteSchema, stored));
    const [row] = await store.read((tx) => tx.find(noteSchema, { where: { read: true } }));
    expect(row).toEqual(stored);
    expect(Buffer.isBuffer(row?.bytes)).toBe(true);
  });

  test('of 30 parallel transactions keeps exactly those that succeeded, with both of their rows', async () => {
    const results = await Promise.allSettled(
      Array.from({ length: 30 }, (_, index) =>
        store.transaction(async (tx) => {
          await tx.insert(noteSchema, note(`${index}-first`));
          await wait(index % 4);
          if (index % 3 === 0) throw new Error('the work changed its mind');
          await tx.save(noteSchema, note(`${index}-second`));
          return index;
        }),
      ),
    );
    const kept = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(kept).toEqual(Array.from({ length: 30 }, (_, index) => index).filter((index) => index % 3 !== 0));
    expect(await ids()).toEqual(kept.flatMap((index) => [`${index}-first`, `${index}-second`]).sort());
  });

  test('hands the error of the work on as it is', async () => {
    const error = new ServiceError('not_found', 'No such record.');
    expect(await failureOf(store.transaction(() => Promise.reject(error)))).toBe(error);
    expect(await failureOf(store.read(() => Promise.reject(error)))).toBe(error);
  });

  test('writes nothing that was still under way when its transaction failed', async () => {
    const failing = store.transaction((tx) =>
      Promise.all([
        Promise.reject(new Error('first')),
        tx.insert(noteSchema, note('left-behind')),
        tx.save(noteSchema, note('saved-behind')).catch(() => undefined),
      ]),
    );
    await expect(failing).rejects.toThrow('first');
    await store.transaction((tx) => tx.insert(noteSchema, note('next')));
    expect(await ids()).toEqual(['next']);
  });

  test('undoes what the database was still busy with when the work failed', async () => {
    const numbers = 'WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 400000) SELECT x FROM c';
    const failing = store.transaction((tx) => {
      const slow = tx.query(
        `INSERT INTO test_note (id, text, read) SELECT 'slow', 'slow', COUNT(x) FROM (${numbers}) AS n`,
      );
      const queued = Array.from({ length: 30 }, (_, index) =>
        tx.query(`INSERT INTO test_note (id, text, read) VALUES ('${index}', '${index}', 0)`),
      );
      return Promise.all([Promise.reject(new Error('first')), slow, ...queued]);
    });
    await expect(failing).rejects.toThrow('first');
    await store.transaction((tx) => tx.insert(noteSchema, note('next')));
    await wait(200);
    expect(await ids()).toEqual(['next']);
  });

  test('refuses a manager that outlived its transaction', async () => {
    const kept = await store.transaction((tx) => Promise.resolve({ tx }));
    await expect(kept.tx.insert(noteSchema, note('late'))).rejects.toThrow('has ended');
    expect(await ids()).toEqual([]);
  });

  test('undoes a transaction whose statement failed although the work caught the error', async () => {
    await store.transaction((tx) => tx.insert(noteSchema, note('taken')));
    const swallowing = store.transaction(async (tx) => {
      await tx.insert(noteSchema, note('before'));
      await tx.insert(noteSchema, note('taken')).catch(() => undefined);
    });
    expect(await codeOf(swallowing)).toBe('conflict');
    expect(await ids()).toEqual(['taken']);
  });

  test('never tells statements or values in its errors', async () => {
    const secret = 'Florence Nightingale 943 476 5919';
    await store.transaction((tx) => tx.insert(noteSchema, note('one', { text: secret })));
    const twice = await failureOf(store.transaction((tx) => tx.insert(noteSchema, note('two', { text: secret }))));
    const broken = await failureOf(store.read((tx) => tx.query(`SELECT '${secret}' FROM nowhere`)));
    expect(twice).toMatchObject({ code: 'conflict' });
    expect(broken).toMatchObject({ code: 'storage_unavailable' });
    for (const error of [twice, broken]) {
      expect(everyText(error)).not.toContain('Nightingale');
      expect(everyText(error)).not.toMatch(/SELECT|INSERT/);
    }
  });

  test.each(['transaction', 'read'] as const)(
    'refuses a %s inside a transaction or a read instead of waiting',
    async (inner) => {
      const start = () => store[inner](() => Promise.resolve());
      await expect(store.transaction(start)).rejects.toThrow('inside another one');
      await expect(store.read(start)).rejects.toThrow('inside another one');
      await expect(store.transaction((tx) => tx.transaction(() => Promise.resolve()))).rejects.toThrow('pass tx on');
    },
  );

  test('lets work that outlived a transaction start its own', async () => {
    let later: Promise<unknown> = Promise.resolve();
    await store.transaction(async () => {
      later = wait(20).then(() => store.transaction((tx) => tx.insert(noteSchema, note('later'))));
    });
    await later;
    expect(await ids()).toEqual(['later']);
  });

  test('reads never see what is not committed, and never write', async () => {
    let seen: Promise<string[]> = Promise.resolve([]);
    let outside: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      outside = resolve;
    });
    const writing = store.transaction(async (tx) => {
      await tx.insert(noteSchema, note('uncommitted'));
      outside();
      await wait(50);
      throw new Error('undone');
    });
    await asked;
    seen = ids();
    await expect(writing).rejects.toThrow('undone');
    expect(await seen).toEqual([]);
    expect(await codeOf(store.read((tx) => tx.insert(noteSchema, note('by-read'))))).toBe('storage_unavailable');
    expect(await ids()).toEqual([]);
    await store.transaction((tx) => tx.insert(noteSchema, note('still-writable')));
  });

  test('undoes work that takes too long and goes on serving', async () => {
    const impatient = await openStore({ ...opened(), deadlineMilliseconds: 100 });
    await createNotes(impatient);
    const slow = impatient.transaction(async (tx) => {
      await tx.insert(noteSchema, note('slow'));
      await wait(400);
      await tx.insert(noteSchema, note('slower')).catch(() => undefined);
    });
    expect(await codeOf(slow)).toBe('storage_unavailable');
    await impatient.transaction((tx) => tx.insert(noteSchema, note('quick')));
    await wait(400);
    expect(await impatient.read((tx) => tx.find(noteSchema, { select: { id: true } }))).toMatchObject([
      { id: 'quick' },
    ]);
    await impatient.close();
  });

  test('finishes what it accepted before it closes and then refuses', async () => {
    const closing = await openStore(opened());
    await createNotes(closing);
    const last = closing.transaction(async (tx) => {
      await wait(30);
      await tx.insert(noteSchema, note('last'));
    });
    await Promise.all([closing.close(), closing.close()]);
    await last;
    expect(await codeOf(closing.transaction(() => Promise.resolve()))).toBe('storage_unavailable');
    expect(await codeOf(closing.ping())).toBe('storage_unavailable');
    if (kind !== 'sqlite memory') expect(await ids()).toEqual(['last']);
  });

  test('tells whether a power cut may lose what was acknowledged', async () => {
    await store.ping();
    expect(await store.durability()).toEqual(durabilities[kind]);
  });

  test('starts several times at once on one empty database and migrates once', async () => {
    const history = await store.read((tx) => tx.query('SELECT name FROM schema_migration ORDER BY position'));
    expect(history.length).toBeGreaterThan(1);
    expect(history[0]).toEqual({ name: '0001-audit' });
    if (kind === 'sqlite memory') return;
    const stores = await Promise.all([1, 2, 3].map(() => openStore(opened())));
    for (const other of stores) {
      expect(await other.read((tx) => tx.query('SELECT name FROM schema_migration ORDER BY position'))).toEqual(
        history,
      );
      await other.close();
    }
  });

  function opened() {
    return { database: database(), entities: [noteSchema], migrate: 'run' as const };
  }
});

const durabilities = {
  'sqlite memory': { ok: false, detail: expect.stringContaining('in memory') },
  'sqlite file': { ok: true, detail: expect.stringContaining('journal_mode=wal, synchronous=2') },
  postgres: { ok: true, detail: expect.stringContaining('synchronous_commit=on, fsync=on') },
};

describeDialects(
  'migrations',
  (database) => {
    let store: Store;
    const first: Migration = { name: '0001-first', up: () => ['CREATE TABLE first_thing (id TEXT PRIMARY KEY)'] };
    const second: Migration = {
      name: '0002-second',
      up: () => ['CREATE TABLE second_thing (id TEXT PRIMARY KEY)', "INSERT INTO second_thing (id) VALUES ('one')"],
    };
    const broken: Migration = {
      name: '0003-broken',
      up: () => ["INSERT INTO second_thing (id) VALUES ('half')", 'CREATE NONSENSE'],
    };

    beforeEach(async () => {
      const config = database();
      const shape = { entities: [], deadlineMilliseconds: 30_000 };
      store = config.type === 'sqlite' ? await openSqlite(config.file, shape) : await openPostgres(config, shape);
      await store.transaction(async (tx) => {
        for (const table of ['schema_migration', 'first_thing', 'second_thing']) {
          await tx.query(`DROP TABLE IF EXISTS ${table}`);
        }
      });
    });

    afterEach(() => store.close());

    test('run in order, each at most once, whoever starts at the same time', async () => {
      expect(await listPendingMigrations(store, [first, second])).toEqual(['0001-first', '0002-second']);
      await Promise.all([1, 2, 3, 4].map(() => applyMigrations(store, [first, second])));
      expect(await store.read((tx) => tx.query('SELECT id FROM second_thing'))).toEqual([{ id: 'one' }]);
      expect(await listPendingMigrations(store, [first, second])).toEqual([]);
    });

    test('that fail leave nothing behind', async () => {
      expect(await codeOf(applyMigrations(store, [first, second, broken]))).toBe('storage_unavailable');
      expect(await store.read((tx) => tx.query('SELECT id FROM second_thing'))).toEqual([{ id: 'one' }]);
      expect(await listPendingMigrations(store, [first, second, broken])).toEqual(['0003-broken']);
    });

    test('that were changed, are unknown or come in between are refused', async () => {
      await applyMigrations(store, [first, second]);
      const changed = { ...second, up: () => ['CREATE TABLE other_thing (id TEXT PRIMARY KEY)'] };
      const between = { ...first, name: '0000-between' };
      for (const list of [[first, changed], [first], [between, first, second]]) {
        expect(await codeOf(applyMigrations(store, list))).toBe('configuration');
        expect(await codeOf(listPendingMigrations(store, list))).toBe('configuration');
      }
    });

    test('are listed and refused where they are not wanted', async () => {
      await store.close();
      const pending = await pendingMigrations({ database: database() });
      expect(pending[0]).toBe('0001-audit');
      const refused = await failureOf(openStore({ database: database(), entities: [], migrate: 'refuse' }));
      expect(refused).toMatchObject({ code: 'configuration', message: expect.stringContaining(pending.join(', ')) });
      expect(await pendingMigrations({ database: database() })).toEqual(pending);
      store = await openStore({ database: database(), entities: [], migrate: 'run' });
      await store.close();
      store = await openStore({ database: database(), entities: [], migrate: 'refuse' });
      expect(await pendingMigrations({ database: database() })).toEqual([]);
    });
  },
  ['sqlite file', 'postgres'],
);

describe('a SQLite file', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'staff-passport-store-'));
    file = path.join(folder, 'state', 'service.sqlite');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  function open(migrate: 'run' | 'refuse' = 'run'): Promise<Store> {
    return openStore({ database: { type: 'sqlite', file }, entities: [noteSchema], migrate });
  }

  test('and the files beside it can be read by their owner only', async () => {
    await rm(folder, { recursive: true });
    const store = await open();
    await createNotes(store);
    const names = await readdir(path.dirname(file));
    expect(names.sort()).toEqual(['service.sqlite', 'service.sqlite-shm', 'service.sqlite-wal']);
    for (const name of names) {
      expect(((await stat(path.join(path.dirname(file), name))).mode & 0o777).toString(8)).toBe('600');
    }
    await store.close();
  });

  test('is not created where migrations are refused', async () => {
    expect(await codeOf(open('refuse'))).toBe('configuration');
    await expect(stat(file)).rejects.toThrow('ENOENT');
    expect((await pendingMigrations({ database: { type: 'sqlite', file } }))[0]).toBe('0001-audit');
    await expect(stat(file)).rejects.toThrow('ENOENT');
  });

  test('that cannot be a database is a clear error', async () => {
    const text = path.join(folder, 'text');
    await writeFile(text, 'this is no database, only some text that is long enough to be looked at. '.repeat(20));
    const failure = openStore({ database: { type: 'sqlite', file: text }, entities: [], migrate: 'run' });
    expect(await codeOf(failure)).toBe('storage_unavailable');
    const inside = openStore({
      database: { type: 'sqlite', file: path.join(text, 'x') },
      entities: [],
      migrate: 'run',
    });
    expect(await codeOf(inside)).toBe('configuration');
  });

  test('is shared by two stores that read before they write, and none fails', async () => {
    const stores = [await open(), await open()];
    await createNotes(stores[0] as Store);
    await (stores[0] as Store).transaction((tx) => tx.insert(noteSchema, note('count', { counter: '0' })));
    const increments = Array.from({ length: 40 }, (_, index) =>
      (stores[index % 2] as Store).transaction(async (tx) => {
        const row = await tx.findOneByOrFail(noteSchema, { id: 'count' });
        await tx.update(noteSchema, { id: 'count' }, { counter: String(Number(row.counter) + 1) });
      }),
    );
    await Promise.all(increments);
    const row = await (stores[1] as Store).read((tx) => tx.findOneByOrFail(noteSchema, { id: 'count' }));
    expect(row.counter).toBe('40');
    for (const store of stores) await store.close();
  });

  test('waits for the write lock of another process, and gives up in the end', async () => {
    const store = await open();
    await createNotes(store);
    const brief = await holdWriteLock(file, 1_500);
    await store.transaction((tx) => tx.insert(noteSchema, note('patient')));
    await brief.ended;
    const long = await holdWriteLock(file, 20_000);
    const started = performance.now();
    expect(await codeOf(store.transaction((tx) => tx.insert(noteSchema, note('too-long'))))).toBe(
      'storage_unavailable',
    );
    expect(performance.now() - started).toBeLessThan(15_000);
    long.release();
    await long.ended;
    await store.transaction((tx) => tx.insert(noteSchema, note('afterwards')));
    expect(await store.read((tx) => tx.count(noteSchema))).toBe(2);
    await store.close();
  });

  test('is copied whole while it is in use, into a new private file', async () => {
    const store = await open();
    await createNotes(store);
    await store.transaction((tx) => tx.insert(noteSchema, note('kept')));
    const copy = path.join(folder, 'copy.sqlite');
    await backup({ type: 'sqlite', file }, copy);
    await store.transaction((tx) => tx.insert(noteSchema, note('after the copy')));
    expect(await codeOf(backup({ type: 'sqlite', file }, copy))).toBe('configuration');
    await store.close();
    expect(((await stat(copy)).mode & 0o777).toString(8)).toBe('600');
    const restored = await openStore({
      database: { type: 'sqlite', file: copy },
      entities: [noteSchema],
      migrate: 'refuse',
    });
    expect(await restored.read((tx) => tx.find(noteSchema))).toMatchObject([{ id: 'kept' }]);
    await restored.close();
  });

  test('whose pages are damaged gives no backup', async () => {
    const store = await open();
    await createNotes(store);
    await store.close();
    const copy = path.join(folder, 'copy.sqlite');
    await writeFile(file, 'damage', { flag: 'r+' });
    expect(await codeOf(backup({ type: 'sqlite', file }, copy))).toBe('storage_unavailable');
    await expect(stat(copy)).rejects.toThrow('ENOENT');
  });
});

describeDialects(
  'PostgreSQL itself',
  (database) => {
    let store: Store;
    let url: string;

    beforeAll(async () => {
      const config = database();
      url = process.env[(config as { urlEnvironment: string }).urlEnvironment] as string;
      store = await openStore({ database: config, entities: [noteSchema], migrate: 'run' });
      await createNotes(store);
    });

    afterAll(() => store.close());

    test('ends a deadlock and both transactions succeed, one of them at its second attempt', async () => {
      await store.transaction((tx) => tx.insert(noteSchema, [note('left'), note('right')]));
      let runs = 0;
      const cross = (from: string, to: string) =>
        store.transaction(async (tx) => {
          runs += 1;
          await tx.update(noteSchema, { id: from }, { counter: '1' });
          await wait(100);
          await tx.update(noteSchema, { id: to }, { counter: '2' });
        });
      await Promise.all([cross('left', 'right'), cross('right', 'left')]);
      expect(runs).toBe(3);
    });

    test('excludes transactions that lock the same name, and only those', async () => {
      const order: string[] = [];
      const hold = (name: string, label: string) =>
        store.transaction(async (tx) => {
          await store.lock(tx, name);
          order.push(`${label} in`);
          await wait(60);
          order.push(`${label} out`);
        });
      await Promise.all([hold('same', 'a'), hold('same', 'b')]);
      expect(order.map((entry) => entry.split(' ')[1])).toEqual(['in', 'out', 'in', 'out']);
      order.length = 0;
      await Promise.all([hold('one', 'a'), hold('other', 'b')]);
      expect(order.map((entry) => entry.split(' ')[1])).toEqual(['in', 'in', 'out', 'out']);
    });

    test('may lose a connection in the middle of a transaction, which fails while the next one succeeds', async () => {
      const interrupted = store.transaction(async (tx) => {
        await tx.insert(noteSchema, note('interrupted'));
        const [row] = await tx.query<[{ pid: number }]>('SELECT pg_backend_pid() AS pid');
        await administer(url, `SELECT pg_terminate_backend(${row.pid})`);
        await wait(50);
        await tx.insert(noteSchema, note('never'));
      });
      expect(await codeOf(interrupted)).toBe('storage_unavailable');
      await store.transaction((tx) => tx.insert(noteSchema, note('recovered')));
      expect(await store.read((tx) => tx.countBy(noteSchema, { id: 'recovered' }))).toBe(1);
      expect(await store.read((tx) => tx.countBy(noteSchema, { id: 'interrupted' }))).toBe(0);
    });

    test('bounds the wait for a lock, and does not try again', async () => {
      let runs = 0;
      let held: () => void = () => undefined;
      const holding = new Promise<void>((resolve) => {
        held = resolve;
      });
      const holder = store.transaction(async (tx) => {
        await store.lock(tx, 'held');
        held();
        await wait(400);
      });
      await holding;
      const blocked = store.transaction(async (tx) => {
        runs += 1;
        await tx.query(`SET LOCAL lock_timeout = '100ms'`);
        await store.lock(tx, 'held');
      });
      expect(await codeOf(blocked)).toBe('storage_unavailable');
      await holder;
      expect(runs).toBe(1);
      const setting = await store.read((tx) => tx.query('SELECT current_setting($1) AS value', ['lock_timeout']));
      expect(setting).toEqual([{ value: '5s' }]);
    });

    test('that forgets is reported', async () => {
      const name = new URL(url).pathname.slice(1);
      await administer(url, `ALTER DATABASE ${name} SET synchronous_commit = off`);
      const forgetful = await openStore({ database: database(), entities: [], migrate: 'refuse' });
      expect(await forgetful.durability()).toMatchObject({ ok: false });
      await forgetful.close();
      await administer(url, `ALTER DATABASE ${name} RESET synchronous_commit`);
    });

    test('that is not there, or has no URL, is a clear error without the password', async () => {
      process.env.PG_NOWHERE = 'postgres://nobody:hunter2@127.0.0.1:9/nothing';
      const open = (database: { urlEnvironment?: string; urlFile?: string }) =>
        openStore({ database: { type: 'postgres', poolSize: 1, ...database }, entities: [], migrate: 'refuse' });
      const absent = await failureOf(open({ urlEnvironment: 'PG_NOWHERE' }));
      expect(absent).toMatchObject({ code: 'storage_unavailable' });
      expect(everyText(absent)).not.toContain('hunter2');
      expect(await codeOf(open({ urlEnvironment: 'PG_UNSET' }))).toBe('configuration');
      expect(await codeOf(open({ urlFile: '/nonexistent/url' }))).toBe('configuration');
    });

    test('is backed up by its own tools', async () => {
      const config = database();
      if (config.type !== 'postgres') throw new Error('expected PostgreSQL');
      expect(await codeOf(backup(config, '/nonexistent'))).toBe('configuration');
    });
  },
  ['postgres'],
);

/** Holds SQLite's write lock in another process. */
async function holdWriteLock(file: string, milliseconds: number): Promise<{ ended: Promise<void>; release(): void }> {
  const script = `const s = require('sqlite3'); const d = new s.Database(process.argv[1]);
    d.exec('BEGIN IMMEDIATE', (e) => { if (e) throw e; console.log('held'); setTimeout(() => d.exec('COMMIT', () => process.exit(0)), Number(process.argv[2])); });`;
  const child = spawn(process.execPath, ['-e', script, file, String(milliseconds)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return { ended, release: () => void child.kill() };
}
