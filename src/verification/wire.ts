/** The wire types of the verifier; validation, TypeScript and the API description have this one source. */
import { type TSchema, Type } from 'typebox';
import { verifyCodes } from './codes.js';
import type { PresentationReport, SingleReport } from './report.js';

const closed = { additionalProperties: false } as const;
const anyObject = (description: string) => Type.Object({}, { additionalProperties: true, description });

// A compact token has three parts; this one is cut off on purpose: the answer shows a report that says so.
const exampleToken = 'eyJhbGciOiJFUzI1NiIsInR5cCI6InZjK2p3dCJ9.e30.c2lnbmF0dXJl';
const exampleChallenge = '9f1c2a64-6c0e-4c27-8d3e-0f6f0d7b7a55';

const Secured = Type.Union(
  [
    Type.String({ minLength: 1, description: 'A compact token (vc+jwt, SD-JWT VC, or a VCDM 1.1 JWT).' }),
    anyObject('An EnvelopedVerifiableCredential, or a credential with a Data Integrity proof.'),
  ],
  { description: 'The credential exactly as it was received.' },
);

const Presented = Type.Union(
  [
    Type.String({
      minLength: 1,
      description: 'A compact token (vp+jwt, SD-JWT VC with key binding, or a VCDM 1.1 JWT).',
    }),
    anyObject('An EnvelopedVerifiablePresentation, or a presentation with a Data Integrity proof.'),
  ],
  { description: 'The presentation exactly as it was received.' },
);

const text = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description });
const Challenge = text('What the presenter was asked to sign; `nonce` in tokens. That it is used once is your care.');
const Domain = text('For whom the presentation was made; `aud` in tokens.');

export const VerifyBody = Type.Object(
  {
    verifiableCredential: Type.Optional(Secured),
    verifiablePresentation: Type.Optional(Presented),
    options: Type.Optional(
      Type.Object(
        { challenge: Type.Optional(Challenge), domain: Type.Optional(Domain) },
        {
          ...closed,
          description: 'Both are required with a presentation. With a credential they demand its key binding (SD-JWT).',
        },
      ),
    ),
  },
  {
    ...closed,
    description: 'Exactly one of verifiableCredential and verifiablePresentation.',
    examples: [
      { verifiableCredential: exampleToken },
      { verifiablePresentation: exampleToken, options: { challenge: exampleChallenge, domain: 'rxb.example' } },
    ],
  },
);

export const CredentialVerifyBody = Type.Object(
  {
    verifiableCredential: Secured,
    options: Type.Optional(
      Type.Object(
        {
          returnResults: Type.Optional(Type.Boolean()),
          returnProblemDetails: Type.Optional(Type.Boolean({ description: 'True when absent.' })),
          returnCredential: Type.Optional(Type.Boolean()),
        },
        closed,
      ),
    ),
  },
  { ...closed, examples: [{ verifiableCredential: exampleToken, options: { returnResults: true } }] },
);

export const PresentationVerifyBody = Type.Object(
  {
    verifiablePresentation: Presented,
    options: Type.Object(
      {
        challenge: Challenge,
        domain: Domain,
        returnResults: Type.Optional(Type.Boolean()),
        returnProblemDetails: Type.Optional(Type.Boolean({ description: 'True when absent.' })),
        returnPresentation: Type.Optional(Type.Boolean()),
      },
      closed,
    ),
  },
  {
    ...closed,
    examples: [
      { verifiablePresentation: exampleToken, options: { challenge: exampleChallenge, domain: 'rxb.example' } },
    ],
  },
);

export const PastedForm = Type.Object(
  { credential: Type.String({ description: 'What was pasted.' }) },
  { ...closed, examples: [{ credential: exampleToken }] },
);

const checkNames = [...new Set(Object.values(verifyCodes).map((row) => row.check))];
const Decision = Type.Enum(['valid', 'invalid', 'indeterminate'], {
  description: 'invalid: a check failed; indeterminate: none failed, a required one could not run; valid: all passed.',
});

const Check = Type.Object(
  {
    check: Type.Enum(checkNames),
    outcome: Type.Enum(['pass', 'fail', 'indeterminate', 'skipped']),
    code: Type.Enum(Object.keys(verifyCodes), { description: 'Explained at /verify/codes.' }),
    detail: Type.String({ description: 'One plain sentence.' }),
    evidence: Type.Optional(anyObject('What the finding rests on.')),
  },
  closed,
);

const times = {
  asOf: Type.String({ format: 'date-time', description: 'The moment that the verdict is about.' }),
  checkedAt: Type.String({ format: 'date-time', description: 'When the checks were finished.' }),
  registry: Type.Object(
    {
      sequence: Type.Integer(),
      issued: Type.String(),
      nextUpdate: Type.String(),
      freshness: Type.Enum(['fresh', 'stale', 'expired', 'absent']),
      ageSeconds: Type.Optional(Type.Integer({ description: 'Since the authority last confirmed the copy.' })),
      problem: Type.Optional(Type.Object({ code: Type.String(), detail: Type.String() }, closed)),
    },
    { ...closed, description: 'The copy of the trust registry that was used.' },
  ),
};

const judged = {
  decision: Decision,
  checks: Type.Array(Check),
  format: Type.Optional(Type.String()),
  credential: Type.Optional(anyObject('Only what was signed; absent unless the proof passed.')),
  issuer: Type.Optional(
    Type.Object(
      { id: Type.String(), name: Type.Optional(Type.String()), odsCode: Type.Optional(Type.String()) },
      { ...closed, description: 'As the trust registry names it.' },
    ),
  ),
};

const SingleAnswer = Type.Object({ ...judged, ...times }, { ...closed, title: 'Report on a credential' });
export const PresentationAnswer = Type.Object(
  {
    decision: Decision,
    checks: Type.Array(Check),
    holder: Type.Optional(Type.String({ description: 'The presenter; absent unless their proof passed.' })),
    credentials: Type.Array(Type.Object(judged, closed)),
    ...times,
  },
  { ...closed, title: 'Report on a presentation' },
);

export const VerifyAnswer = Type.Unsafe<SingleReport | PresentationReport>(
  Type.Union([SingleAnswer, PresentationAnswer], { description: 'The report: every check, and what follows.' }),
);

const ProblemDetails = Type.Object({ type: Type.String(), title: Type.String(), detail: Type.String() }, closed);

function projection(member: string): TSchema {
  return Type.Object(
    {
      verified: Type.Boolean({ description: 'No error was found; status and validity are warnings (VCALM 1.0).' }),
      [member]: Type.Optional(anyObject('The input, when it was asked for and is verified.')),
      problemDetails: Type.Optional(Type.Array(ProblemDetails)),
      results: Type.Optional(anyObject('Verification results by member.')),
    },
    { ...closed, description: 'The report in the words of VCALM.' },
  );
}

export const CredentialVerifyAnswer = projection('credential');
export const PresentationVerifyAnswer = projection('verifiablePresentation');
