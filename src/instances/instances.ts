/**
 * Named service instances: issuers and verifiers under /instances/{name} that speak the VC-API and VCALM 1.0
 * (credentials/issue, verify, status, derive; presentations/verify). Each is a projection of issuance/, verification/
 * and credential/: nothing is proved or signed in another way than there. Called by routes; made by app.ts.
 */
import type { InstanceConfig } from '../config.js';
import { createIssuer, type Issuer, type IssuerDependencies } from './issuing.js';

export type { Issuer, IssuerDependencies } from './issuing.js';

/** One instance, with its issuer where it is one. */
export interface Instance {
  readonly settings: InstanceConfig;
  readonly issuer?: Issuer;
}

/** Makes the instances of a configuration; throws ServiceError `configuration` for a format that is not spoken here. */
export async function createInstances(
  configured: readonly InstanceConfig[],
  deps: IssuerDependencies | undefined,
): Promise<readonly Instance[]> {
  const instances: Instance[] = [];
  // One after the other: each may write its key, and SQLite takes one writer at a time.
  for (const settings of configured) instances.push(await createInstance(settings, deps));
  return instances;
}

async function createInstance(settings: InstanceConfig, deps: IssuerDependencies | undefined): Promise<Instance> {
  const { format } = settings;
  if (deps === undefined || format === undefined || !settings.kinds.includes('issuer')) return { settings };
  return { settings, issuer: await createIssuer(deps, { ...settings, format }) };
}
