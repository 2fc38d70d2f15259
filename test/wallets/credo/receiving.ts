/** Credo as the wallet that receives. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { SdJwtVcRecord } from '@credo-ts/core';
import { visit } from '../browser.js';
import { decisionOf } from '../decisions.js';
import { offer, release, statesOf, type WalletFormat } from '../offers.js';
import type { Programme } from '../programme.js';
import type { Binding, CredoWallet, KeyKind, Received } from './wallet.js';

interface Ground {
  readonly programme: () => Programme;
  readonly wallet: () => CredoWallet;
}

/** The credential as it stands in the wallet, every copy of it. */
function copiesOf({ record }: Received): string[] {
  if (record instanceof SdJwtVcRecord) return record.credentialInstances.map(({ compactSdJwtVc }) => compactSdJwtVc);
  return record.credentialInstances.map((instance) => (instance as { credential: string }).credential);
}

/** Status indexes and everything else that could tell copies of one document from another. */
function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

export function receivingWithCredo({ programme, wallet }: Ground): void {
  async function receive(
    format: WalletFormat,
    types: readonly string[],
    request: Parameters<CredoWallet['request']>[2],
  ) {
    const { rxa } = programme();
    const offered = await offer(rxa, { types, formats: [format] });
    const resolved = await wallet().resolveOffer(offered.uri);
    const access = await wallet().redeem(resolved, offered.txCode);
    return { offered, resolved, access, ...(await wallet().request(resolved, access, request)) };
  }

  describe('Credo receives', () => {
    const bindings: readonly [WalletFormat, Binding, KeyKind][] = [
      ['jwt_vc', 'did:jwk', 'P-256'],
      ['jwt_vc', 'did:key', 'Ed25519'],
      ['sd_jwt', 'jwk', 'P-256'],
      ['sd_jwt', 'jwk', 'Ed25519'],
      ['sd_jwt', 'did:jwk', 'P-256'],
      ['sd_jwt', 'did:key', 'Ed25519'],
      ['sd_jwt', 'did:key', 'P-256'],
    ];
    for (const [format, binding, key] of bindings) {
      test(`${format} for a key called ${binding} (${key}), with the code of the person, and another trust accepts it`, async () => {
        const { credentials, offered } = await receive(format, ['CoreSkillCredential'], { binding, key });
        assert.equal(credentials.length, 1);
        const [copy = ''] = copiesOf(credentials[0] as Received);
        assert.equal(await decisionOf(programme().rxb, copy), 'valid');
        assert.deepEqual(await statesOf(programme().rxa, offered), ['issued']);
      });
    }

    test('an offer by value, without a code it cannot be redeemed, and with it it can', async () => {
      const { rxa } = programme();
      const offered = await offer(rxa, { types: ['StaffIdentityCredential'], formats: ['sd_jwt'], byValue: true });
      const resolved = await wallet().resolveOffer(offered.uri);
      const wrong = offered.txCode === '000000' ? '000001' : '000000';
      await assert.rejects(wallet().redeem(resolved, wrong), /invalid_grant/);
      const access = await wallet().redeem(resolved, offered.txCode);
      const { credentials } = await wallet().request(resolved, access, { binding: 'jwk' });
      assert.equal(await decisionOf(programme().rxb, copiesOf(credentials[0] as Received)[0] ?? ''), 'valid');
    });

    test('a whole passport in one offer with several configurations', async () => {
      const types = ['StaffIdentityCredential', 'CoreSkillCredential', 'ProfessionalRegistrationCredential'];
      const { credentials } = await receive('sd_jwt', types, { binding: 'jwk' });
      const configurations = credentials.map(({ credentialConfigurationId }) => credentialConfigurationId).sort();
      assert.deepEqual(configurations, types.map((type) => `${type}_sd_jwt`).sort());
      for (const credential of credentials) {
        assert.equal(await decisionOf(programme().rxb, copiesOf(credential)[0] ?? ''), 'valid');
      }
    });

    test('a batch, each copy for a key of its own and with a status of its own', async () => {
      const { credentials } = await receive('sd_jwt', ['StaffIdentityCredential'], { binding: 'jwk', copies: 3 });
      const copies = copiesOf(credentials[0] as Received);
      const payloads = copies.map(payloadOf);
      const distinct = (member: string) => new Set(payloads.map((payload) => JSON.stringify(payload[member]))).size;
      assert.deepEqual([copies.length, distinct('cnf'), distinct('status'), distinct('_sd')], [3, 3, 3, 3]);
      for (const copy of copies) assert.equal(await decisionOf(programme().rxb, copy), 'valid');
    });

    test('a token that is bound to its key', async () => {
      const { access } = await receive('jwt_vc', ['CoreSkillCredential'], {});
      assert.equal(access.dpop?.alg, 'ES256');
    });

    test('what is not ready yet, after the trust has released it', async () => {
      const { rxa } = programme();
      const order = { types: ['CoreSkillCredential'], formats: ['sd_jwt'], pending: true } as const;
      const offered = await offer(rxa, order);
      const resolved = await wallet().resolveOffer(offered.uri);
      const access = await wallet().redeem(resolved, offered.txCode);
      const early = await wallet().request(resolved, access, { binding: 'jwk' });
      assert.deepEqual([early.credentials.length, early.deferredCredentials.length], [0, 1]);
      const [waiting] = early.deferredCredentials;
      assert.ok(waiting);
      const still = await wallet().requestDeferred(resolved, access, waiting);
      assert.deepEqual([still.credentials.length, still.deferredCredentials.length], [0, 1]);
      await release(rxa, offered);
      const late = await wallet().requestDeferred(resolved, access, waiting);
      assert.equal(await decisionOf(programme().rxb, copiesOf(late.credentials[0] as Received)[0] ?? ''), 'valid');
    });

    test('a document that needs sign-in, by a pushed request of the authorization code flow', async () => {
      const { rxa, rxb } = programme();
      const order = { types: ['DbsCheckCredential'], formats: ['sd_jwt'], grant: 'authorization_code' } as const;
      const offered = await offer(rxa, { ...order, person: 'nurse-2' });
      const resolved = await wallet().resolveOffer(offered.uri);
      const clientId = 'https://wallet.example';
      const redirectUri = 'https://wallet.example/callback';
      const signInAs = (subject: string) =>
        wallet().authorise(resolved, {
          clientId,
          redirectUri,
          visit: (url) => visit(url, { subject, backTo: redirectUri }),
        });
      await assert.rejects(signInAs('somebody-else'), /authorize.* answered 403/);
      const access = await signInAs('nurse-2');
      assert.equal(access.dpop?.alg, 'ES256');
      const { credentials } = await wallet().request(resolved, access, { binding: 'jwk', clientId });
      assert.equal(await decisionOf(rxb, copiesOf(credentials[0] as Received)[0] ?? ''), 'valid');
      const later = await wallet().refresh(resolved, access, clientId);
      const again = await wallet().request(resolved, later, { binding: 'jwk', clientId });
      assert.equal(await decisionOf(rxb, copiesOf(again.credentials[0] as Received)[0] ?? ''), 'valid');
    });

    test('and tells the issuer that it did', async () => {
      const { credentials, resolved, access } = await receive('jwt_vc', ['CoreSkillCredential'], {});
      const notificationId = credentials[0]?.notificationId;
      assert.match(notificationId ?? '', /^\S+$/);
      await wallet().notify(resolved, access, { notificationId, event: 'credential_accepted' });
      await wallet().notify(resolved, access, { notificationId, event: 'credential_deleted' });
    });

    test('anew with a refreshed token, and then the old copy is no longer good', async () => {
      const first = await receive('jwt_vc', ['CoreSkillCredential'], {});
      const access = await wallet().refresh(first.resolved, first.access);
      const { credentials } = await wallet().request(first.resolved, access, {});
      const { rxb } = programme();
      assert.equal(await decisionOf(rxb, copiesOf(credentials[0] as Received)[0] ?? ''), 'valid');
      // The verifier's copy of the status list is a second old at most.
      const old = copiesOf(first.credentials[0] as Received)[0] ?? '';
      const end = Date.now() + 10_000;
      while ((await decisionOf(rxb, old)) === 'valid' && Date.now() < end) await pause(200);
      assert.equal(await decisionOf(rxb, old), 'invalid: status_revoked');
    });

    // What Credo 0.6.3 cannot read. Sphereon receives the same documents in the same formats (sphereon/receiving.ts).
    test('no VCDM 2.0 in jwt_vc_json: it wants the vc claim of VCDM 1.1 (core modules/vc/jwt-vc/credentialTransformer.mjs:49)', async () => {
      const received = receive('vc2_jwt', ['CoreSkillCredential'], {});
      await assert.rejects(received, /JWT does not contain a valid 'vc' claim/);
    });

    test('no VCDM 2.0 in ldp_vc: it wants the context of VCDM 1.1 (core modules/vc/validators.mjs:16)', async () => {
      const received = receive('ldp', ['CoreSkillCredential'], { key: 'Ed25519' });
      await assert.rejects(received, /W3cJsonLdVerifiableCredential: Failed to validate class[\s\S]*property context/);
    });
  });
}
