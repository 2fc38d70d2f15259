/**
 * did:web identifiers, in one canonical spelling (did:web method 2026-05; DID Core §3.1). What the stock resolver lets
 * through (%2F, %40, %5C, IP addresses, queries) would let a DID name one host and be fetched from another.
 */

import { ServiceError } from '../errors.js';

/** Longest DID of any method that we look at. */
export const maxDidLength = 1024;

/** A did:web identifier, taken apart. */
export interface DidWeb {
  readonly host: string;
  readonly port?: number;
  readonly path: readonly string[];
}

/** RFC 1035 2.3.4, without the root's dot. */
const maxHostLength = 253;
/** Real ones have two or three. */
const maxPathSegments = 16;
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const plainSegment = /^[A-Za-z0-9._-]+$/;
const encodedSegment = /^(?:[A-Za-z0-9._-]|%[89A-F][0-9A-F])+$/;
const port = /^[1-9][0-9]{0,4}$/;

/** Takes a did:web apart, or returns undefined when it is not spelled canonically. */
export function parseDidWeb(did: string): DidWeb | undefined {
  if (did.length > maxDidLength || !did.startsWith('did:web:')) return undefined;
  const [authority = '', ...path] = did.slice('did:web:'.length).split(':');
  // Only %3A in capitals: percent-encoding the same DID in two ways would give it two names.
  const [host = '', portText, ...rest] = authority.split('%3A');
  if (rest.length > 0 || !isHost(host)) return undefined;
  if (path.length > maxPathSegments || !path.every(isSegment)) return undefined;
  if (portText === undefined) return { host, path };
  if (!port.test(portText) || Number(portText) > 65_535) return undefined;
  return { host, port: Number(portText), path };
}

/** The development switch, and our own address: all deployments of this machine are served by the same scheme. */
export interface Localhost {
  readonly loopback: boolean;
  readonly publicUrl?: string;
}

/**
 * The address of the DID document: https, but for localhost, which needs the development switch, as `publicUrl` has it (http when absent).
 * Undefined for localhost without the switch.
 */
export function didWebUrl({ host, port, path }: DidWeb, { loopback, publicUrl }: Localhost): string | undefined {
  if (host === 'localhost' && !loopback) return undefined;
  const plain = host === 'localhost' && !publicUrl?.startsWith('https:');
  const scheme = plain ? 'http' : 'https';
  return `${scheme}://${host}${port === undefined ? '' : `:${port}`}${didWebPath({ path })}`;
}

/** Where the document of a DID is published; throws `configuration` for what is no did:web or may not be asked. */
export function didDocumentUrl(did: string, options: Localhost): string {
  const web = parseDidWeb(did);
  const url = web && didWebUrl(web, options);
  if (url === undefined) throw new ServiceError('configuration', 'The DID leads to no address that may be asked');
  return url;
}

/** The path that the document lies at. */
export function didWebPath({ path }: Pick<DidWeb, 'path'>): string {
  return path.length === 0 ? '/.well-known/did.json' : `/${path.join('/')}/did.json`;
}

/** A domain name in lower case with at least two labels, or localhost; never an IP address (did:web "must not"). */
function isHost(host: string): boolean {
  if (host === 'localhost') return true;
  const labels = host.split('.');
  const last = labels.at(-1) ?? '';
  // URL parsers read hosts whose last label is a number, decimal or hexadecimal, as IPv4 addresses.
  const numeric = /^(?:[0-9]+|0x[0-9a-f]*)$/.test(last);
  return host.length <= maxHostLength && labels.length >= 2 && !numeric && labels.every((one) => label.test(one));
}

function isSegment(segment: string): boolean {
  if (segment === '.' || segment === '..') return false;
  return plainSegment.test(segment) || (encodedSegment.test(segment) && isLetters(segment));
}

/** Percent-encoding is for letters outside ASCII only, as whole characters in composed form: one spelling each. */
function isLetters(segment: string): boolean {
  try {
    const text = decodeURIComponent(segment);
    return /^[\p{L}\p{M}\p{N}._-]+$/u.test(text) && text.normalize('NFC') === text;
  } catch {
    return false;
  }
}
