/**
 * Where an authorization response may be sent. Wallets are public clients that nobody registered, so the address is
 * judged by its form: RFC 8252 7, RFC 9700 2.1.
 */

const maxLength = 2048;

/** Printable ASCII that no parser reads in two ways; a fragment is excluded by RFC 6749 3.1.2. */
const plainText = /^[A-Za-z][A-Za-z0-9+.-]*:[\x21\x24-\x3b\x3d\x3f-\x5b\x5d\x5f\x61-\x7a\x7e]*$/;

/** RFC 8252 7.1: a private-use scheme is a domain name in reverse, so it has a dot. */
const reversedDomain = /^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$/;

/** Wallets whose scheme has none. */
const walletSchemes: ReadonlySet<string> = new Set([
  'bcwallet',
  'bifold',
  'dccrequest',
  'didcomm',
  'eudi-openid4ci',
  'eudi-wallet',
  'haip',
  'haip-vci',
  'learncard',
  'lissi',
  'openid',
  'openid-credential-offer',
  'openid-vc',
  'openid4vci',
  'paradym',
  'sphereon',
  'wwwallet',
]);

const loopbackHosts: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost']);

/** What is wrong with a redirect_uri, in words; undefined when a response may be sent there. */
export function faultOfRedirectUri(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return 'redirect_uri is missing.';
  if (text.length > maxLength) return `redirect_uri is longer than ${maxLength} characters.`;
  if (!plainText.test(text) || !URL.canParse(text)) return 'redirect_uri is not a plain absolute address.';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'redirect_uri holds user information.';
  return faultOfScheme(url, text);
}

function faultOfScheme(url: URL, text: string): string | undefined {
  const scheme = url.protocol.slice(0, -1);
  // Browsers read a host into https:wallet.example and https:///wallet.example.
  if (scheme === 'https') return /^https:\/\/[^/]/i.test(text) ? undefined : 'redirect_uri has no host.';
  if (scheme === 'http') {
    return loopbackHosts.has(url.hostname) ? undefined : 'redirect_uri may use http on loopback only (RFC 8252 7.3).';
  }
  if (walletSchemes.has(scheme) || reversedDomain.test(scheme)) return undefined;
  return 'redirect_uri has a scheme that is neither https nor one of a wallet app (RFC 8252 7.1).';
}

/** Whether an app on the person's own device answers there, and no website that anybody may have named. */
export function isOnDevice(redirectUri: string): boolean {
  const { protocol } = new URL(redirectUri);
  return protocol !== 'https:';
}

/** What a content security policy calls it. */
export function formTargetOf(redirectUri: string): string {
  const url = new URL(redirectUri);
  return url.protocol === 'https:' || url.protocol === 'http:' ? url.origin : url.protocol;
}

/** How a person would recognise it. */
export function nameOfRedirect(redirectUri: string): string {
  const url = new URL(redirectUri);
  return url.protocol === 'https:' ? url.host : 'an app on this device';
}

/** The address of a response; parameters of the redirect_uri itself stay (RFC 6749 4.1.2). */
export function withParameters(redirectUri: string, parameters: Readonly<Record<string, string | undefined>>): string {
  const added = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) added.append(name, value);
  return `${redirectUri}${redirectUri.includes('?') ? '&' : '?'}${added.toString()}`;
}
