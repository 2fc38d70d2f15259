import type { Organisation } from './organisation.js';
import { contains } from './times.js';

/** What the registry may answer about an issuer. */
export interface Recognition {
  readonly outcome: 'recognised' | 'not_recognised' | 'indeterminate';
  readonly code: RecognitionCode;
  readonly detail: string;
  readonly organisation?: { readonly name: string; readonly odsCode: string };
  /** Something that the reader of a valid credential should know about its issuer. */
  readonly notice?: string;
}

interface RecognitionFacts {
  readonly outcome: Recognition['outcome'];
  readonly detail: string;
  readonly notice?: boolean;
}

/** Every answer, with its sentence. */
const recognitionCodes = {
  issuer_recognised: {
    outcome: 'recognised',
    detail: 'The trust registry recognises this issuer for this credential type.',
  },
  issuer_reinstated_notice: {
    outcome: 'recognised',
    notice: true,
    detail: 'The issuer was suspended after it had issued this credential and has been reinstated since.',
  },
  issuer_withdrawn_notice: {
    outcome: 'recognised',
    notice: true,
    detail: 'The issuer has left the programme in good standing since it issued this credential.',
  },
  issuer_authorisation_ended_notice: {
    outcome: 'recognised',
    notice: true,
    detail: 'The issuer was authorised when it issued this credential and is not any more.',
  },
  issuer_not_listed: { outcome: 'not_recognised', detail: 'The trust registry does not list this issuer.' },
  issuer_did_not_in_use: { outcome: 'not_recognised', detail: 'The issuer did not use this DID at that time.' },
  issuer_not_authorised_for_type: {
    outcome: 'not_recognised',
    detail: 'The trust registry does not authorise this issuer for this credential type at that time.',
  },
  issuer_suspended: { outcome: 'not_recognised', detail: 'The trust registry has suspended this issuer.' },
  issuer_suspended_when_issued: {
    outcome: 'not_recognised',
    detail: 'The issuer was suspended when it issued this credential.',
  },
  issuer_withdrawn: { outcome: 'not_recognised', detail: 'The issuer had left the programme by that time.' },
  registry_absent: { outcome: 'indeterminate', detail: 'There is no copy of the trust registry to ask.' },
  registry_stale: { outcome: 'indeterminate', detail: 'The copy of the trust registry is past its nextUpdate.' },
  registry_expired: {
    outcome: 'indeterminate',
    detail: 'The copy of the trust registry has not been refreshed for longer than is allowed.',
  },
} as const satisfies Record<string, RecognitionFacts>;

/** One of the answers above. */
export type RecognitionCode = keyof typeof recognitionCodes;

/** Makes an answer from its row. */
export function answer(code: RecognitionCode, organisation?: Organisation): Recognition {
  const { outcome, detail, notice }: RecognitionFacts = recognitionCodes[code];
  const named = organisation && { organisation: { name: organisation.name, odsCode: organisation.odsCode } };
  return { outcome, code, detail, ...named, ...(notice ? { notice: detail } : {}) };
}

/**
 * A list may reach us before our clock reaches the second at which the authority's clock suspended somebody. While a
 * suspension has no end it counts from a minute before its beginning; nobody is wronged by that, for during an open
 * suspension nothing of this issuer is valid anyway. At the time of issue nothing is added or taken away: that time
 * is the issuer's own word, and an honest clock that is a little wrong cannot be told from a dishonest one.
 */
const clockSkewMilliseconds = 60_000;

/** Whether a suspension is in force at a moment. */
function isSuspended(organisation: Organisation, at: Date): boolean {
  const skewed = new Date(at.getTime() + clockSkewMilliseconds);
  return organisation.suspensions.some((suspension) =>
    contains(suspension, suspension.until === undefined ? skewed : at),
  );
}

/** The answer for one moment. Suspension first: it is what people must hear about, whatever else is amiss. */
export function recogniseAt(
  organisation: Organisation | undefined,
  did: string,
  type: string,
  at: Date,
): RecognitionCode {
  const listed = organisation?.dids.find((entry) => entry.did === did);
  if (!organisation || !listed) return 'issuer_not_listed';
  if (isSuspended(organisation, at)) return 'issuer_suspended';
  const { withdrawnFrom } = organisation;
  if (withdrawnFrom !== undefined && contains({ from: withdrawnFrom }, at)) return 'issuer_withdrawn';
  const inUse = {
    ...(listed.validFrom && { from: listed.validFrom }),
    ...(listed.validTo && { until: listed.validTo }),
  };
  if (!contains(inUse, at)) return 'issuer_did_not_in_use';
  const authorised = organisation.issue.some((entry) => entry.type === type && contains(entry, at));
  return authorised ? 'issuer_recognised' : 'issuer_not_authorised_for_type';
}

/** What recogniseIssuer asks of a registry. */
export interface RecognitionSource {
  isRecognised(did: string, type: string, at: Date): Recognition;
  organisation(did: string): Organisation | undefined;
}

/** Answers for now that do not undo what was rightly issued before. */
const endedSince: Partial<Record<RecognitionCode, RecognitionCode>> = {
  issuer_withdrawn: 'issuer_withdrawn_notice',
  issuer_not_authorised_for_type: 'issuer_authorisation_ended_notice',
  issuer_did_not_in_use: 'issuer_authorisation_ended_notice',
};

/**
 * The rule of two times (decisions.md 10): whoever is suspended now has nothing valid; what was issued within a
 * suspension stays invalid; what was issued before it is valid again, with a notice, after the reinstatement.
 */
export function recogniseIssuer(
  view: RecognitionSource,
  did: string,
  type: string,
  times: { readonly issuedAt: Date; readonly now: Date },
): Recognition {
  const organisation = view.organisation(did);
  const [now, then] = [view.isRecognised(did, type, times.now), view.isRecognised(did, type, times.issuedAt)];
  const unsure = [now, then].find((recognition) => recognition.outcome === 'indeterminate');
  if (unsure) return unsure;
  if (now.code === 'issuer_not_listed' || now.code === 'issuer_suspended') return now;
  if (then.code === 'issuer_suspended') return answer('issuer_suspended_when_issued', organisation);
  if (then.outcome !== 'recognised') return then;
  const ended = endedSince[now.code];
  if (ended) return answer(ended, organisation);
  const suspendedSince = organisation?.suspensions.some(
    ({ from, until }) => until !== undefined && Date.parse(from) > times.issuedAt.getTime(),
  );
  return suspendedSince ? answer('issuer_reinstated_notice', organisation) : then;
}
