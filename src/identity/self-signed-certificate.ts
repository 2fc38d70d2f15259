/**
 * A certificate for localhost, made at the start and gone with the process: https for deployments on loopback, such
 * as conformance tests, without a key that lies in a file. The key never leaves this process.
 */
import { webcrypto } from 'node:crypto';

/** A certificate chain and its private key, as PEM. */
export interface SelfSignedCertificate {
  readonly certificate: string;
  readonly key: string;
}

const dayMilliseconds = 86_400_000;
/** Browsers refuse server certificates that are valid for longer than 398 days. */
const validDays = 397;

/** Makes the certificate; valid from a day ago, for clients whose clock is behind. */
export async function createSelfSignedCertificate(now: Date): Promise<SelfSignedCertificate> {
  // Loaded by the deployments alone that need it; tsyringe, which it is built on, wants reflect-metadata first.
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto as never);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    notBefore: new Date(now.getTime() - dayMilliseconds),
    notAfter: new Date(now.getTime() + validDays * dayMilliseconds),
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n`,
  };
}
