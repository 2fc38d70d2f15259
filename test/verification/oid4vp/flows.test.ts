/** The ways that a request takes: back to the browser that began it, under a certificate, and what its page says. */
import { createHash, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ServiceError } from '../../../src/errors.js';
import { examineCertificates, loadCertificates } from '../../../src/verification/oid4vp/certificates.js';
import { makeChain } from './authority.js';
import { type Answer, type Asked, createWallet, type Desk, openDesk, type Wallet } from './desk.js';

const dcql = {
  credentials: [{ id: 'dbs', format: 'jwt_vc_json', meta: { type_values: [['DbsCheckCredential']] } }],
};
const started = new Date('2026-11-21T09:00:00Z');

describe('a request', () => {
  let desk: Desk;
  let wallet: Wallet;
  let dbs: string;
  let chain: Awaited<ReturnType<typeof makeChain>>;
  beforeAll(async () => {
    chain = await makeChain();
    desk = await openDesk({ x509: [chain] });
    wallet = await createWallet(desk);
    dbs = (await wallet.receive('DbsCheckCredential')) as string;
  }, 60_000);
  afterAll(async () => {
    await desk.close();
    rmSync(chain.folder, { recursive: true });
  });
  beforeEach(() => {
    desk.programme.clock.now = started;
  });
  const later = (seconds: number) => {
    desk.programme.clock.now = new Date(desk.programme.clock.now.getTime() + seconds * 1000);
  };

  const resultOf = (asked: Asked, code?: string) =>
    desk.call('GET', `/vp/requests/${asked.id}/result${code === undefined ? '' : `?response_code=${code}`}`);
  const stateOf = async (asked: Asked) => (await desk.call('GET', `/vp/requests/${asked.id}`)).body;
  const ask = (changes: object = {}) => desk.ask({ dcql, flow: 'same', ...changes });
  /** Answers rightly; where the wallet sends the browser. */
  async function answer(asked: Asked, credentials: (string | object)[] = [dbs]): Promise<URL | undefined> {
    const question = await wallet.read(asked.uri);
    const { status, body } = await wallet.answer(question, { dbs: [await wallet.present(question, credentials)] });
    expect(status).toBe(200);
    return body.redirect_uri === undefined ? undefined : new URL(body.redirect_uri);
  }
  /** Opens an address of the service as a browser would, with the cookies that it has. */
  async function browse(address: string | URL, cookie?: string): Promise<Answer & { cookie: string | undefined }> {
    const url = new URL(address);
    const headers = { accept: 'text/html', ...(cookie && { cookie }) };
    const page = await desk.answerOf({ url: `${url.pathname}${url.search}`, headers });
    return { ...page, cookie: String(page.headers['set-cookie'] ?? '').split(';')[0] || undefined };
  }

  describe('on the device of the wallet', () => {
    test('gives its result to the page of the browser that began, and then to the system that asked', async () => {
      const asked = await ask();
      expect(asked.qrSvg).toBeUndefined();
      const opened = await browse(asked.pageUrl);
      expect(opened.headers['set-cookie']).toMatch(
        /^__Secure-vp-[\w-]{32}=[\w-]{32}; Path=\/; Max-Age=\d+; HttpOnly; SameSite=Lax; Secure$/,
      );
      expect(opened.text).toContain('Open your wallet');
      const back = await answer(asked);
      expect(`${back?.origin}${back?.pathname}`).toBe(asked.pageUrl);
      // Nothing is told to anybody before the browser has come back: neither page nor system.
      expect((await browse(asked.pageUrl, opened.cookie)).text).toContain('One more step');
      expect(await stateOf(asked)).not.toHaveProperty('decision');
      expect((await resultOf(asked)).status).toBe(409);
      const returned = await browse(back ?? '', opened.cookie);
      expect([returned.status, returned.headers['location']]).toEqual([303, asked.pageUrl]);
      const verdict = await browse(asked.pageUrl, opened.cookie);
      expect([verdict.status, verdict.text]).toEqual([200, expect.stringContaining('<h2>Valid</h2>')]);
      expect(verdict.headers['cache-control']).toBe('no-store');
      expect(await stateOf(asked)).toMatchObject({ state: 'answered', decision: 'valid' });
      expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
      expect((await browse(asked.pageUrl, opened.cookie)).text).toContain('The answer was handed over');
    });

    test('shows nothing to a browser that did not begin it: what a victim of a passed-on link has answered', async () => {
      const asked = await ask();
      const attacker = await browse(asked.pageUrl);
      const back = await answer(asked);
      // The victim has the response_code, but not the session of the attacker; the attacker has the session alone.
      const victim = await browse(back ?? '');
      expect([victim.status, victim.text]).toEqual([200, expect.stringContaining('another browser')]);
      expect(victim.cookie).toBeUndefined();
      expect((await browse(asked.pageUrl, attacker.cookie)).text).toContain('One more step');
      const guessed = `${asked.pageUrl}?response_code=${'A'.repeat(32)}`;
      expect((await browse(guessed, attacker.cookie)).text).toContain('One more step');
      expect((await browse(back ?? '', `__Secure-vp-${asked.id}=${'A'.repeat(32)}`)).text).toContain('another browser');
      expect((await resultOf(asked)).status).toBe(409);
    });

    test('is bound to the first browser that opens its page, and to no preview of its link', async () => {
      const asked = await ask();
      const preview = await desk.answerOf({ method: 'HEAD', url: new URL(asked.pageUrl).pathname });
      expect([preview.status, preview.headers['set-cookie']]).toEqual([405, undefined]);
      const first = await browse(asked.pageUrl);
      const second = await browse(asked.pageUrl);
      expect([second.cookie, second.text]).toEqual([undefined, expect.stringContaining('another browser')]);
      expect(second.text).not.toContain('openid4vp:');
      expect((await browse(asked.pageUrl, first.cookie)).text).toContain('Open your wallet');
    });

    test('shows nothing where nobody has opened its page before the answer', async () => {
      const asked = await ask();
      const back = await answer(asked);
      expect((await browse(back ?? '')).text).toContain('another browser');
    });

    test('brings the browser back to the system that asked, whose result needs the response_code', async () => {
      const redirectUri = 'https://portal.example/back?case=7';
      const asked = await ask({ redirectUri });
      const back = await answer(asked);
      expect(back?.href).toMatch(/^https:\/\/portal\.example\/back\?case=7&response_code=[\w-]{32}$/);
      const code = back?.searchParams.get('response_code') ?? '';
      expect((await resultOf(asked)).status).toBe(409);
      expect((await resultOf(asked, 'A'.repeat(32))).status).toBe(403);
      expect((await resultOf(asked, code)).body).toMatchObject({ decision: 'valid' });
      expect((await resultOf(asked, code)).status).toBe(410);
    });

    test('takes no response_code of another request', async () => {
      const [first, second] = [
        await ask({ redirectUri: 'https://portal.example/' }),
        await ask({ redirectUri: 'https://portal.example/' }),
      ];
      const [code, other] = [await answer(first), await answer(second)].map(
        (url) => url?.searchParams.get('response_code') ?? '',
      );
      expect((await resultOf(first, other)).status).toBe(403);
      expect((await resultOf(first, code)).status).toBe(200);
    });

    test('brings the browser back after a refusal, too', async () => {
      const asked = await ask({ redirectUri: 'https://portal.example/back' });
      const question = await wallet.read(asked.uri);
      const declined = await wallet.post(question, { error: 'access_denied', state: question.parameters.state });
      expect(declined.body.redirect_uri).toMatch(/^https:\/\/portal\.example\/back\?response_code=/);
      expect(
        (await resultOf(asked, new URL(declined.body.redirect_uri).searchParams.get('response_code') ?? '')).status,
      ).toBe(409);
    });
  });

  describe('across devices', () => {
    const cross = (changes: object = {}) => ask({ flow: 'cross', ...changes });

    test('shows a code, then that a wallet has it, then the verdict in words, and no claim', async () => {
      const asked = await cross({ template: 'dbs-check', dcql: undefined, formats: ['jwt_vc_json'] });
      expect(asked.qrSvg).toMatch(/^<svg [^>]*role="img" aria-label="QR code/);
      const waiting = await browse(asked.pageUrl);
      expect(waiting.cookie).toBeUndefined();
      expect(waiting.text).toContain('To see the DBS check that another employer has made.');
      expect(waiting.text).toContain('<svg');
      expect(waiting.text).toContain('<li>DBS check</li>');
      const question = await wallet.read(asked.uri);
      expect((await browse(asked.pageUrl)).text).toContain('A wallet has opened this request.');
      const wrong = await wallet.present(question, [dbs], { nonce: 'wrong' });
      await wallet.answer(question, { dbs: [wrong] });
      expect((await browse(asked.pageUrl)).text).toContain('An answer came that was not accepted');
      const right = await wallet.answer(question, { dbs: [await wallet.present(question, [dbs])] });
      expect(right.body).toEqual({});
      const { text } = await browse(asked.pageUrl);
      expect(text).toContain('<h2>Valid</h2>');
      expect(text).toContain('DBS check');
      expect(text).toContain('Rexford Acute NHS Trust (invented)');
      for (const claim of ['disclosureIssueDate', wallet.did, '0b5e1a2c', 'certificateNumber'])
        expect(text).not.toContain(claim);
    });

    test('says why what was shown cannot be relied on, and what to do', async () => {
      const asked = await cross();
      const { registry } = desk.programme;
      const listed = registry.organisations;
      registry.organisations = [];
      await answer(asked);
      registry.organisations = listed;
      const { text } = await browse(asked.pageUrl);
      expect(text).toContain('<h2>Not valid</h2>');
      expect(text).toContain('What to do next');
    });

    test.each<[string, string, (asked: Asked) => Promise<unknown> | unknown]>([
      ['has expired', 'Nobody answered in time', () => later(600)],
      [
        'was declined',
        'you chose not to share them',
        async (asked) => {
          const question = await wallet.read(asked.uri);
          await wallet.post(question, { error: 'access_denied', state: question.parameters.state });
        },
      ],
      [
        'was used',
        'The answer was handed over',
        async (asked) => {
          await answer(asked);
          await resultOf(asked);
        },
      ],
      [
        'was not collected',
        'nobody read the result within an hour',
        async (asked) => {
          await answer(asked);
          later(3600);
        },
      ],
      [
        'was closed',
        'takes no more',
        async (asked) => {
          const question = await wallet.read(asked.uri);
          for (let round = 0; round < 5; round += 1)
            await wallet.answer(question, { dbs: [await wallet.present(question, [dbs], { nonce: `n${round}` })] });
        },
      ],
    ])('has a page when it %s that says what to do', async (_title, words, end) => {
      const asked = await cross();
      await end(asked);
      const page = await browse(asked.pageUrl);
      expect([page.status, page.text]).toEqual([200, expect.stringContaining(words)]);
      expect(page.text).toContain('What to do next');
      expect(page.text).not.toContain('openid4vp:');
    });

    test('names every document once, whatever forms it may come in, and what need not be there', async () => {
      const asked = await cross({
        template: 'ready-to-start',
        dcql: undefined,
        formats: ['dc+sd-jwt', 'jwt_vc_json', 'ldp_vc'],
      });
      const { text } = await browse(asked.pageUrl);
      const documents = [...text.matchAll(/<li>([^<]*)<\/li>/g)].map(([, words]) => words);
      expect(documents.slice(0, 6)).toEqual([
        'Staff identity',
        'Right to work',
        'DBS check',
        'Professional registration (only if you have it)',
        'Occupational health clearance (only if you have it)',
        'Core skill, all that you have (only if you have it)',
      ]);
    });

    test('has a page for a link that there is not', async () => {
      const page = await browse(`https://rxa.example/vp/page/${'A'.repeat(32)}`);
      expect([page.status, page.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    });

    test('is forgotten after a day, and its answer when it is swept', async () => {
      const asked = await cross();
      await answer(asked);
      later(24 * 3600);
      await desk.requests.sweep();
      expect((await desk.call('GET', `/vp/requests/${asked.id}`)).status).toBe(404);
      const [open, unread] = [await cross(), await cross()];
      await answer(unread);
      later(3600);
      await desk.requests.sweep();
      const rows = await desk.programme.store.read((tx) =>
        tx.query('SELECT id, state, request, result FROM vp_request'),
      );
      expect(rows).toEqual(
        expect.arrayContaining([
          { id: open.id, state: 'expired', request: null, result: null },
          { id: unread.id, state: 'lapsed', request: null, result: null },
        ]),
      );
    });
  });

  describe('under a certificate', () => {
    const leaf = () => new X509Certificate(readFileSync(chain.certificateFile));

    test.each(['x509_san_dns', 'x509_hash'])(
      'of %s is signed by it, carries its chain, and is the audience of the answer',
      async (scheme) => {
        const asked = await ask({ flow: 'cross', clientIdScheme: scheme });
        const question = await wallet.read(asked.uri);
        expect(question.header).toEqual({
          alg: 'ES256',
          typ: 'oauth-authz-req+jwt',
          x5c: [expect.any(String), expect.any(String)],
        });
        expect(question.header.x5c?.[0]).toBe(leaf().raw.toString('base64'));
        const hash = createHash('sha256').update(leaf().raw).digest('base64url');
        expect(question.parameters.client_id).toBe(
          scheme === 'x509_hash' ? `x509_hash:${hash}` : 'x509_san_dns:rxa.example',
        );
        const wrong = await wallet.present(question, [dbs], { aud: 'decentralized_identifier:did:web:rxa.example' });
        expect((await wallet.answer(question, { dbs: [wrong] })).body.error_description).toContain('domain_mismatch');
        expect((await wallet.answer(question, { dbs: [await wallet.present(question, [dbs])] })).status).toBe(200);
        expect((await resultOf(asked)).body).toMatchObject({ decision: 'valid' });
      },
    );

    test('is not made with one of another name, or one that has run out', async () => {
      const body = { dcql, flow: 'cross', clientIdScheme: 'x509_san_dns' };
      expect((await desk.call('POST', '/vp/requests', { ...body, x509: 'other' })).status).toBe(400);
      desk.programme.clock.now = new Date('2028-01-01T00:00:00Z');
      const answer = await desk.call('POST', '/vp/requests', body);
      expect([answer.status, answer.body.code, answer.body.detail]).toEqual([
        503,
        'key_unavailable',
        expect.stringContaining('expired'),
      ]);
    });
  });
});

describe('the configured certificates', () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });
  const chainOf = async (options: Parameters<typeof makeChain>[0] = {}) => {
    const chain = await makeChain(options);
    folders.push(chain.folder);
    return chain;
  };
  const examine = async (options: Parameters<typeof makeChain>[0] = {}) =>
    examineCertificates([await chainOf(options)], { publicUrl: 'https://rxa.example', now: started })[0]?.faults;

  test('are without fault when chain, key, name and times are right', async () => {
    expect(await examine()).toEqual([]);
  });

  test.each<[string, Parameters<typeof makeChain>[0], RegExp]>([
    ['has run out', { notAfter: new Date('2026-11-20T00:00:00Z') }, /^the certificate expired/],
    [
      'runs out within a fortnight',
      { notAfter: new Date('2026-11-30T00:00:00Z') },
      /^within 14 days: the certificate expired/,
    ],
    ['is not valid yet', { notBefore: new Date('2026-12-01T00:00:00Z') }, /not valid before/],
    ['is of another host', { host: 'rxb.example' }, /no dNSName of the certificate is rxa\.example/],
    ['is of every host below', { host: '*.example' }, /no dNSName/],
    ['is followed by a certificate of somebody else', { brokenChain: true }, /not signed by the one after it/],
  ])('are at fault when one %s', async (_title, options, fault) => {
    expect(await examine(options)).toEqual([expect.stringMatching(fault)]);
  });

  test('keep the service from starting when the files can never work', async () => {
    const chain = await chainOf();
    const other = await chainOf();
    const write = (name: string, text: string) => {
      const file = join(chain.folder, name);
      writeFileSync(file, text);
      return file;
    };
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    const cases: [string, object[], RegExp][] = [
      [
        'a key of another certificate',
        [{ ...chain, keyFile: other.keyFile }],
        /is not the key of the first certificate/,
      ],
      ['no file', [{ ...chain, certificateFile: join(chain.folder, 'none.pem') }], /cannot be read/],
      ['no certificate', [{ ...chain, certificateFile: chain.keyFile }], /must hold 1 to 5 certificates/],
      [
        'a certificate that is none',
        [{ ...chain, certificateFile: write('a.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----') }],
        /no certificate/,
      ],
      ['a key that is none', [{ ...chain, keyFile: write('b.pem', 'good morning') }], /is not a private key/],
      ['an RSA key', [{ ...chain, keyFile: write('c.pem', String(rsa)) }], /is not the key of the first certificate/],
      ['one name for two', [chain, other], /the name is used twice/],
    ];
    for (const [title, entries, detail] of cases) {
      let refusal: unknown;
      try {
        loadCertificates(entries as never, 'https://rxa.example');
      } catch (error) {
        refusal = error;
      }
      expect([title, refusal]).toEqual([title, expect.any(ServiceError)]);
      expect(refusal).toMatchObject({ code: 'configuration', message: expect.stringMatching(detail) });
    }
  });
});
