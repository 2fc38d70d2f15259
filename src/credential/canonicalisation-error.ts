/** Why there is no canonical form. */
export type CanonicalisationFault =
  | 'context_unknown'
  | 'terms_undefined'
  | 'canonicalisation_refused'
  | 'canonicalisation_unfinished';

/** Says why, and never what the document holds: the detail names members and addresses only. */
export class CanonicalisationError extends Error {
  readonly code: CanonicalisationFault;

  constructor(code: CanonicalisationFault, detail: string, options: { cause?: unknown } = {}) {
    super(detail, options);
    this.name = 'CanonicalisationError';
    this.code = code;
  }
}

/** A context that is neither pinned nor, where that is allowed, written out in the document. */
export function unknownContext(url: string): CanonicalisationError {
  const shown = url.length > 200 ? `${url.slice(0, 200)}...` : url;
  return new CanonicalisationError('context_unknown', `The context ${shown} is not one that this service knows.`);
}
