/** The operator's own API client: its key in the state folder, its public part where the configuration reads it. */
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { createKeySigner } from '../jose/jws.js';
import { writeNewFile } from '../store/new-file.js';

const operatorClient = 'operator';
const ownerOnly = 0o600;

function keyFile(config: ServiceConfig): string {
  return join(config.stateFolder, 'operator.jwk.json');
}

function clientOf(config: ServiceConfig): ServiceConfig['access']['clients'][number] | undefined {
  return config.access.clients.find(({ id }) => id === operatorClient);
}

/** Makes the key unless it is there, and writes its public part; does nothing where no operator is configured. */
export function createOperator(config: ServiceConfig): { scopes: readonly string[] } | undefined {
  const client = clientOf(config);
  if (!client) return undefined;
  if (!existsSync(keyFile(config))) {
    const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    writeNewFile(keyFile(config), `${JSON.stringify(jwk)}\n`, ownerOnly);
  }
  const jwks = { keys: [{ ...operatorSigner(config).publicJwk, alg: 'EdDSA', use: 'sig' }] };
  mkdirSync(dirname(client.jwksFile), { recursive: true, mode: 0o700 });
  writeFileSync(client.jwksFile, `${JSON.stringify(jwks, null, 2)}\n`, { mode: ownerOnly });
  return client;
}

/** Signs in the operator's name. */
export function operatorSigner(config: ServiceConfig): ReturnType<typeof createKeySigner> & { clientId: string } {
  if (!clientOf(config)) {
    throw new ServiceError(
      'configuration',
      `access.clients has no client "${operatorClient}": this deployment has none`,
    );
  }
  let key: ReturnType<typeof createPrivateKey>;
  try {
    key = createPrivateKey({ key: JSON.parse(readFileSync(keyFile(config), 'utf8')), format: 'jwk' });
  } catch (cause) {
    throw new ServiceError('configuration', `${keyFile(config)} holds no private key: run \`init\` first`, { cause });
  }
  return { clientId: operatorClient, ...createKeySigner(key) };
}
