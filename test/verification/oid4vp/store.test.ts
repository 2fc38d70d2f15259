/** What only the database can promise: one answer, one reader, one browser, on each that the product runs on. */
import { describeDialects } from '../../store/dialects.js';
import { createWallet, type Desk, openDesk, type Wallet } from './desk.js';

describeDialects('a request for presentations', (database) => {
  let desk: Desk;
  let wallet: Wallet;
  let dbs: string;
  beforeAll(async () => {
    desk = await openDesk({ database: database() });
    wallet = await createWallet(desk);
    dbs = (await wallet.receive('DbsCheckCredential')) as string;
  }, 60_000);
  afterAll(() => desk.close());

  const dcql = { credentials: [{ id: 'dbs', format: 'jwt_vc_json', meta: { type_values: [['DbsCheckCredential']] } }] };
  const ask = async (flow = 'cross') => {
    const asked = await desk.ask({ dcql, flow });
    const question = await wallet.read(asked.uri);
    const tokenFor = async (nonce?: string) => ({
      dbs: [await wallet.present(question, [dbs], nonce === undefined ? {} : { nonce })],
    });
    return { asked, question, tokenFor };
  };
  const all = <T>(count: number, work: () => Promise<T>) => Promise.all(Array.from({ length: count }, work));

  test('takes one of many answers, and gives its result to one of many readers', async () => {
    const { asked, question, tokenFor } = await ask();
    const token = await tokenFor();
    const answers = await all(5, () => wallet.answer(question, token));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400, 400, 400]);
    const results = await all(5, () => desk.call('GET', `/vp/requests/${asked.id}/result`));
    expect(results.map(({ status }) => status).sort()).toEqual([200, 410, 410, 410, 410]);
    const { body } = await desk.call('GET', `/vp/requests/${asked.id}`);
    expect(body).toMatchObject({ state: 'read', decision: 'valid', refusals: 0 });
  });

  test('counts every refused answer, and is over at the fifth however many come at once', async () => {
    const { asked, question, tokenFor } = await ask();
    const wrong = await tokenFor('wrong');
    await all(8, () => wallet.answer(question, wrong));
    const { body } = await desk.call('GET', `/vp/requests/${asked.id}`);
    expect(body).toMatchObject({ state: 'failed', refusals: 5 });
    expect((await wallet.answer(question, await tokenFor())).status).toBe(400);
  });

  test('belongs to one of many browsers', async () => {
    const { asked } = await ask('same');
    const { pathname } = new URL(asked.pageUrl);
    const pages = await all(5, () => desk.answerOf({ url: pathname, headers: { accept: 'text/html' } }));
    expect(pages.filter(({ headers }) => headers['set-cookie'] !== undefined)).toHaveLength(1);
  });

  test('leaves an audit record for each of its changes', async () => {
    const { asked, question, tokenFor } = await ask();
    await wallet.answer(question, await tokenFor('wrong'));
    await wallet.answer(question, await tokenFor());
    await desk.call('GET', `/vp/requests/${asked.id}/result`);
    const subject = question.parameters.response_uri.split('/').at(-1) as string;
    const records = await desk.programme.store.read((tx) =>
      tx.query(`SELECT action, actor, outcome FROM audit_record WHERE subject = '${subject}' ORDER BY entry`),
    );
    expect(records).toEqual([
      { action: 'vp.requested', actor: 'portal', outcome: 'success' },
      { action: 'vp.fetched', actor: 'wallet', outcome: 'success' },
      { action: 'vp.refused', actor: 'wallet', outcome: 'refused' },
      { action: 'vp.answered', actor: 'wallet', outcome: 'success' },
      { action: 'vp.result_read', actor: 'portal', outcome: 'success' },
    ]);
  });

  test('is swept when its time is over', async () => {
    const { asked } = await ask();
    desk.programme.clock.now = new Date(desk.programme.clock.now.getTime() + 600_000);
    await desk.requests.sweep();
    const [row] = await desk.programme.store.read((tx) =>
      tx.query(`SELECT state, request FROM vp_request WHERE id = '${asked.id}'`),
    );
    expect(row).toEqual({ state: 'expired', request: null });
  });
});
