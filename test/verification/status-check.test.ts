import type { StatusChecker } from '../../src/status/status.js';
import { startDeadline } from '../../src/verification/deadline.js';
import { checkStatus } from '../../src/verification/status-check.js';

type Result = Awaited<ReturnType<StatusChecker['check']>>[number];

const line = { index: '7', list: 'https://rxa.example/status-lists/a', detail: 'As the list says.' };
const clear: Result = { ...line, purpose: 'revocation', outcome: 'pass', code: 'status_clear', status: '0x0' };
const told: Result = {
  ...clear,
  purpose: 'message',
  code: 'status_informational',
  status: '0x2',
  message: 'rejected',
};
const short: Result = {
  ...line,
  purpose: 'suspension',
  outcome: 'indeterminate',
  code: 'status_list_too_short',
  type: 'https://www.w3.org/ns/credentials/status-list#STATUS_LIST_LENGTH_ERROR',
};
const suspended: Result = { ...line, purpose: 'suspension', outcome: 'fail', code: 'status_suspended', status: '0x1' };
const revoked: Result = { ...suspended, purpose: 'revocation', code: 'status_revoked' };

/** The finding where the lists answer so; the credential has the entries that every issuer of the programme gives. */
async function findingOf(...results: Result[]) {
  const entries = ['revocation', 'suspension'].map((statusPurpose) => ({
    type: 'BitstringStatusListEntry',
    statusPurpose,
    statusListIndex: line.index,
    statusListCredential: line.list,
  }));
  const deadline = startDeadline(1000);
  const question = { issuer: 'did:web:rxa.example', now: new Date('2026-11-21T09:00:00Z'), deadline };
  try {
    return await checkStatus(
      { check: async () => results },
      { credential: { credentialStatus: entries }, ...question },
    );
  } finally {
    deadline.close();
  }
}

describe('the status of a credential with several entries', () => {
  test.each([
    ['clear where every list says so', [clear, clear], 'status_clear', 'pass'],
    ['a notice where a message or a refresh is set, which ends nothing', [clear, told], 'status_informational', 'pass'],
    [
      'open where one list cannot be used, whatever a message says',
      [told, short],
      'status_list_too_short',
      'indeterminate',
    ],
    ['suspended though another list cannot be used', [short, suspended, told], 'status_suspended', 'fail'],
    ['revoked before suspended, which may end', [suspended, revoked], 'status_revoked', 'fail'],
  ] as const)('is %s', async (_name, results, code, outcome) => {
    const found = await findingOf(...results);
    expect([found.code, found.outcome]).toEqual([code, outcome]);
    // Value, message and the specification's error type are in the evidence.
    expect(found.evidence).toEqual({ entries: results });
  });
});
