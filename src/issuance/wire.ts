/** The wire types of issuing; validation, TypeScript and the API description have this one source. */
import { type TSchema, Type } from 'typebox';
import { type Catalogue, securingFormats } from '../credential/credential.js';
import type { JsonObject } from '../json.js';
import { allReasons, reasons } from './reasons.js';

const closed = { additionalProperties: false } as const;
const formats = (Object.keys(securingFormats) as (keyof typeof securingFormats)[]).filter(
  (name) => !securingFormats[name].instancesOnly && !securingFormats[name].walletsOnly,
);
const algorithms = [...new Set(formats.flatMap((name) => securingFormats[name].algorithms))];
const urnUuid = '^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
const unknownId = 'urn:uuid:5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11';
const dateTime = (description: string) => Type.String({ format: 'date-time', description });

/** The examples are those of the catalogue, so that each one can be sent as it stands. */
export function issueBody(catalogue: Catalogue) {
  return Type.Object(
    {
      credential: Type.Unsafe<JsonObject>(
        Type.Object(
          {},
          {
            additionalProperties: true,
            description:
              'Type, credentialSubject, evidence and validity; see /catalogue. The issuer, credentialStatus and proof are ours and refused; @context and credentialSchema may be left out.',
          },
        ),
      ),
      options: Type.Optional(
        Type.Object(
          {
            format: Type.Optional(Type.Enum(formats, { description: 'How it is secured.' })),
            alg: Type.Optional(Type.Enum(algorithms, { description: "One of the format's algorithms." })),
          },
          closed,
        ),
      ),
    },
    {
      ...closed,
      examples: catalogue.types
        // A type whose claims must name its issuer has an example for that one organisation only.
        .filter((type) => !type.rules.some((rule) => rule.second?.startsWith('/issuer')))
        .map((type) => ({ credential: type.example, options: { format: 'vc+jwt' } })),
    },
  );
}

export const IssueHeaders = Type.Object({
  'idempotency-key': Type.Optional(
    Type.String({
      pattern: '^[\\x21-\\x7e]{1,128}$',
      description: 'A repeated request with the same key and body returns the identical credential for 24 hours.',
    }),
  ),
});

export const IssueAnswer = Type.Object(
  {
    credentialId: Type.String({ description: 'Under this id the record is kept and the status changed.' }),
    format: Type.Enum(formats),
    digest: Type.String({ description: 'SHA-256 (base64url) of what was signed.' }),
    verifiableCredential: Type.Union([
      Type.String({ description: 'A compact token (jwt_vc).' }),
      Type.Object({}, { additionalProperties: true, description: 'An enveloped credential, or one with a proof.' }),
    ]),
  },
  { ...closed, description: 'The credential, and what its record is found by.' },
);

export const RecordParams = Type.Object({
  id: Type.String({ pattern: urnUuid, examples: [unknownId], description: 'The credentialId.' }),
});

const StatusEntry: TSchema = Type.Object(
  {
    id: Type.String(),
    type: Type.String(),
    statusPurpose: Type.Optional(Type.String({ description: 'Absent in a Token Status List, which has both.' })),
    statusListIndex: Type.String(),
    statusListCredential: Type.String(),
  },
  closed,
);

export const RecordAnswer = Type.Object(
  {
    id: Type.String(),
    type: Type.String(),
    format: Type.Enum(Object.keys(securingFormats)),
    algorithm: Type.Enum(algorithms),
    state: Type.Enum(['reserved', 'issued', 'suspended', 'revoked', 'burnt'], {
      description: 'reserved: being signed; burnt: given up after a failure, never delivered.',
    }),
    reservedAt: dateTime('When the intent was recorded.'),
    issuedAt: Type.Optional(dateTime('When it was signed and recorded.')),
    changedAt: dateTime('When the state changed last.'),
    reason: Type.Optional(Type.String({ description: 'Why the state changed last.' })),
    validFrom: Type.String(),
    validUntil: Type.Optional(Type.String()),
    digest: Type.Optional(Type.String({ description: 'SHA-256 (base64url) of what was signed.' })),
    credentialStatus: Type.Array(StatusEntry),
  },
  { ...closed, description: 'What is kept of an issued credential. Claims are not.' },
);

const perAction = Object.entries(reasons).map(([action, list]) => `${action}: ${list.join(', ')}`);

export const StatusBody = Type.Object(
  {
    credentialId: Type.String({ pattern: urnUuid }),
    action: Type.Enum(['revoke', 'suspend', 'reinstate'], { description: 'Revoking is final.' }),
    reason: Type.Enum([...allReasons], { description: `A code, never free text. ${perAction.join('; ')}.` }),
  },
  { ...closed, examples: [{ credentialId: unknownId, action: 'revoke', reason: 'LeavingOrganisation' }] },
);
