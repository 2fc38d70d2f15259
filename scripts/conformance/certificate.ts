/** A certificate for the checker's own pages, for a service on this machine that is told to trust it. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';

const hourMilliseconds = 3_600_000;

/** Writes a certificate for localhost and its key into a folder; valid for a day. */
export async function writeCertificate(folder: string): Promise<{ certificateFile: string; keyFile: string }> {
  cryptoProvider.set(webcrypto as never);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=conformance checker',
    notBefore: new Date(Date.now() - hourMilliseconds),
    notAfter: new Date(Date.now() + 24 * hourMilliseconds),
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new SubjectAlternativeNameExtension([{ type: 'dns', value: 'localhost' }]),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const certificateFile = join(folder, 'checker.crt');
  const keyFile = join(folder, 'checker.key');
  writeFileSync(certificateFile, certificate.toString('pem'));
  writeFileSync(keyFile, `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 });
  return { certificateFile, keyFile };
}
