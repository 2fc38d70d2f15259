/** `suite`: what W3C's test suites call, over the modules of the service; each answer is one small JSON file. */
import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import {
  CredentialRefusal,
  type GivenKeyTask,
  secureWithKey,
  validateAgainstSchema,
  verifyWithKey,
} from '../credential/credential.js';
import { JoseError } from '../jose/errors.js';
import { createKeySigner } from '../jose/jws.js';
import { importJwk } from '../jose/keys.js';
import { isJsonObject, JsonError, type JsonObject, parseJson } from '../json.js';
import { say } from './options.js';

/** What a suite reads; `error` means that the question itself could not be read. */
interface SuiteAnswer {
  readonly result: 'success' | 'failure' | 'indeterminate' | 'error';
  readonly data?: string;
}

interface SecuringOptions {
  readonly input: string;
  readonly key: string;
  readonly feature: string;
  readonly sd?: string;
  readonly output: string;
}

/** The features of w3c/vc-jose-cose-test-suite. */
const features: Readonly<Record<string, GivenKeyTask>> = {
  credential_jose: { kind: 'credential', mechanism: 'jwt' },
  credential_sdjwt: { kind: 'credential', mechanism: 'sd-jwt' },
  credential_cose: { kind: 'credential', mechanism: 'cose' },
  presentation_jose: { kind: 'presentation', mechanism: 'jwt' },
  presentation_sdjwt: { kind: 'presentation', mechanism: 'sd-jwt' },
  presentation_cose: { kind: 'presentation', mechanism: 'cose' },
};

/** The command with its three questions. */
export function suiteCommand(): Command {
  return new Command('suite')
    .description('Answer the test suites of W3C that call a command line; keys come from files, nothing is fetched')
    .addCommand(securingCommand('issue', 'Secure a credential or presentation', issue))
    .addCommand(securingCommand('verify', 'Verify the securing mechanism and the data model', verify))
    .addCommand(validateCommand());
}

function securingCommand(
  name: string,
  description: string,
  work: (task: GivenKeyTask, options: SecuringOptions) => Promise<SuiteAnswer>,
): Command {
  return new Command(name)
    .description(description)
    .requiredOption('--input <file>', 'credential or presentation, unsecured or secured')
    .requiredOption('--key <file>', 'verification method with publicKeyJwk and secretKeyJwk')
    .requiredOption('--feature <name>', Object.keys(features).join(', '))
    .requiredOption('--output <file>', 'where the answer goes')
    .option('--sd <paths>', 'JSON list of the claims that are selectively disclosable')
    .action(async (options: SecuringOptions) => {
      const task = Object.hasOwn(features, options.feature) ? features[options.feature] : undefined;
      await answer(options.output, async () => (task ? work(task, options) : { result: 'indeterminate' }));
    });
}

async function issue(task: GivenKeyTask, { input, key, sd }: SecuringOptions): Promise<SuiteAnswer> {
  const document = readObject(input);
  const method = readObject(key);
  const paths = sd === undefined ? [] : (parseJson(sd) as string[]);
  const privateKey = createPrivateKey({ key: method.secretKeyJwk as JsonObject, format: 'jwk' });
  const { algorithm, sign } = createKeySigner(privateKey);
  const signer = { algorithm, sign, kid: String(method.id) };
  const content = { document, selectivelyDisclosable: paths, random: (bytes: number) => randomBytes(bytes) };
  return { result: 'success', data: await secureWithKey({ ...task, ...content, signer }) };
}

async function verify(task: GivenKeyTask, { input, key }: SecuringOptions): Promise<SuiteAnswer> {
  const { id, publicKeyJwk } = readObject(key);
  const verificationKey = importJwk(publicKeyJwk);
  const named = isJsonObject(publicKeyJwk) && typeof publicKeyJwk.kid === 'string' ? [publicKeyJwk.kid] : [];
  const names = [String(id), verificationKey.thumbprint, ...named];
  const text = readFileSync(input, 'utf8').trim();
  const document = verifyWithKey({ ...task, text, key: verificationKey, names });
  return { result: 'success', data: JSON.stringify(document) };
}

interface ValidateOptions {
  readonly format: string;
  readonly schema: string;
  readonly credential: string;
  readonly output: string;
}

function validateCommand(): Command {
  return new Command('validate')
    .description('Validate a credential against the schema that it names')
    .requiredOption('--format <type>', 'JsonSchema or JsonSchemaCredential')
    .requiredOption('--schema <file>', 'the schema, or the credential that holds it')
    .requiredOption('--credential <file>', 'the credential, unsecured')
    .requiredOption('--output <file>', 'where the answer goes')
    .action(async ({ format, schema, credential, output }: ValidateOptions) => {
      await answer(output, async () => validate(readObject(credential), format, readFileSync(schema)));
    });
}

function validate(credential: JsonObject, format: string, schema: Buffer): SuiteAnswer {
  const references = [credential.credentialSchema ?? []].flat().filter(isJsonObject);
  const reference = references.find(({ type }) => type === format);
  if (reference === undefined) return { result: 'failure', data: `The credential names no ${format}.` };
  const { outcome, faults } = validateAgainstSchema({ credential, reference, schema });
  const data = faults.map(({ path, detail }) => `${path} ${detail}`).join('; ');
  return { result: outcome, ...(data === '' ? {} : { data }) };
}

function readObject(file: string): JsonObject {
  const value = parseJson(readFileSync(file));
  if (isJsonObject(value)) return value;
  throw new JsonError('syntax', 'The file is not a JSON object.');
}

/** A refusal is an answer; anything else is a question that we could not read, and says so. */
async function answer(output: string, work: () => Promise<SuiteAnswer>): Promise<void> {
  const answered = await work().catch((error: unknown): SuiteAnswer => {
    const refused = error instanceof CredentialRefusal || error instanceof JoseError;
    return { result: refused ? 'failure' : 'error', data: error instanceof Error ? error.message : 'unknown' };
  });
  writeFileSync(output, `${JSON.stringify(answered)}\n`);
  say(answered.result);
}
