/** One trust issues, a wallet holds, another trust asks for it: over HTTP, with keys that each finds by itself. */
import { generateKeyPairSync } from 'node:crypto';
import { decodeProtectedHeader, exportJWK, importJWK, type JWK, jwtVerify, SignJWT } from 'jose';
import { exampleOf } from './client.js';
import { patience, until } from './deployment.js';
import { openProgramme, type Programme } from './programme.js';

let programme: Programme;
beforeAll(async () => {
  programme = await openProgramme();
}, 4 * patience);
afterAll(() => programme?.close());

async function openHolder() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const did = `did:jwk:${Buffer.from(JSON.stringify(await exportJWK(publicKey))).toString('base64url')}`;
  return { did, privateKey };
}

/** The question behind a link, believed only when a key of the asking trust's own DID document has signed it. */
async function readRequest(link: string) {
  const parameters = new URL(link).searchParams;
  const [clientId, requestUri] = [parameters.get('client_id') ?? '', parameters.get('request_uri') ?? ''];
  const response = await fetch(requestUri, { headers: { accept: 'application/oauth-authz-req+jwt' } });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/oauth-authz-req+jwt']);
  const jwt = await response.text();
  expect(clientId).toBe(`decentralized_identifier:${programme.rxb.did}`);
  const document = (await programme.rxb.get('/.well-known/did.json')).body;
  const methods = document.verificationMethod as { id: string; publicKeyJwk: JWK }[];
  const method = methods.find(({ id }) => id === decodeProtectedHeader(jwt).kid);
  const { payload } = await jwtVerify(jwt, await importJWK(method?.publicKeyJwk ?? {}, 'ES256'));
  expect(payload['client_id']).toBe(clientId);
  return payload as Record<'client_id' | 'nonce' | 'state' | 'response_uri', string>;
}

test(
  'a wallet presents what one trust has issued to another that asks, and a revocation is seen at the next time',
  async () => {
    const { rxa, rxb } = programme;
    const holder = await openHolder();
    const example = exampleOf('DbsCheckCredential');
    const credentialSubject = { ...(example['credentialSubject'] as object), id: holder.did };
    const issued = await rxa.issue({ ...example, credentialSubject }, { format: 'jwt_vc' });
    expect(issued.status).toBe(201);
    const authorization = { authorization: `Bearer ${await rxb.token()}` };

    async function present() {
      const asked = await rxb.post('/vp/requests', { template: 'dbs-check', flow: 'cross' });
      expect(asked.status).toBe(201);
      const request = await readRequest(asked.body.uri);
      const now = Math.floor(Date.now() / 1000);
      const vp = {
        '@context': ['https://www.w3.org/2018/credentials/v1'],
        type: ['VerifiablePresentation'],
        verifiableCredential: [issued.body.verifiableCredential],
      };
      const presentation = await new SignJWT({
        vp,
        nonce: request.nonce,
        aud: request.client_id,
        iss: holder.did,
        iat: now,
      })
        .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: `${holder.did}#0` })
        .sign(holder.privateKey);
      const body = new URLSearchParams({
        vp_token: JSON.stringify({ 'dbs-jwt_vc': [presentation] }),
        state: request.state,
      });
      const answer = await fetch(request.response_uri, { method: 'POST', body });
      expect([answer.status, await answer.text()]).toEqual([200, '{}']);
      const { pathname } = new URL(asked.body.statusUrl);
      const { body: result } = await rxb.get(`${pathname}/result`, authorization);
      expect((await rxb.get(`${pathname}/result`, authorization)).status).toBe(410);
      return result;
    }

    const first = await present();
    expect(first).toMatchObject({
      decision: 'valid',
      person: 'one_key',
      presentations: [{ report: { holder: holder.did } }],
    });
    await rxa.revoke(issued.body.credentialId);
    const later = await until(present, ({ decision }) => decision === 'invalid');
    const [{ report }] = later.presentations;
    const failed = report.credentials[0].checks.filter(({ outcome }: { outcome: string }) => outcome === 'fail');
    expect(failed.map(({ code }: { code: string }) => code)).toEqual(['status_revoked']);
    expect([programme.rxa.faults, programme.rxb.faults]).toEqual([[], []]);
  },
  2 * patience,
);
