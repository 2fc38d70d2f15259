/** The Authorization Response as a wallet posts it (OpenID4VP 1.0 sections 8.2 to 8.5): what it says, and to which request. */
import { timingSafeEqual } from 'node:crypto';
import { OAuthError } from '../../http/oauth-errors.js';
import { JoseError } from '../../jose/errors.js';
import { openJwe } from '../../jose/jwe.js';
import { isJsonObject, type Json, JsonError, type JsonObject, parseJson } from '../../json.js';

/** The parameters of the form; others are ignored (section 8.1). */
export interface ResponseForm {
  readonly vp_token?: string;
  readonly state?: string;
  readonly response?: string;
  readonly error?: string;
}

/** What the request knows of the answer to it. */
export interface ResponseExpectation {
  readonly state: string;
  /** Set where the answer must be encrypted (direct_post.jwt). */
  readonly encryption?: { readonly privateJwk: JsonObject; readonly kid: string };
}

/** What the wallet said. */
export type WalletResponse = { readonly error: string } | { readonly vpToken: Json };

/** RFC 6749 4.1.2.1 and section 8.5: whatever else a wallet calls its error is told as `other`. */
const errorNames: readonly string[] = [
  'access_denied',
  'invalid_request',
  'invalid_client',
  'invalid_scope',
  'unauthorized_client',
  'unsupported_response_type',
  'server_error',
  'temporarily_unavailable',
  'vp_formats_not_supported',
  'invalid_request_uri_method',
  'invalid_transaction_data',
  'wallet_unavailable',
];

/** Reads a response; throws OAuthError invalid_request. */
export async function readResponse(form: ResponseForm, expected: ResponseExpectation): Promise<WalletResponse> {
  const parameters = await parametersOf(form, expected);
  checkState(parameters, form, expected.state);
  const { error, vp_token: vpToken } = parameters;
  if ((error === undefined) === (vpToken === undefined)) {
    throw refused('The response must have exactly one of vp_token and error.');
  }
  if (vpToken !== undefined) return { vpToken };
  return { error: errorNames.includes(error as string) ? (error as string) : 'other' };
}

/** A wallet that cannot encrypt may still send its error in the clear (section 8.3.1); never a vp_token. */
async function parametersOf(form: ResponseForm, { encryption }: ResponseExpectation): Promise<JsonObject> {
  if (encryption === undefined) {
    if (form.response !== undefined) throw refused('This request did not ask for an encrypted response.');
    return plainParameters(form);
  }
  if (form.response === undefined && form.error !== undefined && form.vp_token === undefined) {
    return plainParameters(form);
  }
  if (form.response === undefined || form.vp_token !== undefined || form.error !== undefined) {
    throw refused('The response must be encrypted, in the parameter response alone.');
  }
  return parseObject(await decrypt(form.response, encryption));
}

function plainParameters({ vp_token: text, state, error }: ResponseForm): JsonObject {
  return {
    ...(text === undefined ? {} : { vp_token: parse(text, 'vp_token') }),
    ...(state === undefined ? {} : { state }),
    ...(error === undefined ? {} : { error }),
  };
}

async function decrypt(response: string, key: NonNullable<ResponseExpectation['encryption']>): Promise<Buffer> {
  try {
    return await openJwe(response, key);
  } catch (cause) {
    if (!(cause instanceof JoseError)) throw cause;
    throw refused(`The encrypted response was not accepted: ${cause.message}`, cause);
  }
}

function parseObject(bytes: Buffer): JsonObject {
  const value = parse(bytes, 'encrypted response');
  if (!isJsonObject(value)) throw refused('The encrypted response is not a JSON object.');
  return value;
}

/** JsonError never quotes the text. */
function parse(text: string | Buffer, name: string): Json {
  try {
    return parseJson(text);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw refused(`The ${name} is not acceptable JSON: ${cause.message}`, cause);
  }
}

/** Wallets that encrypt put state inside, some beside; where both are there they must be one. */
function checkState(parameters: JsonObject, form: ResponseForm, expected: string): void {
  const given = [parameters['state'], form.state].filter((state) => state !== undefined);
  if (given.length === 0 || !given.every((state) => typeof state === 'string' && sameText(state, expected))) {
    throw refused('The state is not the one of this request.');
  }
}

/** Whether two texts are the same, in a time that does not tell where they differ. */
export function sameText(given: string, expected: string): boolean {
  const [left, right] = [Buffer.from(given), Buffer.from(expected)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function refused(detail: string, cause?: unknown): OAuthError {
  return new OAuthError('invalid_request', detail, { cause });
}
