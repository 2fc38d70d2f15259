/** The wire types of the credential endpoints; validation, TypeScript and the API description have this one source. */
import { Type } from 'typebox';
import type { JsonObject } from '../../json.js';
import { reasons } from '../reasons.js';

/** OpenID4VCI 1.0 8.2: what is not recognised must be ignored. */
const open = { additionalProperties: true } as const;
const closed = { additionalProperties: false } as const;

/** Longer than any id of ours. */
const maxLength = 512;

export const CredentialRequest = Type.Unsafe<JsonObject>(
  Type.Object(
    {
      credential_configuration_id: Type.Optional(
        Type.String({ maxLength, description: 'One of credential_configurations_supported.' }),
      ),
      credential_identifier: Type.Optional(
        Type.String({ maxLength, description: 'Instead, where the token response named credential_identifiers.' }),
      ),
      proofs: Type.Optional(
        Type.Unknown({ description: 'An object with the member jwt: proofs of possession, one for each copy.' }),
      ),
      proof: Type.Optional(Type.Unknown({ description: 'One proof, as drafts of the specification have it.' })),
    },
    {
      ...open,
      examples: [
        {
          credential_configuration_id: 'DbsCheckCredential_jwt_vc',
          proofs: { jwt: ['eyJ0eXAiOiJvcGVuaWQ0dmNpLXByb29mK2p3dCJ9.e30.c2ln'] },
        },
      ],
    },
  ),
);

const Nonce = {
  c_nonce: Type.String({ description: 'For the nonce of the next proofs.' }),
  c_nonce_expires_in: Type.Integer({ description: 'Seconds' }),
};

export const NonceAnswer = Type.Object(Nonce, { ...closed, description: 'Good for every document of one session.' });

const Copies = Type.Array(
  Type.Object(
    {
      credential: Type.Union([
        Type.String({ description: 'A compact token' }),
        Type.Object({}, { ...open, description: 'A credential with its proof' }),
      ]),
    },
    closed,
  ),
  { minItems: 1 },
);

export const CredentialAnswer = Type.Object(
  { credentials: Copies, notification_id: Type.String(), ...Nonce },
  { ...closed, description: 'One copy for each key.' },
);

const Transaction = { transaction_id: Type.String(), interval: Type.Integer({ description: 'Seconds to wait' }) };

export const DeferredAnswer = Type.Object(
  { ...Transaction, ...Nonce },
  { ...closed, description: 'Not released yet: ask the deferred credential endpoint later.' },
);

export const DeferredRequest = Type.Object(
  { transaction_id: Type.String({ maxLength }) },
  { ...open, examples: [{ transaction_id: 'Jc0N4zHkUeP2sYk5YxN0dT3m9uQ1nB7wXhVb2cL6aRk' }] },
);

export const DeferredCopies = Type.Object({ credentials: Copies }, { ...closed, description: 'What was waited for.' });

export const StillDeferred = Type.Object(Transaction, { ...closed, description: 'Not released yet.' });

export const NotificationRequest = Type.Object(
  {
    notification_id: Type.String({ maxLength }),
    event: Type.Enum(['credential_accepted', 'credential_failure', 'credential_deleted']),
    // 11.1: printable ASCII without quotation mark and backslash. It is read and forgotten: it may say anything.
    event_description: Type.Optional(
      Type.String({ maxLength: 2000, pattern: '^[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]*$' }),
    ),
  },
  {
    ...open,
    examples: [{ notification_id: 'q3yV0zJr7Z2sYk5YxN0dT3m9uQ1nB7wXhVb2cL6aRk8', event: 'credential_accepted' }],
  },
);

const uuid = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';

export const OfferParams = Type.Object({
  id: Type.String({ pattern: uuid, examples: ['5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11'], description: 'The offerId.' }),
});

export const LiveCredentials = Type.Object(
  {
    credentials: Type.Array(
      Type.Object(
        {
          credentialId: Type.String({ description: 'Under this id its status is changed.' }),
          documentId: Type.String({ description: 'The document of the offer.' }),
          type: Type.String(),
          configurationId: Type.String({ description: 'The credential configuration that the wallet asked for.' }),
          state: Type.Enum(['issued', 'suspended']),
          issuedAt: Type.String({ format: 'date-time' }),
        },
        closed,
      ),
    ),
  },
  { ...closed, description: 'What is live in wallets; one document may have several copies.' },
);

export const RevocationBody = Type.Object(
  {
    documentIds: Type.Array(Type.String({ pattern: uuid }), { minItems: 1, maxItems: 64, uniqueItems: true }),
    reason: Type.Enum([...reasons.revoke]),
  },
  {
    ...closed,
    examples: [{ documentIds: ['5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11'], reason: 'CredentialProvidedInError' }],
  },
);

export const RevocationAnswer = Type.Object(
  { offerId: Type.String(), copies: Type.Integer({ description: 'How many copies were revoked now.' }) },
  { ...closed, description: 'What was revoked.' },
);
