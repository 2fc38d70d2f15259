import type { Migration } from '../migration.js';
import { m0001Audit } from './0001-audit.js';
import { m0002Access } from './0002-access.js';
import { m0003Status } from './0003-status.js';
import { m0004Registry } from './0004-registry.js';
import { m0005Issuance } from './0005-issuance.js';
import { m0030InstanceIssuance } from './0030-instance-issuance.js';
import { m0040Offers } from './0040-offers.js';
import { m0041Authorization } from './0041-authorization.js';
import { m0042Oid4vci } from './0042-oid4vci.js';
import { m0043TokenStatus } from './0043-token-status.js';
import { m0044Oid4vp } from './0044-oid4vp.js';

/** Every migration in the order of its number; add new ones at the end. */
export const migrations: readonly Migration[] = [
  m0001Audit, //
  m0002Access,
  m0003Status,
  m0004Registry,
  m0005Issuance,
  m0030InstanceIssuance,
  m0040Offers,
  m0041Authorization,
  m0042Oid4vci,
  m0043TokenStatus,
  m0044Oid4vp,
];
