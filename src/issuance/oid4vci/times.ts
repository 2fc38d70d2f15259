/**
 * Copies of one document must not be told to be copies by their times: nothing in them is finer than the day (UTC).
 * A day begins before the registry recognised us, on the day on which it began to; then that moment is taken, which all
 * our credentials of the day share.
 */
import type { JsonObject } from '../../json.js';
import type { RegistryView } from '../../registry/registry.js';

/** Whose recognition it is. */
export interface Issuer {
  readonly registry: Pick<RegistryView, 'organisation'>;
  readonly did: string;
}

/** The beginning of the UTC day of a moment, or of our recognition for the type where that began later. */
export function roundToDay({ registry, did }: Issuer, type: string, at: Date): Date {
  const organisation = registry.organisation(did);
  const beginnings = [
    ...(organisation?.dids ?? []).filter((entry) => entry.did === did).map(({ validFrom }) => validFrom),
    ...(organisation?.issue ?? []).filter((entry) => entry.type === type).map(({ from }) => from),
    ...(organisation?.suspensions ?? []).map(({ until }) => until),
  ];
  const moments = beginnings
    .map((text) => Math.ceil(Date.parse(text ?? '') / 1000) * 1000)
    .filter((moment) => moment <= at.getTime());
  return new Date(Math.max(startOfDay(at), ...moments));
}

function startOfDay(at: Date): number {
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate());
}

/** What HR prepared, with times that all copies share; the end is HR's own word. */
export function roundValidity(issuer: Issuer, type: string, content: JsonObject, now: Date): JsonObject {
  const given = typeof content['validFrom'] === 'string' ? new Date(content['validFrom']) : now;
  const validFrom = roundToDay(issuer, type, Number.isNaN(given.getTime()) ? now : given);
  return { ...content, validFrom: validFrom.toISOString().replace('.000Z', 'Z') };
}
