/** The pages behind the link, as a browser that keeps one cookie sees them; and what others may try with it. */
import { randomBytes } from 'node:crypto';
import { type SignIn, SignInRefusal } from '../../../src/access/access.js';
import { createMetrics } from '../../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../../src/http/server.js';
import type { OfferAnswer, OfferRequest, Offers } from '../../../src/issuance/offers/offers.js';
import { offersRoutes } from '../../../src/issuance/offers/routes.js';
import { createPassport } from '../../../src/issuance/passport/passport.js';
import { passportRoutes } from '../../../src/issuance/passport/routes.js';
import { documentWords, titlesOf } from '../../../src/issuance/passport/words.js';
import type { JsonObject } from '../../../src/json.js';
import { catalogue } from '../../credential/examples.js';
import { publicUrl } from '../../verification/programme.js';
import { caller, type Desk, hour, nurse, offered, openDesk } from '../offers/desk.js';

const minute = 60_000;
const skill = (changes: JsonObject = {}) => {
  const credential = offered('CoreSkillCredential');
  return {
    credential: {
      ...credential,
      credentialSubject: { ...(credential['credentialSubject'] as JsonObject), ...changes },
    },
  };
};
const registration = () => ({ credential: offered('ProfessionalRegistrationCredential') });
const dbs = () => ({ credential: offered('DbsCheckCredential') });

/** An identity provider that signs in whoever a test says; its cookie is `sign-in`. */
class TestSignIn implements SignIn {
  subject: string | undefined = nurse;
  private state: JsonObject = {};

  async begin({ state }: { state: JsonObject }) {
    this.state = state;
    return { redirect: 'https://login.example/', cookie: '__Secure-sign-in=begun' };
  }
  receive(): never {
    throw new Error('the callback is not of this room');
  }
  async finish({ cookie }: { cookie: string | undefined }) {
    if (!cookie?.includes('sign-in=begun')) throw new SignInRefusal('login_required', 'Begin again.');
    if (this.subject === undefined) throw new SignInRefusal('access_denied', 'You declined.', this.state);
    return { subject: this.subject, state: this.state };
  }
  async maintain() {}
}

describe("a person's passport", () => {
  let desk: Desk;
  let offers: Offers;
  let server: HttpServer;
  const signIn = new TestSignIn();
  /** The scopes that routes demanded. */
  const asked: string[] = [];

  beforeAll(async () => {
    desk = await openDesk();
    offers = desk.offers();
    const now = () => desk.programme.clock.now;
    server = await createServer({
      publicUrl,
      serviceName: 'Rexford Acute NHS Trust (invented)',
      version: '1.0.0',
      async authorise(_authorization, scope) {
        asked.push(scope);
        return { clientId: caller.clientId, scopes: [scope] };
      },
      metrics: createMetrics(),
      checkResponses: true,
      now,
      newId: () => '00000000-0000-4000-8000-000000000001',
    });
    const passport = createPassport({ context: offers.context, random: randomBytes });
    await server.register(offersRoutes({ offers, catalogue }));
    await server.register(passportRoutes({ passport, catalogue, signIn }));
  }, 60_000);
  afterAll(async () => {
    await server.close();
    await desk.close();
  });
  beforeEach(() => {
    desk.pass(minute);
    signIn.subject = nurse;
  });

  const make = (request: Partial<OfferRequest> = {}): Promise<OfferAnswer> =>
    offers.create({ credentials: [skill(), registration()], ...request }, caller);
  const pathOf = ({ link }: { link: string }) => new URL(link).pathname;
  const wrong = ({ txCode = '' }: OfferAnswer) => (txCode === '000000' ? '000001' : '000000');

  /** A browser: one cookie, and what it saw last. */
  class TestBrowser {
    cookie = '';
    status = 0;
    location = '';
    text = '';
    setCookie = '';
    headers: Record<string, string> = {};

    async ask(method: 'GET' | 'POST', url: string, fields?: Record<string, string>, headers = {}): Promise<this> {
      const answer = await server.inject({
        method,
        url,
        headers: {
          ...(this.cookie && { cookie: this.cookie }),
          ...(fields && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...headers,
        },
        ...(fields && { payload: new URLSearchParams(fields).toString() }),
      });
      this.status = answer.statusCode;
      this.text = answer.body;
      this.location = String(answer.headers.location ?? '');
      this.setCookie = String(answer.headers['set-cookie'] ?? '');
      this.headers = answer.headers as Record<string, string>;
      if (this.setCookie) this.cookie = this.setCookie.split(';')[0] ?? '';
      return this;
    }
    get = (url: string) => this.ask('GET', url);
    post = (url: string, fields: Record<string, string>, headers = {}) => this.ask('POST', url, fields, headers);
    get csrf() {
      return /name="csrf" value="([^"]+)"/.exec(this.text)?.[1] ?? '';
    }
    /** The codes in the links for wallets. */
    get wallets() {
      return [...this.text.matchAll(/href="(openid-credential-offer:[^"]+)"/g)].map(([, link = '']) =>
        link.replace(/&#(\d+);/g, (_entity, code) => String.fromCharCode(Number(code))),
      );
    }
    get title() {
      return /<h1>([^<]*)<\/h1>/.exec(this.text)?.[1] ?? '';
    }
  }

  async function enter(offer: OfferAnswer, code = offer.txCode ?? ''): Promise<TestBrowser> {
    return new TestBrowser().post(`${pathOf(offer)}/code`, { code });
  }
  async function open(offer: OfferAnswer): Promise<TestBrowser> {
    const browser = await enter(offer);
    return browser.get(browser.location);
  }
  const ticks = (offer: OfferAnswer, take: readonly number[]) =>
    Object.fromEntries(take.map((index) => [`take-${offer.documents[index]?.id}`, 'yes']));
  const choose = (browser: TestBrowser, offer: OfferAnswer, fields: Record<string, string>) =>
    browser.post(`${pathOf(offer)}/documents`, { csrf: browser.csrf, wallet: 'other', ...fields });
  const redeemable = async (link: string) => {
    const id = new URL(new URL(link).searchParams.get('credential_offer_uri') ?? '').pathname.split('/').at(-1) ?? '';
    const answer = await server.inject(`/offers/${id}`);
    if (answer.statusCode !== 200) return { status: answer.statusCode, code: '', asks: false };
    const grant = answer.json().grants['urn:ietf:params:oauth:grant-type:pre-authorized_code'];
    return { status: 200, code: grant['pre-authorized_code'] as string, asks: grant.tx_code !== undefined };
  };
  const redeem = (code: string, txCode?: string) =>
    desk.store.transaction((tx) => offers.redeemPreAuthorizedCode(tx, { code, txCode }));
  const triesLeft = async ({ offerId }: OfferAnswer) => (await offers.read(offerId)).triesLeft;

  describe('the link alone', () => {
    test('says who offers how much, and nothing else', async () => {
      const offer = await make({ credentials: [skill(), registration(), skill()] });
      const { status, text, headers } = await new TestBrowser().get(pathOf(offer));
      expect(status).toBe(200);
      expect(text).toContain('Rexford Acute NHS Trust (invented)');
      expect(text).toContain('3 documents');
      expect(text).not.toMatch(/skill|registration|Resuscitation|NMC/i);
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['x-robots-tag']).toBe('noindex');
      expect(headers['referrer-policy']).toBe('no-referrer');
    });

    test('opens nothing below it', async () => {
      const offer = await make();
      for (const page of ['documents', 'receive']) {
        const browser = await new TestBrowser().get(`${pathOf(offer)}/${page}`);
        expect([browser.status, browser.location]).toEqual([303, pathOf(offer)]);
      }
      const chosen = await new TestBrowser().post(`${pathOf(offer)}/documents`, {
        csrf: 'x',
        wallet: 'other',
        ...ticks(offer, [0]),
      });
      expect([chosen.status, chosen.location]).toEqual([303, pathOf(offer)]);
    });

    test.each([
      '/passport/AAAAAAAAAAAAAAAAAAAAAA',
      '/passport/cut',
      `/passport/${'x'.repeat(150)}`,
      '/passport/%00',
      '/passport/%0d%0aset-cookie:a=b',
    ])('that is unknown, such as %s, has a page that says what to do', async (path) => {
      for (const browser of [
        await new TestBrowser().get(path),
        await new TestBrowser().post(`${path}/code`, { code: '123456' }),
      ]) {
        expect([browser.status, browser.title]).toEqual([404, 'This link is not known']);
        expect(browser.text).toContain('What to do next');
      }
      for (const page of ['documents', 'receive', 'sign-in']) {
        const browser = await new TestBrowser().get(`${path}/${page}`);
        if (browser.status === 303) await browser.get(browser.location);
        expect([page, browser.status]).toEqual([page, 404]);
      }
    });

    test('that has ended has a page each that says what to do', async () => {
      const [withdrawn, expired, used, locked] = [
        await make(),
        await make({ expiresInHours: 1 }),
        await make(),
        await make(),
      ];
      await offers.withdraw({ offerId: withdrawn.offerId, reason: 'IssuedInError' }, caller);
      const issue = (documentId: string) =>
        desk.store.transaction((tx) => offers.markIssued(tx, { documentId, generation: 1 }));
      for (const { id } of used.documents) await issue(id);
      for (let round = 0; round < 5; round += 1) await enter(locked, wrong(locked));
      desk.pass(hour);
      const pages = await Promise.all(
        [withdrawn, expired, used, locked].map((offer) => new TestBrowser().get(pathOf(offer))),
      );
      expect(pages.map(({ status, title }) => [status, title])).toEqual([
        [410, 'This passport was withdrawn'],
        [410, 'This link has expired'],
        [410, 'This link was used'],
        [403, 'This link is locked'],
      ]);
      for (const { text } of pages) expect(text).toContain('What to do next');
      for (const offer of [withdrawn, expired, used, locked]) {
        const late = await enter(offer);
        expect([late.setCookie, late.text.includes('What to do next')]).toEqual(['', true]);
      }
    });
  });

  describe('the code', () => {
    test('opens the documents in this browser, by a cookie that only we read', async () => {
      const offer = await make();
      const browser = await enter(offer);
      expect([browser.status, browser.location]).toEqual([303, `${pathOf(offer)}/documents`]);
      expect(browser.setCookie).toMatch(/^__Secure-passport=[A-Za-z0-9_-]{43}; .*HttpOnly; SameSite=Lax; Secure$/);
      expect(browser.setCookie).toContain('Max-Age=900');
      const { text } = await browser.get(browser.location);
      expect(text).toContain('Core skill');
      expect(text).toContain('Resuscitation');
      expect(text).not.toContain(offer.txCode);
    });

    test('may be typed with spaces or a hyphen; what is no code is no try', async () => {
      const offer = await make();
      const { txCode = '' } = offer;
      for (const code of ['', '12345', 'abcdef', '1234567', '１２３４５６']) {
        const browser = await enter(offer, code);
        expect([browser.status, browser.setCookie]).toEqual([403, '']);
        expect(browser.text).toContain('Enter the six digits');
      }
      expect(await triesLeft(offer)).toBe(5);
      expect((await enter(offer, ` ${txCode.slice(0, 3)}-${txCode.slice(3)} `)).status).toBe(303);
    });

    test('has five tries in all, here and at the token endpoint together', async () => {
      const offer = await make();
      const right = await open(offer);
      await choose(right, offer, ticks(offer, [0, 1]));
      const [first = '', second = ''] = (await right.get(right.location)).wallets;
      const [one, two] = [await redeemable(first), await redeemable(second)];
      const seen: string[] = [];
      for (const where of ['page', 'token', 'page', 'token']) {
        if (where === 'token') await redeem(one.code, wrong(offer));
        else seen.push((await enter(offer, wrong(offer))).text.match(/This code is wrong[^<]*/)?.[0] ?? '');
      }
      expect(seen).toEqual(['This code is wrong. 4 tries are left.', 'This code is wrong. 2 tries are left.']);
      expect(await triesLeft(offer)).toBe(1);
      const last = await enter(offer, wrong(offer));
      expect([last.status, last.title]).toEqual([403, 'This link is locked']);
      expect('refused' in (await redeem(two.code, offer.txCode))).toBe(true);
      expect((await enter(offer)).title).toBe('This link is locked');
      // The visit that began before is over as well.
      expect((await right.get(`${pathOf(offer)}/documents`)).status).toBe(303);
    });

    test('has five tries, however many browsers try at once', async () => {
      const offer = await make();
      const tries = await Promise.all(Array.from({ length: 12 }, () => enter(offer, wrong(offer))));
      expect(tries.every(({ setCookie }) => setCookie === '')).toBe(true);
      expect((await offers.read(offer.offerId)).state).toBe('locked');
      const sql = `SELECT action FROM audit_record WHERE subject = '${offer.offerId}'`;
      const actions = (await desk.store.read((tx) => tx.query(sql))).map((row: { action: string }) => row.action);
      expect(actions).toEqual(['offer.created', ...Array(4).fill('offer.code_refused'), 'offer.locked']);
    });
  });

  describe('a visit', () => {
    test('is of this browser, this link and a quarter of an hour', async () => {
      const [offer, other] = [await make(), await make()];
      const browser = await open(offer);
      expect(browser.title).toBe('Your documents');
      const elsewhere = await new TestBrowser().get(`${pathOf(offer)}/documents`);
      expect(elsewhere.status).toBe(303);
      expect((await browser.get(`${pathOf(other)}/documents`)).location).toBe(pathOf(other));
      const gate = await browser.get(pathOf(other));
      expect([gate.status, gate.text.includes('began in another browser')]).toEqual([200, true]);
      expect((await browser.get(pathOf(offer))).location).toBe(`${pathOf(offer)}/documents`);
      desk.pass(15 * minute);
      expect((await browser.get(`${pathOf(offer)}/documents`)).location).toBe(pathOf(offer));
    });

    test('ends with a resend, which kills the old link too', async () => {
      const offer = await make();
      const browser = await open(offer);
      await choose(browser, offer, ticks(offer, [0, 1]));
      const [link = ''] = (await browser.get(browser.location)).wallets;
      const { code } = await redeemable(link);
      const again = await offers.resend({ offerId: offer.offerId }, caller);
      expect((await browser.get(pathOf(offer))).title).toBe('This link is not known');
      expect((await browser.get(`${pathOf(again)}/documents`)).status).toBe(303);
      expect((await redeemable(link)).status).toBe(410);
      expect('refused' in (await redeem(code, offer.txCode))).toBe(true);
      expect('refused' in (await redeem(code, again.txCode))).toBe(true);
      expect((await new TestBrowser().post(`${pathOf(again)}/code`, { code: again.txCode ?? '' })).status).toBe(303);
    });

    test('is closed by the person, with its QR codes', async () => {
      const offer = await make();
      const browser = await open(offer);
      await choose(browser, offer, ticks(offer, [0, 1]));
      const [link = ''] = (await browser.get(browser.location)).wallets;
      const closed = await browser.post(`${pathOf(offer)}/leave`, { csrf: browser.csrf });
      expect([closed.status, closed.title]).toEqual([200, 'The passport is closed']);
      expect((await browser.get(`${pathOf(offer)}/documents`)).status).toBe(303);
      expect((await redeemable(link)).status).toBe(404);
    });

    test('takes no form that another site made', async () => {
      const offer = await make();
      const browser = await open(offer);
      const { csrf } = browser;
      const other = await open(await make());
      const fields = { wallet: 'other', ...ticks(offer, [0, 1]) };
      for (const forged of ['', 'x', other.csrf]) {
        await browser.post(`${pathOf(offer)}/documents`, { ...fields, csrf: forged });
        expect(browser.status).toBe(403);
        expect((await browser.post(`${pathOf(offer)}/leave`, { csrf: forged })).status).toBe(403);
      }
      for (const site of ['cross-site', 'same-site']) {
        const headers = { 'sec-fetch-site': site };
        expect((await browser.post(`${pathOf(offer)}/documents`, { ...fields, csrf }, headers)).status).toBe(403);
        const code = await new TestBrowser().post(`${pathOf(offer)}/code`, { code: offer.txCode ?? '' }, headers);
        expect([code.status, code.setCookie]).toEqual([403, '']);
      }
      expect(await triesLeft(offer)).toBe(5);
      const own = { 'sec-fetch-site': 'same-origin' };
      expect((await browser.post(`${pathOf(offer)}/documents`, { ...fields, csrf }, own)).location).toMatch(/receive$/);
    });

    test('takes no form without its token or as JSON', async () => {
      const offer = await make();
      const browser = await open(offer);
      expect((await browser.post(`${pathOf(offer)}/documents`, { wallet: 'other' })).status).toBe(400);
      const json = await server.inject({ method: 'POST', url: `${pathOf(offer)}/documents`, payload: { csrf: 'x' } });
      expect(json.statusCode).toBe(415);
    });
  });

  describe('choosing', () => {
    test('makes one credential offer for each document, or one for all', async () => {
      const offer = await make();
      const browser = await open(offer);
      await choose(browser, offer, ticks(offer, [0, 1]));
      const singles = (await browser.get(browser.location)).wallets;
      expect(singles).toHaveLength(2);
      expect(browser.text).toContain('the same six digits each time');
      const back = await browser.get(`${pathOf(offer)}/documents`);
      await choose(back, offer, { ...ticks(offer, [0, 1]), wallet: 'several' });
      const [all = '', ...none] = (await browser.get(browser.location)).wallets;
      expect(none).toEqual([]);
      // What was shown for the first choice is closed.
      for (const link of singles) expect((await redeemable(link)).status).toBe(404);
      const { code, asks } = await redeemable(all);
      expect(asks).toBe(true);
      expect(await redeem(code, offer.txCode)).toMatchObject({
        grant: { documentIds: offer.documents.map(({ id }) => id) },
      });
    });

    test('tells two documents of one type apart, and gives each its own credential offer', async () => {
      const offer = await make({ credentials: [skill(), skill({ dateLastAwarded: '2026-10-01' })] });
      const browser = await open(offer);
      expect(browser.text).toContain('Core skill: 12 October 2026');
      expect(browser.text).toContain('Core skill: 1 October 2026');
      await choose(browser, offer, ticks(offer, [0, 1]));
      const links = (await browser.get(browser.location)).wallets;
      const grants = await Promise.all(links.map(async (link) => redeem((await redeemable(link)).code, offer.txCode)));
      expect(grants.map((one) => ('grant' in one ? one.grant.documentIds : []))).toEqual(
        offer.documents.map(({ id }) => [id]),
      );
    });

    test('asks why a document is left out, tells HR, and forgets it', async () => {
      const offer = await make();
      const browser = await open(offer);
      const leftOut = offer.documents[1]?.id ?? '';
      const { csrf } = browser;
      await choose(browser, offer, ticks(offer, [0]));
      expect([browser.status, browser.title]).toEqual([200, 'Why do you leave these out?']);
      expect(browser.text).toContain(`name="take-${offer.documents[0]?.id}" value="yes"`);
      await choose(browser, offer, { csrf, ...ticks(offer, [0]), [`reason-${leftOut}`]: 'IncorrectInformation' });
      expect(browser.location).toMatch(/receive$/);
      const view = await offers.read(offer.offerId);
      expect(view.documents[1]).toMatchObject({ state: 'declined', reason: 'IncorrectInformation' });
      await expect(desk.store.read((tx) => offers.content(tx, leftOut))).rejects.toThrow();
      const back = await browser.get(`${pathOf(offer)}/documents`);
      expect(back.text).toContain('You left it out, and HR was told why');
      expect(back.text).not.toContain(`take-${leftOut}`);
    });

    test('may leave documents for later, and takes reasons of the list only', async () => {
      const offer = await make();
      const browser = await open(offer);
      const [one, two] = offer.documents.map(({ id }) => id);
      await choose(browser, offer, { [`reason-${one}`]: 'Later', [`reason-${two}`]: '<b>because</b>' });
      expect([browser.status, browser.title]).toEqual([200, 'Nothing was taken']);
      expect((await offers.read(offer.offerId)).documents.map(({ state }) => state)).toEqual(['offered', 'offered']);
    });

    test('needs a wallet, and keeps what was ticked', async () => {
      const offer = await make();
      const browser = await open(offer);
      const { csrf } = browser;
      for (const wallet of ['', 'nothing', '__proto__']) {
        await browser.post(`${pathOf(offer)}/documents`, { csrf, wallet, ...ticks(offer, [1]) });
        expect([browser.status, browser.text.includes('Choose your wallet')]).toEqual([400, true]);
        const checked = [...browser.text.matchAll(/<input type="checkbox" id="take-([^"]+)"[^>]* checked/g)].map(
          ([, id]) => id,
        );
        expect(checked).toEqual([offer.documents[1]?.id]);
      }
    });

    test('takes nothing of others, nothing withdrawn meanwhile, and nothing that is not ready', async () => {
      const [offer, other] = [
        await make({ credentials: [skill(), registration(), { ...skill(), pending: true }] }),
        await make(),
      ];
      const browser = await open(offer);
      expect(browser.text).toContain('Not ready yet');
      const { csrf } = browser;
      const [, second, pending] = offer.documents.map(({ id }) => id);
      const request = { offerId: offer.offerId, documentIds: [second ?? ''], reason: 'NoLongerValid' } as const;
      await offers.withdraw(request, caller);
      const fields = { csrf, ...ticks(offer, [0, 1, 2]), ...ticks(other, [0, 1]), [`reason-${pending}`]: 'Other' };
      await choose(browser, offer, fields);
      const links = (await browser.get(browser.location)).wallets;
      expect(links).toHaveLength(1);
      const { code } = await redeemable(links[0] ?? '');
      expect(await redeem(code, offer.txCode)).toMatchObject({ grant: { documentIds: [offer.documents[0]?.id] } });
      expect((await offers.read(other.offerId)).documents.map(({ state }) => state)).toEqual(['offered', 'offered']);
      expect((await offers.read(offer.offerId)).documents[2]?.state).toBe('pending');
    });

    test('shows what arrived, and after a resend offers it again on demand only', async () => {
      const offer = await make();
      const browser = await open(offer);
      await choose(browser, offer, ticks(offer, [0, 1]));
      await browser.get(browser.location);
      const [link = ''] = browser.wallets;
      await redeem((await redeemable(link)).code, offer.txCode);
      const issued = { documentId: offer.documents[0]?.id ?? '', generation: 1 };
      await desk.store.transaction((tx) => offers.markIssued(tx, issued));
      await browser.get(`${pathOf(offer)}/receive`);
      expect(browser.text).toContain('In your wallet: 1 document');
      expect(browser.wallets).toHaveLength(1);
      const again = await offers.resend({ offerId: offer.offerId }, caller);
      const later = await open({ ...offer, ...again });
      expect(later.text).toContain('the copy in your other wallet stops being valid');
      const checked = [...later.text.matchAll(/<input type="checkbox" id="take-([^"]+)"[^>]* checked/g)].map(
        ([, id]) => id,
      );
      expect(checked).toEqual([offer.documents[1]?.id]);
      await choose(later, { ...offer, ...again }, ticks(offer, [1]));
      expect(later.location).toMatch(/receive$/);
      expect((await offers.read(offer.offerId)).documents[0]?.state).toBe('issued');
    });
  });

  describe('signing in', () => {
    const person = { signInSubject: nurse };
    const signInAt = async (offer: OfferAnswer, browser = new TestBrowser()) => {
      await browser.get(`${pathOf(offer)}/sign-in`);
      expect([browser.status, browser.location]).toEqual([303, 'https://login.example/']);
      return browser.get('/passport/signed-in');
    };

    test('opens everything without a code, also in the wallet', async () => {
      const offer = await make({ credentials: [dbs(), skill()], person });
      expect((await new TestBrowser().get(pathOf(offer))).text).toContain(`${pathOf(offer)}/sign-in`);
      const browser = await signInAt(offer);
      expect([browser.status, browser.location]).toEqual([303, `${pathOf(offer)}/documents`]);
      await browser.get(browser.location);
      expect(browser.text).toContain('001234567890');
      await choose(browser, offer, { ...ticks(offer, [0, 1]), wallet: 'several' });
      const [link = ''] = (await browser.get(browser.location)).wallets;
      expect(browser.text).toContain('your wallet needs no code');
      const { code, asks } = await redeemable(link);
      expect(asks).toBe(false);
      expect('refused' in (await redeem(code, '123456'))).toBe(true);
      expect(await redeem(code)).toMatchObject({
        grant: { documentIds: offer.documents.map(({ id }) => id), signedIn: true },
      });
    });

    test('is what shows and gives a document that requires it; the code does neither', async () => {
      const offer = await make({ credentials: [dbs(), skill()], person });
      const browser = await open(offer);
      expect(browser.text).toContain('Sign in to see and receive this document');
      expect(browser.text).not.toContain('001234567890');
      await choose(browser, offer, { ...ticks(offer, [0, 1]), wallet: 'several' });
      const [link = ''] = (await browser.get(browser.location)).wallets;
      const granted = await redeem((await redeemable(link)).code, offer.txCode);
      expect(granted).toMatchObject({ grant: { documentIds: [offer.documents[1]?.id], signedIn: false } });
    });

    test('as somebody else, in vain or not at all opens nothing', async () => {
      const offer = await make({ credentials: [dbs()], person });
      signIn.subject = 'a-colleague';
      const stranger = await signInAt(offer);
      expect([stranger.status, stranger.text.includes('somebody else')]).toEqual([200, true]);
      expect(stranger.setCookie).toBe('');
      signIn.subject = undefined;
      const declined = await signInAt(offer);
      expect([declined.status, declined.text.includes('You are not signed in')]).toEqual([200, true]);
      expect((await new TestBrowser().get('/passport/signed-in')).status).toBe(403);
      const nobody = await make();
      expect((await new TestBrowser().get(`${pathOf(nobody)}/sign-in`)).status).toBe(200);
    });

    test('is the only way into an offer without a code', async () => {
      const offer = await make({ credentials: [skill()], person, txCode: false });
      const gate = await new TestBrowser().get(pathOf(offer));
      expect(gate.text).not.toContain('Your code');
      expect((await enter(offer, '123456')).setCookie).toBe('');
      expect((await signInAt(offer)).location).toBe(`${pathOf(offer)}/documents`);
    });
  });

  describe('claims', () => {
    test('are shown escaped, however hostile or long they are', async () => {
      const hostile = '<script>alert(1)</script>" onmouseover="x" & \'\u202Eevil';
      const offer = await make({
        credentials: [
          skill({
            framework: 'LOCAL',
            competencyCode: 'local-x',
            subjectName: hostile,
            competencyName: 'w'.repeat(160),
          }),
        ],
      });
      const { text } = await open(offer);
      expect(text).not.toMatch(/<script|" onmouseover|<img/);
      expect(text).toContain('&#60;script&#62;alert(1)');
      expect(text).toContain('w'.repeat(160));
    });

    test('of every type of the catalogue have words', () => {
      for (const type of catalogue.types) {
        const { title, facts } = documentWords(type, type.example);
        expect([type.type, title, facts.length > 3]).toEqual([type.type, type.title, true]);
        expect(facts.every(({ term, value }) => term !== '' && value !== '' && !value.includes('[object'))).toBe(true);
        expect(JSON.stringify(facts)).not.toContain(
          String((type.example['credentialSubject'] as JsonObject)['personBindingId']),
        );
      }
    });

    test('tell documents of one type apart by what differs', () => {
      const words = (...facts: [string, string][]) => ({
        title: 'Core skill',
        description: '',
        facts: facts.map(([term, value]) => ({ term, value })),
      });
      const same = words(['Code', 'a-1'], ['Subject', 'Fire safety']);
      expect(titlesOf([same])).toEqual(['Core skill']);
      expect(titlesOf([same, words(['Code', 'a-2'], ['Subject', 'Moving and handling'])])).toEqual([
        'Core skill: Fire safety',
        'Core skill: Moving and handling',
      ]);
      expect(titlesOf([same, words(['Code', 'a-2'], ['Subject', 'Fire safety'])])).toEqual([
        'Core skill: a-1',
        'Core skill: a-2',
      ]);
      expect(titlesOf([same, same])).toEqual(['Core skill', 'Core skill']);
    });
  });

  describe('the addresses for HR', () => {
    const api = async (method: 'GET' | 'POST', url: string, payload?: object, headers = {}) => {
      const answer = await server.inject({ method, url, headers, ...(payload && { payload }) });
      return { status: answer.statusCode, body: answer.json(), headers: answer.headers };
    };

    test('make, tell, resend, release and withdraw an offer', async () => {
      const credentials = [skill(), { ...registration(), pending: true }];
      const made = await api('POST', '/admin/offers', { credentials }, { 'idempotency-key': 'k1' });
      expect(made.status).toBe(201);
      expect(made.headers['cache-control']).toBe('no-store');
      expect(made.body).toMatchObject({
        link: expect.any(String),
        txCode: expect.stringMatching(/^\d{6}$/),
        linkQrSvg: expect.stringMatching(/^<svg/),
      });
      expect((await api('POST', '/admin/offers', { credentials }, { 'idempotency-key': 'k1' })).body).toEqual(
        made.body,
      );
      const { offerId, documents } = made.body;
      const path = `/admin/offers/${offerId}`;
      expect(made.headers['location']).toBe(`${publicUrl}${path}`);
      expect((await api('GET', path)).body).toMatchObject({ state: 'open', triesLeft: 5, documents });
      const documentIds = [documents[1].id];
      expect((await api('POST', `${path}/release`, { documentIds })).body.documents[1].state).toBe('offered');
      const minted = await api('POST', `${path}/credential-offers`, {
        grant: 'pre-authorized_code',
        walletFormats: ['ldp'],
      });
      expect(minted.status).toBe(201);
      expect(minted.body.credentialOffer.credential_configuration_ids).toContain('CoreSkillCredential_ldp');
      const again = await api('POST', `${path}/resend`, { expiresInHours: 2 });
      expect(again.body).toMatchObject({ offerId, link: expect.any(String), txCode: expect.any(String) });
      const over = await api('POST', `${path}/withdraw`, { reason: 'IssuedInError' });
      expect(over.body.state).toBe('withdrawn');
    });

    test.each<[string, string, object]>([
      ['no documents', '/admin/offers', { credentials: [] }],
      ['too many documents', '/admin/offers', { credentials: Array.from({ length: 65 }, () => skill()) }],
      ['a further member', '/admin/offers', { credentials: [skill()], email: 'nurse@example.nhs.uk' }],
      ['an end beyond a month', '/admin/offers', { credentials: [skill()], expiresInHours: 721 }],
      ['an unknown reason', '/admin/offers/5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11/withdraw', { reason: 'because' }],
      ['an id that is none', '/admin/offers/x/resend', {}],
      [
        'a format of no wallet',
        '/admin/offers/5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11/credential-offers',
        { grant: 'pre-authorized_code', walletFormats: ['mdoc'] },
      ],
      [
        'a grant of no wallet',
        '/admin/offers/5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11/credential-offers',
        { grant: 'password' },
      ],
    ])('refuse %s', async (_title, url, payload) => {
      expect((await api('POST', url, payload)).status).toBe(400);
    });

    test('need the scope to offer, all of them', async () => {
      const operations = server.routeTable.operations().filter((name) => name.includes('/admin/offers'));
      asked.length = 0;
      for (const operation of operations) {
        const [method = '', path = ''] = operation.split(' ');
        const url = path.replace('{id}', '5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11');
        await server.inject({ method: method as 'GET', url, ...(method === 'POST' && { payload: {} }) });
      }
      expect(operations).toHaveLength(6);
      expect(asked).toEqual(Array(6).fill('vc:offer'));
    });

    test('take a passport of 64 documents', async () => {
      const credentials = Array.from({ length: 64 }, () => skill());
      const made = await api('POST', '/admin/offers', { credentials });
      expect([made.status, made.body.documents?.length]).toEqual([201, 64]);
      const browser = await open(made.body);
      expect([...browser.text.matchAll(/type="checkbox"/g)]).toHaveLength(64);
      await choose(browser, made.body, ticks(made.body, [...Array(64).keys()]));
      expect((await browser.get(browser.location)).wallets).toHaveLength(64);
    });
  });
});
