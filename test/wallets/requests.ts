/** What a verifier's system does: asks for documents, and reads the result. */
import { decisionsOf } from './decisions.js';
import type { Member } from './programme.js';

export interface Question {
  readonly clientIdScheme?: 'decentralized_identifier' | 'x509_san_dns' | 'x509_hash' | 'redirect_uri';
  readonly responseMode?: 'direct_post' | 'direct_post.jwt';
  readonly requestUriMethod?: 'get' | 'post';
  readonly flow?: 'same' | 'cross';
}

/** One credential query for a type of the catalogue, in one format. */
export function queryFor(type: string, format: 'dc+sd-jwt' | 'jwt_vc_json' | 'ldp_vc', baseUrl: string) {
  const meta = format === 'dc+sd-jwt' ? { vct_values: [`${baseUrl}/vct/${type}/v1`] } : { type_values: [[type]] };
  return { id: 'document', format, meta };
}

/** Asks, and gives the address that the wallet reads with a way to the result. */
export async function ask(verifier: Member, credentials: readonly object[], question: Question = {}) {
  const { status, text, body } = await verifier.post('/vp/requests', {
    flow: 'cross',
    ...question,
    dcql: { credentials },
  });
  if (status !== 201) throw new Error(`POST /vp/requests: ${status} ${text}`);
  return { uri: body.uri as string, result: (responseCode?: string) => resultOf(verifier, body.id, responseCode) };
}

/** `valid`, or what is wrong with each presentation; or the state, when there is no result. */
async function resultOf(verifier: Member, id: string, responseCode?: string): Promise<string> {
  const query = responseCode === undefined ? '' : `?response_code=${encodeURIComponent(responseCode)}`;
  const authorization = { authorization: `Bearer ${await verifier.token()}` };
  const { status, text, body } = await verifier.get(`/vp/requests/${id}/result${query}`, authorization);
  return status === 200 ? decisionsOf(body) : `${status} ${text}`;
}
