/** A private certificate authority, as a hospital network has one: for services and verifiers in the tests with foreign wallets. */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

cryptoProvider.set(webcrypto as never);

/** A certificate with everything above it but the authority's own, and its private key, as PEM files. */
export interface CertificateFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const hourMilliseconds = 3_600_000;
const authorityName = 'CN=private network authority (invented)';

const certificateFileOf = (folder: string, name: string) => join(folder, `${name}.crt`);
const keyFileOf = (folder: string, name: string) => join(folder, `${name}.key`);

/** Where `createAuthority` puts its certificate. */
export function authorityFileOf(folder: string): string {
  return certificateFileOf(folder, 'authority');
}

function validity(): { notBefore: Date; notAfter: Date; serialNumber: string } {
  const now = Date.now();
  return {
    notBefore: new Date(now - hourMilliseconds),
    notAfter: new Date(now + 24 * hourMilliseconds),
    // RFC 5280 4.1.2.2: positive, and never the same twice.
    serialNumber: `01${randomBytes(8).toString('hex')}`,
  };
}

async function write(folder: string, name: string, certificate: string, key: webcrypto.CryptoKey) {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  const files = { certificateFile: certificateFileOf(folder, name), keyFile: keyFileOf(folder, name) };
  writeFileSync(files.certificateFile, certificate);
  writeFileSync(files.keyFile, `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 });
  return files;
}

/** Makes the authority; valid for a day. */
export async function createAuthority(folder: string): Promise<CertificateFiles> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: authorityName,
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return write(folder, 'authority', certificate.toString('pem'), keys.privateKey);
}

/** A certificate for names and addresses, from the authority in the folder, to be had for TLS and for signing requests alike. */
export async function certify(
  folder: string,
  { name, hosts, addresses = [] }: { name: string; hosts: readonly string[]; addresses?: readonly string[] },
): Promise<CertificateFiles> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const authority = new X509Certificate(readFileSync(authorityFileOf(folder), 'utf8'));
  const certificate = await X509CertificateGenerator.create({
    ...validity(),
    subject: `CN=${name}`,
    issuer: authority.subject,
    publicKey: keys.publicKey as never,
    signingKey: (await readPrivateKey(keyFileOf(folder, 'authority'))) as never,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
      new SubjectAlternativeNameExtension([
        ...hosts.map((value) => ({ type: 'dns', value }) as const),
        ...addresses.map((value) => ({ type: 'ip', value }) as const),
      ]),
    ],
  });
  return write(folder, name, certificate.toString('pem'), keys.privateKey);
}

async function readPrivateKey(file: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(readFileSync(file, 'utf8').replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}
