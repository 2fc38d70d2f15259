/**
 * The Digital Credentials Query Language (OpenID4VP 1.0 section 6) as a verifier of ours may use it: the wire type, and
 * what JSON Schema cannot refuse. What we could not hold an answer to is refused when it is asked, never left unchecked:
 * trusted_authorities (the trust registry decides whose credentials count) and credentials without holder binding.
 */
import { type Static, Type } from 'typebox';
import type { Fault } from '../../errors.js';

const closed = { additionalProperties: false } as const;

/** The Credential Format Identifiers that are verified here (OpenID4VP 1.0 appendix B). */
export const queryFormats = ['dc+sd-jwt', 'jwt_vc_json', 'ldp_vc'] as const;

/** One of them. */
export type QueryFormat = (typeof queryFormats)[number];

const Id = Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$', description: 'Letters, digits, underscore, hyphen.' });
const text = (maxLength: number) => Type.String({ minLength: 1, maxLength });

const PathElement = Type.Unsafe<string | number | null>({
  type: ['string', 'integer', 'null'],
  maxLength: 256,
  minimum: 0,
  maximum: 9999,
  description: 'A key, an index, or null for every element (section 7).',
});
const Value = Type.Unsafe<string | number | boolean>({ type: ['string', 'integer', 'boolean'], maxLength: 1024 });

const ClaimsQuery = Type.Object(
  {
    id: Type.Optional(Id),
    path: Type.Array(PathElement, { minItems: 1, maxItems: 16 }),
    values: Type.Optional(Type.Array(Value, { minItems: 1, maxItems: 64 })),
  },
  closed,
);

const Meta = Type.Object(
  {
    vct_values: Type.Optional(Type.Array(text(1024), { minItems: 1, maxItems: 32 })),
    type_values: Type.Optional(
      Type.Array(Type.Array(text(1024), { minItems: 1, maxItems: 16 }), { minItems: 1, maxItems: 32 }),
    ),
  },
  { ...closed, description: 'vct_values for dc+sd-jwt, type_values for the W3C formats.' },
);

const CredentialQuery = Type.Object(
  {
    id: Id,
    format: Type.Enum([...queryFormats]),
    meta: Meta,
    multiple: Type.Optional(Type.Boolean({ description: 'Several credentials may answer; one when absent.' })),
    claims: Type.Optional(Type.Array(ClaimsQuery, { minItems: 1, maxItems: 64 })),
    claim_sets: Type.Optional(Type.Array(Type.Array(Id, { minItems: 1, maxItems: 64 }), { minItems: 1, maxItems: 32 })),
    require_cryptographic_holder_binding: Type.Optional(Type.Boolean({ description: 'Always true here.' })),
    trusted_authorities: Type.Optional(Type.Array(Type.Unknown(), { description: 'Refused: the registry decides.' })),
  },
  closed,
);

const CredentialSetQuery = Type.Object(
  {
    options: Type.Array(Type.Array(Id, { minItems: 1, maxItems: 32 }), { minItems: 1, maxItems: 32 }),
    required: Type.Optional(Type.Boolean({ description: 'True when absent.' })),
  },
  closed,
);

/** The wire type of a query. */
export const DcqlQuerySchema = Type.Object(
  {
    credentials: Type.Array(CredentialQuery, { minItems: 1, maxItems: 32 }),
    credential_sets: Type.Optional(Type.Array(CredentialSetQuery, { minItems: 1, maxItems: 32 })),
  },
  { ...closed, description: 'A query of OpenID4VP 1.0 section 6.' },
);

export type DcqlQuery = Static<typeof DcqlQuerySchema>;
export type CredentialQuery = DcqlQuery['credentials'][number];
export type ClaimsQuery = NonNullable<CredentialQuery['claims']>[number];
export type ClaimPath = ClaimsQuery['path'];

/** Expands the short name of a type, or nothing for one that we do not know. */
export type ExpandType = (name: string) => string | undefined;

/** What is wrong with a query that has the right shape; none when answers can be held to it. */
export function queryFaults(query: DcqlQuery, isKnownIri: (iri: string) => boolean): Fault[] {
  return [
    ...duplicates(query.credentials.map(({ id }) => id)).map((index) =>
      at(`/credentials/${index}/id`, 'is used twice'),
    ),
    ...query.credentials.flatMap((credential, index) =>
      credentialFaults(credential, isKnownIri).map(({ path, detail }) => at(`/credentials/${index}${path}`, detail)),
    ),
    ...setFaults(query),
  ];
}

function at(path: string, detail: string): Fault {
  return { path, detail };
}

/** The places of what occurred before. */
function duplicates(items: readonly string[]): number[] {
  return items.flatMap((item, index) => (items.indexOf(item) === index ? [] : [index]));
}

function credentialFaults(query: CredentialQuery, isKnownIri: (iri: string) => boolean): Fault[] {
  const faults = [...metaFaults(query, isKnownIri), ...claimsFaults(query)];
  if (query.require_cryptographic_holder_binding === false) {
    faults.push(
      at('/require_cryptographic_holder_binding', 'must be true: whoever presents must prove to be the holder'),
    );
  }
  if (query.trusted_authorities !== undefined) {
    faults.push(at('/trusted_authorities', 'is not supported: the trust registry decides which issuers count'));
  }
  return faults;
}

/** Appendix B.1.1 and B.3.5: each format has exactly one parameter, which it requires. */
function metaFaults({ format, meta }: CredentialQuery, isKnownIri: (iri: string) => boolean): Fault[] {
  const [wanted, other] =
    format === 'dc+sd-jwt' ? (['vct_values', 'type_values'] as const) : (['type_values', 'vct_values'] as const);
  const faults: Fault[] = [];
  if (meta[wanted] === undefined) faults.push(at(`/meta/${wanted}`, `is required for ${format}`));
  if (meta[other] !== undefined) faults.push(at(`/meta/${other}`, `does not belong to ${format}`));
  for (const [index, types] of (meta.type_values ?? []).entries()) {
    // A name that is no IRI is compared as it stands; an IRI only where we know which short name a context gives it.
    const unknown = types.findIndex((type) => type.includes(':') && !isKnownIri(type));
    if (unknown >= 0) faults.push(at(`/meta/type_values/${index}/${unknown}`, 'is an IRI of no type of the catalogue'));
  }
  return faults;
}

function claimsFaults({ claims = [], claim_sets: sets }: CredentialQuery): Fault[] {
  const ids = claims.map(({ id }) => id);
  const named = ids.filter((id) => id !== undefined);
  const faults = duplicates(named).map(() => at('/claims', 'uses an id twice'));
  faults.push(
    ...duplicates(claims.map(({ path }) => JSON.stringify(path))).map((index) =>
      at(`/claims/${index}/path`, 'points to the same claim as another'),
    ),
    ...claims.flatMap(({ path }, index) =>
      typeof path[0] === 'string' ? [] : [at(`/claims/${index}/path/0`, 'must be a key: a credential is an object')],
    ),
  );
  if (sets === undefined) return faults;
  if (claims.length === 0) return [...faults, at('/claim_sets', 'must not be there without claims')];
  faults.push(...ids.flatMap((id, index) => (id === undefined ? [at(`/claims/${index}/id`, 'is required')] : [])));
  for (const [index, set] of sets.entries()) {
    if (set.some((id) => !ids.includes(id)))
      faults.push(at(`/claim_sets/${index}`, 'names a claim that is not asked for'));
    if (duplicates(set).length > 0) faults.push(at(`/claim_sets/${index}`, 'names a claim twice'));
  }
  return faults;
}

/** Section 6.4.2: with credential_sets nothing is asked for but what stands in one of them. */
function setFaults({ credentials, credential_sets: sets }: DcqlQuery): Fault[] {
  if (sets === undefined) return [];
  const ids = credentials.map(({ id }) => id);
  const used = new Set(sets.flatMap(({ options }) => options.flat()));
  const faults = sets.flatMap(({ options }, set) =>
    options.flatMap((option, index) => {
      const path = `/credential_sets/${set}/options/${index}`;
      if (option.some((id) => !ids.includes(id))) return [at(path, 'names a credential that is not asked for')];
      return duplicates(option).length > 0 ? [at(path, 'names a credential twice')] : [];
    }),
  );
  const idle = ids.findIndex((id) => !used.has(id));
  if (idle >= 0) faults.push(at(`/credentials/${idle}/id`, 'stands in no credential_sets, so nobody is asked for it'));
  // Otherwise an empty answer would satisfy the query.
  if (sets.every(({ required }) => required === false)) faults.push(at('/credential_sets', 'must have a required one'));
  return faults;
}
