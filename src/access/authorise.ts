import { ServiceError } from '../errors.js';
import type { Authorise, Caller } from '../http/server.js';
import { JoseError } from '../jose/errors.js';
import type { AccessTokens } from './access-token.js';
import type { Client } from './clients.js';
import { scopeNames } from './scopes.js';

interface AuthoriseDependencies {
  readonly tokens: AccessTokens;
  readonly clients: ReadonlyMap<string, Client>;
  readonly now: () => Date;
}

/** The check of a route: whose token is this, and does it cover the scope? */
export function createAuthorise({ tokens, clients, now }: AuthoriseDependencies): Authorise {
  return async function authorise(authorization, scope): Promise<Caller> {
    const grant = verifyToken(readBearer(authorization));
    // Who was removed from the configuration, or lost a scope there, has lost it at the restart, not minutes later.
    const client = clients.get(grant.clientId);
    if (client === undefined) throw unauthorized();
    const granted = grant.scopes.filter((name) => client.scopes.includes(name));
    if (!granted.includes(scope)) throw new ServiceError('forbidden', `This needs the scope ${scope}.`);
    return { clientId: client.id, scopes: granted };
  };

  function verifyToken(token: string): { clientId: string; scopes: readonly string[] } {
    try {
      return tokens.verify(token, now());
    } catch (cause) {
      if (cause instanceof JoseError) throw unauthorized(cause);
      throw cause;
    }
  }
}

/** RFC 6750 section 2.1: the scheme in any case (RFC 9110 section 11.1), one space, the token. */
function readBearer(authorization: string | undefined): string {
  if (authorization === undefined) {
    throw new ServiceError('unauthorized', 'This needs an access token: Authorization: Bearer ...');
  }
  const token = /^bearer ([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization)?.[1];
  if (token === undefined) throw unauthorized();
  return token;
}

/** One text for all reasons: what exactly was wrong with a token helps only those who make their own. */
function unauthorized(cause?: unknown): ServiceError {
  return new ServiceError('unauthorized', 'The access token is not valid: it may have expired. Get a new one.', {
    cause,
  });
}

/** Development on loopback with authentication turned off; config.ts refuses that anywhere else. */
export async function authoriseAnybody(): Promise<Caller> {
  return { clientId: 'development', scopes: scopeNames };
}
