/**
 * Refuses regular expressions that could take more than linear time (ReDoS). A schema's pattern meets whatever a stranger
 * sends, on the event loop; so only a small subset is allowed, for which the time is bounded by reading the pattern.
 */

/** Steps that the variable but bounded quantifiers of one pattern may multiply to. */
const maximumChoices = 4096;

const forbiddenSyntax: readonly (readonly [RegExp, string])[] = [
  [/\(\?/, 'uses a look-around or a special group'],
  [/\\[1-9k]/, 'uses a back reference'],
  [/\)(?:[*+]|\{)/, 'repeats a group'],
];

const quantifier = /(?:[*+]|\{(\d+)(?:(,)(\d*))?\})/g;

/** Why a pattern is refused, or undefined when it is fine. */
export function patternProblem(pattern: string): string | undefined {
  if (!pattern.startsWith('^')) return 'is not anchored at its start';
  const bare = withoutLiterals(pattern);
  const syntax = forbiddenSyntax.find(([form]) => form.test(bare));
  if (syntax) return syntax[1];
  return quantifierProblem(bare);
}

/** Escapes and character classes become one letter, so that what is left shows the structure alone. */
function withoutLiterals(pattern: string): string {
  return pattern.replace(/\\(?:u[0-9A-Fa-f]{4}|u\{[0-9A-Fa-f]+\}|[^1-9k])/g, 'x').replace(/\[[^\]]*\]/g, 'x');
}

function quantifierProblem(bare: string): string | undefined {
  let unbounded = 0;
  let choices = 1;
  for (const [whole, low, comma, high] of bare.matchAll(quantifier)) {
    if (whole.length === 1 || (comma !== undefined && high === '')) unbounded += 1;
    else if (comma !== undefined) choices *= Number(high) - Number(low) + 1;
  }
  if (unbounded > 1) return 'has more than one unbounded quantifier';
  return choices > maximumChoices ? 'has quantifiers with too wide a range' : undefined;
}
