/**
 * The whole way through HTTP: HR offers, a wallet that knows only what the specification says reads the offer and the
 * metadata, redeems, proves and receives, tells, refreshes and receives again; then another wallet takes over.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { readCredential, verifyProof } from '../../../src/credential/credential.js';
import { createMetrics } from '../../../src/http/metrics.js';
import { createServer, type HttpServer } from '../../../src/http/server.js';
import { authorizationEntities, createAuthorization } from '../../../src/issuance/authorization/authorization.js';
import { authorizationRoutes } from '../../../src/issuance/authorization/routes.js';
import { createOffers, offersEntities } from '../../../src/issuance/offers/offers.js';
import { offersRoutes } from '../../../src/issuance/offers/routes.js';
import { createCredentialIssuer, credentialIssuerEntities } from '../../../src/issuance/oid4vci/credential-issuer.js';
import { createDocumentRevocation } from '../../../src/issuance/oid4vci/revoking.js';
import { credentialIssuerRoutes } from '../../../src/issuance/oid4vci/routes.js';
import type { JsonObject } from '../../../src/json.js';
import { trust } from '../../credential/agent.js';
import { catalogue } from '../../credential/examples.js';
import { keyMaterial, openProgramme, organisation, type Programme } from '../../verification/programme.js';
import { readBit } from '../bits.js';
import { claimsOf, makeKey, prove, type WalletKey } from './wallet.js';

const publicUrl = 'https://host.example/trusts/rxa';
const formats = ['jwt_vc', 'sd_jwt', 'vc2_jwt', 'ldp'] as const;
const json = { 'content-type': 'application/json' };

describe('a passport', () => {
  let programme: Programme;
  let server: HttpServer;
  let key: WalletKey;

  beforeAll(async () => {
    programme = await openProgramme(undefined, [
      ...offersEntities,
      ...authorizationEntities,
      ...credentialIssuerEntities,
    ]);
    const { store, audit, agent } = programme;
    const common = { store, audit, random: randomBytes, now: () => programme.clock.now, publicUrl };
    const onFault = (error: unknown) => void programme.faults.push(error);
    const issuance = programme.issuance();
    const offers = createOffers({
      ...common,
      checkUnheld: issuance.checkUnheld,
      config: { signInTypes: [], idempotencyHours: 24 },
      canSignIn: false,
      deriveKey: keyMaterial,
      newId: randomUUID,
    });
    const keys = { ES256: agent.es256, EdDSA: agent.ed25519 };
    const issuer = createCredentialIssuer({
      ...common,
      issuance,
      documents: offers,
      config: { publicUrl, name: organisation().name },
      catalogue,
      identity: {
        agent: agent.agent,
        did: trust,
        document: () => agent.documents.get(trust) as JsonObject,
        signingKey: async (algorithm) => ({ ...keys[algorithm as 'ES256'], thumbprint: '' }),
      },
      registry: programme.registry.view,
      deriveKey: keyMaterial,
      onFault,
    });
    const { configurations } = issuer;
    const authorization = createAuthorization({ ...common, offers, configurations, newUuid: randomUUID, onFault });
    server = await createServer({
      publicUrl,
      serviceName: 'RXA',
      version: '0',
      authorise: async () => ({ clientId: 'hr-system', scopes: ['vc:offer', 'vc:revoke'] }),
      metrics: createMetrics(),
      checkResponses: true,
      now: common.now,
      pressure: { patienceMilliseconds: Number.MAX_SAFE_INTEGER },
      newId: randomUUID,
    });
    await server.register(offersRoutes({ offers, catalogue }));
    await server.register(authorizationRoutes(authorization));
    const revocation = createDocumentRevocation({ store, audit, cycle: issuance.cycle, withdraw: offers.withdrawIn });
    await server.register(credentialIssuerRoutes({ issuer, authorise: authorization.authorise, revocation }));
    key = await makeKey('did:jwk');
  }, 60_000);
  afterAll(async () => {
    await server.close();
    await programme.close();
  });

  /** Every address that a wallet uses comes from a document that it has read. */
  const send = async (method: 'GET' | 'POST', url: string, body?: string | object, headers = {}) => {
    const payload = typeof body === 'object' ? JSON.stringify(body) : body;
    const given = { method, url: new URL(url).pathname + new URL(url).search, headers };
    const answer = await server.inject(payload === undefined ? given : { ...given, payload });
    return { status: answer.statusCode, body: answer.payload === '' ? undefined : answer.json() };
  };
  const post = (url: string, body: object, headers = {}) => send('POST', url, body, { ...json, ...headers });
  const form = (url: string, fields: Record<string, string>, headers = {}) =>
    send('POST', url, new URLSearchParams(fields).toString(), {
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    });

  const offered = (type: string): JsonObject => {
    const { type: types, credentialSubject, evidence, validUntil } = catalogue.find(type)?.example ?? {};
    const { id: _holder, ...subject } = credentialSubject as JsonObject;
    const more = Object.entries({ evidence, validUntil }).filter(([, value]) => value !== undefined);
    return { type: types ?? [], credentialSubject: subject, ...(Object.fromEntries(more) as JsonObject) };
  };
  const offer = async (types: readonly { type: string; pending?: boolean }[]) => {
    const credentials = types.map(({ type, ...more }) => ({ credential: offered(type), ...more }));
    const answer = await post(`${publicUrl}/admin/offers`, { credentials });
    expect(answer.status).toBe(201);
    return answer.body;
  };
  const mint = async (offerId: string, walletFormats: readonly string[], documentIds?: readonly string[]) => {
    const body = { walletFormats, grant: 'pre-authorized_code', ...(documentIds && { documentIds }) };
    const answer = await post(`${publicUrl}/admin/offers/${offerId}/credential-offers`, body);
    expect(answer.status).toBe(201);
    return answer.body.uri as string;
  };

  /** A wallet that has scanned a code: it follows the specification from there. */
  const redeem = async (uri: string, txCode: string, more: Record<string, string> = {}, headers = {}) => {
    const reference = new URL(uri).searchParams.get('credential_offer_uri') ?? '';
    const { body: credentialOffer } = await send('GET', reference);
    const issuer = new URL(credentialOffer.credential_issuer);
    const at = (name: string) => `${issuer.origin}/.well-known/${name}${issuer.pathname}`;
    const { body: metadata } = await send('GET', at('openid-credential-issuer'));
    expect(metadata.credential_issuer).toBe(credentialOffer.credential_issuer);
    const { body: server } = await send('GET', at('oauth-authorization-server'));
    const [grant, { 'pre-authorized_code': code }] = Object.entries(credentialOffer.grants)[0] as [
      string,
      Record<string, string>,
    ];
    const fields = { grant_type: grant, 'pre-authorized_code': String(code), tx_code: txCode, ...more };
    const token = await form(server.token_endpoint, fields, headers);
    expect(token.status).toBe(200);
    return { credentialOffer, metadata, server, token: token.body };
  };
  type Redeemed = Awaited<ReturnType<typeof redeem>>;

  const request = async (
    { metadata, token }: Redeemed,
    which: object,
    holders: readonly WalletKey[] = [key],
    headers = {},
  ) => {
    const { body } = await post(metadata.nonce_endpoint, {});
    const parts = {
      aud: metadata.credential_issuer,
      nonce: body.c_nonce,
      iat: Math.floor(programme.clock.now.getTime() / 1000),
    };
    const jwt = await Promise.all(holders.map((holder) => prove(holder, parts)));
    const authorization = `${token.token_type} ${token.access_token}`;
    return post(metadata.credential_endpoint, { ...which, proofs: { jwt } }, { authorization, ...headers });
  };
  const proven = (credential: string | JsonObject) =>
    verifyProof(programme.agent.agent, readCredential(credential), { now: programme.clock.now });

  test.each(formats)('goes into a wallet as %s', async (format) => {
    const { offerId, txCode } = await offer([{ type: 'CoreSkillCredential' }]);
    const wallet = await redeem(await mint(offerId, [format]), txCode);
    const [id] = wallet.credentialOffer.credential_configuration_ids;
    expect(wallet.metadata.credential_configurations_supported).toHaveProperty(id);
    const answer = await request(wallet, { credential_configuration_id: id });
    expect(answer.status).toBe(200);
    const { credential, issuer } = await proven(answer.body.credentials[0].credential);
    expect(issuer).toBe(trust);
    expect(credential).toMatchObject({
      type: ['VerifiableCredential', 'CoreSkillCredential'],
      credentialSubject: { id: key.did },
    });
    const verifiableCredential = answer.body.credentials[0].credential;
    const report = await programme.verification().verifyCredential({ verifiableCredential });
    // Nobody presented it, and nothing else is left unchecked.
    expect(report.checks.filter(({ outcome, check }) => outcome !== 'pass' && check !== 'holder')).toEqual([]);
    expect(report.decision).toBe('valid');
    const { body: view } = await send('GET', `${publicUrl}/admin/offers/${offerId}`);
    expect(view.documents).toEqual([expect.objectContaining({ state: 'issued' })]);
    const told = { notification_id: answer.body.notification_id, event: 'credential_accepted' };
    const authorization = `Bearer ${wallet.token.access_token}`;
    expect((await post(wallet.metadata.notification_endpoint, told, { authorization })).status).toBe(204);
  });

  test('goes into a wallet whole, several documents of one type by their identifiers', async () => {
    const types = ['CoreSkillCredential', 'CoreSkillCredential', 'TrainingProgrammeCredential'];
    const { offerId, txCode } = await offer(types.map((type) => ({ type })));
    const wallet = await redeem(await mint(offerId, ['jwt_vc']), txCode);
    const identifiers = wallet.token.authorization_details.flatMap(
      (detail: { credential_identifiers: string[] }) => detail.credential_identifiers,
    );
    expect(identifiers).toHaveLength(3);
    for (const credential_identifier of identifiers) {
      expect((await request(wallet, { credential_identifier })).status).toBe(200);
    }
    const { body: view } = await send('GET', `${publicUrl}/admin/offers/${offerId}`);
    expect(view).toMatchObject({ state: 'used' });
  });

  test('comes again after a refresh, and moves to another wallet that HR sends it to', async () => {
    const { offerId, txCode } = await offer([{ type: 'CoreSkillCredential' }]);
    const first = await redeem(await mint(offerId, ['vc2_jwt']), txCode);
    const which = { credential_configuration_id: 'CoreSkillCredential_vc2_jwt' };
    const received = async (wallet: Redeemed) => {
      const answer = await request(wallet, which);
      expect(answer.status).toBe(200);
      return claimsOf(answer.body.credentials[0].credential) as unknown as {
        credentialStatus: Parameters<typeof readBit>[1];
      };
    };
    const revoked = (copies: readonly { credentialStatus: Parameters<typeof readBit>[1] }[]) =>
      copies.map(({ credentialStatus }) => readBit(programme.lists, credentialStatus, 'revocation'));
    const copies = [await received(first)];
    const refreshed = await form(first.server.token_endpoint, {
      grant_type: 'refresh_token',
      refresh_token: first.token.refresh_token,
    });
    expect(refreshed.status).toBe(200);
    copies.push(await received({ ...first, token: refreshed.body }));
    expect(revoked(copies)).toEqual([true, false]);
    const { body: resent } = await post(`${publicUrl}/admin/offers/${offerId}/resend`, {});
    const second = await redeem(await mint(offerId, ['vc2_jwt']), resent.txCode);
    copies.push(await received(second));
    expect(revoked(copies)).toEqual([true, true, false]);
    const live = await send('GET', `${publicUrl}/admin/offers/${offerId}/credentials`);
    const ids = live.body.credentials.map(({ credentialId }: { credentialId: string }) => credentialId);
    expect(ids).toEqual([(copies[2] as unknown as { id: string }).id]);
    expect(live.body.credentials[0]).toMatchObject({
      configurationId: which.credential_configuration_id,
      state: 'issued',
    });
    const late = await request({ ...first, token: refreshed.body }, which);
    expect([late.status, late.body.error]).toEqual([400, 'credential_request_denied']);
  });

  test('goes to the wallet whose key the token is bound to, and to nobody who has the token only', async () => {
    const { offerId, txCode } = await offer([{ type: 'CoreSkillCredential' }]);
    const device = await makeKey();
    const proofFor = (htu: string, accessToken?: string) => {
      const ath = accessToken && createHash('sha256').update(accessToken).digest('base64url');
      const claims = { htm: 'POST', htu, jti: randomUUID(), ...(ath && { ath }) };
      const iat = Math.floor(programme.clock.now.getTime() / 1000);
      return prove(device, { aud: '', nonce: '', iat, claims, header: { typ: 'dpop+jwt' }, without: ['aud', 'nonce'] });
    };
    const uri = await mint(offerId, ['jwt_vc']);
    const wallet = await redeem(uri, txCode, {}, { dpop: await proofFor(`${publicUrl}/token`) });
    expect(wallet.token.token_type).toBe('DPoP');
    const which = { credential_configuration_id: 'CoreSkillCredential_jwt_vc' };
    const { access_token: token } = wallet.token;
    const stolen = await request({ ...wallet, token: { ...wallet.token, token_type: 'Bearer' } }, which);
    expect([stolen.status, stolen.body.error]).toEqual([401, 'invalid_token']);
    const unproven = await request(wallet, which);
    expect([unproven.status, unproven.body.error]).toEqual([401, 'invalid_dpop_proof']);
    const elsewhere = { dpop: await proofFor(`${publicUrl}/notification`, token) };
    expect((await request(wallet, which, [key], elsewhere)).body.error).toBe('invalid_dpop_proof');
    const dpop = await proofFor(wallet.metadata.credential_endpoint, token);
    expect((await request(wallet, which, [key], { dpop })).status).toBe(200);
    const replayed = await request(wallet, which, [key], { dpop });
    expect([replayed.status, replayed.body.error]).toEqual([401, 'invalid_dpop_proof']);
  });

  test('waits for what HR has not released', async () => {
    const { offerId, txCode, documents } = await offer([{ type: 'CoreSkillCredential', pending: true }]);
    const wallet = await redeem(await mint(offerId, ['jwt_vc']), txCode);
    const deferred = await request(wallet, { credential_configuration_id: 'CoreSkillCredential_jwt_vc' });
    expect(deferred.status).toBe(202);
    const authorization = `Bearer ${wallet.token.access_token}`;
    const poll = () =>
      post(
        wallet.metadata.deferred_credential_endpoint,
        { transaction_id: deferred.body.transaction_id },
        { authorization },
      );
    expect((await poll()).status).toBe(202);
    const documentIds = documents.map(({ id }: { id: string }) => id);
    expect((await post(`${publicUrl}/admin/offers/${offerId}/release`, { documentIds })).status).toBe(200);
    const released = await poll();
    expect(released.status).toBe(200);
    const { credential } = await proven(released.body.credentials[0].credential);
    expect(credential['credentialSubject']).toMatchObject({ id: key.did });
  });

  test('that nobody knows has no live credentials', async () => {
    const unknown = await send('GET', `${publicUrl}/admin/offers/${randomUUID()}/credentials`);
    expect([unknown.status, unknown.body.code]).toEqual([404, 'not_found']);
    const { offerId } = await offer([{ type: 'CoreSkillCredential' }]);
    expect((await send('GET', `${publicUrl}/admin/offers/${offerId}/credentials`)).body).toEqual({ credentials: [] });
  });

  test('is refused once HR has withdrawn it, with the token that is already out', async () => {
    const { offerId, txCode } = await offer([{ type: 'CoreSkillCredential' }]);
    const wallet = await redeem(await mint(offerId, ['jwt_vc']), txCode);
    const body = { reason: 'UpdatedInformation' };
    const withdrawn = await post(`${publicUrl}/admin/offers/${offerId}/withdraw`, body);
    expect(withdrawn.status).toBe(200);
    const answer = await request(wallet, { credential_configuration_id: 'CoreSkillCredential_jwt_vc' });
    expect([answer.status, answer.body.error]).toEqual([400, 'credential_request_denied']);
  });

  test('is revoked document by document, with every copy of it and for good', async () => {
    const offered = await offer([{ type: 'CoreSkillCredential' }, { type: 'TrainingProgrammeCredential' }]);
    const { offerId, txCode, documents } = offered;
    const wallet = await redeem(await mint(offerId, ['vc2_jwt', 'ldp']), txCode);
    const received: { credentialStatus: Parameters<typeof readBit>[1] }[] = [];
    for (const id of [
      'CoreSkillCredential_vc2_jwt',
      'CoreSkillCredential_ldp',
      'TrainingProgrammeCredential_vc2_jwt',
    ]) {
      const answer = await request(wallet, { credential_configuration_id: id });
      expect(answer.status).toBe(200);
      const { credential } = await proven(answer.body.credentials[0].credential);
      const { credentialStatus } = credential as unknown as { credentialStatus: Parameters<typeof readBit>[1] };
      received.push({ credentialStatus: [credentialStatus].flat() });
    }
    const bits = () => received.map((copy) => readBit(programme.lists, copy.credentialStatus, 'revocation'));
    const skill = documents.find(({ type }: { type: string }) => type === 'CoreSkillCredential').id;
    const revoke = (documentIds: readonly string[], more: object = {}) =>
      post(`${publicUrl}/admin/offers/${offerId}/revoke`, {
        documentIds,
        reason: 'CredentialProvidedInError',
        ...more,
      });

    expect((await revoke([skill], { reason: 'Reissued' })).status).toBe(400);
    expect((await revoke([skill, randomUUID()])).status).toBe(400);
    expect(bits()).toEqual([false, false, false]);
    expect((await revoke([skill])).body).toEqual({ offerId, copies: 2 });
    expect(bits()).toEqual([true, true, false]);
    expect((await revoke([skill])).body).toEqual({ offerId, copies: 0 });
    const again = await request(wallet, { credential_configuration_id: 'CoreSkillCredential_vc2_jwt' });
    expect([again.status, again.body.error]).toEqual([400, 'credential_request_denied']);
    const unknown = await post(`${publicUrl}/admin/offers/${randomUUID()}/revoke`, {
      documentIds: [skill],
      reason: 'LostPhone',
    });
    expect(unknown.status).toBe(404);
  });

  test('showed no fault in the background', () => {
    expect(programme.faults).toEqual([]);
  });
});
