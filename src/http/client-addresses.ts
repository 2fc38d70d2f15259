/**
 * Which addresses may be asked at all. URLs come from credentials and DIDs, hence from strangers: what one parser reads
 * as a name another reads as 127.0.0.1 (security.md §2.1, §6.1), so only the plainest spelling passes.
 */
import ipaddr from 'ipaddr.js';
import { FetchError } from './client-errors.js';

/**
 * Where requests may go: the public internet by https, a host of the private network that the operator named, or this
 * machine under the development switch.
 */
export type Reach = 'public' | 'private' | 'loopback';

/** A URL that was found plain. */
export interface Target {
  readonly url: URL;
  readonly hostname: string;
  /** Set when the host is an address, which happens under the development switch only. */
  readonly address?: string;
}

/** Ports that may be asked; `any` where an allow-list names hosts together with their ports. */
export type Ports = readonly number[] | 'any';

/** As long as the address that a credential may state, and a did:web of 1,024 characters makes. */
const maxUrlLength = 2048;
const plainUrl = /^(https?):\/\/([^/?#]*)([/?][\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e%]*)?$/i;
const hostAndPort = /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?$/i;
// The last label starts with a letter, so no decimal, octal or hexadecimal spelling of an address is a name.
const publicName = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const loopbackName = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*localhost$/;
const loopbackLiteral = /^(?:127(?:\.(?:0|[1-9][0-9]{0,2})){3}|\[::1\])$/;

/** Reads a URL strictly; throws FetchError before anything leaves the process. */
export function parseTarget(text: string, options: { reach: Reach; ports: Ports }): Target {
  const [, scheme = '', authority = ''] = (text.length <= maxUrlLength && plainUrl.exec(text)) || [];
  if (scheme === '') throw new FetchError('scheme', 'The address is not a plain https URL.');
  const allowed = options.reach === 'loopback' ? ['http', 'https'] : ['https'];
  if (!allowed.includes(scheme.toLowerCase())) throw new FetchError('scheme', 'Only https addresses are fetched.');
  const [, host = '', port] = hostAndPort.exec(authority) ?? [];
  const name = host.toLowerCase();
  if (!isPlainHost(name, options.reach)) throw new FetchError('host', hostDetail[options.reach]);
  if (port !== undefined && !isAllowedPort(Number(port), options)) {
    throw new FetchError('port', 'The port of the address is not allowed.');
  }
  return toTarget(text, name);
}

const hostDetail: Readonly<Record<Reach, string>> = {
  public: 'The host of the address is not a public domain name.',
  private: 'The host of the address is not a domain name.',
  loopback: 'Under the development switch only addresses of this machine are fetched.',
};

function isPlainHost(name: string, reach: Reach): boolean {
  if (name.length > 253) return false;
  if (reach === 'loopback') return loopbackName.test(name) || loopbackLiteral.test(name);
  return publicName.test(name) && !loopbackName.test(name);
}

function isAllowedPort(port: number, { reach, ports }: { reach: Reach; ports: Ports }): boolean {
  return port <= 65_535 && (reach === 'loopback' || ports === 'any' || ports.includes(port));
}

function toTarget(text: string, name: string): Target {
  const url = tryUrl(text);
  // The parser that will be used must have read the same host as we did.
  if (url === null || url.hostname !== name || url.username !== '' || url.password !== '') {
    throw new FetchError('host', 'The host of the address can be read in two ways.');
  }
  const literal = name.startsWith('[') ? name.slice(1, -1) : name;
  return loopbackLiteral.test(name) ? { url, hostname: name, address: literal } : { url, hostname: name };
}

function tryUrl(text: string): URL | null {
  try {
    return new URL(text);
  } catch {
    return null;
  }
}

const publicV6 = ipaddr.parseCIDR('2000::/3');
// Inside 2000::/3 but not the public internet, or a way around these rules: IANA special-purpose registry.
const specialV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'].map((range) => ipaddr.parseCIDR(range));
// IANA IPv4 special-purpose registry; 168.63.129.16 is Azure's wire server, reachable from every machine there.
const specialV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
].map((range) => ipaddr.parseCIDR(range));
// Where a cloud's machines get their secrets, and what is no single machine: nobody's private network either.
const neverPrivateV4 = ['0.0.0.0/8', '168.63.129.16/32', '169.254.0.0/16', '224.0.0.0/3'].map((range) =>
  ipaddr.parseCIDR(range),
);
const privateV6 = [publicV6, ipaddr.parseCIDR('fc00::/7'), ipaddr.parseCIDR('::1/128')];
const loopbackRanges = ['127.0.0.0/8', '::1/128'].map((range) => ipaddr.parseCIDR(range));

/** Whether a connection to an address may be made; asked of what the resolver says and again of the open socket. */
export function isAllowedAddress(address: string, reach: Reach): boolean {
  // The library also reads 1.2.3 and 0x7f.1, which neither a resolver nor a socket says.
  if (address.includes('%') || !(ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address))) {
    return false;
  }
  const ip = ipaddr.parse(address);
  if (reach === 'loopback') return matchesAny(ip, loopbackRanges);
  if (reach === 'private') {
    return ip.kind() === 'ipv4'
      ? !matchesAny(ip, neverPrivateV4)
      : matchesAny(ip, privateV6) && !matchesAny(ip, specialV6);
  }
  if (ip.kind() === 'ipv4') return !matchesAny(ip, specialV4);
  return matchesAny(ip, [publicV6]) && !matchesAny(ip, specialV6);
}

function matchesAny(ip: ipaddr.IPv4 | ipaddr.IPv6, ranges: readonly [ipaddr.IPv4 | ipaddr.IPv6, number][]): boolean {
  return ranges.some(([base, bits]) => base.kind() === ip.kind() && ip.match([base, bits] as never));
}
