/** SD-JWT against the OpenWallet Foundation's implementation, in both directions (RFC 9901). */
import { generateKeyPairSync, type KeyObject, randomBytes, sign, verify } from 'node:crypto';
import { SDJwtInstance } from '@sd-jwt/core';
import { digest, generateSalt } from '@sd-jwt/crypto-nodejs';
import { createKeySigner, verifyJws } from '../../src/jose/jws.js';
import { importJwk } from '../../src/jose/keys.js';
import { parseSdJwt, signSdJwt, verifyKeyBinding } from '../../src/jose/sd-jwt.js';
import type { JsonObject } from '../../src/json.js';

const issuer = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const holder = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p1363 = (key: KeyObject) => ({ key, dsaEncoding: 'ieee-p1363' }) as const;
const signerOf = (key: KeyObject) => async (data: string) =>
  sign('sha256', Buffer.from(data), p1363(key)).toString('base64url');
const verifierOf = (key: KeyObject) => async (data: string, signature: string) =>
  verify('sha256', Buffer.from(data), p1363(key), Buffer.from(signature, 'base64url'));

const claims = {
  iss: 'did:web:a.example',
  subject: { name: 'Alex', address: { street: '1 High Street', town: 'Leeds' } },
  phones: [{ number: '1' }, { number: '2' }],
  cnf: { jwk: holder.publicKey.export({ format: 'jwk' }) },
};
const theirs = new SDJwtInstance({
  ...{ signer: signerOf(issuer.privateKey), signAlg: 'ES256', verifier: verifierOf(issuer.publicKey) },
  ...{ kbSigner: signerOf(holder.privateKey), kbSignAlg: 'ES256', kbVerifier: verifierOf(holder.publicKey) },
  ...{ hasher: digest, hashAlg: 'sha-256', saltGenerator: generateSalt },
});
const frame = { subject: { _sd: ['name', 'address'], address: { _sd: ['street'] } }, phones: { _sd: [1] } };
const ours = createKeySigner(issuer.privateKey);
const header = { typ: 'vc+sd-jwt', kid: 'did:web:a.example#1' };
const expectation = { typ: ['vc+sd-jwt'] };

test('theirs reads ours', async () => {
  const paths = [
    ['subject', 'name'],
    ['subject', 'address'],
    ['subject', 'address', 'street'],
    ['phones', 1],
  ] as const;
  const options = { paths, random: randomBytes, sign: ours.sign };
  const text = await signSdJwt({ alg: 'ES256', ...header }, claims as unknown as JsonObject, options);
  expect((await theirs.verify(text)).payload).toEqual(claims);
});

test('ours reads theirs, whole and as a holder presents it', async () => {
  const issued = await theirs.issue(claims, frame as never, { header });
  const whole = parseSdJwt(issued, expectation);
  verifyJws(whole, importJwk(ours.publicJwk));
  expect(whole.claims).toEqual(claims);
  const now = new Date('2026-11-21T09:00:00Z');
  const payload = { iat: now.getTime() / 1000, aud: 'https://v.example', nonce: 'n' };
  const presented = parseSdJwt(
    await theirs.present(issued, { subject: { name: true } } as never, { kb: { payload } }),
    expectation,
  );
  expect(presented.claims['subject']).toEqual({ name: 'Alex' });
  const key = verifyKeyBinding(presented, { now, nonce: 'n', aud: 'https://v.example' });
  expect(key?.jwk).toEqual(importJwk(claims.cnf.jwk).jwk);
});
