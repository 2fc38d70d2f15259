/**
 * Times of the registry are whole seconds in UTC, in one spelling, so that everybody compares the same moments.
 * A beginning is rounded down and an end is rounded up: a suspension never covers less than what was decided, and
 * a credential, whose own times most issuers cut to the second, cannot slip out by a fraction.
 */
export const timePattern = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$';

/** The last whole second that is not after `time`. */
export function beginningAt(time: Date): string {
  return format(Math.floor(time.getTime() / 1000));
}

/** The first whole second that is not before `time`. */
export function endAt(time: Date): string {
  return format(Math.ceil(time.getTime() / 1000));
}

/** Whether a text that matches the pattern names a moment that exists (there is no 30 February). */
export function isMoment(text: string): boolean {
  const time = Date.parse(text);
  return !Number.isNaN(time) && format(time / 1000) === text;
}

function format(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** A stretch of time that includes its beginning and not its end; open-ended without one. */
export interface Stretch {
  readonly from?: string;
  readonly until?: string;
}

/** Whether a moment lies in a stretch. */
export function contains({ from, until }: Stretch, at: Date): boolean {
  const time = at.getTime();
  return (from === undefined || time >= Date.parse(from)) && (until === undefined || time < Date.parse(until));
}
