import { ServiceError } from '../../../src/errors.js';
import { OAuthError } from '../../../src/http/oauth-errors.js';
import type { OfferAnswer, OfferRequest, Offers, Redeemed } from '../../../src/issuance/offers/offers.js';
import { purgeOffers } from '../../../src/issuance/offers/store.js';
import type { JsonObject } from '../../../src/json.js';
import { describeDialects } from '../../store/dialects.js';
import { caller, type Desk, hour, nurse, offered, openDesk } from './desk.js';

const skill = (changes: JsonObject = {}) => ({ credential: offered('CoreSkillCredential', changes) });
const registration = () => ({ credential: offered('ProfessionalRegistrationCredential') });
const dbs = (changes: JsonObject = {}) => ({ credential: offered('DbsCheckCredential', changes) });
const person = { signInSubject: nurse };
const minute = 60_000;

async function refusal(work: Promise<unknown>): Promise<ServiceError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ServiceError);
  return error as ServiceError;
}

describeDialects('offers', (database) => {
  let desk: Desk;
  let offers: Offers;
  beforeAll(async () => {
    desk = await openDesk(database());
    offers = desk.offers();
  }, 60_000);
  afterAll(() => desk.close());
  beforeEach(() => desk.pass(minute));

  const create = (request: Partial<OfferRequest> = {}, key?: string): Promise<OfferAnswer> =>
    offers.create(
      { credentials: [skill()], ...request },
      { ...caller, ...(key !== undefined && { idempotencyKey: key }) },
    );
  const query = (sql: string) => desk.store.read((tx) => tx.query(sql));
  const rowsOf = async (table: string) => Number((await query(`SELECT COUNT(*) AS n FROM ${table}`))[0].n);
  const auditOf = async (subject: string): Promise<string[]> =>
    (await desk.store.read((tx) => tx.query('SELECT action, subject FROM audit_record')))
      .filter((row: { subject: string }) => row.subject === subject)
      .map((row: { action: string }) => row.action);

  /** A credential offer of an offer, with the secret that a wallet reads in it. */
  async function mint(offer: OfferAnswer, given: Partial<Parameters<Offers['mint']>[0]> = {}) {
    const minted = await offers.mint({ offerId: offer.offerId, grantType: 'pre-authorized_code', ...given }, caller);
    const grants = minted.credentialOffer['grants'] as Record<string, Record<string, string>>;
    const grant = grants['urn:ietf:params:oauth:grant-type:pre-authorized_code'] ?? grants['authorization_code'] ?? {};
    return { ...minted, grant, secret: grant['pre-authorized_code'] ?? grant['issuer_state'] ?? '' };
  }
  const redeem = (code: string, txCode?: string) =>
    desk.store.transaction((tx) => offers.redeemPreAuthorizedCode(tx, { code, txCode }));
  const wrong = ({ txCode = '' }: OfferAnswer) => (txCode === '000000' ? '000001' : '000000');
  const errorOf = (redeemed: Redeemed) => ('refused' in redeemed ? redeemed.refused.error : 'granted');
  const textOf = (redeemed: Redeemed) => ('refused' in redeemed ? redeemed.refused.message : '');
  const markIssued = (documentId: string, generation = 1) =>
    desk.store.transaction((tx) => offers.markIssued(tx, { documentId, generation }));
  const contentOf = (id: string) => desk.store.read((tx) => offers.content(tx, id));
  const statesOf = async (id: string) => (await offers.read(id)).documents.map(({ state }) => state);
  const firstOf = ({ documents }: OfferAnswer) => documents[0]?.id ?? '';

  describe('an offer', () => {
    test('is made of whole credentials without a holder, and answers link and code once', async () => {
      const made = await create({ credentials: [skill(), dbs(), { ...registration(), pending: true }], person });
      expect(made.link).toMatch(/^https:\/\/rxa\.example\/passport\/[A-Za-z0-9_-]{22}$/);
      expect(made.txCode).toMatch(/^\d{6}$/);
      expect(made.documents).toEqual([
        { id: expect.any(String), type: 'CoreSkillCredential', state: 'offered', signInRequired: false },
        { id: expect.any(String), type: 'DbsCheckCredential', state: 'offered', signInRequired: true },
        { id: expect.any(String), type: 'ProfessionalRegistrationCredential', state: 'pending', signInRequired: false },
      ]);
      const view = await offers.read(made.offerId);
      expect(view).toMatchObject({ state: 'open', triesLeft: 5, documents: made.documents });
      expect(JSON.stringify(view)).not.toContain(made.txCode);
      expect(await contentOf(firstOf(made))).toEqual(skill().credential);
      expect(await auditOf(made.offerId)).toEqual(['offer.created']);
    });

    test('stands in the database without link, code, person or claims that can be read', async () => {
      const made = await create({ credentials: [skill(), dbs()], person }, 'sealed-key');
      const { secret, credentialOfferId } = await mint(made);
      const tables = ['offer', 'offer_document', 'credential_offer', 'audit_record'];
      const rows = await Promise.all(tables.map((table) => query(`SELECT * FROM ${table}`)));
      const dump = JSON.stringify(rows, (_name, value) =>
        value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value,
      );
      expect(dump).toContain(made.offerId);
      const subject = dbs().credential['credentialSubject'] as JsonObject;
      const secrets = [made.link.split('/').at(-1), `"${made.txCode}"`, nurse, secret, credentialOfferId];
      const shown = [...secrets, String(subject['certificateNumber'])].filter((text) => dump.includes(String(text)));
      expect(shown).toEqual([]);
    });

    test.each<[string, Partial<OfferRequest>, string, string]>([
      [
        'with a holder',
        {
          credentials: [
            {
              credential: {
                ...skill().credential,
                credentialSubject: { id: 'did:key:z6Mk', ...(skill().credential['credentialSubject'] as JsonObject) },
              },
            },
          ],
        },
        'invalid_request',
        '/credentials/0/credential/credentialSubject/id',
      ],
      [
        'with an id',
        { credentials: [skill(), skill({ id: 'urn:uuid:0b5e1a2c-7a57-4b7a-9d0b-3f0a5c2f6d11' })] },
        'invalid_request',
        '/credentials/1/credential/id',
      ],
      [
        'with a status of its own',
        { credentials: [skill({ credentialStatus: {} })] },
        'invalid_request',
        '/credentials/0/credential/credentialStatus',
      ],
      [
        'of an unknown type',
        { credentials: [skill({ type: ['VerifiableCredential', 'Knighthood'] })] },
        'unknown_credential_type',
        '/credentials/0/credential/type/1',
      ],
      [
        'without claims',
        { credentials: [skill({ credentialSubject: {} })] },
        'schema_violation',
        '/credentials/0/credential/credentialSubject/personBindingId',
      ],
      [
        'that has ended',
        { credentials: [skill({ validUntil: '2020-01-01T00:00:00Z' })] },
        'invalid_credential',
        '/credentials/0/credential/validUntil',
      ],
      [
        'of a type that requires sign-in, for nobody in particular',
        { credentials: [skill(), dbs()] },
        'invalid_request',
        '/credentials/1',
      ],
      [
        'that asks for sign-in itself, for nobody in particular',
        { credentials: [{ ...skill(), requireSignIn: true }] },
        'invalid_request',
        '/credentials/0',
      ],
      ['without a code, for nobody in particular', { txCode: false }, 'invalid_request', '/txCode'],
    ])('%s is refused, and nothing is stored', async (_title, request, code, path) => {
      const before = await rowsOf('offer');
      const error = await refusal(create(request));
      expect([error.code, error.faults.map((fault) => fault.path)]).toEqual([code, expect.arrayContaining([path])]);
      expect(await rowsOf('offer')).toBe(before);
    });

    test('that needs sign-in is refused where nobody can sign in', async () => {
      const deaf = desk.offers({ canSignIn: false });
      const error = await refusal(deaf.create({ credentials: [dbs()], person }, caller));
      expect(error.message).toContain('no identity provider');
      expect((await refusal(deaf.create({ credentials: [skill()], person, txCode: false }, caller))).code).toBe(
        'invalid_request',
      );
    });

    test('is refused while the registry cannot be asked, and where it does not recognise us', async () => {
      desk.programme.registry.present = false;
      expect((await refusal(create())).code).toBe('registry_unavailable');
      desk.programme.registry.present = true;
      const { organisations } = desk.programme.registry;
      desk.programme.registry.organisations = [];
      expect((await refusal(create())).code).toBe('issuer_not_recognised');
      desk.programme.registry.organisations = organisations;
    });

    test('tells the faults of all documents', async () => {
      const error = await refusal(create({ credentials: [skill({ id: 'x' }), skill(), skill({ proof: {} })] }));
      expect(error.faults.map(({ path }) => path)).toEqual([
        '/credentials/0/credential/id',
        '/credentials/2/credential/proof',
      ]);
    });
  });

  describe('an Idempotency-Key', () => {
    test('gives the identical answer to the same body, also when several ask at once', async () => {
      const answers = await Promise.all([1, 2, 3].map(() => create({}, 'one-key')));
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
      expect(await create({}, 'one-key')).toEqual(answers[0]);
      expect((await refusal(create({ expiresInHours: 1 }, 'one-key'))).code).toBe('idempotency_conflict');
    });

    test('is answered while the registry is down, hands out no dead link, and is free after its window', async () => {
      const first = await create({}, 'later');
      desk.programme.registry.present = false;
      expect(await create({}, 'later')).toEqual(first);
      desk.programme.registry.present = true;
      await offers.resend({ offerId: first.offerId }, caller);
      expect((await refusal(create({}, 'later'))).code).toBe('conflict');
      desk.pass(25 * hour);
      expect((await create({}, 'later')).offerId).not.toBe(first.offerId);
    });
  });

  describe('a credential offer', () => {
    test('names type and format, asks for the code, and is fetched by its reference', async () => {
      const made = await create({ credentials: [skill(), skill(), registration()] });
      const minted = await mint(made, { walletFormats: ['sd_jwt', 'jwt_vc'] });
      expect(minted.credentialOffer).toEqual({
        credential_issuer: 'https://rxa.example',
        credential_configuration_ids: [
          'CoreSkillCredential_sd_jwt',
          'CoreSkillCredential_jwt_vc',
          'ProfessionalRegistrationCredential_sd_jwt',
          'ProfessionalRegistrationCredential_jwt_vc',
        ],
        grants: {
          'urn:ietf:params:oauth:grant-type:pre-authorized_code': {
            'pre-authorized_code': expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
            tx_code: { input_mode: 'numeric', length: 6, description: expect.any(String) },
          },
        },
      });
      expect(await offers.credentialOffer(minted.credentialOfferId)).toEqual(minted.credentialOffer);
      const reference = new URL(minted.uri).searchParams.get('credential_offer_uri');
      expect(reference).toBe(`https://rxa.example/offers/${minted.credentialOfferId}`);
      const value = new URL(minted.uriByValue).searchParams.get('credential_offer');
      expect(JSON.parse(value ?? '')).toEqual(minted.credentialOffer);
      expect(minted.uriByValue).not.toContain('+');
    });

    test('is redeemed once, for documents and configurations that it names', async () => {
      const made = await create({ credentials: [skill(), skill()] });
      const { secret, credentialOfferId } = await mint(made, { documentIds: [firstOf(made)] });
      expect(await redeem(secret, made.txCode)).toEqual({
        grant: {
          offerId: made.offerId,
          documentIds: [firstOf(made)],
          configurationIds: ['CoreSkillCredential_sd_jwt'],
          signedIn: false,
          generation: 1,
        },
      });
      expect(errorOf(await redeem(secret, made.txCode))).toBe('invalid_grant');
      expect((await refusal(offers.credentialOffer(credentialOfferId))).code).toBe('gone');
      expect(await auditOf(made.offerId)).toEqual(['offer.created', 'offer.minted', 'offer.redeemed']);
    });

    test('is redeemed by one of many that try at once', async () => {
      const made = await create();
      const { secret } = await mint(made);
      const outcomes = await Promise.all(Array.from({ length: 8 }, () => redeem(secret, made.txCode)));
      expect(outcomes.map(errorOf).sort()).toEqual(['granted', ...Array(7).fill('invalid_grant')]);
    });

    test('is burnt or unknown before a wrong code is counted', async () => {
      const made = await create();
      const { secret } = await mint(made);
      await redeem(secret, made.txCode);
      await redeem(secret, wrong(made));
      await redeem('nobody-knows-this', wrong(made));
      expect((await offers.read(made.offerId)).triesLeft).toBe(5);
    });

    test('needs the code, and counts neither a missing one nor one that nobody asked for', async () => {
      const made = await create();
      const { secret } = await mint(made);
      expect(errorOf(await redeem(secret))).toBe('invalid_request');
      expect((await offers.read(made.offerId)).triesLeft).toBe(5);
      expect(errorOf(await redeem(secret, made.txCode))).toBe('granted');
    });

    test('lives for a quarter of an hour, and never longer than its offer', async () => {
      const made = await create({ expiresInHours: 1 });
      const { secret, credentialOfferId } = await mint(made);
      desk.pass(15 * minute);
      expect(errorOf(await redeem(secret, made.txCode))).toBe('invalid_grant');
      expect((await refusal(offers.credentialOffer(credentialOfferId))).code).toBe('gone');
      desk.pass(40 * minute);
      expect((await mint(made)).expiresAt).toBe(made.expiresAt);
      desk.pass(10 * minute);
      expect((await refusal(mint(made))).code).toBe('conflict');
    });

    test('of the authorization code flow gives its documents to the right person only', async () => {
      const made = await create({ credentials: [dbs(), skill()], person });
      const { secret, grant } = await mint(made, { grantType: 'authorization_code' });
      expect(grant).toEqual({ issuer_state: secret });
      const ask = (issuerState: string, subject: string) =>
        desk.store.transaction((tx) => offers.grantForIssuerState(tx, { issuerState, subject }));
      expect(errorOf(await ask(secret, 'somebody-else'))).toBe('access_denied');
      expect(errorOf(await ask('unknown', nurse))).toBe('access_denied');
      expect(await ask(secret, nurse)).toMatchObject({
        grant: { documentIds: made.documents.map(({ id }) => id), signedIn: true },
      });
      expect(errorOf(await redeem(secret, made.txCode))).toBe('invalid_grant');
      const preAuthorized = await mint(made);
      expect(errorOf(await ask(preAuthorized.secret, nurse))).toBe('access_denied');
    });

    test('of the pre-authorized flow leaves out what requires sign-in, and refuses it by name', async () => {
      const made = await create({ credentials: [dbs(), skill()], person });
      const [check, other] = made.documents;
      const { secret } = await mint(made);
      expect(await redeem(secret, made.txCode)).toMatchObject({ grant: { documentIds: [other?.id] } });
      expect((await refusal(mint(made, { documentIds: [check?.id ?? ''] }))).message).toContain('sign-in');
      const nameless = await create({ credentials: [skill()], person, txCode: false });
      expect(nameless.txCode).toBeUndefined();
      expect((await refusal(mint(nameless))).message).toContain('no code');
      expect((await refusal(mint(await create(), { grantType: 'authorization_code' }))).message).toContain('who');
    });

    test('names documents of its own offer only', async () => {
      const [made, other] = [await create(), await create()];
      const error = await refusal(mint(made, { documentIds: [firstOf(other)] }));
      expect([error.code, error.faults[0]?.path]).toEqual(['invalid_request', '/documentIds/0']);
      expect((await refusal(offers.credentialOffer('AAAAAAAAAAAAAAAAAAAAAA'))).code).toBe('not_found');
    });

    test('is not made without end', async () => {
      const made = await create();
      const work = async () => {
        for (let round = 0; round < 300; round += 1) await mint(made);
      };
      expect((await refusal(work())).code).toBe('conflict');
      expect(await rowsOf(`credential_offer WHERE offer_id = '${made.offerId}'`)).toBe(256);
    }, 60_000);
  });

  describe('a wrong code', () => {
    test('is counted over all credential offers; after five everything is locked until HR sends it again', async () => {
      const made = await create();
      const [one, two] = [await mint(made), await mint(made)];
      const left: number[] = [];
      for (const { secret } of [one, two, one, two, one]) {
        expect(errorOf(await redeem(secret, wrong(made)))).toBe('invalid_grant');
        left.push((await offers.read(made.offerId)).triesLeft);
      }
      expect(left).toEqual([4, 3, 2, 1, 0]);
      expect(textOf(await redeem(two.secret, made.txCode))).toContain('too many');
      expect((await offers.read(made.offerId)).state).toBe('locked');
      expect((await refusal(mint(made))).message).toContain('locked');
      expect((await refusal(offers.credentialOffer(two.credentialOfferId))).code).toBe('gone');
      expect((await auditOf(made.offerId)).filter((action) => /refused|locked/.test(action))).toEqual([
        ...Array(4).fill('offer.code_refused'),
        'offer.locked',
      ]);
      const again = await offers.resend({ offerId: made.offerId }, caller);
      const fresh = await mint(made);
      expect(errorOf(await redeem(fresh.secret, made.txCode === again.txCode ? '' : made.txCode))).toBe(
        'invalid_grant',
      );
      expect(errorOf(await redeem(fresh.secret, again.txCode))).toBe('granted');
    });

    test('has five tries, however many try at once', async () => {
      const made = await create();
      const minted = await Promise.all(Array.from({ length: 12 }, () => mint(made)));
      const outcomes = await Promise.all(minted.map(({ secret }) => redeem(secret, wrong(made))));
      expect(outcomes.filter((outcome) => textOf(outcome).includes('tx_code is wrong'))).toHaveLength(5);
      const [first] = minted;
      expect(errorOf(await redeem(first?.secret ?? '', made.txCode))).toBe('invalid_grant');
    });

    test('of another offer opens nothing', async () => {
      const [made, other] = [await create(), await create()];
      const { secret } = await mint(made);
      if (made.txCode !== other.txCode) expect(errorOf(await redeem(secret, other.txCode))).toBe('invalid_grant');
      expect((await offers.read(other.offerId)).triesLeft).toBe(5);
    });
  });

  describe('sending again', () => {
    test('kills link, code and credential offers of before, and makes what was issued takeable again', async () => {
      const made = await create({ credentials: [skill(), registration()] });
      const old = await mint(made);
      await markIssued(firstOf(made));
      const leftOver = await mint(made);
      expect(leftOver.credentialOffer['credential_configuration_ids']).toEqual([
        'ProfessionalRegistrationCredential_sd_jwt',
      ]);
      const again = await offers.resend({ offerId: made.offerId, expiresInHours: 2 }, caller);
      expect(again.link).not.toBe(made.link);
      expect(errorOf(await redeem(old.secret, made.txCode))).toBe('invalid_grant');
      expect(errorOf(await redeem(old.secret, again.txCode))).toBe('invalid_grant');
      const fresh = await mint(made);
      expect(await redeem(fresh.secret, again.txCode)).toMatchObject({
        grant: { documentIds: made.documents.map(({ id }) => id) },
      });
      expect(await auditOf(made.offerId)).toContain('offer.resent');
    });

    test('is not used up by a wallet of before that renews what it has', async () => {
      const made = await create({ credentials: [skill()] });
      await markIssued(firstOf(made));
      const isCurrent = (generation: number) =>
        desk.store.read((tx) => offers.isCurrent(tx, { offerId: made.offerId, generation }));
      expect(await isCurrent(1)).toBe(true);
      await offers.resend({ offerId: made.offerId }, caller);
      expect([await isCurrent(1), await isCurrent(2)]).toEqual([false, true]);
      await markIssued(firstOf(made), 1);
      expect((await offers.read(made.offerId)).state).toBe('open');
      await markIssued(firstOf(made), 2);
      expect((await offers.read(made.offerId)).state).toBe('used');
      await markIssued(firstOf(made), 1);
      expect((await offers.read(made.offerId)).state).toBe('used');
    });

    test('works after the end, while contents are kept, and not after that', async () => {
      const made = await create({ expiresInHours: 1 });
      desk.pass(2 * hour);
      expect((await offers.read(made.offerId)).state).toBe('expired');
      await offers.resend({ offerId: made.offerId, expiresInHours: 1 }, caller);
      expect((await offers.read(made.offerId)).state).toBe('open');
      desk.pass(31 * 24 * hour);
      await offers.purge();
      expect((await refusal(offers.resend({ offerId: made.offerId }, caller))).code).toBe('conflict');
      expect((await refusal(contentOf(firstOf(made)))).code).toBe('gone');
    });

    test('is no way around a withdrawal', async () => {
      const made = await create();
      await offers.withdraw({ offerId: made.offerId, reason: 'IssuedInError' }, caller);
      expect((await refusal(offers.resend({ offerId: made.offerId }, caller))).code).toBe('conflict');
    });
  });

  describe('withdrawing', () => {
    test('ends the whole offer at once, forgets its contents, and changes nothing the second time', async () => {
      const made = await create({ credentials: [skill(), registration()] }, 'withdrawn-key');
      const { secret } = await mint(made);
      const view = await offers.withdraw({ offerId: made.offerId, reason: 'UpdatedInformation' }, caller);
      expect(view).toMatchObject({
        state: 'withdrawn',
        documents: [
          { state: 'withdrawn', reason: 'UpdatedInformation' },
          { state: 'withdrawn', reason: 'UpdatedInformation' },
        ],
      });
      expect(errorOf(await redeem(secret, made.txCode))).toBe('invalid_grant');
      expect((await refusal(contentOf(firstOf(made)))).code).toBe('gone');
      expect((await refusal(create({ credentials: [skill(), registration()] }, 'withdrawn-key'))).code).toBe(
        'conflict',
      );
      expect(await offers.withdraw({ offerId: made.offerId, reason: 'IssuedInError' }, caller)).toEqual(view);
      expect((await auditOf(made.offerId)).filter((action) => action === 'offer.withdrawn')).toHaveLength(1);
    });

    test('of some documents leaves the others', async () => {
      const made = await create({ credentials: [skill(), skill()] });
      const { secret } = await mint(made);
      const request = { offerId: made.offerId, documentIds: [firstOf(made)], reason: 'NoLongerValid' } as const;
      await offers.withdraw(request, caller);
      expect(await statesOf(made.offerId)).toEqual(['withdrawn', 'offered']);
      expect(await redeem(secret, made.txCode)).toMatchObject({ grant: { documentIds: [made.documents[1]?.id] } });
      expect((await refusal(markIssued(firstOf(made)))).code).toBe('conflict');
    });
  });

  describe('documents', () => {
    test('that are not ready are granted, released once, and told', async () => {
      const made = await create({ credentials: [{ ...skill(), pending: true }] });
      const { secret } = await mint(made);
      expect(await redeem(secret, made.txCode)).toMatchObject({ grant: { documentIds: [firstOf(made)] } });
      const [before] = await desk.store.read((tx) => offers.documents(tx, [firstOf(made)]));
      expect(before).toEqual({
        id: firstOf(made),
        offerId: made.offerId,
        type: 'CoreSkillCredential',
        state: 'pending',
        signInRequired: false,
      });
      const release = () => offers.release({ offerId: made.offerId, documentIds: [firstOf(made)] }, caller);
      expect((await release()).documents).toMatchObject([{ state: 'offered' }]);
      await release();
      expect((await auditOf(made.offerId)).filter((action) => action === 'offer.released')).toHaveLength(1);
      await offers.withdraw({ offerId: made.offerId, reason: 'IssuedInError' }, caller);
      expect((await refusal(release())).code).toBe('conflict');
    });

    test('that were issued are over for this link, told with the time, and kept for refreshing', async () => {
      const made = await create({ expiresInHours: 1 });
      await markIssued(firstOf(made));
      const view = await offers.read(made.offerId);
      expect(view).toMatchObject({ state: 'used', documents: [{ state: 'issued', issuedAt: expect.any(String) }] });
      expect((await refusal(mint(made))).message).toContain('used');
      desk.pass(29 * 24 * hour);
      await offers.purge();
      expect(await contentOf(firstOf(made))).toEqual(skill().credential);
      desk.pass(2 * 24 * hour);
      expect(await offers.purge()).toBeGreaterThan(0);
      expect((await refusal(contentOf(firstOf(made)))).code).toBe('gone');
      expect((await refusal(contentOf('nothing'))).code).toBe('not_found');
    });

    test('of two offers are given to the person who signs in, what ends first first, also again', async () => {
      const subject = 'a-midwife';
      const of = { signInSubject: subject };
      const ask = (configurationIds?: string[]) =>
        desk.store.transaction((tx) =>
          offers.grantForPerson(tx, { subject, ...(configurationIds && { configurationIds }) }),
        );
      const late = await create({ credentials: [registration()], person: of, expiresInHours: 400 });
      const soon = await create({ credentials: [skill(), dbs()], person: of, expiresInHours: 300 });
      expect(await ask()).toMatchObject({ grant: { offerId: soon.offerId, signedIn: true } });
      const wanted = await ask(['ProfessionalRegistrationCredential_jwt_vc', 'Knighthood_sd_jwt']);
      expect(wanted).toEqual({
        grant: {
          offerId: late.offerId,
          documentIds: [firstOf(late)],
          configurationIds: ['ProfessionalRegistrationCredential_jwt_vc'],
          signedIn: true,
          generation: 1,
        },
      });
      await markIssued(firstOf(late));
      expect(await ask(['ProfessionalRegistrationCredential_sd_jwt'])).toMatchObject({
        grant: { offerId: late.offerId },
      });
      expect(errorOf(await ask(['Knighthood_sd_jwt']))).toBe('access_denied');
      await offers.withdraw({ offerId: late.offerId, reason: 'IssuedInError' }, caller);
      expect(errorOf(await ask(['ProfessionalRegistrationCredential_sd_jwt']))).toBe('access_denied');
      desk.pass(301 * hour);
      expect(errorOf(await ask())).toBe('access_denied');
      const stranger = await desk.store.transaction((tx) => offers.grantForPerson(tx, { subject: 'nobody' }));
      expect(errorOf(stranger)).toBe('access_denied');
    });

    test('do not open where they do not belong', async () => {
      const [made, other] = [await create(), await create()];
      const swap = `UPDATE offer_document SET content = (SELECT content FROM offer_document WHERE id = '${firstOf(made)}') WHERE id = '${firstOf(other)}'`;
      await desk.store.transaction((tx) => tx.query(swap));
      expect((await refusal(contentOf(firstOf(other)))).code).toBe('key_unavailable');
    });
  });

  test('an unknown offer is not found, whatever is done with it', async () => {
    const offerId = '5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11';
    const works = [
      offers.read(offerId),
      offers.resend({ offerId }, caller),
      offers.withdraw({ offerId, reason: 'IssuedInError' }, caller),
      offers.release({ offerId, documentIds: [offerId] }, caller),
      offers.mint({ offerId, grantType: 'pre-authorized_code' }, caller),
      markIssued(offerId),
    ];
    for (const work of works) expect((await refusal(work)).code).toBe('not_found');
    expect(await desk.store.read((tx) => offers.documents(tx, [offerId]))).toEqual([]);
  });

  test('nothing is forgotten before its time', async () => {
    await create({}, 'kept');
    const early = new Date(0).toISOString();
    expect(await desk.store.transaction((tx) => purgeOffers(tx, early, early))).toBe(0);
  });

  test('refusals are OAuth errors that wallets understand', async () => {
    const redeemed = await redeem('unknown');
    expect('refused' in redeemed && redeemed.refused).toBeInstanceOf(OAuthError);
  });
});
