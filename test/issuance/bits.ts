/** Reads a bit as a verifier would: from the published list. */
import { gunzipSync } from 'node:zlib';
import type { JsonObject } from '../../src/json.js';
import type { StatusLists } from '../../src/status/status.js';

interface Entry {
  readonly statusPurpose?: string | undefined;
  readonly statusListIndex: string;
  readonly statusListCredential: string;
}

export function readBit(lists: StatusLists, entries: readonly Entry[], purpose: string): boolean {
  const entry = entries.find((one) => one.statusPurpose === purpose);
  const name =
    (entry?.statusListCredential ?? '')
      .split('/')
      .at(-1)
      ?.replace(/\.jwt$/, '') ?? '';
  const list = JSON.parse(String(lists.document(name)?.bytes)) as JsonObject;
  const { encodedList } = list.credentialSubject as { encodedList: string };
  const bits = gunzipSync(Buffer.from(encodedList.slice(1), 'base64url'));
  const index = Number(entry?.statusListIndex);
  return (((bits[index >> 3] ?? 0) >> (7 - (index % 8))) & 1) === 1;
}
