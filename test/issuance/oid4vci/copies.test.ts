import { readCredential, secureCredential, verifyProof } from '../../../src/credential/credential.js';
import { ServiceError } from '../../../src/errors.js';
import { findIssuance } from '../../../src/issuance/store.js';
import type { JsonObject } from '../../../src/json.js';
import { now as start } from '../../credential/agent.js';
import { catalogue } from '../../credential/examples.js';
import { describeDialects } from '../../store/dialects.js';
import { organisation } from '../../verification/programme.js';
import { readBit } from '../bits.js';
import { type Answer, type Ground, openGround, type Session } from './ground.js';
import { claimsOf, makeKey, type WalletKey } from './wallet.js';

const type = 'DbsCheckCredential';
const formats = ['jwt_vc', 'sd_jwt', 'vc2_jwt', 'ldp'];
/** One entry in a Token Status List instead of two in Bitstring Status Lists. */
const oneEntry = ['jwt_vc', 'sd_jwt'];

describeDialects('copies of a document', (database) => {
  let ground: Ground;
  /** Set by a test that needs signing to fail. */
  let secure = secureCredential;

  beforeAll(async () => {
    ground = await openGround({ database: database(), issuing: { secure: (...args) => secure(...args) } });
  }, 60_000);
  afterAll(() => ground.close());
  beforeEach(() => {
    secure = secureCredential;
    ground.programme.clock.now = start;
    ground.programme.registry.organisations = [organisation()];
    ground.programme.faults.length = 0;
  });

  const proven = async (credential: string | JsonObject): Promise<JsonObject> => {
    const { clock, agent } = ground.programme;
    const found = await verifyProof(agent.agent, readCredential(credential), { now: clock.now });
    return found.credential;
  };
  const request = async (keys: readonly WalletKey[], format = 'vc2_jwt') => ({
    credential_configuration_id: `${type}_${format}`,
    proofs: { jwt: await Promise.all(keys.map((key) => ground.proof(key))) },
  });
  const receive = async (session: Session, format = 'vc2_jwt', count = 1): Promise<JsonObject[]> => {
    const keys = await Promise.all(Array.from({ length: count }, () => makeKey()));
    const answer = await ground.ask(session, await request(keys, format));
    expect(answer.status).toBe(200);
    return Promise.all(answer.body.credentials.map((one: { credential: string }) => proven(one.credential)));
  };
  const record = ({ id }: JsonObject) => ground.programme.store.read((tx) => findIssuance(tx, String(id)));
  const isRevoked = ({ credentialStatus }: JsonObject) =>
    readBit(ground.programme.lists, credentialStatus as never, 'revocation');

  describe('in a batch', () => {
    test.each(formats)('of %s share nothing by which they could be told to be copies', async (format) => {
      const session = ground.session([ground.offer(type)], [format]);
      const keys = await Promise.all(Array.from({ length: 10 }, () => makeKey()));
      const answer = await ground.ask(session, await request(keys, format));
      expect(answer.status).toBe(200);
      const copies = [];
      for (const { credential } of answer.body.credentials) copies.push(await proven(credential));
      const holders = copies.map(({ credentialSubject }) => (credentialSubject as JsonObject)['id']);
      expect(holders).toEqual(keys.map(({ did }) => did));
      expect(new Set(copies.map(({ id }) => id)).size).toBe(10);
      const entries = copies.map(({ credentialStatus }) => [credentialStatus].flat() as JsonObject[]);
      const indexes = entries.map((all) => Number(all[0]?.['statusListIndex']));
      const named = entries.flat().map((entry) => `${entry['statusListCredential']} ${entry['statusListIndex']}`);
      expect(new Set(named).size).toBe(named.length);
      expect(named.length).toBe(oneEntry.includes(format) ? 10 : 20);
      const steps = indexes.slice(1).map((index, at) => Math.abs(index - (indexes[at] ?? 0)));
      expect(steps.filter((step) => step < 100).length).toBeLessThan(5);
    });

    test('of sd_jwt have salts and digests of their own', async () => {
      const session = ground.session([ground.offer(type)], ['sd_jwt']);
      const keys = await Promise.all(Array.from({ length: 5 }, () => makeKey()));
      const answer = await ground.ask(session, await request(keys, 'sd_jwt'));
      const parts = answer.body.credentials.map(({ credential }: { credential: string }) => credential.split('~'));
      const salts = parts.flatMap(([, ...disclosures]: string[]) =>
        disclosures.slice(0, -1).map((one) => JSON.parse(Buffer.from(one, 'base64url').toString())[0]),
      );
      const digests = parts.flatMap(([token]: string[]) => claimsOf(token ?? '')['_sd'] as string[]);
      expect(salts.length).toBeGreaterThan(5);
      expect([new Set(salts).size, new Set(digests).size]).toEqual([salts.length, digests.length]);
    });

    test.each(formats)('of %s say no time finer than the day', async (format) => {
      ground.programme.clock.now = new Date('2026-11-21T14:03:27.345Z');
      const session = ground.session([ground.offer(type)], [format]);
      const answer = await ground.ask(session, await request([await makeKey()], format));
      const { credential } = answer.body.credentials[0];
      const text =
        typeof credential === 'string'
          ? Buffer.from(credential.split('.')[1] ?? '', 'base64url').toString('utf8')
          : JSON.stringify(credential);
      const day = Date.parse('2026-11-21T00:00:00Z') / 1000;
      // Random ids and indexes may hold ":27" too.
      expect(text).not.toMatch(/T14:03|:27[.Z"]/);
      for (const [, name, value] of text.matchAll(/"(iat|nbf)":(\d+)/g))
        expect([name, Number(value) % 86_400]).toEqual([name, 0]);
      if (format === 'ldp') expect(text).toContain('"created":"2026-11-21T00:00:00Z"');
      else expect(text).toContain(`"iat":${day}`);
    });

    test('begin with the day that HR gave, and never before the registry recognised us', async () => {
      ground.programme.clock.now = new Date('2026-11-21T14:03:27Z');
      const given = async (validFrom: string | undefined) => {
        const { validFrom: _, ...example } = structuredClone(catalogue.find(type)?.example ?? {});
        const content = validFrom === undefined ? example : { ...example, validFrom };
        const session = ground.session([ground.offer(type, {}, content)], ['vc2_jwt']);
        const [copy] = await receive(session, 'vc2_jwt');
        return copy?.['validFrom'];
      };
      expect(await given('2026-06-01T09:15:30Z')).toBe('2026-06-01T00:00:00Z');
      expect(await given(undefined)).toBe('2026-11-21T00:00:00Z');
      const suspensions = [{ from: '2026-11-20T00:00:00Z', until: '2026-11-21T10:00:00.5Z' }];
      ground.programme.registry.organisations = [organisation({ suspensions })];
      expect(await given(undefined)).toBe('2026-11-21T10:00:01Z');
      expect(await given('2026-11-21T12:00:00Z')).toBe('2026-11-21T10:00:01Z');
    });
  });

  describe('for a new wallet', () => {
    test('end those of the old one, in every configuration, and the old one gets no more', async () => {
      const document = ground.offer(type);
      const old = ground.session([document], ['vc2_jwt', 'ldp']);
      const first = [...(await receive(old, 'vc2_jwt', 2)), ...(await receive(old, 'ldp'))];
      expect(first.map(isRevoked)).toEqual([false, false, false]);
      const next = ground.session([document], ['vc2_jwt']);
      const [copy] = await receive(next);
      expect(first.map(isRevoked)).toEqual([true, true, true]);
      expect(await Promise.all(first.map(async (one) => (await record(one))?.reason))).toEqual(
        Array(3).fill('Reissued'),
      );
      expect(isRevoked(copy ?? {})).toBe(false);
      old.access.generation = 5;
      const refused = await ground.ask(old, await request([await makeKey()]));
      expect([refused.status, refused.body.error]).toEqual([400, 'credential_request_denied']);
      const [another] = await receive(next);
      expect([copy, another].map((one) => isRevoked(one ?? {}))).toEqual([false, false]);
    });

    test('are fifty at most for one access token in one configuration', async () => {
      const session = ground.session([ground.offer(type)], ['vc2_jwt']);
      for (let batch = 0; batch < 5; batch += 1) expect(await receive(session, 'vc2_jwt', 10)).toHaveLength(10);
      const copies = async () => (await ground.rows())['wallet_copy'];
      const before = await copies();
      const more = await ground.ask(session, await request([await makeKey()]));
      expect([more.status, more.body.error]).toEqual([400, 'credential_request_denied']);
      expect(await copies()).toBe(before);
    });

    test('stay when somebody comes who used a code of before the passport was sent again', async () => {
      const [document, waiting] = [ground.offer(type), ground.offer(type, { state: 'pending' })];
      const thief = ground.session([document], ['vc2_jwt']);
      const waitingThief = ground.session([waiting], ['vc2_jwt']);
      const deferred = await ground.ask(waitingThief, await request([await makeKey()]));
      ground.generation += 1;
      const early = await ground.ask(thief, await request([await makeKey()]));
      expect([early.status, early.body.error, document.state]).toEqual([400, 'credential_request_denied', 'offered']);
      const [copy] = await receive(ground.session([document], ['vc2_jwt']));
      const late = await ground.ask(thief, await request([await makeKey()]));
      expect([late.status, late.body.error]).toEqual([400, 'credential_request_denied']);
      expect(isRevoked(copy ?? {})).toBe(false);
      waiting.state = 'offered';
      const body = { transaction_id: deferred.body.transaction_id };
      const headers = { authorization: `Bearer ${waitingThief.token}` };
      const released = await ground.post('/deferred_credential', body, headers);
      expect([released.status, released.body.error]).toEqual([400, 'credential_request_denied']);
    });

    test('end with a renewal by the wallet that has them, though the passport was sent again', async () => {
      const session = ground.session([ground.offer(type)], ['vc2_jwt']);
      const [old] = await receive(session);
      ground.generation += 1;
      session.access.generation += 1;
      const [renewed] = await receive(session);
      expect([old, renewed].map((one) => isRevoked(one ?? {}))).toEqual([true, false]);
    });

    test('end those of the wallet before it, and so on', async () => {
      const document = ground.offer(type);
      const copies = [];
      for (let wallet = 0; wallet < 3; wallet += 1) {
        copies.push(...(await receive(ground.session([document], ['vc2_jwt']))));
      }
      expect(copies.map(isRevoked)).toEqual([true, true, false]);
    });

    test('end those of the old one as sd_jwt too', async () => {
      const document = ground.offer(type);
      const [old] = await receive(ground.session([document], ['sd_jwt']), 'sd_jwt');
      const [next] = await receive(ground.session([document], ['sd_jwt']), 'sd_jwt');
      expect([(await record(old ?? {}))?.state, (await record(next ?? {}))?.state]).toEqual(['revoked', 'issued']);
    });

    test('leave the copies of another document alone', async () => {
      const [one, two] = [ground.offer(type), ground.offer(type)];
      const [copy] = await receive(ground.session([one], ['vc2_jwt']));
      await receive(ground.session([two], ['vc2_jwt']));
      expect(isRevoked(copy ?? {})).toBe(false);
    });

    test('end a suspended copy too, and one that was revoked already stays so', async () => {
      const document = ground.offer(type);
      const session = ground.session([document], ['vc2_jwt']);
      const [suspended, revoked] = await receive(session, 'vc2_jwt', 2);
      const change = (id: unknown, action: 'suspend' | 'revoke') =>
        ground.issuance.changeStatus({ credentialId: String(id), action, reason: 'LostPhone' }, { clientId: 'hr' });
      await change(suspended?.['id'], 'suspend');
      await change(revoked?.['id'], 'revoke');
      await receive(ground.session([document], ['vc2_jwt']));
      expect((await record(suspended ?? {}))?.state).toBe('revoked');
      expect(await record(revoked ?? {})).toMatchObject({ state: 'revoked', reason: 'LostPhone' });
    });
  });

  test.each([
    ['revoked', 'revoke'],
    ['suspended', 'suspend'],
  ] as const)('that HR has %s are not replaced because the wallet asks again or refreshes', async (_title, action) => {
    const document = ground.offer(type);
    const session = ground.session([document], ['vc2_jwt', 'ldp']);
    const [stopped] = await receive(session);
    const change = { credentialId: String(stopped?.['id']), action, reason: 'LostPhone' };
    await ground.issuance.changeStatus(change, { clientId: 'hr' });
    for (const [generation, format] of [
      [0, 'vc2_jwt'],
      [0, 'ldp'],
      [1, 'vc2_jwt'],
    ] as const) {
      session.access.generation = generation;
      const refused = await ground.ask(session, await request([await makeKey()], format));
      expect([refused.status, refused.body.error]).toEqual([400, 'credential_request_denied']);
    }
    // HR sends it again to a new wallet.
    const [fresh] = await receive(ground.session([document], ['vc2_jwt']));
    expect(isRevoked(fresh ?? {})).toBe(false);
    if (action === 'revoke') return;
    const other = ground.session([ground.offer(type)], ['vc2_jwt']);
    const [held] = await receive(other);
    const reinstated = { credentialId: String(held?.['id']), reason: 'LostPhone' } as const;
    await ground.issuance.changeStatus({ ...reinstated, action: 'suspend' }, { clientId: 'hr' });
    await ground.issuance.changeStatus(
      { ...reinstated, action: 'reinstate', reason: 'PhoneRecovered' },
      { clientId: 'hr' },
    );
    await receive(other);
  });

  describe('after a refresh', () => {
    test('end the older ones of the same configuration, not those of another', async () => {
      const session = ground.session([ground.offer(type)], ['vc2_jwt', 'ldp']);
      const [jwt] = await receive(session);
      const [ldp] = await receive(session, 'ldp');
      session.access.generation = 1;
      const [again] = await receive(session);
      expect([jwt, ldp, again].map((one) => isRevoked(one ?? {}))).toEqual([true, false, false]);
      session.access.generation = 0;
      const stale = await ground.ask(session, await request([await makeKey()]));
      expect(stale.body.error).toBe('credential_request_denied');
    });
  });

  test('are not without number', async () => {
    const session = ground.session([ground.offer(type)], ['vc2_jwt']);
    for (let turn = 0; turn < 5; turn += 1) await receive(session, 'vc2_jwt', 10);
    const refused = await ground.ask(session, await request([await makeKey()]));
    expect(refused.body.error).toBe('credential_request_denied');
    session.access.generation = 1;
    await receive(session);
  });

  test('of one document for two wallets at the same moment leave one wallet with live copies', async () => {
    const document = ground.offer(type);
    const sessions = Array.from({ length: 4 }, () => ground.session([document], ['vc2_jwt']));
    const bodies = await Promise.all(sessions.map(async () => request([await makeKey()])));
    const answers = await Promise.all(sessions.map((session, index) => ground.ask(session, bodies[index] ?? {})));
    const copies = [];
    for (const { status, body } of answers) {
      expect([200, 400]).toContain(status);
      if (status === 200) copies.push(await proven(body.credentials[0].credential));
    }
    expect(copies.filter((copy) => !isRevoked(copy))).toHaveLength(1);
  });

  test('come of one proof only once, however often it is sent at the same moment', async () => {
    const session = ground.session([ground.offer(type)], ['vc2_jwt']);
    const body = await request([await makeKey()]);
    const answers = await Promise.all(Array.from({ length: 5 }, () => ground.ask(session, body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
  });

  describe('when something breaks', () => {
    const states = async (session: Session): Promise<string[]> => {
      const rows = await ground.programme.store.read((tx) =>
        tx.query(`SELECT state FROM issuance WHERE client_id = 'wallet:${session.access.sessionId}'`),
      );
      return rows.map(({ state }: { state: string }) => state);
    };

    test('while signing, are burnt all of them, and the wallet may ask again', async () => {
      const session = ground.session([ground.offer(type)], ['vc2_jwt']);
      let signed = 0;
      secure = async (...args) => {
        signed += 1;
        if (signed === 2) throw new ServiceError('key_unavailable', 'The key is away.');
        return secureCredential(...args);
      };
      const answer = await ground.ask(session, await request([await makeKey(), await makeKey(), await makeKey()]));
      expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
      expect(await states(session)).toEqual(['burnt', 'burnt', 'burnt']);
      secure = secureCredential;
      await receive(session);
    });

    test('by a crash between reserving and finalising, are burnt by recovery, and nothing older is ended', async () => {
      const document = ground.offer(type);
      const [kept] = await receive(ground.session([document], ['vc2_jwt']));
      const session = ground.session([document], ['vc2_jwt']);
      // A process that dies never answers: the request is left where it stands.
      let reached = (): void => undefined;
      const stopped = new Promise<void>((done) => {
        reached = done;
      });
      let release = (_error: Error): void => undefined;
      secure = () => {
        reached();
        return new Promise((_done, fail) => {
          release = fail;
        });
      };
      const asked = ground.ask(session, await request([await makeKey(), await makeKey()]));
      await stopped;
      expect(await states(session)).toEqual(['reserved', 'reserved']);
      secure = secureCredential;
      ground.programme.clock.now = new Date(start.getTime() + 31_000);
      const other = ground.programme.issuance();
      expect(await other.recover()).toMatchObject({ burnt: 2 });
      expect(await states(session)).toEqual(['burnt', 'burnt']);
      release(new Error('late'));
      expect((await asked).status).toBe(503);
      expect(isRevoked(kept ?? {})).toBe(false);
      expect(document.state).toBe('issued');
      await receive(session);
      expect(isRevoked(kept ?? {})).toBe(true);
    });

    test('by a withdrawal while they are signed, are burnt and not delivered', async () => {
      const document = ground.offer(type);
      const session = ground.session([document], ['vc2_jwt']);
      secure = async (...args) => {
        document.state = 'withdrawn';
        return secureCredential(...args);
      };
      const answer = await ground.ask(session, await request([await makeKey()]));
      expect(answer.body.error).toBe('credential_request_denied');
      expect([await states(session), document.state]).toEqual([['burnt'], 'withdrawn']);
    });

    test('and the process is too slow, are not delivered', async () => {
      const session = ground.session([ground.offer(type)], ['vc2_jwt']);
      secure = async (...args) => {
        ground.programme.clock.now = new Date(start.getTime() + 31_000);
        await ground.programme.issuance().recover();
        return secureCredential(...args);
      };
      const answer = await ground.ask(session, await request([await makeKey()]));
      expect([answer.status, answer.body.error]).toEqual([503, 'temporarily_unavailable']);
      expect(await states(session)).toEqual(['burnt']);
    });
  });

  describe('of a document that HR has not released', () => {
    let answer: Answer;
    let session: Session;
    let keys: WalletKey[];
    const poll = (transaction_id: string, by = session) =>
      ground.post('/deferred_credential', { transaction_id }, { authorization: `Bearer ${by.token}` });
    const documentOf = (one: Session) => {
      const document = ground.documents.get(one.access.grant.documentIds[0] ?? '');
      if (!document) throw new Error('no document');
      return document;
    };

    beforeEach(async () => {
      session = ground.session([ground.offer(type, { state: 'pending' })], ['vc2_jwt']);
      keys = [await makeKey(), await makeKey()];
      answer = await ground.ask(session, await request(keys));
    });

    test('wait under a transaction_id, and come once it is released', async () => {
      expect(answer.status).toBe(202);
      expect(answer.body).toEqual({
        transaction_id: expect.stringMatching(/^[\w-]{43}$/),
        interval: expect.any(Number),
        c_nonce: expect.any(String),
        c_nonce_expires_in: 300,
      });
      const { transaction_id: id, interval } = answer.body;
      const early = await poll(id);
      expect([early.status, early.body, early.headers['cache-control']]).toEqual([
        202,
        { transaction_id: id, interval },
        'no-store',
      ]);
      documentOf(session).state = 'offered';
      const released = await poll(id);
      expect([released.status, Object.keys(released.body)]).toEqual([200, ['credentials']]);
      const copies = [];
      for (const { credential } of released.body.credentials) copies.push(await proven(credential));
      expect(copies.map(({ credentialSubject }) => (credentialSubject as JsonObject)['id'])).toEqual(
        keys.map(({ did }) => did),
      );
      expect(documentOf(session).state).toBe('issued');
      const again = await poll(id);
      expect([again.status, again.body.error]).toEqual([400, 'invalid_transaction_id']);
    });

    test('are released once, however often that is asked at the same moment', async () => {
      documentOf(session).state = 'offered';
      const answers = await Promise.all(Array.from({ length: 4 }, () => poll(answer.body.transaction_id)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      const errors = answers.filter(({ status }) => status !== 200).map(({ body }) => body.error);
      for (const error of errors) expect(['invalid_transaction_id', 'credential_request_denied']).toContain(error);
    });

    test('are still there after a refresh, but for nobody else, and under no other id', async () => {
      documentOf(session).state = 'offered';
      const stranger = ground.session([documentOf(session)], ['vc2_jwt']);
      expect((await poll(answer.body.transaction_id, stranger)).body.error).toBe('invalid_transaction_id');
      expect((await poll('8xLOxBtZp8')).body.error).toBe('invalid_transaction_id');
      session.access.generation = 1;
      expect((await poll(answer.body.transaction_id)).status).toBe(200);
    });

    test('are denied when it is withdrawn', async () => {
      documentOf(session).state = 'withdrawn';
      expect((await poll(answer.body.transaction_id)).body.error).toBe('credential_request_denied');
    });

    test('wait under one transaction for one wallet', async () => {
      const second = await ground.ask(session, await request([await makeKey()]));
      expect((await poll(answer.body.transaction_id)).body.error).toBe('invalid_transaction_id');
      expect((await poll(second.body.transaction_id)).status).toBe(202);
    });

    test('cost their proofs', async () => {
      const body = await request([await makeKey()]);
      expect((await ground.ask(session, body)).status).toBe(202);
      expect((await ground.ask(session, body)).body.error).toBe('invalid_nonce');
    });

    test.each([
      ['without transaction_id', {}],
      ['whose transaction_id is a number', { transaction_id: 5 }],
      ['that is not JSON', '{'],
    ])('are refused to a request %s', async (_title, body) => {
      const refused = await ground.post('/deferred_credential', body, { authorization: `Bearer ${session.token}` });
      expect([refused.status, refused.body.error]).toEqual([400, 'invalid_credential_request']);
    });

    test('are refused to whoever has no token, or wants them encrypted', async () => {
      const { transaction_id } = answer.body;
      expect((await ground.post('/deferred_credential', { transaction_id })).status).toBe(401);
      const encrypted = { transaction_id, credential_response_encryption: { enc: 'A128GCM' } };
      const refused = await ground.post('/deferred_credential', encrypted, {
        authorization: `Bearer ${session.token}`,
      });
      expect(refused.body.error).toBe('invalid_encryption_parameters');
    });
  });

  describe('that were delivered', () => {
    let session: Session;
    let id: string;
    const notify = (body: object | string, by = session) =>
      ground.post('/notification', body, { authorization: `Bearer ${by.token}` });

    beforeEach(async () => {
      session = ground.session([ground.offer(type)], ['vc2_jwt']);
      id = (await ground.ask(session, await request([await makeKey()]))).body.notification_id;
    });

    test('are told of, once for each event, and repeating is fine', async () => {
      const counts = [];
      for (const event of ['credential_accepted', 'credential_accepted', 'credential_deleted', 'credential_accepted']) {
        const answer = await notify({ notification_id: id, event, event_description: 'Stored.', more: 1 });
        expect([answer.status, answer.body]).toEqual([204, undefined]);
        counts.push((await ground.rows())['audit_record'] ?? 0);
      }
      const [first = 0] = counts;
      expect(counts).toEqual([first, first, first + 1, first + 1]);
    });

    test.each([
      ['an unknown id', { notification_id: 'x', event: 'credential_accepted' }, 'invalid_notification_id'],
      ['an unknown event', { event: 'credential_lost' }, 'invalid_notification_request'],
      ['no event', {}, 'invalid_notification_request'],
      ['no id', { notification_id: undefined, event: 'credential_accepted' }, 'invalid_notification_request'],
      ['an id that is a number', { notification_id: 5, event: 'credential_accepted' }, 'invalid_notification_request'],
      [
        'a description that is no ASCII',
        { event: 'credential_failure', event_description: 'Gespräch' },
        'invalid_notification_request',
      ],
    ])('are not told of with %s', async (_title, body, error) => {
      const answer = await notify({ notification_id: id, ...body });
      expect([answer.status, answer.body.error, answer.headers['cache-control']]).toEqual([400, error, 'no-store']);
    });

    test('are not told of by others, or by nobody', async () => {
      const stranger = ground.session([ground.offer(type)], ['vc2_jwt']);
      const body = { notification_id: id, event: 'credential_accepted' };
      expect((await notify(body, stranger)).body.error).toBe('invalid_notification_id');
      expect((await ground.post('/notification', body)).status).toBe(401);
      expect((await notify('{')).body.error).toBe('invalid_notification_request');
    });
  });

  test('leave an unbroken audit trail without claims', async () => {
    const { audit, store } = ground.programme;
    await audit.seal();
    expect((await audit.verifyChain()).ok).toBe(true);
    const rows = await store.read((tx) => tx.query("SELECT * FROM audit_record WHERE action LIKE 'document.%'"));
    expect(rows.length).toBeGreaterThan(10);
    expect(JSON.stringify(rows)).not.toMatch(/did:|001234567890/);
  });

  test('never showed a fault in the background', () => {
    expect(ground.programme.faults).toEqual([]);
  });
});
