/** Times as credentials state them: XML Schema dateTimeStamp (VCDM 2.0 4.9) and JWT NumericDate (RFC 7519 2). */
import { maxNumericDate } from '../jose/jwt.js';

const dateTimeStamp =
  /^(\d{4})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)$/;

/** Reads a dateTimeStamp; undefined when it is none. 30 February is none, although Date.parse takes it for 2 March. */
export function parseDateTime(text: unknown): Date | undefined {
  if (typeof text !== 'string') return undefined;
  const parts = dateTimeStamp.exec(text);
  if (parts === null) return undefined;
  return Number(parts[3]) > 28 && isBeyondMonth(parts) ? undefined : new Date(text);
}

function isBeyondMonth([, year, month, day]: readonly string[]): boolean {
  const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(day) > daysInMonth;
}

/** Reads a NumericDate. Whole seconds up to the year 9999, as for every JWT; an ISO text or a fraction is none. */
export function parseNumericDate(value: unknown): Date | undefined {
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > maxNumericDate) return undefined;
  return new Date((value as number) * 1000);
}

/** Whole seconds, rounded down, as JWTs state times. */
export function toNumericDate(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

export function earliest(dates: readonly (Date | undefined)[]): Date | undefined {
  return sorted(dates).at(0);
}

export function latest(dates: readonly (Date | undefined)[]): Date | undefined {
  return sorted(dates).at(-1);
}

function sorted(dates: readonly (Date | undefined)[]): Date[] {
  return dates.filter((date) => date !== undefined).sort((one, other) => one.getTime() - other.getTime());
}
