import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { type Foundation, openFoundation, realSurroundings } from '../app.js';
import { loadConfig, type ServiceConfig } from '../config.js';
import { ServiceError } from '../errors.js';
import { createHttpClient, type HttpClient } from '../http/client.js';
import { didDocumentUrl, type Identity, type KeySummary } from '../identity/identity.js';
import { type Json, parseJson } from '../json.js';
import { createRegistryClient } from '../registry/registry.js';
import { examineCertificates } from '../verification/verification.js';
import { deploymentCommand, say } from './options.js';

/** What one examination found, and what to do about it. */
interface Finding {
  readonly ok: boolean;
  readonly found: string;
  readonly remedy?: string;
}

interface Patient {
  readonly foundation: Foundation;
  readonly client: HttpClient;
}

type Examination = (patient: Patient) => Promise<Finding>;

const examinations: Readonly<Record<string, Examination>> = {
  'signing keys': examineKeys,
  'DID document': examineDocument,
  registry: examineRegistry,
  database: examineStore,
  'audit trail': examineAudit,
  clock: examineClock,
  'request certificates': examineRequestCertificates,
};

const skewLimitSeconds = 60;

/** `doctor`: looks at everything that must be right before others can believe us; exit code 1 when something is not. */
export function doctorCommand(): Command {
  return deploymentCommand('doctor', 'Examine the deployment and say what to do about each fault').action(examine);
}

async function examine(options: { config: string }): Promise<void> {
  const deployment = loadConfig(options.config);
  const foundation = await openFoundation(deployment, realSurroundings(), 'refuse');
  const { development, network, publicUrl, registry } = deployment.config;
  const hosts = [publicUrl, registry.url].filter((url) => url !== undefined).map((url) => new URL(url).host);
  const allowHost = (_purpose: string, host: string) => hosts.includes(host);
  const { now } = foundation.surroundings;
  const client = createHttpClient({ loopback: development.loopback, now, allowHost, network });
  try {
    for (const [name, examination] of Object.entries(examinations)) {
      const finding = await examination({ foundation, client }).catch(toFinding);
      say(`${finding.ok ? 'ok   ' : 'FAULT'}  ${name}: ${finding.found}`);
      if (finding.remedy) say(`       what to do: ${finding.remedy}`);
      if (!finding.ok) process.exitCode = 1;
    }
  } finally {
    await client.close();
    await foundation.close();
  }
}

function toFinding(error: unknown): Finding {
  const found = error instanceof ServiceError ? error.message : 'the examination itself failed';
  return { ok: false, found, remedy: 'mend this first, then run doctor again' };
}

async function examineKeys({ foundation: { identity } }: Patient): Promise<Finding> {
  await identity.selfTest();
  const keys = await signingKeys(identity);
  return { ok: true, found: `${keys.map(({ algorithm }) => algorithm).join(' and ')} sign and verify` };
}

async function signingKeys(identity: Identity): Promise<readonly KeySummary[]> {
  return (await identity.listKeys()).filter(
    ({ state, purpose }) => state === 'active' && purpose === 'assertionMethod',
  );
}

/** What strangers see must be what we would publish. */
async function examineDocument({ foundation: { identity, config }, client }: Patient): Promise<Finding> {
  const url = didDocumentUrl(config.did, { ...config.development, publicUrl: config.publicUrl });
  const remedy = `make ${url} reach this service: DNS, certificate, proxy paths, and that \`serve\` runs`;
  let published: Json;
  try {
    published = parseJson((await client.forPurpose('did')(url)).body);
  } catch (error) {
    return { ok: false, found: `${url} cannot be read: ${toFinding(error).found}`, remedy };
  }
  await identity.refresh();
  const same = JSON.stringify(published) === JSON.stringify(identity.document());
  if (same) return { ok: true, found: `${url} is ours` };
  return { ok: false, found: `${url} is not the document of these keys`, remedy };
}

async function examineRegistry({ foundation, client }: Patient): Promise<Finding> {
  const { config, identity, surroundings } = foundation;
  if (config.registry.source === 'self') return { ok: true, found: 'we are the authority' };
  const { now, random } = surroundings;
  const fetch = client.forPurpose('registry');
  const registry = createRegistryClient({ config: config.registry, fetch, agent: identity.agent, now, random });
  identity.restrictResolution((did) => registry.isAuthority(did));
  try {
    await registry.start();
    const state = registry.state(now());
    if (state.problem) return unreachable(config, `${state.problem.detail} (copy: ${state.freshness})`);
    if (state.freshness !== 'fresh') return unreachable(config, `the copy of the registry is ${state.freshness}`);
    const organisation = registry.organisation(config.did);
    if (!organisation) {
      const remedy = `ask the authority to list ${config.did} for ${config.odsCode}`;
      return { ok: false, found: `list ${state.sequence} does not name us`, remedy };
    }
    if (organisation.odsCode !== config.odsCode || organisation.status !== 'active') {
      const found = `list ${state.sequence} has us as ${organisation.odsCode}, ${organisation.status}`;
      return { ok: false, found, remedy: 'speak to the authority; until then others refuse our credentials' };
    }
    const unlisted = (await signingKeys(identity)).filter((key) => !registry.acceptsKey(config.did, key.thumbprint));
    if (unlisted.length > 0) {
      const found = `list ${state.sequence} names keys of ours, but not ${unlisted.map(({ kid }) => kid).join(', ')}`;
      return { ok: false, found, remedy: 'send the authority the thumbprints that `keys list` shows' };
    }
    return { ok: true, found: `list ${state.sequence} names us for ${organisation.issue.length} credential types` };
  } finally {
    await registry.stop();
  }
}

function unreachable({ registry }: ServiceConfig, found: string): Finding {
  const remedy = `check that ${registry.url ?? registry.file} answers from here and that the pinned DID and thumbprints are right`;
  return { ok: false, found, remedy };
}

async function examineStore({ foundation: { store } }: Patient): Promise<Finding> {
  await store.ping();
  const { ok, detail } = await store.durability();
  return ok
    ? { ok, found: detail }
    : { ok, found: detail, remedy: 'turn on what is named: a power cut would lose data' };
}

async function examineAudit({ foundation: { audit } }: Patient): Promise<Finding> {
  const { ok, length, brokenAt } = await audit.verifyChain();
  if (ok) return { ok, found: `${length} records, chain unbroken` };
  const remedy = 'keep a copy of the database and compare with backups: somebody changed or removed a record';
  return { ok, found: `the chain breaks at record ${brokenAt}`, remedy };
}

/** Against the authority's clock where it tells it; never before the time at which this deployment was made. */
async function examineClock({ foundation: { config, surroundings }, client }: Patient): Promise<Finding> {
  const now = surroundings.now();
  const made = initialisedAt(config);
  if (made && now < made)
    return { ok: false, found: 'the clock is before the time of `init`', remedy: 'set the clock' };
  if (config.registry.source !== 'url' || !config.registry.url) return { ok: true, found: now.toISOString() };
  const { date } = await client.forPurpose('registry')(config.registry.url);
  if (!date) return { ok: true, found: `${now.toISOString()} (the authority does not tell its time)` };
  const skew = Math.round(Math.abs(surroundings.now().getTime() - date.getTime()) / 1000);
  if (skew <= skewLimitSeconds) return { ok: true, found: `within ${skew} s of the authority's` };
  return { ok: false, found: `${skew} s away from the authority's`, remedy: 'synchronise this machine by NTP' };
}

/** Wallets refuse a request whose certificate is of another name or out of date, and the person is told nothing of it. */
async function examineRequestCertificates({ foundation: { config, surroundings } }: Patient): Promise<Finding> {
  const { publicUrl, verification } = config;
  const examined = examineCertificates(verification.x509, { publicUrl, now: surroundings.now() });
  const faults = examined.flatMap(({ name, faults }) => faults.map((fault) => `${name}: ${fault}`));
  if (faults.length === 0) return { ok: true, found: `${examined.length} configured` };
  return { ok: false, found: faults.join('; '), remedy: 'put a renewed chain in its place and restart `serve`' };
}

function initialisedAt(config: ServiceConfig): Date | undefined {
  const marker = join(config.stateFolder, 'initialised.json');
  if (!existsSync(marker)) return undefined;
  const { initialised, restored } = JSON.parse(readFileSync(marker, 'utf8')) as Record<string, string>;
  return new Date(initialised ?? restored ?? 0);
}
