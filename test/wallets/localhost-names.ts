/**
 * Names below .localhost for the wallets of this process (RFC 6761 6.3): the C library does not always know them. Every
 * way out that the wallets use asks `dns.lookup`.
 */
import dns from 'node:dns';

type Done = (error: NodeJS.ErrnoException | null, address: string | dns.LookupAddress[], family?: number) => void;

const lookup = dns.lookup as (hostname: string, options: object, done: Done) => void;

dns.lookup = ((hostname: string, options: dns.LookupAllOptions | number | Done, done: Done) => {
  const callback = typeof options === 'function' ? options : done;
  const given = typeof options === 'function' ? {} : typeof options === 'number' ? { family: options } : options;
  if (!hostname.endsWith('.localhost')) return lookup(hostname, given, callback);
  if ('all' in given && given.all) callback(null, [{ address: '127.0.0.1', family: 4 }]);
  else callback(null, '127.0.0.1', 4);
}) as typeof dns.lookup;
