/** Describes a Staff Passport by what it says of itself at GET /instances. */
import type { Document } from './inputs/documents.js';
import type { KeyType } from './inputs/keys.js';
import type {
  DataModel,
  IssuerEndpoint,
  ResolverEndpoint,
  Securing,
  Send,
  Target,
  VerifierEndpoint,
} from './target.js';

const keyTypes: Readonly<Record<string, KeyType>> = { ES256: 'P-256', ES384: 'P-384', EdDSA: 'Ed25519' };

/** What the product claims to verify; the checker holds it to every one of them. */
const claimed: readonly Securing[] = [
  'eddsa-rdfc-2022',
  'eddsa-jcs-2022',
  'ecdsa-rdfc-2019',
  'ecdsa-jcs-2019',
  'ecdsa-sd-2023',
  'Ed25519Signature2020',
  'vc+jwt',
  'vc+sd-jwt',
  'vc+cose',
];

const styles = { 200: '200', 400: '400' } as const;

/** Data Integrity issuers also secure VCDM 1.1; tokens are VCDM 2.0 only. */
function modelsOf(format: string): readonly DataModel[] {
  if (format === 'jwt_vc') return ['1.1'];
  return format.startsWith('e') ? ['2.0', '1.1'] : ['2.0'];
}

export async function describeOwn(base: string, send: Send): Promise<Target> {
  const { status, text } = await send({ method: 'GET', url: `${base}/instances`, headers: {} });
  if (status !== 200) throw new Error(`GET ${base}/instances answered ${status}`);
  const instances = JSON.parse(text) as Document[];
  const having = (kind: string) => instances.filter(({ kinds }) => (kinds as string[]).includes(kind));
  const url = ({ name }: Document, operation: string) => `${base}/instances/${name}/${operation}`;
  const [deriver] = having('deriver');
  const derive = deriver && { derive: url(deriver, 'credentials/derive') };
  const issuers = having('issuer').map((one) => ({ ...issuerOf(one, url), ...derive }));
  const dids = issuers.map(({ issuer }) => issuer);
  return {
    name: 'Staff Passport',
    selfSigned: true,
    issuers,
    verifiers: having('verifier').map((one) => verifierOf(one, url(one, 'credentials/verify'))),
    presentationVerifiers: having('presentationVerifier').map((one) =>
      verifierOf(one, url(one, 'presentations/verify')),
    ),
    resolvers: [await resolverOf(base, [...new Set(dids)], send)],
  };
}

/** DIDs below the organisation's own: one that nobody made, and where there is one the one that was given up. */
async function resolverOf(base: string, resolvable: readonly string[], send: Send): Promise<ResolverEndpoint> {
  const url = `${base}/1.0/identifiers/`;
  const own = resolvable.find((did) => did.startsWith('did:web:'));
  if (own === undefined) return { url, resolvable };
  const ask = (did: string) => send({ method: 'GET', url: `${url}${did}`, headers: { accept: 'application/did' } });
  const { service = [] } = JSON.parse((await ask(own)).text) as { service?: Document[] };
  const former = `${own}:former`;
  return {
    url,
    resolvable,
    notFound: `${own}:nobody`,
    ...((await ask(former)).status === 410 && { deactivated: former }),
    ...(service[0] && { service: String(service[0]['id']) }),
  };
}

function issuerOf(instance: Document, url: (instance: Document, operation: string) => string): IssuerEndpoint {
  const { kinds, issuer, format, algorithm } = instance;
  const keyType = keyTypes[algorithm as string];
  return {
    url: url(instance, 'credentials/issue'),
    issuer: issuer as string,
    securing: format as Securing,
    dataModels: modelsOf(format as string),
    ...(keyType && { keyType }),
    ...((kinds as string[]).includes('status') && {
      status: { url: url(instance, 'credentials/status'), purposes: ['revocation', 'suspension'] },
    }),
  };
}

function verifierOf({ failedVerification }: Document, url: string): VerifierEndpoint {
  const style = styles[failedVerification as 200 | 400];
  return { url, securing: claimed, keyTypes: ['Ed25519', 'P-256', 'P-384'], dataModels: ['2.0', '1.1'], style };
}
