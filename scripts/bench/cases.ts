/**
 * What is measured: issuing and verifying through the agent, and the whole verdict of verification/, each beside
 * node:crypto doing nothing but the signatures. Every verifier is guarded before it becomes a case (guard.ts).
 */
import {
  CredentialRefusal,
  type PresentationFormat,
  readCredential,
  type SecuringFormat,
  secureCredential,
  securePresentation,
  verifyProof,
} from '../../src/credential/credential.js';
import { findVerificationKey } from '../../src/identity/identity.js';
import type { JwsAlgorithm } from '../../src/jose/algorithms.js';
import { isJsonObject, type JsonObject } from '../../src/json.js';
import type { Check, Decision } from '../../src/verification/verification.js';
import { changesOf, observeSigning, sizeOf, type Wire } from './documents.js';
import { type SignedBytes, signFloor, verifyFloor } from './floors.js';
import { type Change, type Guarded, type Outcome, requireRefusal } from './guard.js';
import type { Case } from './measure.js';
import { type BenchOrganisation, organisationName } from './organisation.js';

/** A row of the result: what is done, through what, and which checks are part of it. */
export interface Row extends Case {
  readonly operation: string;
  readonly includes: string;
  readonly bytes: number;
  /** The case that it is compared with. */
  readonly floor: Case;
}

/** A verifier that becomes a row once it has proved itself. */
export interface VerifierRow extends Omit<Row, 'id' | 'run'> {
  readonly guarded: Guarded<Wire>;
}

/** The formats, each with the algorithm of its key. */
const formats: readonly { readonly format: SecuringFormat; readonly algorithm: JwsAlgorithm }[] = [
  { format: 'vc+jwt', algorithm: 'ES256' },
  { format: 'vc+jwt', algorithm: 'EdDSA' },
  { format: 'jwt_vc', algorithm: 'ES256' },
  { format: 'eddsa-rdfc-2022', algorithm: 'EdDSA' },
  { format: 'ecdsa-rdfc-2019', algorithm: 'ES256' },
];

/** The letter of the content that is changed is the last one of the issuer's name. */
const marker = `"name":"${organisationName.slice(0, 6)}`;
const type = 'DbsCheckCredential';
const caller = { clientId: 'bench' };
const challenge = 'bench-4711';
const domain = 'verifier.example';

/** A credential as the issuance cycle made it: schema, status entries and all. */
interface Issued {
  readonly name: string;
  readonly format: SecuringFormat;
  readonly algorithm: JwsAlgorithm;
  readonly wire: Wire;
  readonly unsecured: JsonObject;
  readonly signed: SignedBytes;
  readonly bytes: number;
}

/** The rows of issuing, and the verifiers that are to become rows. */
export interface Workload {
  readonly issue: readonly Row[];
  readonly verifiers: readonly VerifierRow[];
}

/** Issues what is needed and lays out all rows; measures and guards nothing yet. */
export async function createWorkload(organisation: BenchOrganisation, passportSize: number): Promise<Workload> {
  const issued: Issued[] = [];
  for (const { format, algorithm } of formats) issued.push(await issueCredential(organisation, format, algorithm));
  const issue = await Promise.all(issued.map((one) => issueRow(organisation, one)));
  const verifiers = await Promise.all(issued.map((one) => verifierRows(organisation, one)));
  const presentations = await presentationRows(organisation, issued, passportSize);
  return { issue, verifiers: [...verifiers.flat(), ...presentations] };
}

/** Lets a verifier prove itself, and only then be measured. */
export async function admit({ guarded, ...row }: VerifierRow): Promise<Row> {
  await requireRefusal(guarded);
  const { name, input, verify } = guarded;
  return { ...row, id: name, run: async () => requireAccepted(name, await verify(input)) };
}

function requireAccepted(name: string, outcome: Outcome): void {
  if (outcome !== 'accepted') throw new Error(`${name}: refused its input while it was measured (${outcome})`);
}

async function issueCredential(
  { agent, catalogue, holder, issuance, identity, now }: BenchOrganisation,
  format: SecuringFormat,
  alg: JwsAlgorithm,
): Promise<Issued> {
  const example = structuredClone(catalogue.find(type)?.example ?? {});
  const subject = example['credentialSubject'];
  if (!isJsonObject(subject)) throw new Error(`the catalogue has no example of ${type}`);
  const credential = { ...example, credentialSubject: { ...subject, id: holder.did } };
  const request = { credential, options: { format, alg } };
  const { made, bytes, signature } = await observeSigning(agent, () => issuance.issue(request, caller));
  const wire = made.verifiableCredential;
  const verified = await verifyProof(agent, readCredential(wire), { now: now() });
  const { key } = findVerificationKey(identity.document(), verified.verificationMethod, 'assertionMethod');
  const signed = { algorithm: alg, bytes, signature, publicKey: key.keyObject };
  const name = format.includes('rdfc') ? format : `${format} ${alg}`;
  return { name, format, algorithm: alg, wire, unsecured: verified.credential, signed, bytes: sizeOf(wire) };
}

async function issueRow({ agent, identity, now }: BenchOrganisation, issued: Issued): Promise<Row> {
  const { name, format, algorithm, unsecured: credential, signed, bytes } = issued;
  const key = await identity.signingKey(algorithm);
  const issue = () => secureCredential(agent, { credential, format, key, now: now() });
  const { verifiableCredential } = await issue();
  await verifyProof(agent, readCredential(verifiableCredential), { now: now() });
  const canonicalised = format.includes('rdfc') ? ', canonical form' : '';
  return {
    id: `issue ${name}`,
    operation: `issue ${name}`,
    includes: `data model, managed key${canonicalised}, signature, digest`,
    bytes,
    floor: { id: `node:crypto sign ${name}`, run: signFloor(signed) },
    run: issue,
  };
}

/** Through the agent alone, and the whole verdict. */
async function verifierRows(organisation: BenchOrganisation, issued: Issued): Promise<VerifierRow[]> {
  const { name, wire: input, bytes } = issued;
  const { agent, verification, now } = organisation;
  const floor = { id: `node:crypto verify ${name}`, run: verifyFloor([issued.signed]) };
  const guarded = { input, changes: changesOf(input, marker), refusal: 'signature_invalid' };
  const throughAgent = outcomeOf(async (wire) => verifyProof(agent, readCredential(wire), { now: now() }));
  const report = (wire: Wire) => verification.verifyCredential({ verifiableCredential: wire });
  const verdict = async (wire: Wire) => {
    const { decision, checks } = await report(wire);
    return decided(decision, checks);
  };
  const [agentName, wholeName] = [`verify ${name}`, `whole verdict ${name}`];
  return [
    {
      operation: agentName,
      includes: 'format, algorithm, issuer = key, key, proof',
      bytes,
      floor,
      guarded: { ...guarded, name: agentName, verify: throughAgent },
    },
    {
      operation: wholeName,
      includes: passed((await report(input)).checks),
      bytes,
      floor,
      guarded: { ...guarded, name: wholeName, verify: verdict },
    },
  ];
}

function outcomeOf(verify: (wire: Wire) => Promise<unknown>): (wire: Wire) => Promise<Outcome> {
  return async (wire) => {
    try {
      await verify(wire);
      return 'accepted';
    } catch (error) {
      if (error instanceof CredentialRefusal) return error.code;
      throw error;
    }
  };
}

/** The codes of what failed, or what could not be found out; "accepted" only for a decision of valid. */
function decided(decision: Decision, checks: readonly Check[]): Outcome {
  if (decision === 'valid') return 'accepted';
  const failed = checks.filter(({ outcome }) => outcome === 'fail' || outcome === 'indeterminate');
  return [...new Set(failed.map(({ code }) => code))].join(' ');
}

/** A presentation to make: which credentials, in which securing, and where a letter of it can be changed. */
interface PresentationPlan {
  readonly name: string;
  readonly format: PresentationFormat;
  readonly credentials: readonly Issued[];
  readonly marker: string;
}

/** One credential as a token, a passport of many, and one credential with a Data Integrity proof. */
async function presentationRows(
  organisation: BenchOrganisation,
  issued: readonly Issued[],
  passportSize: number,
): Promise<VerifierRow[]> {
  const [token] = issued;
  const integrity = issued.find(({ format }) => format === 'eddsa-rdfc-2022');
  if (!token || !integrity) throw new Error('there are no credentials to present');
  const passport = [token];
  while (passport.length < passportSize) {
    passport.push(await issueCredential(organisation, token.format, token.algorithm));
  }
  const audience = '"aud":"';
  const plans: PresentationPlan[] = [
    { name: 'vp+jwt of 1 credential', format: 'vp+jwt', credentials: [token], marker: audience },
    { name: `vp+jwt of ${passportSize} credentials`, format: 'vp+jwt', credentials: passport, marker: audience },
    { name: `${integrity.name} of 1 credential`, format: 'eddsa-rdfc-2022', credentials: [integrity], marker },
  ];
  const rows: VerifierRow[] = [];
  for (const plan of plans) rows.push(await presentationRow(organisation, plan));
  return rows;
}

async function presentationRow(organisation: BenchOrganisation, plan: PresentationPlan): Promise<VerifierRow> {
  const { verification, holder, agent } = organisation;
  const credentials = plan.credentials.map(({ wire }) => wire);
  const observed = await observeSigning(agent, () => present(organisation, plan.format, credentials));
  const { made: input, bytes, signature } = observed;
  const { didDocument } = await agent.resolveDid({ didUrl: holder.did });
  const { key } = findVerificationKey(didDocument, holder.key.kid, 'authentication');
  const presented: SignedBytes = { algorithm: key.algorithm, publicKey: key.keyObject, bytes, signature };
  const signed = [presented, ...plan.credentials.map((issued) => issued.signed)];
  const name = `whole verdict ${plan.name}`;
  const report = (wire: Wire) => verification.verifyPresentation({ verifiablePresentation: wire, challenge, domain });
  const verify = async (wire: Wire) => {
    const { decision, checks, credentials: reports } = await report(wire);
    return decided(decision, [...checks, ...reports.flatMap((one) => one.checks)]);
  };
  return {
    operation: name,
    includes: `${passed((await report(input)).checks)}; all of each credential and its holder`,
    bytes: sizeOf(input),
    floor: { id: `node:crypto verify ${plan.name}`, run: verifyFloor(signed) },
    guarded: {
      name,
      input,
      changes: [...changesOf(input, plan.marker), await withChangedCredential(organisation, plan.format, credentials)],
      verify,
      refusal: 'signature_invalid',
    },
  };
}

/** Signed by the presenter over a credential of which one bit was changed: only the credential's own proof shows it. */
async function withChangedCredential(
  organisation: BenchOrganisation,
  format: PresentationFormat,
  credentials: readonly Wire[],
): Promise<Change<Wire>> {
  const last = credentials.at(-1) ?? '';
  const changed = changesOf(last, marker)[0]?.input ?? last;
  const input = await present(organisation, format, [...credentials.slice(0, -1), changed]);
  return { what: 'a credential in it', input };
}

async function present(
  { agent, holder, now }: BenchOrganisation,
  format: PresentationFormat,
  credentials: readonly Wire[],
): Promise<Wire> {
  const presentation: JsonObject = {
    '@context': ['https://www.w3.org/ns/credentials/v2'],
    type: ['VerifiablePresentation'],
    holder: holder.did,
    verifiableCredential: [...credentials],
  };
  const options = { presentation, format, key: holder.key, challenge, domain, now: now() };
  return (await securePresentation(agent, options)).verifiablePresentation;
}

function passed(checks: readonly Check[]): string {
  const names = checks.filter(({ outcome }) => outcome === 'pass').map(({ check }) => check);
  return names.join(', ');
}
