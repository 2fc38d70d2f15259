import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { assertionType, signClientAssertion } from '../access/access.js';
import { openAccess, openFoundation, realSurroundings } from '../app.js';
import { loadConfig } from '../config.js';
import { operatorSigner } from './operator.js';
import { deploymentCommand, say } from './options.js';

/** `token`: an access token for the operator, by the same exchange that every API client makes. */
export function tokenCommand(): Command {
  return deploymentCommand('token', "Print an access token, made with the operator's key")
    .option('-s, --scope <scopes>', 'scopes, separated by spaces; all that the operator has when absent')
    .action(async (options: { config: string; scope?: string }) => {
      const deployment = loadConfig(options.config);
      const { clientId, ...signer } = operatorSigner(deployment.config);
      const foundation = await openFoundation(deployment, realSurroundings(), 'refuse');
      try {
        const access = openAccess(foundation);
        const { now } = foundation.surroundings;
        const { issuer } = access;
        const assertion = await signClientAssertion({ clientId, issuer, signer, now: now(), jti: randomUUID() });
        const { access_token } = await access.token({
          grant_type: 'client_credentials',
          client_assertion_type: assertionType,
          client_assertion: assertion,
          ...(options.scope === undefined ? {} : { scope: options.scope }),
        });
        say(access_token);
      } finally {
        await foundation.close();
      }
    });
}
