/**
 * The X.509 certificates that requests may be signed with (OpenID4VP 1.0 section 5.9.3, x509_san_dns and x509_hash):
 * a PEM file with the chain, leaf first, and a PEM file with the leaf's key. What is wrong for good refuses the start;
 * what time brings about is asked at each use, and by `doctor`.
 */
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ServiceError } from '../../errors.js';
import type { JwsAlgorithm } from '../../jose/algorithms.js';
import { JoseError } from '../../jose/errors.js';
import { createKeySigner, type Signer } from '../../jose/jws.js';
import type { JsonObject } from '../../json.js';

/** One entry of `verification.x509`. */
export interface CertificateFiles {
  readonly name?: string;
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** A certificate that signs requests. */
export interface RequestCertificate {
  readonly name: string;
  readonly algorithm: JwsAlgorithm;
  readonly sign: Signer;
  /** The chain as the `x5c` header carries it (RFC 7515 4.1.6). */
  readonly x5c: readonly string[];
  /** base64url of SHA-256 over the leaf: what follows `x509_hash:`. */
  readonly hash: string;
  /** What is wrong with it at that moment, in the operator's words. */
  faults(now: Date): string[];
}

/** The name of an entry that has none; of several one must be called otherwise. */
const standardName = 'default';
const maxChain = 5;
/** A weekend and the days to find out whose the certificate is. */
const warnDays = 14;

/** Reads all certificates; throws ServiceError `configuration` for files that can never work. */
export function loadCertificates(entries: readonly CertificateFiles[], publicUrl: string): RequestCertificate[] {
  const certificates = entries.map((entry) => loadCertificate(entry, new URL(publicUrl).hostname));
  const names = certificates.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw broken(twice, 'the name is used twice');
  return certificates;
}

function loadCertificate(entry: CertificateFiles, host: string): RequestCertificate {
  const name = entry.name ?? standardName;
  const chain = readChain(name, entry.certificateFile);
  const [leaf] = chain as [X509Certificate, ...X509Certificate[]];
  const privateKey = readKey(name, entry.keyFile);
  if (!leaf.checkPrivateKey(privateKey)) throw broken(name, `${entry.keyFile} is not the key of the first certificate`);
  return {
    name,
    ...signerOf(name, privateKey),
    x5c: chain.map(({ raw }) => raw.toString('base64')),
    hash: createHash('sha256').update(leaf.raw).digest('base64url'),
    faults: (now) => [...timeFaults(chain, now), ...hostFaults(leaf, host), ...chainFaults(chain)],
  };
}

const pemBlock = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]{1,20000}-----END CERTIFICATE-----/g;

function readChain(name: string, file: string): X509Certificate[] {
  const blocks = read(name, file).match(pemBlock) ?? [];
  if (blocks.length === 0 || blocks.length > maxChain) {
    throw broken(name, `${file} must hold 1 to ${maxChain} certificates in PEM`);
  }
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw broken(name, `${file} holds something that is no certificate`, cause);
  }
}

function readKey(name: string, file: string): KeyObject {
  try {
    return createPrivateKey(read(name, file));
  } catch (cause) {
    if (cause instanceof ServiceError) throw cause;
    // Without the cause: OpenSSL's messages may quote the file.
    throw broken(name, `${file} is not a private key in PEM without a passphrase`);
  }
}

/** RSA has no row in our table of algorithms, and ES256 is what every wallet reads. */
function signerOf(name: string, privateKey: KeyObject): Pick<RequestCertificate, 'algorithm' | 'sign'> {
  try {
    const { algorithm, sign } = createKeySigner(privateKey);
    if (algorithm !== 'EdDSA') return { algorithm, sign };
  } catch (error) {
    if (!(error instanceof JoseError)) throw error;
  }
  throw broken(name, 'the key must be of P-256 (or P-384, P-521)');
}

function read(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw broken(name, `${file} cannot be read`, cause);
  }
}

function broken(name: string, detail: string, cause?: unknown): ServiceError {
  return new ServiceError('configuration', `verification/x509 "${name}": ${detail}`, { cause });
}

function timeFaults(chain: readonly X509Certificate[], now: Date): string[] {
  return chain.flatMap(({ validFrom, validTo }, index) => {
    const which = index === 0 ? 'the certificate' : `certificate ${index + 1} of the chain`;
    if (now < new Date(validFrom)) return [`${which} is not valid before ${validFrom}`];
    return now >= new Date(validTo) ? [`${which} expired at ${validTo}`] : [];
  });
}

/** Section 5.9.3: a dNSName of the leaf, and the host of the response_uri, which is ours. The common name counts for nothing. */
function hostFaults(leaf: X509Certificate, host: string): string[] {
  const found = leaf.checkHost(host, { subject: 'never', wildcards: false });
  return found === undefined ? [`no dNSName of the certificate is ${host}`] : [];
}

function chainFaults(chain: readonly X509Certificate[]): string[] {
  return chain.slice(1).flatMap((issuer, index) => {
    const child = chain[index] as X509Certificate;
    const signed = child.checkIssued(issuer) && child.verify(issuer.publicKey);
    return signed ? [] : [`certificate ${index + 1} of the chain is not signed by the one after it`];
  });
}

/** What `doctor` says about one certificate. */
export interface CertificateExamination {
  readonly name: string;
  readonly faults: readonly string[];
}

/** Looks at every configured certificate as wallets will; what ends within a fortnight is a fault already. */
export function examineCertificates(
  entries: readonly CertificateFiles[],
  { publicUrl, now }: { publicUrl: string; now: Date },
): CertificateExamination[] {
  const soon = new Date(now.getTime() + warnDays * 86_400_000);
  return loadCertificates(entries, publicUrl).map((certificate) => {
    const faults = certificate.faults(now);
    const later = certificate.faults(soon).filter((fault) => !faults.includes(fault));
    return {
      name: certificate.name,
      faults: [...faults, ...later.map((fault) => `within ${warnDays} days: ${fault}`)],
    };
  });
}

/** The header members that carry the chain. */
export function chainHeader({ x5c }: RequestCertificate): JsonObject {
  return { x5c: [...x5c] };
}
