/**
 * A verifier that is measured must be one: before the first measurement it accepts its input and refuses the same
 * input with one bit changed, for no other reason than the signature.
 */

/** What a verifier says: `accepted`, or the code of its refusal. */
export type Outcome = string;

/** An input with one bit changed, and where. */
export interface Change<Input> {
  readonly what: string;
  readonly input: Input;
}

/** A verifier with its input and the changes that it must notice. */
export interface Guarded<Input> {
  readonly name: string;
  readonly input: Input;
  readonly changes: readonly Change<Input>[];
  readonly verify: (input: Input) => Promise<Outcome>;
  /** The code of a refusal for a signature that does not belong to the content. */
  readonly refusal: Outcome;
}

/** Throws unless the verifier accepts its input and refuses every change of it with the expected code. */
export async function requireRefusal<Input>({ name, input, changes, verify, refusal }: Guarded<Input>): Promise<void> {
  if (changes.length === 0) throw new Error(`${name}: there is no changed input to refuse`);
  const outcome = await verify(input);
  if (outcome !== 'accepted') throw new Error(`${name}: refuses its own input (${outcome})`);
  for (const change of changes) {
    const changed = await verify(change.input);
    if (changed === refusal) continue;
    throw new Error(`${name}: one bit of ${change.what} was changed, and the verifier says ${changed}, not ${refusal}`);
  }
}

/** Flips the lowest bit of the first letter after `before`; letter stays letter, so that the text stays readable. */
export function flipLetter(text: string, before: string): string {
  const at = text.indexOf(before) + before.length;
  const code = text.charCodeAt(at);
  const flipped = String.fromCharCode(code ^ 1);
  if (!text.includes(before) || !/^[a-y]{2}$/.test(text.charAt(at) + flipped)) {
    throw new Error('there is no letter at this place whose lowest bit could be flipped');
  }
  return text.slice(0, at) + flipped + text.slice(at + 1);
}

/** Flips the lowest bit of the last byte. */
export function flipLastBit(bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}
