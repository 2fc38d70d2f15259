/** Sphereon's OpenID4VP side: reads and checks a request, and posts what its caller presents. */
import { createHash, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { OP, ResponseIss, SupportedVersion, type VerifyJwtCallback } from '@sphereon/did-auth-siop';
import { CompactEncrypt, compactVerify, importJWK, type JWK } from 'jose';
import { authorityFile } from '../programme.js';

/** What is presented for each Credential Query, made for this audience and nonce. */
export type Presenter = (asked: {
  readonly ids: readonly string[];
  readonly audience: string;
  readonly nonce: string;
}) => Promise<Record<string, string | object>>;

/** A request that Sphereon has read and checked. */
export type CheckedRequest = Awaited<ReturnType<OP['verifyAuthorizationRequest']>>;

/** The key of a did:web document, as published over https. */
async function keyOfDidUrl(didUrl: string): Promise<JWK> {
  const [did = ''] = didUrl.split('#');
  const [host = '', ...path] = did.slice('did:web:'.length).split(':');
  const place = path.length === 0 ? '.well-known' : path.join('/');
  const response = await fetch(`https://${decodeURIComponent(host)}/${place}/did.json`);
  const document = (await response.json()) as { verificationMethod: { id: string; publicKeyJwk: JWK }[] };
  const method = document.verificationMethod.find(({ id }) => id === didUrl);
  if (method === undefined) throw new Error(`${didUrl} is not in the document`);
  return method.publicKeyJwk;
}

/** A chain counts when our authority signed its last certificate, and each of the others is signed by the next. */
function keyOfChain(chain: readonly string[]): JWK {
  const certificates = chain.map((text) => new X509Certificate(Buffer.from(text, 'base64')));
  const authority = new X509Certificate(readFileSync(authorityFile));
  const signed = certificates.every((one, index) => one.verify((certificates[index + 1] ?? authority).publicKey));
  const [leaf] = certificates;
  if (leaf === undefined || !signed) throw new Error('the certificates are not of our authority');
  return leaf.publicKey.export({ format: 'jwk' }) as JWK;
}

/** Sphereon asks its caller for every signature to be verified. */
const verifyJwt: VerifyJwtCallback = async (verifier, { raw }) => {
  if (verifier.method !== 'did' && verifier.method !== 'x5c') throw new Error(`unexpected ${verifier.method}`);
  const jwk = verifier.method === 'did' ? await keyOfDidUrl(verifier.didUrl) : keyOfChain(verifier.x5c);
  const alg = String(verifier.alg);
  await compactVerify(raw, await importJWK(jwk, alg), { algorithms: [alg] });
  return true;
};

function createPresenter(): OP {
  return OP.builder()
    .withSupportedVersions([SupportedVersion.OID4VP_v1])
    .withExpiresIn(300)
    .withIssuer(ResponseIss.SELF_ISSUED_V2)
    .withHasher((data) =>
      createHash('sha256')
        .update(new Uint8Array(data as ArrayBuffer))
        .digest(),
    )
    .withVerifyJwtCallback(verifyJwt)
    .withCreateJwtCallback(() => Promise.reject(new Error('no id_token is asked for')))
    .withRegistration({ registrationBy: { passBy: 'value' } } as never)
    .build();
}

/** Reads a request and checks who asks. */
export async function readRequest(uri: string): Promise<{ op: OP; request: CheckedRequest }> {
  const op = createPresenter();
  return { op, request: await op.verifyAuthorizationRequest(uri) };
}

/** Presents, and gives what the verifier answered. */
export async function present(uri: string, presenter: Presenter): Promise<{ status: number; body: unknown }> {
  const { op, request } = await readRequest(uri);
  const payload = request.authorizationRequest.mergedPayloads() as Record<string, string>;
  const ids = request.dcqlQuery.credentials.map(({ id }) => id);
  const presented = await presenter({ ids, audience: payload['client_id'] ?? '', nonce: payload['nonce'] ?? '' });
  const response = await op.createAuthorizationResponse(request, {
    dcqlResponse: { dcqlPresentation: presented as never },
  });
  const answer = await op.submitAuthorizationResponse(
    response,
    async ({ authorizationResponsePayload, clientMetadata }) => {
      const jwk = (await OP.extractEncJwksFromClientMetadata(clientMetadata)) as JWK;
      const header = { alg: 'ECDH-ES', enc: 'A128GCM', ...(jwk.kid === undefined ? {} : { kid: jwk.kid }) };
      const text = new TextEncoder().encode(JSON.stringify(authorizationResponsePayload));
      return {
        response: await new CompactEncrypt(text).setProtectedHeader(header).encrypt(await importJWK(jwk, 'ECDH-ES')),
      };
    },
  );
  return { status: answer.status, body: await answer.json() };
}
