/** Something that happened and that somebody may have to answer for. */
export interface AuditEvent {
  /** Dotted, for instance `credential.revoked`. */
  readonly action: string;
  /** Who did it: a client id, or a part of the program such as `sealer`. */
  readonly actor: string;
  /** The id of what it was done to. */
  readonly subject?: string;
  readonly outcome: 'success' | 'refused' | 'failure';
  readonly data?: Readonly<Record<string, string | number | boolean>>;
}

/** An id of ours is at most a DID URL; a code is shorter. Whatever needs more room is not an id or a code. */
const limits = { members: 16, action: 64, id: 512, text: 256 };

const namePattern = /^[a-zA-Z][a-zA-Z0-9._-]{0,63}$/;

/**
 * A record that breaks these bounds is a mistake of ours and fails the change: leaving it out, or cutting it, would
 * leave a change without its record. The text names the member, never its value.
 */
export function checkEvent(event: AuditEvent): void {
  const { action, actor, subject, data = {} } = event;
  if (!namePattern.test(action) || action.length > limits.action) throw new TypeError('audit: action is not a name');
  if (!isText(actor, limits.id) || actor === '') throw new TypeError(`audit: the actor of ${action} is not an id`);
  if (subject !== undefined && !isText(subject, limits.id))
    throw new TypeError(`audit: the subject of ${action} is not an id`);
  const members = Object.entries(data);
  if (members.length > limits.members) throw new TypeError(`audit: ${action} has too many data members`);
  for (const [name, value] of members) checkMember(action, name, value);
}

function checkMember(action: string, name: string, value: unknown): void {
  if (!namePattern.test(name)) throw new TypeError(`audit: ${action} has a data member without a proper name`);
  const good = isText(value, limits.text) || typeof value === 'boolean' || Number.isFinite(value);
  if (!good) throw new TypeError(`audit: ${name} of ${action} is neither a short text, a number nor a boolean`);
}

/** Well-formed and without control characters: half a surrogate pair has no canonical form, NUL is refused by PostgreSQL. */
function isText(value: unknown, most: number): value is string {
  return typeof value === 'string' && value.length <= most && value.isWellFormed() && !/\p{Cc}/u.test(value);
}
