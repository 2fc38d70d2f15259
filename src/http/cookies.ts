/** Cookies (RFC 6265bis): read from the raw header, written with everything that keeps them to us. */

/** What a cookie is; the rest is the same for all of ours. */
export interface CookieOptions {
  readonly name: string;
  /** Characters of base64url only. */
  readonly value: string;
  readonly maxAgeSeconds: number;
  /** The public URL: says whether there is https and below which path we are. */
  readonly publicUrl: string;
}

/** A browser sends at most about this much for one host. */
const maxHeaderLength = 16 * 1024;

/** The name as the browser knows it: with https it promises that no http answer has set it (RFC 6265bis 4.1.3.1). */
function fullName(name: string, publicUrl: string): string {
  return publicUrl.startsWith('https:') ? `__Secure-${name}` : name;
}

/** The value of a Set-Cookie header. Lax: a person who comes back from the identity provider must have it with them. */
export function writeCookie({ name, value, maxAgeSeconds, publicUrl }: CookieOptions): string {
  const { pathname, protocol } = new URL(publicUrl);
  const attributes = [`Path=${pathname}`, `Max-Age=${maxAgeSeconds}`, 'HttpOnly', 'SameSite=Lax'];
  if (protocol === 'https:') attributes.push('Secure');
  return [`${fullName(name, publicUrl)}=${value}`, ...attributes].join('; ');
}

/** The value of a cookie of ours in a Cookie header; undefined where it is absent, or there twice with two values. */
export function readCookie(
  header: string | undefined,
  { name, publicUrl }: Pick<CookieOptions, 'name' | 'publicUrl'>,
): string | undefined {
  const wanted = `${fullName(name, publicUrl)}=`;
  const values = (header ?? '')
    .slice(0, maxHeaderLength)
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part.startsWith(wanted))
    .map((part) => part.slice(wanted.length));
  // Somebody on a neighbouring host or path may have planted a second one: which of the two is ours cannot be known.
  return new Set(values).size === 1 && values[0] !== '' ? values[0] : undefined;
}
