/** Sphereon as the wallet that presents. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { wrapWithProof } from '../data-integrity.js';
import { bindToKey, createHolderKey, wrapInToken } from '../holder-key.js';
import { offer } from '../offers.js';
import type { Programme } from '../programme.js';
import { ask, type Question, queryFor } from '../requests.js';
import { present, readRequest } from './presenter.js';
import { openOffer, redeem, request } from './wallet.js';

const questions: readonly Question[] = [
  { clientIdScheme: 'decentralized_identifier' },
  { clientIdScheme: 'decentralized_identifier', responseMode: 'direct_post.jwt' },
  { clientIdScheme: 'decentralized_identifier', requestUriMethod: 'post' },
  { clientIdScheme: 'x509_san_dns' },
  { clientIdScheme: 'x509_hash', responseMode: 'direct_post.jwt' },
];

export function presentingWithSphereon({ programme }: { readonly programme: () => Programme }): void {
  async function hold(format: 'sd_jwt' | 'jwt_vc' | 'ldp') {
    const { uri, txCode } = await offer(programme().rxa, { types: ['CoreSkillCredential'], formats: [format] });
    const opened = await openOffer(uri);
    await redeem(opened, txCode);
    const key = createHolderKey(format === 'ldp' ? 'EdDSA' : 'ES256');
    const binding = format === 'sd_jwt' ? 'jwk' : 'did:jwk';
    const { credentials } = await request(opened, `CoreSkillCredential_${format}`, { key, binding });
    return { key, credential: credentials[0] };
  }

  describe('Sphereon presents', () => {
    for (const question of questions) {
      test(`dc+sd-jwt to ${Object.values(question).join(', ')}`, async () => {
        const { authority, rxb } = programme();
        const { key, credential } = await hold('sd_jwt');
        const asked = await ask(rxb, [queryFor('CoreSkillCredential', 'dc+sd-jwt', authority.url)], question);
        const { status } = await present(asked.uri, async ({ audience, nonce }) => ({
          document: await bindToKey(String(credential), key, { audience, nonce }),
        }));
        assert.equal(status, 200);
        assert.equal(await asked.result(), 'valid: 1');
      });
    }

    for (const responseMode of ['direct_post', 'direct_post.jwt'] as const) {
      test(`ldp_vc, ${responseMode}`, async () => {
        const { authority, rxb } = programme();
        const { key, credential } = await hold('ldp');
        const query = queryFor('CoreSkillCredential', 'ldp_vc', authority.url);
        const asked = await ask(rxb, [query], { responseMode });
        const { status } = await present(asked.uri, async ({ audience, nonce }) => ({
          document: await wrapWithProof(credential as object, key, { audience, nonce }),
        }));
        assert.equal(status, 200);
        assert.equal(await asked.result(), 'valid: 1');
      });
    }

    // What Sphereon 0.20.1 cannot do. Credo presents the same to the same requests (credo/presenting.ts).
    test('no jwt_vc_json: it looks for the holder binding in a proof member, which a token has not (did-auth-siop dist/index.js:15877)', async () => {
      const { authority, rxb } = programme();
      const { key, credential } = await hold('jwt_vc');
      const asked = await ask(rxb, [queryFor('CoreSkillCredential', 'jwt_vc_json', authority.url)]);
      const presented = present(asked.uri, async ({ audience, nonce }) => ({
        document: await wrapInToken(String(credential), key, { audience, nonce }),
      }));
      await assert.rejects(presented, /DcqlError: Invalid Presentation record/);
    });

    test('nothing to redirect_uri: it compares the address with the prefix still before it (did-auth-siop dist/index.js:17058)', async () => {
      const { authority, rxb } = programme();
      const question = { clientIdScheme: 'redirect_uri' } as const;
      const { uri } = await ask(rxb, [queryFor('CoreSkillCredential', 'dc+sd-jwt', authority.url)], question);
      await assert.rejects(readRequest(uri), /response_uri does not match the client_id/);
    });
  });
}
