/** A private certificate authority, as a hospital network has one: for services and verifiers in the tests with foreign wallets. */
import 'reflect-metadata';
import { randomBytes, webcrypto } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsageExtension,
  type Extension,
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

async function write(
  folder: string,
  name: string,
  chain: readonly X509Certificate[],
  key: webcrypto.CryptoKey,
): Promise<CertificateFiles> {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64');
  const files = { certificateFile: certificateFileOf(folder, name), keyFile: keyFileOf(folder, name) };
  writeFileSync(files.certificateFile, chain.map((certificate) => `${certificate.toString('pem')}\n`).join(''));
  writeFileSync(files.keyFile, `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`, { mode: 0o600 });
  return files;
}

const authorityName = 'CN=private network authority (invented)';
const issuerName = 'CN=private network issuing authority (invented)';

/** Makes the authority, and below it the one that certifies, as it is done; both valid for a day. */
export async function createAuthority(folder: string): Promise<void> {
  const keys = await createKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(),
    name: authorityName,
    signingAlgorithm: algorithm,
    keys: keys as never,
    extensions: certifying,
  });
  await write(folder, 'authority', [certificate], keys.privateKey);
  const issuing = await createKeys();
  const signedBy = { issuer: authorityName, signingKey: keys.privateKey };
  await write(folder, 'issuing', [await sign(issuing, issuerName, signedBy, certifying)], issuing.privateKey);
}

/** A certificate for names and addresses, with its issuer's after it; good for TLS and for signing requests alike. */
export async function certify(
  folder: string,
  { name, hosts, addresses = [] }: { name: string; hosts: readonly string[]; addresses?: readonly string[] },
): Promise<CertificateFiles> {
  const keys = await createKeys();
  const signingKey = await readPrivateKey(keyFileOf(folder, 'issuing'));
  const certificate = await sign(keys, `CN=${name}`, { issuer: issuerName, signingKey }, [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
    new SubjectAlternativeNameExtension([
      ...hosts.map((value) => ({ type: 'dns', value }) as const),
      ...addresses.map((value) => ({ type: 'ip', value }) as const),
    ]),
  ]);
  const above = new X509Certificate(readFileSync(certificateFileOf(folder, 'issuing'), 'utf8'));
  return write(folder, name, [certificate, above], keys.privateKey);
}

const certifying = [
  new BasicConstraintsExtension(true, undefined, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
];

function createKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

function sign(
  { publicKey }: webcrypto.CryptoKeyPair,
  subject: string,
  { issuer, signingKey }: { issuer: string; signingKey: webcrypto.CryptoKey },
  extensions: Extension[],
): Promise<X509Certificate> {
  return X509CertificateGenerator.create({
    ...validity(),
    subject,
    issuer,
    publicKey: publicKey as never,
    signingKey: signingKey as never,
    signingAlgorithm: algorithm,
    extensions,
  });
}

async function readPrivateKey(file: string): Promise<webcrypto.CryptoKey> {
  const der = Buffer.from(readFileSync(file, 'utf8').replace(/-----[A-Z ]+-----|\s/g, ''), 'base64');
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
}
