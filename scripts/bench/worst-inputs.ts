/**
 * The worst inputs that are legal, or that come as far as the costly steps before they are refused: each as large as
 * docs/limits.md lets it be. A stranger with a did:key signs them, as any stranger could; the status list is the
 * organisation's own, for nobody else's is fetched.
 */
import { randomBytes } from 'node:crypto';
import {
  deriveCredential,
  type PresentationFormat,
  type SecuringFormat,
  secureCredential,
  securePresentation,
  validateAgainstSchema,
  verifyProof,
} from '../../src/credential/credential.js';
import { type JsonObject, parseJson } from '../../src/json.js';
import { encodeBitstring } from '../../src/status/bitstring.js';
import { createStatusChecker } from '../../src/status/status.js';
import type { BenchOrganisation } from './organisation.js';

/** Something that a stranger makes the verifier do. */
export interface WorstInput {
  readonly name: string;
  readonly bytes: number;
  /** What the answer must show, so that nothing is measured that was refused at the door. */
  readonly reaches: string;
  /** The answer as text. */
  readonly run: () => Promise<string>;
}

const challenge = 'bench-4711';
const domain = 'verifier.example';
const maxBodyBytes = 256 * 1024;
const base = 'https://www.w3.org/ns/credentials/v2';

/** All of them, made with the organisation's agent. */
export async function createWorstInputs(organisation: BenchOrganisation): Promise<WorstInput[]> {
  const stranger = createStranger(organisation);
  const nodes = (count: number, name: (index: number) => string) =>
    Array.from({ length: count }, (_, index) => ({ name: name(index) }));
  const distinct = (index: number) => `node ${index}`;
  const alike = () => 'alike';
  const credentials = [
    ['largest graph on the main thread', 'eddsa-rdfc-2022', subjects(nodes(54, distinct))],
    ['poison on the main thread: equal nodes', 'eddsa-rdfc-2022', subjects(nodes(54, alike))],
    ['graph of 190 nodes', 'eddsa-rdfc-2022', subjects(nodes(190, distinct))],
    ['poison of 190 equal nodes', 'eddsa-rdfc-2022', subjects(nodes(190, alike))],
    ['graph of 4,900 nodes', 'eddsa-rdfc-2022', subjects(nodes(4900, distinct))],
    ['poison of 4,900 equal nodes', 'eddsa-rdfc-2022', subjects(nodes(4900, alike))],
    ['longest text, graph', 'eddsa-rdfc-2022', subjects([{ name: '"\\'.repeat(60_000) }])],
    ['most members, text', 'eddsa-jcs-2022', subjects(nodes(4900, distinct))],
    ['most members, token', 'vc+jwt', subjects(nodes(3900, distinct))],
    ['most related resources, token', 'vc+jwt', { ...subjects([{ name: 'x' }]), relatedResource: resources(1400) }],
    ['most schema faults, token', 'vc+jwt', await faulty(organisation, 6000)],
    ['most disclosures, SD-JWT', 'vc+sd-jwt', subjects([fields(250, 350)])],
    ['largest COSE', 'vc+cose', subjects(nodes(3900, distinct))],
  ] as const;
  const inputs: WorstInput[] = [];
  for (const [name, format, content] of credentials) inputs.push(await stranger.credential(name, format, content));
  inputs.push(await stranger.derived('most statements, ecdsa-sd-2023', 490));
  inputs.push(await stranger.presentation('64 tokens', { format: 'vp+jwt', inner: 'vc+jwt', count: 64, nodes: 1 }));
  const graphs = { format: 'eddsa-rdfc-2022', inner: 'eddsa-rdfc-2022' } as const;
  inputs.push(await stranger.presentation('64 graphs', { ...graphs, count: 64, nodes: 30 }));
  inputs.push(await stranger.presentation('20 graphs of 190 nodes', { ...graphs, count: 20, nodes: 190 }));
  inputs.push(...unsignedInputs(organisation), await largestStatusList(organisation), largestSchema());
  return inputs;
}

function subjects(credentialSubject: JsonObject[]): JsonObject {
  return { credentialSubject };
}

function fields(count: number, length: number): JsonObject {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`field${index}`, 'x'.repeat(length)]));
}

function resources(count: number): JsonObject[] {
  const digestSRI = 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=';
  return Array.from({ length: count }, (_, index) => ({ id: `https://a.example/${index}`, digestSRI }));
}

async function faulty({ catalogue }: BenchOrganisation, count: number): Promise<JsonObject> {
  const type = catalogue.find('DbsCheckCredential');
  if (!type) throw new Error('the catalogue lacks DbsCheckCredential');
  const example = structuredClone(type.example);
  const subject = example['credentialSubject'] as JsonObject;
  const credentialSchema = { id: type.schemaId, type: 'JsonSchema' };
  return { ...example, credentialSchema, credentialSubject: { ...subject, ...fields(count, 1) } };
}

/** Credentials of so many nodes each. */
interface PresentationPlan {
  readonly format: PresentationFormat;
  readonly inner: SecuringFormat;
  readonly count: number;
  readonly nodes: number;
}

function createStranger({ agent, holder, verification, now }: BenchOrganisation) {
  const report = async (body: string) => {
    const question = parseJson(body) as { verifiableCredential?: unknown; verifiablePresentation?: unknown };
    const { verifiableCredential, verifiablePresentation } = question;
    const answer =
      verifiablePresentation === undefined
        ? await verification.verifyCredential({ verifiableCredential })
        : await verification.verifyPresentation({ verifiablePresentation, challenge, domain });
    return JSON.stringify(answer);
  };

  function input(name: string, body: JsonObject, reaches: string): WorstInput {
    const text = JSON.stringify(body);
    if (Buffer.byteLength(text) > maxBodyBytes) throw new Error(`${name}: ${Buffer.byteLength(text)} bytes`);
    return { name, bytes: Buffer.byteLength(text), reaches, run: () => report(text) };
  }

  async function issue(format: SecuringFormat, content: JsonObject): Promise<unknown> {
    const signing = format === 'ecdsa-sd-2023' ? await holder.es256() : holder;
    const filled: JsonObject = {
      '@context': [base],
      type: ['VerifiableCredential'],
      ...content,
      issuer: signing.did,
      validFrom: '2026-01-01T00:00:00Z',
    };
    const subject = filled['credentialSubject'];
    const disclosable = format === 'vc+sd-jwt' && Array.isArray(subject) ? Object.keys(subject[0] as JsonObject) : [];
    const { verifiableCredential } = await secureCredential(agent, {
      credential: filled,
      format,
      key: signing.key,
      now: now(),
      ...(disclosable.length > 0
        ? { selectivelyDisclosable: disclosable.map((claim) => `credentialSubject[0].${claim}`) }
        : {}),
    });
    return verifiableCredential;
  }

  /** What cannot be signed within the limits is sent under the proof of something small: the costly steps come first. */
  async function signed(format: SecuringFormat, content: JsonObject): Promise<{ wire: unknown; whole: boolean }> {
    try {
      return { wire: await issue(format, content), whole: true };
    } catch (error) {
      process.stderr.write(`${format}: ${String(error)} ${JSON.stringify((error as { faults?: unknown }).faults)}\n`);
      const small = (await issue(format, subjects([{ name: 'x' }]))) as JsonObject;
      return { wire: { ...small, ...content }, whole: false };
    }
  }

  return {
    async credential(name: string, format: SecuringFormat, content: JsonObject): Promise<WorstInput> {
      const { wire, whole } = await signed(format, content);
      return input(name, { verifiableCredential: wire as never }, whole ? 'proof_verified' : 'key_published');
    },
    async derived(name: string, count: number): Promise<WorstInput> {
      const content = subjects(Array.from({ length: count }, (_, index) => ({ name: `node ${index}` })));
      const credential = (await issue('ecdsa-sd-2023', content)) as JsonObject;
      const shown = await deriveCredential(agent, { credential, selectivePointers: ['/credentialSubject'] });
      return input(name, { verifiableCredential: shown }, 'proof_verified');
    },
    async presentation(name: string, { format, inner, count, nodes }: PresentationPlan): Promise<WorstInput> {
      const content = (credential: number) =>
        subjects(Array.from({ length: nodes }, (_, index) => ({ name: `node ${credential} ${index}` })));
      const verifiableCredential = await Promise.all(
        Array.from({ length: count }, async (_, index) => (await issue(inner, content(index))) as JsonObject),
      );
      const presentation: JsonObject = {
        '@context': [base],
        type: ['VerifiablePresentation'],
        holder: holder.did,
        verifiableCredential,
      };
      const options = { presentation, format, key: holder.key, challenge, domain, now: now() };
      const { verifiablePresentation } = await securePresentation(agent, options);
      return input(
        `presentation of ${name}`,
        { verifiablePresentation: verifiablePresentation as never },
        'proof_verified',
      );
    },
  };
}

/** Nothing but a reader sees these. */
function unsignedInputs({ verification }: BenchOrganisation): WorstInput[] {
  const report = async (text: string) =>
    JSON.stringify(await verification.verifyCredential((parseJson(text) as { verifiableCredential: unknown }) ?? {}));
  const bodies: [string, string][] = [
    ['most members, no proof', JSON.stringify({ verifiableCredential: fields(9900, 5) })],
    ['most numbers', `{"verifiableCredential":[${'1.2345678901234567e5,'.repeat(12_000)}0]}`],
    ['deepest lists', `{"verifiableCredential":${`${'['.repeat(60)}${']'.repeat(60)}`}}`],
    ['most empty lists', `{"verifiableCredential":{"a":[${'[],'.repeat(80_000)}0]}}`],
  ];
  return bodies.map(([name, text]) => ({
    name,
    bytes: Buffer.byteLength(text),
    reaches: '"decision":"invalid"',
    run: () => report(text),
  }));
}

/** Of as many entries as fit into the bytes that are read; random, so that GZIP gains nothing. Read anew each time. */
async function largestStatusList({ agent, identity, now }: BenchOrganisation): Promise<WorstInput> {
  const key = await identity.signingKey('EdDSA');
  const did = identity.did;
  const id = 'https://lists.example/1';
  const encodedList = encodeBitstring(Buffer.concat([Buffer.alloc(16), randomBytes(740 * 1024)]));
  const { verifiableCredential } = await secureCredential(agent, {
    credential: {
      '@context': [base],
      id,
      type: ['VerifiableCredential', 'BitstringStatusListCredential'],
      issuer: did,
      validFrom: '2026-01-01T00:00:00Z',
      credentialSubject: { id: `${id}#list`, type: 'BitstringStatusList', statusPurpose: 'revocation', encodedList },
    },
    format: 'eddsa-rdfc-2022',
    key,
    now: now(),
  });
  const body = Buffer.from(JSON.stringify(verifiableCredential));
  const fetch = async () => ({ status: 200, body, contentType: 'application/vc' });
  const entry = {
    type: 'BitstringStatusListEntry',
    statusPurpose: 'revocation',
    statusListIndex: '5',
    statusListCredential: id,
  };
  return {
    name: 'largest status list',
    bytes: body.length,
    reaches: 'status_clear"',
    run: async () => {
      const checker = createStatusChecker({ agent, fetch, verifyProof });
      const question = { issuer: did, now: now(), deadline: AbortSignal.timeout(5000) };
      return JSON.stringify(await checker.check({ credentialStatus: entry }, question));
    },
  };
}

/** Of a foreign type, from a host that configuration names; new each time, so that none is compiled already. */
function largestSchema(): WorstInput {
  let version = 0;
  const properties = Object.fromEntries(
    Array.from({ length: 195 }, (_, index) => [`field${index}`, { type: 'string', minLength: 1, pattern: '^[a-z]*$' }]),
  );
  const credential = { credentialSubject: { id: 'urn:x:y' } };
  const schemaOf = (id: string) => ({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: id,
    type: 'object',
    properties: { credentialSubject: { type: 'object', properties } },
  });
  return {
    name: 'largest schema of a foreign type',
    bytes: JSON.stringify(schemaOf('https://a.example/0')).length,
    reaches: 'success',
    run: async () => {
      version += 1;
      const id = `https://a.example/${version}`;
      const schema = Buffer.from(JSON.stringify(schemaOf(id)));
      return JSON.stringify(validateAgainstSchema({ credential, reference: { id, type: 'JsonSchema' }, schema }));
    },
  };
}
