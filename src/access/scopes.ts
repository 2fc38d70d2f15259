/** What a client may be allowed to do; each route names the one that it needs. */
const scopes = {
  'vc:issue': 'issue credentials',
  'vc:revoke': 'revoke, suspend and reinstate credentials',
  'vc:offer': 'offer credentials to people and follow what becomes of them',
  'vc:read': 'read the records of issued credentials',
  'vc:verify': 'verify credentials and presentations',
  'vp:request': 'ask wallets for presentations and read what was presented',
  'registry:read': 'read the organisations of the registry, as its authority',
  'registry:write': 'change the organisations of the registry',
  'audit:read': 'read the audit trail',
  'metrics:read': 'read the metrics, where they are not open',
} as const;

/** All scopes by name. */
export const scopeNames: readonly string[] = Object.keys(scopes);

/** RFC 6749 section 3.3: scope tokens with single spaces between them; nothing else is a scope parameter. */
const scopeSyntax = /^[\x21\x23-\x5B\x5D-\x7E]{1,100}(?: [\x21\x23-\x5B\x5D-\x7E]{1,100}){0,31}$/;

/** The scopes of a parameter, each once; undefined when it is not well-formed. */
export function parseScope(text: string): string[] | undefined {
  return scopeSyntax.test(text) ? [...new Set(text.split(' '))] : undefined;
}
