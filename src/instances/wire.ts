/** The wire types of VC-API and VCALM 1.0; validation, TypeScript and the API description have this one source. */
import { type TSchema, Type } from 'typebox';
import { problemResponses } from '../http/problems.js';
import type { JsonObject } from '../json.js';

const closed = { additionalProperties: false } as const;
const object = (description: string) =>
  Type.Unsafe<JsonObject>(Type.Object({}, { additionalProperties: true, description }));
const pointer = Type.String({ maxLength: 2048, description: 'A JSON Pointer (RFC 6901)' });
/** By what a credential is named in later calls: no white space, no control characters. */
export const namePattern = '^[^\\u0000-\\u0020\\u007f]{1,2048}$';
const url = (description: string) => Type.String({ pattern: namePattern, description });
const exampleToken = 'eyJhbGciOiJFUzI1NiIsInR5cCI6InZjK2p3dCJ9.e30.c2lnbmF0dXJl';
const exampleId = 'urn:uuid:5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11';

/** How an instance answers and what it tolerates: as VCALM says, or as the suites of W3C demand. */
export type Style = 200 | 400;

export const IssueBody = Type.Object(
  {
    credential: object('The credential; without a proof, unless the instance is configured to add another one.'),
    options: Type.Optional(
      Type.Object(
        {
          credentialId: Type.Optional(url('Names the credential for later calls when it has no id of its own.')),
          mandatoryPointers: Type.Optional(Type.Array(pointer, { maxItems: 100 })),
        },
        closed,
      ),
    ),
  },
  {
    ...closed,
    examples: [
      {
        credential: {
          '@context': ['https://www.w3.org/ns/credentials/v2'],
          id: exampleId,
          type: ['VerifiableCredential'],
          credentialSubject: { id: 'did:example:subject' },
        },
      },
    ],
  },
);

export const DeriveBody = Type.Object(
  {
    verifiableCredential: object('A credential with a base proof for selective disclosure.'),
    options: Type.Object({ selectivePointers: Type.Array(pointer, { maxItems: 100 }) }, closed),
  },
  { ...closed, examples: [{ verifiableCredential: {}, options: { selectivePointers: ['/credentialSubject/id'] } }] },
);

export const StatusBody = Type.Object(
  {
    credentialId: url('The id of the credential, or the credentialId that it was issued with.'),
    credentialStatus: Type.Object(
      {
        type: Type.Literal('BitstringStatusListEntry'),
        statusPurpose: Type.Enum(['revocation', 'suspension']),
        id: Type.Optional(Type.String({ maxLength: 2048 })),
        statusListIndex: Type.Optional(Type.String({ maxLength: 128 })),
        statusListCredential: Type.Optional(Type.String({ maxLength: 2048 })),
      },
      closed,
    ),
    status: Type.Boolean({ description: 'The new value of the bit.' }),
  },
  {
    ...closed,
    examples: [
      {
        credentialId: exampleId,
        credentialStatus: { type: 'BitstringStatusListEntry', statusPurpose: 'revocation' },
        status: true,
      },
    ],
  },
);

const returned = {
  returnResults: Type.Optional(Type.Boolean()),
  returnProblemDetails: Type.Optional(Type.Boolean({ description: 'True when absent.' })),
};

/** The old VC-API's selection of checks, which the suites send; all checks are made whatever it says. */
const legacy = { checks: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 10 })) };

const secured = (what: string) =>
  Type.Union([Type.String({ minLength: 1 }), object('')], { description: `The ${what} exactly as it was received.` });

/** The body of credentials/verify. */
export function credentialBody(style: Style) {
  const options = { ...returned, returnCredential: Type.Optional(Type.Boolean()), ...(style === 400 ? legacy : {}) };
  return Type.Object(
    { verifiableCredential: secured('credential'), options: Type.Optional(Type.Object(options, closed)) },
    { ...closed, examples: [{ verifiableCredential: exampleToken, options: { returnResults: true } }] },
  );
}

const text = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description });

/** The body of presentations/verify. */
export function presentationBody(style: Style) {
  const options = {
    challenge: Type.Optional(
      text('What the presenter was asked to sign; `nonce` in tokens. Not compared when absent.'),
    ),
    domain: Type.Optional(text('For whom the presentation was made; `aud` in tokens. Not compared when absent.')),
    ...returned,
    returnPresentation: Type.Optional(Type.Boolean()),
    ...(style === 400 ? legacy : {}),
  };
  return Type.Object(
    {
      verifiablePresentation: Type.Optional(secured('presentation')),
      presentation: Type.Optional(object('A presentation that nobody signed; only what is in it is verified.')),
      options: Type.Optional(Type.Object(options, closed)),
    },
    {
      ...closed,
      description: 'Exactly one of verifiablePresentation and presentation.',
      examples: [
        { verifiablePresentation: exampleToken, options: { challenge: '9f1c2a64', domain: 'rxb.example' } },
        {
          presentation: { '@context': ['https://www.w3.org/ns/credentials/v2'], type: ['VerifiablePresentation'] },
        },
      ],
    },
  );
}

const Secured = Type.Union([
  Type.String({ description: 'A compact token' }),
  object('An envelope, or a credential with a proof'),
]);

export const CredentialAnswer = Type.Object({ verifiableCredential: Secured }, closed);

export const DerivedAnswer = object('The derived credential');

const ProblemDetails = Type.Object({ type: Type.String(), title: Type.String(), detail: Type.String() }, closed);

function projection(member: string): TSchema {
  return Type.Object(
    {
      verified: Type.Boolean({ description: 'No error was found; status and validity are warnings (VCALM 1.0).' }),
      [member]: Type.Optional(object('The input, when it was asked for and is verified.')),
      problemDetails: Type.Optional(Type.Array(ProblemDetails)),
      results: Type.Optional(object('Verification results by member.')),
    },
    closed,
  );
}

const json = (schema: TSchema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** The answers of a verification by style; a problem document, for a body that is none, has its own media type. */
export function verificationAnswers(member: string): Record<200 | 400, TSchema> {
  const answer = projection(member);
  const problems = problemResponses('invalid_request', 'unknown_option', 'malformed_json') as Record<number, Described>;
  const refused = {
    description: 'Not verified, where the instance is configured to say so by status; or a request that is none',
    content: { ...problems[400]?.content, 'application/json': { schema: answer } },
  };
  return { 200: json(answer, 'The result of the verification'), 400: refused } as unknown as Record<200 | 400, TSchema>;
}

interface Described {
  readonly content: object;
}

export const InstanceList = Type.Array(
  Type.Object(
    {
      name: Type.String(),
      kinds: Type.Array(Type.String()),
      failedVerification: Type.Enum([200, 400]),
      issuer: Type.Optional(Type.String({ description: 'The DID that it issues under' })),
      format: Type.Optional(Type.String()),
      algorithm: Type.Optional(Type.String()),
    },
    closed,
  ),
);
