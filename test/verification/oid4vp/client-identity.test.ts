import { ServiceError } from '../../../src/errors.js';
import type { Identity } from '../../../src/identity/identity.js';
import { chooseIdentity } from '../../../src/verification/oid4vp/client-identity.js';

const did = 'did:web:rxb.example';

/** An organisation that has keys for these purposes. */
function organisation(purposes: readonly string[], failure: 'key_unavailable' | 'storage_unavailable') {
  const signingKey: Identity['signingKey'] = async (algorithm, purpose = 'assertionMethod') => {
    if (!purposes.includes(purpose)) throw new ServiceError(failure, 'not there');
    return {
      keyRef: purpose,
      kid: `${did}#${purpose}`,
      walletKid: `${did}#${purpose}-2020`,
      algorithm,
      thumbprint: '',
    };
  };
  return {
    identity: { agent: {} as never, did, signingKey },
    certificates: [],
    publicUrl: 'https://rxb.example',
    now: () => new Date(),
  };
}

async function keyOf(deps: ReturnType<typeof organisation>): Promise<unknown> {
  const choice = { scheme: 'decentralized_identifier', responseUri: 'https://rxb.example/vp/response/1' } as const;
  return (await chooseIdentity(deps, choice)).signer?.header['kid'];
}

describe('a request under a DID is signed', () => {
  test('with the key for signing in, by the id that wallets read', async () => {
    const deps = organisation(['assertionMethod', 'authentication'], 'key_unavailable');
    expect(await keyOf(deps)).toBe(`${did}#authentication-2020`);
  });

  test('with the other key, where the organisation has none for signing in', async () => {
    expect(await keyOf(organisation(['assertionMethod'], 'key_unavailable'))).toBe(`${did}#assertionMethod-2020`);
  });

  test('not at all when the keys cannot be read', async () => {
    await expect(keyOf(organisation([], 'storage_unavailable'))).rejects.toMatchObject({ code: 'storage_unavailable' });
  });
});
