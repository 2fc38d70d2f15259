/** The wire types of asking for presentations; validation, TypeScript and the API description have this one source. */
import { Type } from 'typebox';
import { PresentationAnswer } from '../wire.js';
import { clientIdSchemes } from './client-identity.js';
import { DcqlQuerySchema, queryFormats } from './dcql.js';

const closed = { additionalProperties: false } as const;

/** base64url of 24 bytes. */
const Name = Type.String({ pattern: '^[A-Za-z0-9_-]{32}$', examples: ['x7Qy2m0cVt5h9Jr3kLwBzA8sNfGdUePo'] });

export const RequestParams = Type.Object({ id: Name });

/** Addresses that open a wallet: an https link, or a scheme that only wallets take. */
const walletPattern = '^(openid4vp|eudi-openid4vp|haip-vp|mdoc-openid4vp)://$|^https://[^\\s<>"\\\\]{1,500}$';

export const CreateBody = Type.Object(
  {
    template: Type.Optional(Type.String({ maxLength: 40, description: 'A name at /vp/templates; or dcql.' })),
    formats: Type.Optional(
      Type.Array(Type.Enum([...queryFormats]), {
        minItems: 1,
        maxItems: queryFormats.length,
        uniqueItems: true,
        description:
          'Of a template: formats that may answer, the most wanted first. dc+sd-jwt and jwt_vc_json when absent.',
      }),
    ),
    dcql: Type.Optional(DcqlQuerySchema),
    purpose: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'Told to the person on the page.' }),
    ),
    flow: Type.Enum(['same', 'cross'], {
      description: 'same: the wallet is on the device of the browser; cross: it scans a code.',
    }),
    clientIdScheme: Type.Optional(
      Type.Enum([...clientIdSchemes], { description: 'decentralized_identifier when absent.' }),
    ),
    x509: Type.Optional(
      Type.String({ maxLength: 64, description: 'Name of a configured certificate; the first when absent.' }),
    ),
    responseMode: Type.Optional(
      Type.Enum(['direct_post', 'direct_post.jwt'], {
        description: 'direct_post when absent; .jwt encrypts the answer.',
      }),
    ),
    requestUriMethod: Type.Optional(
      Type.Enum(['get', 'post'], { description: 'post tells the wallet that it may send a nonce; get when absent.' }),
    ),
    redirectUri: Type.Optional(
      Type.String({
        maxLength: 1024,
        description: 'Same-device: where the wallet sends the browser, with response_code added. Our page when absent.',
      }),
    ),
    wallet: Type.Optional(
      Type.String({ pattern: walletPattern, description: 'What opens the wallet; openid4vp:// when absent.' }),
    ),
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 60, maximum: 3600, description: '600 when absent.' })),
  },
  {
    ...closed,
    description: 'Exactly one of template and dcql. Transaction data is not supported.',
    examples: [
      { template: 'dbs-check', flow: 'cross' },
      {
        dcql: {
          credentials: [{ id: 'dbs', format: 'jwt_vc_json', meta: { type_values: [['DbsCheckCredential']] } }],
        },
        flow: 'same',
        redirectUri: 'https://portal.example.nhs.uk/back',
      },
    ],
  },
);

const moment = (description: string) => Type.String({ format: 'date-time', description });

export const CreateAnswer = Type.Object(
  {
    id: Type.String({ description: 'Keep it on your side: it is not what the wallet sees.' }),
    uri: Type.String({ description: 'The authorization request, for a QR code or a wallet to paste into.' }),
    deepLink: Type.String({ description: 'The same, as a link on the device of the wallet.' }),
    qrSvg: Type.Optional(Type.String({ description: 'The QR code as SVG; cross-device flow only.' })),
    pageUrl: Type.String({ description: 'A page that shows the code or link, the state, and the verdict in words.' }),
    statusUrl: Type.String(),
    expiresAt: moment('After this no answer is taken.'),
  },
  { ...closed, description: 'The request, in each way that it reaches a wallet.' },
);

export const StateAnswer = Type.Object(
  {
    id: Type.String(),
    state: Type.Enum(['waiting', 'opened', 'answered', 'declined', 'failed', 'read', 'lapsed', 'expired'], {
      description:
        'opened: a wallet has the question; failed: too many answers were refused; read, lapsed: the result is gone.',
    }),
    flow: Type.Enum(['same', 'cross']),
    createdAt: moment('When it was asked.'),
    expiresAt: moment('After this no answer is taken.'),
    fetchedAt: Type.Optional(moment('When a wallet first had the question.')),
    closedAt: Type.Optional(moment('When it was answered or declined.')),
    decision: Type.Optional(Type.Enum(['valid', 'invalid', 'indeterminate'])),
    error: Type.Optional(
      Type.String({ description: 'Why the wallet declined, by the name that OpenID4VP has for it.' }),
    ),
    refusals: Type.Integer({ description: 'Answers that were refused.' }),
  },
  { ...closed, description: 'How the request stands.' },
);

export const ResultQuery = Type.Object({ response_code: Type.Optional(Type.String({ maxLength: 64 })) }, closed);

export const ResultAnswer = Type.Object(
  {
    id: Type.String(),
    answeredAt: moment('When the wallet answered.'),
    decision: Type.Enum(['valid', 'invalid', 'indeterminate'], { description: 'Valid only if everything is.' }),
    person: Type.Enum(['one_key', 'one_identifier', 'several', 'not_shown'], {
      description:
        'Whether all documents are of one person. not_shown: several keys and nothing that links them, so compare the names; several: they are of different people, and the decision is invalid.',
    }),
    presentations: Type.Array(
      Type.Object(
        { id: Type.String({ description: 'Of the Credential Query that it answers.' }), report: PresentationAnswer },
        closed,
      ),
    ),
  },
  { ...closed, description: 'Read once; then it is deleted.' },
);

const parameter = (maxLength: number, description: string) => Type.Optional(Type.String({ maxLength, description }));

/** Unknown parameters are ignored (OpenID4VP 1.0 5.10, 8.1). */
export const FetchForm = Type.Object(
  {
    wallet_nonce: Type.Optional(
      Type.String({ minLength: 1, maxLength: 512, description: 'Comes back in the request object.' }),
    ),
    wallet_metadata: parameter(65_536, 'JSON; what the wallet can do.'),
  },
  { additionalProperties: true, examples: [{ wallet_nonce: 'qPmxiNFCR3QTm19POc8u' }] },
);

const answerLimit = 256 * 1024;

export const ResponseFormBody = Type.Object(
  {
    vp_token: parameter(answerLimit, 'JSON: presentations by the id of the Credential Query.'),
    state: parameter(512, 'The state of the request.'),
    response: parameter(answerLimit, 'JWE; in direct_post.jwt.'),
    error: parameter(256, 'Why the wallet does not present.'),
    error_description: parameter(4096, 'Not kept.'),
  },
  { additionalProperties: true, examples: [{ error: 'access_denied', state: 'kQ3v9pXc7TnB2sYw0LfRzM5hJdUeGaVo' }] },
);

export const ResponseAnswer = Type.Object(
  { redirect_uri: Type.Optional(Type.String({ description: 'Where the wallet sends the browser.' })) },
  { ...closed, description: 'Taken.' },
);

/** Wallets may add what they like to an address that they are given. */
export const PageQuery = Type.Object(
  { response_code: Type.Optional(Type.String({ maxLength: 64 })) },
  { additionalProperties: true },
);
