/** W3C's published vectors of the Data Integrity suites, and the contexts that they use (decisions.md 26). */
import { createECDH, createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { contexts as citizenship } from '@digitalbazaar/citizenship-context';
import { base58 } from '@scure/base';
import { pinContexts } from '../../src/credential/contexts.js';
import type { JsonObject } from '../../src/json.js';

export const vectorsDir = process.env['VECTORS_DIR'];

export const read = (path: string) => readFileSync(join(vectorsDir ?? '', path), 'utf8');
export const json = <T = JsonObject>(path: string) => JSON.parse(read(path)) as T;

/** Gives every unknown word a meaning, which production refuses. */
const examplesContext = { '@context': { '@vocab': 'https://www.w3.org/ns/credentials/examples#' } };
const citizenshipUrl = 'https://w3id.org/citizenship/v4rc1';

export const vectorContexts = pinContexts(
  new Map<string, object>([
    ['https://www.w3.org/ns/credentials/examples/v2', examplesContext],
    [citizenshipUrl, citizenship.get(citizenshipUrl) as object],
  ]),
  { inline: true },
);

/** A private key as the vectors publish it: a multicodec prefix of two bytes and the secret, in base58btc. */
export function privateKeyOf(secretKeyMultibase: string): KeyObject {
  const bytes = base58.decode(secretKeyMultibase.slice(1));
  const d = Buffer.from(bytes.subarray(2));
  const known = curves[Buffer.from(bytes.subarray(0, 2)).toString('hex')];
  if (known === undefined) return ed25519KeyOf(d);
  const pair = createECDH(known.curve);
  pair.setPrivateKey(d);
  const point = pair.getPublicKey();
  const [x, y] = [point.subarray(1, 1 + d.length), point.subarray(1 + d.length)];
  const text = (part: Buffer) => part.toString('base64url');
  return createPrivateKey({ key: { kty: 'EC', crv: known.crv, d: text(d), x: text(x), y: text(y) }, format: 'jwk' });
}

const curves: Readonly<Record<string, { curve: string; crv: string }>> = {
  '8626': { curve: 'prime256v1', crv: 'P-256' },
  '8726': { curve: 'secp384r1', crv: 'P-384' },
};

function ed25519KeyOf(seed: Buffer): KeyObject {
  const key = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}
