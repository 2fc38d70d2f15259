/** Sphereon as the wallet that receives. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { visit } from '../browser.js';
import { decisionOf } from '../decisions.js';
import { createHolderKey } from '../holder-key.js';
import { offer, release, statesOf, type WalletFormat } from '../offers.js';
import type { Programme } from '../programme.js';
import { authorise, notify, openOffer, redeem, request } from './wallet.js';

const bindings: readonly [WalletFormat, 'did:jwk' | 'jwk', 'ES256' | 'EdDSA'][] = [
  ['jwt_vc', 'did:jwk', 'ES256'],
  ['jwt_vc', 'did:jwk', 'EdDSA'],
  ['sd_jwt', 'jwk', 'ES256'],
  ['sd_jwt', 'did:jwk', 'EdDSA'],
  ['vc2_jwt', 'did:jwk', 'ES256'],
  ['ldp', 'did:jwk', 'EdDSA'],
  ['ldp', 'did:jwk', 'ES256'],
];

export function receivingWithSphereon({ programme }: { readonly programme: () => Programme }): void {
  describe('Sphereon receives', () => {
    for (const [format, binding, alg] of bindings) {
      test(`${format} for a key called ${binding} (${alg}), with the code of the person, and another trust accepts it`, async () => {
        const { rxa, rxb } = programme();
        const offered = await offer(rxa, { types: ['CoreSkillCredential'], formats: [format] });
        const opened = await openOffer(offered.uri);
        assert.equal(await redeem(opened, offered.txCode), 'Bearer');
        const [configurationId = ''] = opened.configurationIds;
        const { credentials } = await request(opened, configurationId, { key: createHolderKey(alg), binding });
        assert.equal(await decisionOf(rxb, credentials[0]), 'valid');
        assert.deepEqual(await statesOf(rxa, offered), ['issued']);
      });
    }

    test('an offer by value, with a token that is bound to a key', async () => {
      const { rxa, rxb } = programme();
      const order = { types: ['StaffIdentityCredential'], formats: ['sd_jwt'], byValue: true } as const;
      const offered = await offer(rxa, order);
      const opened = await openOffer(offered.uri);
      const dpop = createHolderKey();
      assert.equal(await redeem(opened, offered.txCode, dpop), 'DPoP');
      const asked = { key: createHolderKey(), binding: 'jwk', dpop } as const;
      const { credentials } = await request(opened, 'StaffIdentityCredential_sd_jwt', asked);
      assert.equal(await decisionOf(rxb, credentials[0]), 'valid');
    });

    test('several configurations of one offer, one after the other, and tells the issuer that it did', async () => {
      const { rxa, rxb } = programme();
      const types = ['StaffIdentityCredential', 'ProfessionalRegistrationCredential'];
      const offered = await offer(rxa, { types, formats: ['sd_jwt'] });
      const opened = await openOffer(offered.uri);
      await redeem(opened, offered.txCode);
      for (const configurationId of opened.configurationIds) {
        const asked = { key: createHolderKey(), binding: 'jwk' } as const;
        const { credentials, notificationId } = await request(opened, configurationId, asked);
        assert.equal(await decisionOf(rxb, credentials[0]), 'valid');
        assert.equal(await notify(opened, notificationId ?? '', 'credential_accepted'), true);
      }
    });

    test('what is not ready yet, as soon as the trust releases it', async (context) => {
      // Sphereon prints every answer of the deferred endpoint.
      context.mock.method(console, 'log', () => undefined);
      const { rxa, rxb } = programme();
      const offered = await offer(rxa, { types: ['CoreSkillCredential'], formats: ['jwt_vc'], pending: true });
      const opened = await openOffer(offered.uri);
      await redeem(opened, offered.txCode);
      const asked = { key: createHolderKey(), binding: 'did:jwk', patient: true } as const;
      const waiting = request(opened, 'CoreSkillCredential_jwt_vc', asked);
      const first = await Promise.race([waiting, pause(1000, 'nothing')]);
      assert.equal(first, 'nothing');
      await release(rxa, offered);
      assert.equal(await decisionOf(rxb, (await waiting).credentials[0]), 'valid');
    });

    test('a document that needs sign-in, by the authorization code flow', async () => {
      const { rxa, rxb } = programme();
      const order = {
        types: ['RightToWorkCredential'],
        formats: ['jwt_vc'],
        grant: 'authorization_code',
        person: 'nurse-1',
      } as const;
      const offered = await offer(rxa, order);
      const opened = await openOffer(offered.uri, 'https://wallet.example');
      const redirectUri = 'https://wallet.example/callback';
      await authorise(opened, { redirectUri, visit: (url) => visit(url, { subject: 'nurse-1', backTo: redirectUri }) });
      const asked = { key: createHolderKey(), binding: 'did:jwk' } as const;
      const { credentials } = await request(opened, 'RightToWorkCredential_jwt_vc', asked);
      assert.equal(await decisionOf(rxb, credentials[0]), 'valid');
    });
  });
}
