/** A certificate authority for tests: chains as a trust would buy them (decisions.md 21). */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

x509.cryptoProvider.set(webcrypto as never);
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface ChainOptions {
  readonly host?: string;
  readonly notBefore?: Date;
  readonly notAfter?: Date;
  /** Puts a certificate of somebody else behind the leaf. */
  readonly brokenChain?: boolean;
}

type Keys = Awaited<ReturnType<typeof makeKeys>>;
const makeKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);

async function certify(
  subject: string,
  keys: Keys,
  signer: { name: string; keys: Keys },
  options: ChainOptions,
  ca: boolean,
) {
  return x509.X509CertificateGenerator.create({
    subject: `CN=${subject}`,
    issuer: `CN=${signer.name}`,
    notBefore: options.notBefore ?? new Date('2026-01-01T00:00:00Z'),
    notAfter: options.notAfter ?? new Date('2027-12-31T00:00:00Z'),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey as never,
    signingKey: signer.keys.privateKey as never,
    extensions: [
      new x509.BasicConstraintsExtension(ca, undefined, true),
      ...(ca
        ? []
        : [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: options.host ?? 'rxa.example' }])]),
    ],
  });
}

/** Files of a leaf with its intermediate, and their folder. */
export async function makeChain(
  options: ChainOptions = {},
): Promise<{ certificateFile: string; keyFile: string; folder: string }> {
  const [root, middle, leaf] = [await makeKeys(), await makeKeys(), await makeKeys()];
  const intermediate = await certify('Intermediate', middle, { name: 'Root', keys: root }, {}, true);
  const certificate = await certify('rxa', leaf, { name: 'Intermediate', keys: middle }, options, false);
  const other = await certify('Intermediate', root, { name: 'Root', keys: root }, {}, true);
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-x509-'));
  const [certificateFile, keyFile] = [join(folder, 'chain.pem'), join(folder, 'key.pem')];
  const behind = options.brokenChain ? other : intermediate;
  writeFileSync(certificateFile, `${certificate.toString('pem')}\n${behind.toString('pem')}\n`);
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', leaf.privateKey)).toString('base64');
  writeFileSync(keyFile, `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`);
  return { certificateFile, keyFile, folder };
}
