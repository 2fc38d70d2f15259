/**
 * The authority and two trusts, each in a process of its own, over https with a private certificate authority. Both
 * trusts live below a path, one of them at a name of its own: `did:web:rxb.localhost%3A<port>:trusts:rxb`.
 */
import './localhost-names.js';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { authorityFileOf, certify } from '../../scripts/wallets/certificates.js';
import { type Client, createClient } from '../journeys/client.js';
import { type Deployment, type Field, openField } from '../journeys/deployment.js';

/** One organisation that listens; `did` and `url` are what others see. */
export interface Member extends Client {
  readonly did: string;
  readonly url: string;
  readonly deployment: Deployment;
}

export interface Programme {
  readonly authority: Member;
  readonly rxa: Member;
  readonly rxb: Member;
  /** Whatever the processes wrote to their terminals. */
  diary(): string;
  close(): Promise<void>;
}

const root = join(import.meta.dirname, '../..');
const types = readdirSync(join(root, 'schemas')).filter((name) => name.endsWith('Credential'));

const scopes = ['vc:issue', 'vc:revoke', 'vc:read', 'vc:verify', 'vc:offer', 'vp:request', 'audit:read'];

/** Where the certificate authority lies that this process trusts (scripts/wallets). */
const certificates = process.env['WALLETS_CERTIFICATES'] ?? '';
export const authorityFile = authorityFileOf(certificates);

const places = {
  xga: { host: 'registry.localhost', path: '' },
  rxa: { host: 'localhost', path: '/trusts/rxa' },
  rxb: { host: 'rxb.localhost', path: '/trusts/rxb' },
} as const;

/** What a deployment at a public place over https is told. */
async function placement(name: keyof typeof places) {
  const { host, path } = places[name];
  // 127.0.0.1 for the tests themselves, which wait for the process there.
  const tls = { mode: 'files', ...(await certify(certificates, { name, hosts: [host], addresses: ['127.0.0.1'] })) };
  return (port: number) => ({
    did: `did:web:${host}%3A${port}${path.replaceAll('/', ':')}`,
    publicUrl: `https://${host}:${port}${path}`,
    tls,
    network: { certificateAuthoritiesFile: authorityFile },
  });
}

/** Starts all three, each initialised as an operator would; the trusts with the authority's pin. */
export async function openProgramme(): Promise<Programme> {
  const field = await openField();
  try {
    const authority = await deployAuthority(field);
    const rxa = await deployTrust(field, 'rxa', authority);
    const rxb = await deployTrust(field, 'rxb', authority);
    seedRegistry(field, authority, [rxa, rxb]);
    await authority.initialise();
    for (const trust of [rxa, rxb]) {
      await trust.initialise();
      copyFileSync(join(authority.stateFolder, 'registry-pin.json'), join(trust.stateFolder, 'registry-pin.json'));
    }
    const members: Member[] = [];
    for (const deployment of [authority, rxa, rxb]) members.push(await open(deployment));
    const [first, second, third] = members as [Member, Member, Member];
    return { authority: first, rxa: second, rxb: third, diary: field.diary, close: field.close };
  } catch (error) {
    await field.close();
    throw error;
  }
}

async function deployAuthority(field: Field): Promise<Deployment> {
  const placed = await placement('xga');
  return field.deploy('xga', (port) => ({
    ...placed(port),
    programme: { baseUrl: placed(port).publicUrl },
    roles: ['registry'],
    registry: { source: 'self', file: null },
    registryAuthority: { seedFile: seedFileOf(field) },
  }));
}

async function deployTrust(field: Field, name: 'rxa' | 'rxb', authority: Deployment): Promise<Deployment> {
  const placed = await placement(name);
  const { certificateFile, keyFile } = placed(0).tls;
  return field.deploy(name, (port) => ({
    ...placed(port),
    programme: { baseUrl: authority.url },
    access: { clients: [{ id: 'operator', jwksFile: 'operator.jwks.json', scopes }] },
    signIn: { provider: 'development' },
    // Requests to wallets are signed with what TLS has, as the name in both is the verifier's.
    verification: { x509: [{ certificateFile, keyFile }] },
    registry: { source: 'url', file: null, url: `${authority.url}/registry/list`, pinFile: 'registry-pin.json' },
  }));
}

function seedFileOf(field: Field): string {
  return join(field.folder, 'organisations.json');
}

function seedRegistry(field: Field, authority: Deployment, trusts: readonly Deployment[]): void {
  const organisations = trusts.map(({ did, odsCode }) => ({
    odsCode,
    name: `${odsCode} (invented)`,
    kind: 'nhs-trust',
    dids: [{ did }],
    issue: types.map((type) => ({ type, from: '2025-01-01T00:00:00Z' })),
  }));
  writeFileSync(seedFileOf(field), JSON.stringify({ programmeBaseUrl: authority.url, organisations }));
}

async function open(deployment: Deployment): Promise<Member> {
  await deployment.serve();
  const { url, did } = deployment;
  return { ...createClient(deployment, url), url, did, deployment };
}
