/**
 * How long a wallet waits at the token and the credential endpoint, against a POST to a route that does nothing. Real
 * processes, HTTP on loopback, SQLite on disk with every commit made durable; by the clock, since waiting is what counts.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createKeySigner, signJws } from '../../src/jose/jws.js';
import { type Organisation, openOrganisation } from '../demo/organisation.js';
import { readHomeCredentials } from '../demo/passport.js';
import { median, quantile } from './measure.js';

const root = resolve(import.meta.dirname, '../..');
const walletFormats = ['sd_jwt', 'jwt_vc', 'vc2_jwt', 'ldp'] as const;
const preAuthorized = 'urn:ietf:params:oauth:grant-type:pre-authorized_code';

/** One endpoint: the median of its ratio to the empty route in the same round. */
interface WalletLine {
  readonly endpoint: string;
  readonly milliseconds: number;
  readonly emptyMilliseconds: number;
  readonly ratio: number;
  readonly ratioQuartiles: readonly [number, number];
}

/** Measures `rounds` redemptions in every format. */
export async function measureWalletEndpoints(rounds: number): Promise<{ text: string; result: WalletLine[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-bench-'));
  const empty = fork(join(import.meta.dirname, 'empty-route.ts'), {
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const [authority, trust] = await openProgramme(folder);
  try {
    const emptyUrl = `${await addressOf(empty)}/empty`;
    await bringUp(authority, trust);
    const credential = await documentOf();
    const samples = new Map<string, number[][]>();
    for (let round = 0; round < rounds + 1; round += 1) {
      for (const format of walletFormats) {
        const times = await redeem(trust, format, credential, emptyUrl);
        // The first round warms everything up.
        if (round > 0) for (const [name, pair] of times) samples.set(name, [...(samples.get(name) ?? []), pair]);
      }
      process.stderr.write(round % 10 === 0 ? `wallet endpoints: round ${round} of ${rounds}\n` : '');
    }
    const result = [...samples].map(toLine);
    return { text: tabulate(result, rounds), result };
  } finally {
    empty.kill();
    await trust.stop();
    await authority.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function addressOf(empty: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    empty.once('message', (url) => done(String(url)));
    empty.once('exit', () => fail(new Error('the empty route did not start')));
  });
}

/** The demonstration's authority and first trust at ports of their own, in a folder of their own. */
async function openProgramme(folder: string): Promise<[Organisation, Organisation]> {
  const [one, two] = [await freePort(), await freePort()];
  const authorityUrl = `http://localhost:${one}`;
  const seedFile = join(folder, 'organisations.json');
  const types = ['CoreSkillCredential'].map((type) => ({ type, from: '2025-01-01T00:00:00Z' }));
  const organisation = { odsCode: 'RXA', name: 'Trust', kind: 'nhs-trust', dids: [{ did: didOf(two) }], issue: types };
  writeFileSync(seedFile, JSON.stringify({ programmeBaseUrl: authorityUrl, organisations: [organisation] }));
  const file = (name: string, port: number, service: object) => {
    const shared = {
      did: didOf(port),
      publicUrl: `http://localhost:${port}`,
      listen: { host: '127.0.0.1', port },
      stateFolder: join(folder, name),
      programme: { baseUrl: authorityUrl },
    };
    const path = join(folder, `${name}.yml`);
    // JSON is YAML.
    const tree = { extends: join(root, 'agents', `${name}.yml`), service: { ...shared, ...service } };
    writeFileSync(path, JSON.stringify(tree));
    return path;
  };
  const authority = file('registry', one, { registryAuthority: { seedFile } });
  const trust = file('rxa', two, {
    name: 'Trust',
    registry: { url: `${authorityUrl}/registry/list`, pinFile: 'registry-pin.json' },
    access: { walletPerMinute: 1_000_000 },
  });
  return [await openOrganisation('the authority', authority), await openOrganisation('the trust', trust)];
}

function didOf(port: number): string {
  return `did:web:localhost%3A${port}`;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  await new Promise((done) => server.close(done));
  return port;
}

async function bringUp(authority: Organisation, trust: Organisation): Promise<void> {
  await authority.initialise();
  await trust.initialise();
  copyFileSync(join(authority.stateFolder, 'registry-pin.json'), join(trust.stateFolder, 'registry-pin.json'));
  await authority.start();
  await trust.start();
}

/** A core skill of the demonstration, without the holder, who is not known when it is offered. */
async function documentOf(): Promise<object> {
  const all = await readHomeCredentials(join(root, 'demo'), 'RXA');
  const skill = all.find(({ credential }) => JSON.stringify(credential['type']).includes('CoreSkillCredential'));
  if (skill === undefined) throw new Error('the demonstration has no core skill');
  const { id: _, ...credentialSubject } = skill.credential['credentialSubject'] as Record<string, unknown>;
  return { ...skill.credential, credentialSubject };
}

/** Offers one document, takes it as a wallet would, and times the two endpoints, each after an empty POST. */
async function redeem(
  trust: Organisation,
  format: string,
  credential: object,
  emptyUrl: string,
): Promise<[string, number[]][]> {
  const token = await trust.token();
  const body = { credentials: [{ credential }] };
  const { offerId, txCode } = (await trust.call('POST', '/admin/offers', { token, body, expect: 201 })).body;
  const minted = await trust.call('POST', `/admin/offers/${offerId}/credential-offers`, {
    token,
    body: { grant: 'pre-authorized_code', walletFormats: [format] },
    expect: 201,
  });
  const { grants, credential_configuration_ids: ids } = minted.body.credentialOffer;
  const code = grants[preAuthorized]['pre-authorized_code'];
  const form = new URLSearchParams({ grant_type: preAuthorized, 'pre-authorized_code': code, tx_code: txCode });
  const beforeToken = await timed(emptyUrl, {}, '');
  const granted = await timed(`${trust.url}/token`, { 'content-type': formType }, form.toString());
  const nonce = (await timed(`${trust.url}/nonce`, {}, '')).answer['c_nonce'];
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${granted.answer['access_token']}` };
  const proof = await proofFor(trust.url, String(nonce));
  const request = JSON.stringify({ credential_configuration_id: ids[0], proofs: { jwt: [proof] } });
  const beforeCredential = await timed(emptyUrl, {}, '');
  const issued = await timed(`${trust.url}/credential`, headers, request);
  return [
    ['POST /token', [granted.milliseconds, beforeToken.milliseconds]],
    [`POST /credential (${format})`, [issued.milliseconds, beforeCredential.milliseconds]],
  ];
}

const formType = 'application/x-www-form-urlencoded';

async function timed(url: string, headers: Record<string, string>, body: string) {
  const begin = performance.now();
  const response = await fetch(url, { method: 'POST', headers, ...(body === '' ? {} : { body }) });
  const text = await response.text();
  const milliseconds = performance.now() - begin;
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${text}`);
  return { milliseconds, answer: JSON.parse(text) as Record<string, unknown> };
}

/** A fresh key for each copy, as careful wallets have it. */
function proofFor(issuer: string, nonce: string): Promise<string> {
  const { publicJwk, sign } = createKeySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
  const kid = `did:jwk:${Buffer.from(JSON.stringify(publicJwk)).toString('base64url')}#0`;
  const claims = { aud: issuer, iat: Math.floor(Date.now() / 1000), nonce };
  return signJws({ typ: 'openid4vci-proof+jwt', alg: 'ES256', kid }, claims, sign);
}

function toLine([endpoint, pairs]: [string, number[][]]): WalletLine {
  const ratios = pairs.map(([own = 0, empty = 1]) => own / empty);
  return {
    endpoint,
    milliseconds: median(pairs.map(([own = 0]) => own)),
    emptyMilliseconds: median(pairs.map(([, empty = 0]) => empty)),
    ratio: median(ratios),
    ratioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
  };
}

function tabulate(lines: readonly WalletLine[], rounds: number): string {
  const rows = lines.map(({ endpoint, milliseconds, emptyMilliseconds, ratio, ratioQuartiles }) =>
    [
      endpoint.padEnd(28),
      milliseconds.toFixed(2).padStart(8),
      emptyMilliseconds.toFixed(2).padStart(8),
      ratio.toFixed(1).padStart(8),
      ratioQuartiles
        .map((value) => value.toFixed(1))
        .join('–')
        .padStart(12),
    ].join('  '),
  );
  const heading = `${'endpoint'.padEnd(28)}        ms  empty ms  × empty     quartiles`;
  return `\n${heading}\n${rows.join('\n')}\n\n${rounds} rounds; medians by the clock; empty: POST to a route that does nothing, just before.\n`;
}
