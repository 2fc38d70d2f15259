/**
 * `npm run conformance`: asks a server, as a stranger would, whether it keeps the specifications, and writes down what
 * it found. Without arguments it starts our own conformance deployment; `--target <file.json>` or `--staff-passport
 * <url>` name another server. Ends with 1 when a statement failed.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createParties } from './conversation.js';
import { type Host, openHost, openOwnHost } from './host.js';
import { startOwnService } from './own-service.js';
import { describeOwn } from './own-target.js';
import { makeReport, placeText, type Report, reportText } from './report.js';
import { allTests } from './specs/specs.js';
import { listFaults, loadSpecifications } from './statements.js';
import { runSpecification } from './suite.js';
import { createSend, readTarget, type Target } from './target.js';

const root = resolve(import.meta.dirname, '../..');

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    'staff-passport': { type: 'string' },
    only: { type: 'string', multiple: true },
    output: { type: 'string' },
    help: { type: 'boolean' },
  },
});

const usage = `npm run conformance -- [--target server.json | --staff-passport https://host:port] [--only VCDM ...] [--output folder]
Without a target it starts agents/conformance.yml and writes docs/conformance.json and docs/conformance.md;
for another server, or with --only, nothing is written unless --output names a folder.`;

async function check(target: Target, host: Host | undefined): Promise<Report> {
  const specifications = loadSpecifications();
  const faults = listFaults(specifications, allTests);
  if (faults.length > 0) throw new Error(`the lists of statements and tests do not agree:\n${faults.join('\n')}`);
  const { send, close } = createSend(target);
  const parties = createParties();
  const found = [];
  try {
    for (const specification of specifications) {
      if (values.only && !values.only.includes(specification.short)) continue;
      const findings = await runSpecification(specification, allTests, { target, parties, send, host });
      for (const { id, outcome, failures = [] } of findings) {
        if (outcome === 'failed') console.error(`${id} FAILED\n  ${failures.join('\n  ')}`);
      }
      found.push([specification, findings] as const);
    }
  } finally {
    await close();
  }
  return makeReport(target.name, new Date().toISOString().slice(0, 10), found);
}

/** Our own deployment, started for the run and stopped after it. */
async function checkOwn(): Promise<Report> {
  const { send, close } = createSend({ selfSigned: true });
  const host = await openOwnHost();
  try {
    const service = await startOwnService(send, host);
    try {
      return await check({ ...(await describeOwn(service.url, send)), hosting: host.hosting }, host);
    } finally {
      await service.stop();
    }
  } finally {
    await host.close();
    await close();
  }
}

/** A foreign server; the checker publishes for it where its description says so. */
async function checkForeign(target: Target): Promise<Report> {
  const host = target.hosting === undefined ? undefined : await openHost(target.hosting);
  try {
    return await check(target, host);
  } finally {
    await host?.close();
  }
}

async function checkRunning(url: string): Promise<Report> {
  const { send, close } = createSend({ selfSigned: true });
  try {
    return await check(await describeOwn(url.replace(/\/$/, ''), send), undefined);
  } finally {
    await close();
  }
}

async function chosen(): Promise<Report> {
  if (values.target) return checkForeign(readTarget(values.target));
  if (values['staff-passport']) return checkRunning(values['staff-passport']);
  return checkOwn();
}

/** Each failure as an object, which every formatter of JSON leaves on lines of its own. */
function spelled(name: string, value: unknown): unknown {
  return name === 'failures' && Array.isArray(value) ? value.map((failure) => ({ failure })) : value;
}

function write(report: Report, folder: string): void {
  const json = resolve(folder, 'conformance.json');
  const markdown = resolve(folder, 'conformance.md');
  mkdirSync(dirname(json), { recursive: true });
  writeFileSync(json, `${JSON.stringify(report, spelled, 2)}\n`);
  const existing = existsSync(markdown) ? readFileSync(markdown, 'utf8') : undefined;
  writeFileSync(markdown, placeText(existing, reportText(report)));
  console.log(`written: ${json}, ${markdown}`);
}

if (values.help) {
  console.log(usage);
} else {
  const report = await chosen();
  const whole = values.only === undefined && values.target === undefined && values['staff-passport'] === undefined;
  const folder = values.output ?? (whole ? resolve(root, 'docs') : undefined);
  if (folder) write(report, folder);
  for (const { short, counts } of report.specifications) console.log(short.padEnd(12), JSON.stringify(counts));
  console.log('all'.padEnd(12), JSON.stringify(report.counts));
  process.exitCode = report.counts.failed === 0 ? 0 : 1;
}
