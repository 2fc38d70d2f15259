/** Credo as the wallet that presents. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { offer } from '../offers.js';
import type { Programme } from '../programme.js';
import { ask, type Question, queryFor } from '../requests.js';
import type { CredoWallet, Received } from './wallet.js';

interface Ground {
  readonly programme: () => Programme;
  readonly open: () => Promise<CredoWallet>;
}

const questions: readonly Question[] = [
  { clientIdScheme: 'decentralized_identifier' },
  { clientIdScheme: 'decentralized_identifier', responseMode: 'direct_post.jwt' },
  { clientIdScheme: 'decentralized_identifier', requestUriMethod: 'post' },
  { clientIdScheme: 'x509_san_dns' },
  { clientIdScheme: 'x509_hash', responseMode: 'direct_post.jwt' },
  { clientIdScheme: 'redirect_uri' },
];

/** The id of a credential, as its issuer records it: `jti` of an SD-JWT VC. */
function idOf({ record }: Received): string {
  const { payload, id } = record.firstCredential as { payload?: { jti?: string }; id?: string };
  return payload?.jti ?? id ?? '';
}

export function presentingWithCredo({ programme, open }: Ground): void {
  /** A wallet with a document of each type in it. */
  async function holding(format: 'sd_jwt' | 'jwt_vc', types: readonly string[]): Promise<CredoWallet> {
    return (await holdingWith(format, types)).wallet;
  }

  async function holdingWith(format: 'sd_jwt' | 'jwt_vc', types: readonly string[]) {
    const wallet = await open();
    const { uri, txCode } = await offer(programme().rxa, { types, formats: [format] });
    const resolved = await wallet.resolveOffer(uri);
    const access = await wallet.redeem(resolved, txCode);
    const binding = format === 'sd_jwt' ? 'jwk' : 'did:jwk';
    const { credentials } = await wallet.request(resolved, access, { binding });
    for (const credential of credentials) await wallet.store(credential);
    return { wallet, credentials };
  }

  describe('Credo presents', () => {
    for (const [format, asked] of [
      ['sd_jwt', 'dc+sd-jwt'],
      ['jwt_vc', 'jwt_vc_json'],
    ] as const) {
      for (const question of questions) {
        test(`${asked} to ${Object.values(question).join(', ')}`, async () => {
          const { authority, rxb } = programme();
          const wallet = await holding(format, ['CoreSkillCredential']);
          const request = await ask(rxb, [queryFor('CoreSkillCredential', asked, authority.url)], question);
          const { status } = await wallet.present(request.uri);
          assert.equal(status, 200);
          assert.equal(await request.result(), 'valid: 1');
          await wallet.close();
        });
      }
    }

    test('two documents to one request, on the same device, and is sent back with a code that alone opens the result', async () => {
      const { authority, rxb } = programme();
      const types = ['StaffIdentityCredential', 'ProfessionalRegistrationCredential'];
      const wallet = await holding('sd_jwt', types);
      const queries = types.map((type) => ({ ...queryFor(type, 'dc+sd-jwt', authority.url), id: type }));
      const request = await ask(rxb, queries, { flow: 'same' });
      const { redirectUri = '' } = await wallet.present(request.uri);
      assert.match(await request.result(), /^409 .*response_code/);
      const code = new URL(redirectUri).searchParams.get('response_code') ?? '';
      assert.equal(await request.result(code), 'valid: 2');
      await wallet.close();
    });

    for (const [format, asked] of [
      ['sd_jwt', 'dc+sd-jwt'],
      ['jwt_vc', 'jwt_vc_json'],
    ] as const) {
      test(`${asked} that was revoked since, and the verifier sees it`, async () => {
        const { authority, rxa, rxb } = programme();
        const { wallet, credentials } = await holdingWith(format, ['CoreSkillCredential']);
        assert.equal((await rxa.revoke(idOf(credentials[0] as Received))).status, 200);
        // The verifier's copy of the status list is a second old at most.
        await pause(1500);
        const request = await ask(rxb, [queryFor('CoreSkillCredential', asked, authority.url)]);
        assert.equal((await wallet.present(request.uri)).status, 200);
        assert.match(await request.result(), /^invalid: .*status_revoked/);
        await wallet.close();
      });
    }
  });
}
