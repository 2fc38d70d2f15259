/** Writes docs/verify.md from the table in the code: `npx tsx scripts/docs/verify-codes.ts`. A test proves that it is current. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type CodeRow, verifyCodes } from '../../src/verification/codes.js';
import { credentialOrder } from '../../src/verification/credential-checks.js';
import { presentationOrder } from '../../src/verification/presentation-checks.js';

const introduction = `# Verifying

Generated from the table in \`src/verification/codes.ts\` by \`npx tsx scripts/docs/verify-codes.ts\`. Do not edit.

\`POST /verify\` takes exactly one of \`verifiableCredential\` and \`verifiablePresentation\`; a presentation comes with
\`options: {challenge, domain}\`, which are \`nonce\` and \`aud\` in tokens. It answers 200 with a report, also for what is no
credential at all. Every check is reported, not only the first that failed.

| decision | when |
|---|---|
| \`valid\` | every required check passed |
| \`invalid\` | some check failed |
| \`indeterminate\` | none failed, but a required one could not run or came to no result; never treat it as valid |

What you must do yourself: give every presenter a challenge of their own and accept it once. This service keeps no
challenges, so it cannot see that one was used before.

A bare credential says what was certified, not who sent it: its \`holder\` check is skipped. With
\`options: {challenge, domain}\` it must come with a key binding for them (SD-JWT, RFC 9901 7.3), which is compared with
both and may be five minutes old; a credential without one is refused. In a presentation every credential must be about
the presenter.

Before the signature nothing is fetched but the DID document of an issuer that the trust registry lists; status lists are
fetched only when signature and registry have passed. What a status entry itself gets wrong needs no list and is told for
every issuer whose signature held. A start may lie 60 s ahead of our clock; an end has no grace.

\`POST /credentials/verify\` and \`POST /presentations/verify\` are the W3C projections (VCALM 1.0) of the same report. There
\`verified\` means that no *error* was found; what the table calls a warning is only told, so a revoked credential is
\`verified: true\` with a warning. An issuer outside the registry is a warning when its key needs no fetch (did:key, did:jwk),
and so is a listed issuer's type that the registry does not list for it.
Both require challenge and domain for a presentation. Use \`POST /verify\` when you want one decision.
`;

const outcomes: Readonly<Record<CodeRow['outcome'], string>> = {
  pass: 'pass',
  fail: 'fail',
  indeterminate: 'indeterminate',
  skipped: 'skipped',
};

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function section(check: string): string {
  const rows = Object.entries(verifyCodes).filter(([, row]) => row.check === check);
  const lines = rows.map(([code, row]) => {
    const cells = [`\`${code}\``, outcomes[row.outcome], row.sentence, row.cause, row.remedy, row.projection];
    return `| ${cells.map(cell).join(' | ')} |`;
  });
  const head = '| code | outcome | meaning | cause | remedy | in the W3C projection |\n|---|---|---|---|---|---|';
  return `## ${check}\n\n${head}\n${lines.join('\n')}\n`;
}

/** The whole document. */
export function renderVerifyDocument(): string {
  const checks = [...new Set([...credentialOrder, ...presentationOrder])];
  return `${introduction}\n${checks.map(section).join('\n')}`;
}

export const verifyDocument = fileURLToPath(new URL('../../docs/verify.md', import.meta.url));

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(verifyDocument, renderVerifyDocument());
