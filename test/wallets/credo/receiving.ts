/** Credo as the wallet that receives. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SdJwtVcRecord } from '@credo-ts/core';
import { offer, release, statesOf, type WalletFormat } from '../offers.js';
import type { Member, Programme } from '../programme.js';
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

async function decisionOf(verifier: Member, credential: string): Promise<string> {
  const { body, text } = await verifier.verify(credential);
  return body.decision === 'valid' ? 'valid' : text;
}

/** Status indexes and everything else that could tell copies of one document from another. */
function payloadOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}

export function receivingWithCredo({ programme, wallet }: Ground): void {
  async function receive(format: WalletFormat, types: readonly string[], request: Parameters<CredoWallet['request']>[2]) {
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
      const { credentials } = await receive('sd_jwt', ['CoreSkillCredential'], { binding: 'jwk', copies: 3 });
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
      while ((await decisionOf(rxb, old)) === 'valid' && Date.now() < end) await new Promise((done) => setTimeout(done, 200));
      assert.match(await decisionOf(rxb, old), /status_revoked|revoked/);
    });
  });
}
