/** The wire types of offers; validation, TypeScript and the API description have this one source. */
import { Type } from 'typebox';
import type { Catalogue } from '../../credential/credential.js';
import { isJsonObject, type JsonObject } from '../../json.js';
import { defaultHours } from './context.js';
import { withdrawReasons } from './reasons.js';
import { walletFormatNames } from './wallet-formats.js';

const closed = { additionalProperties: false } as const;
const uuid = '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$';
const unknownId = '5b0c4bd4-2f0c-4c43-9f0c-9a2f5a1f2c11';

/** The largest passport. */
const mostDocuments = 64;

/** Somebody's documents as HR prepared them; 64 of them have about this much room (decisions.md 7: bulk routes their own). */
export const createBodyLimit = 1024 * 1024;

/** The examples of the catalogue have a holder; an offer's has none yet. */
function withoutHolder(example: JsonObject): JsonObject {
  const { credentialSubject, ...rest } = example;
  if (!isJsonObject(credentialSubject)) return example;
  const { id: _holder, ...subject } = credentialSubject;
  return { ...rest, credentialSubject: subject };
}

export function createBody(catalogue: Catalogue) {
  const example = catalogue.find('CoreSkillCredential')?.example;
  const examples = example === undefined ? [] : [{ credentials: [{ credential: withoutHolder(example) }] }];
  return Type.Object(
    {
      credentials: Type.Array(
        Type.Object(
          {
            credential: Type.Unsafe<JsonObject>(
              Type.Object(
                {},
                {
                  additionalProperties: true,
                  description:
                    'type, credentialSubject without id, evidence, validFrom, validUntil; see /catalogue. The rest is added when it is issued.',
                },
              ),
            ),
            pending: Type.Optional(
              Type.Boolean({ description: 'Not ready yet: a wallet is told to come again, until it is released.' }),
            ),
            requireSignIn: Type.Optional(
              Type.Boolean({ description: 'Given only to the person who signed in, whatever its type says.' }),
            ),
          },
          closed,
        ),
        { minItems: 1, maxItems: mostDocuments, description: "The person's documents, in the order of the page." },
      ),
      person: Type.Optional(
        Type.Object(
          {
            signInSubject: Type.String({
              minLength: 1,
              maxLength: 255,
              description: 'The `sub` by which the identity provider knows the person. Needed wherever sign-in is.',
            }),
          },
          closed,
        ),
      ),
      txCode: Type.Optional(
        Type.Boolean({ description: 'Whether a code is made (if absent: yes). Without one the person must sign in.' }),
      ),
      expiresInHours: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 720, description: `${defaultHours} if absent` }),
      ),
    },
    { ...closed, examples },
  );
}

const DocumentAnswer = Type.Object(
  {
    id: Type.String({ description: 'The credential_identifier for wallets.' }),
    type: Type.String(),
    state: Type.Enum(['pending', 'offered', 'issued', 'declined', 'withdrawn']),
    signInRequired: Type.Boolean(),
    reason: Type.Optional(Type.String({ description: 'Why it was declined or withdrawn.' })),
    issuedAt: Type.Optional(Type.String({ format: 'date-time', description: 'When it went into a wallet last.' })),
  },
  closed,
);

const link = Type.String({ description: 'For the person; opens nothing without the code or sign-in.' });
const linkQrSvg = Type.String({ description: 'The link as a QR code, as SVG.' });
const txCode = Type.Optional(
  Type.String({ description: 'Shown this once. Give it to the person by another way than the link.' }),
);
const expiresAt = Type.String({ format: 'date-time' });

export const CreateAnswer = Type.Object(
  { offerId: Type.String(), link, linkQrSvg, txCode, expiresAt, documents: Type.Array(DocumentAnswer) },
  { ...closed, description: 'The offer, with the link and the code for the person.' },
);

export const ResendAnswer = Type.Object(
  { offerId: Type.String(), link, linkQrSvg, txCode, expiresAt },
  { ...closed, description: 'The new link and code.' },
);

export const OfferAnswer = Type.Object(
  {
    offerId: Type.String(),
    state: Type.Enum(['open', 'used', 'locked', 'expired', 'withdrawn'], {
      description: 'used: nothing is left to take; locked: too many wrong codes, send it again.',
    }),
    createdAt: Type.String({ format: 'date-time' }),
    expiresAt,
    triesLeft: Type.Integer(),
    documents: Type.Array(DocumentAnswer),
  },
  { ...closed, description: 'What became of an offer. Claims are not told.' },
);

export const OfferParams = Type.Object({
  id: Type.String({ pattern: uuid, examples: [unknownId], description: 'The offerId.' }),
});

const documentIds = (description: string) =>
  Type.Array(Type.String({ pattern: uuid }), { minItems: 1, maxItems: mostDocuments, uniqueItems: true, description });

export const WithdrawBody = Type.Object(
  {
    documentIds: Type.Optional(documentIds('The whole offer if absent.')),
    reason: Type.Enum([...withdrawReasons]),
  },
  { ...closed, examples: [{ reason: 'UpdatedInformation' }] },
);

export const ResendBody = Type.Object(
  { expiresInHours: Type.Optional(Type.Integer({ minimum: 1, maximum: 720 })) },
  { ...closed, examples: [{ expiresInHours: 72 }] },
);

export const ReleaseBody = Type.Object(
  { documentIds: documentIds('Those that are ready now.') },
  { ...closed, examples: [{ documentIds: [unknownId] }] },
);

export const MintBody = Type.Object(
  {
    documentIds: Type.Optional(documentIds('All that can be taken if absent.')),
    walletFormats: Type.Optional(
      Type.Array(Type.Enum([...walletFormatNames]), {
        minItems: 1,
        uniqueItems: true,
        description: 'The endings of the credential configuration ids; sd_jwt if absent.',
      }),
    ),
    grant: Type.Enum(['pre-authorized_code', 'authorization_code'], {
      description: 'Documents that require sign-in need authorization_code.',
    }),
  },
  { ...closed, examples: [{ walletFormats: ['sd_jwt'], grant: 'pre-authorized_code' }] },
);

/** OpenID4VCI 1.0 4.1.1. */
export const CredentialOfferAnswer = Type.Object(
  {
    credential_issuer: Type.String(),
    credential_configuration_ids: Type.Array(Type.String()),
    grants: Type.Object({}, { additionalProperties: true }),
  },
  { ...closed, description: 'A credential offer (OpenID4VCI 1.0 4.1.1).' },
);

export const MintAnswer = Type.Object(
  {
    credentialOfferId: Type.String(),
    uri: Type.String({ description: 'For a wallet: the credential offer by reference.' }),
    uriByValue: Type.String({ description: 'The same by value, for wallets that fetch none.' }),
    qrSvg: Type.String({ description: '`uri` as a QR code, as SVG.' }),
    credentialOffer: CredentialOfferAnswer,
    expiresAt,
  },
  { ...closed, description: 'A credential offer, in each way that a wallet takes one.' },
);

export const CredentialOfferParams = Type.Object({
  id: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$', examples: ['AAAAAAAAAAAAAAAAAAAAAA'] }),
});
