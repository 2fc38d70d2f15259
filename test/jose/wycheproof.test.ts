import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { verifyBytes } from '../../src/jose/jws.js';
import { importJwk } from '../../src/jose/keys.js';

interface Group {
  readonly publicKeyDer: string;
  readonly tests: readonly { tcId: number; msg: string; sig: string; result: 'valid' | 'invalid' | 'acceptable' }[];
}

/** The published files, and the number of vectors below which a run proves less than it says. */
const files = [
  ['Ed25519', 'ed25519_test.json', 150],
  ['P-256', 'ecdsa_secp256r1_sha256_p1363_test.json', 260],
  ['P-384', 'ecdsa_secp384r1_sha384_p1363_test.json', 280],
] as const;

const vectors = process.env.VECTORS_DIR;

describe('Wycheproof', () => {
  (vectors === undefined ? test.skip : test).each(files)(
    '%s: no false accept, no false reject',
    (_, file, expectedVectors) => {
      const { testGroups } = JSON.parse(readFileSync(join(vectors ?? '', 'wycheproof', file), 'utf8')) as {
        testGroups: Group[];
      };
      const wrong: number[] = [];
      let ran = 0;
      for (const { publicKeyDer, tests } of testGroups) {
        const published = createPublicKey({ key: Buffer.from(publicKeyDer, 'hex'), type: 'spki', format: 'der' });
        const key = importJwk(published.export({ format: 'jwk' }));
        for (const { tcId, msg, sig, result } of tests) {
          const accepted = verifyBytes(key, Buffer.from(msg, 'hex'), Buffer.from(sig, 'hex'));
          if (accepted !== (result === 'valid')) wrong.push(tcId);
          ran += 1;
        }
      }
      expect(wrong).toEqual([]);
      expect(ran).toBeGreaterThanOrEqual(expectedVectors);
    },
  );
});
