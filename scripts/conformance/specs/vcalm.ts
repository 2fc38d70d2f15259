/** VCALM 1.0 (the VC-API): issuing, verifying and status over HTTP. */

import { forged } from '../cases.js';
import type { Conversation } from '../conversation.js';
import {
  isRefusal,
  plainCredential,
  plainPresentation,
  presentable,
  presentationControl,
  presentationOptions,
  presentationProof,
  presenter,
  type Reply,
  signerFor,
} from '../conversation.js';
import { anIssuer, aPresentationVerifier, aVerifier, forgeable, needs } from '../endpoints.js';
import { asList, type Document, isDocument } from '../inputs/documents.js';
import type { Test, Tests } from '../suite.js';
import type { Target } from '../target.js';

const refused = ({ status }: Reply) => status >= 400 && status < 500;

function told(reply: Reply): Document {
  return isDocument(reply.json) ? reply.json : {};
}

const mediaType = ({ headers }: Reply) => (headers['content-type'] ?? '').split(';')[0]?.trim();

async function goodCredential(talk: Conversation, changes: Document = {}) {
  const verifier = aVerifier(talk.target);
  const securing = forgeable(verifier);
  const signer = signerFor(talk.parties, securing);
  return { verifier, wire: await forged(securing, plainCredential(signer.did, changes), signer) };
}

/** Whatever the endpoint does not know must be refused, and the same request without it answered. */
const unknownTest: Test = {
  lacks: needs.oneOf(needs.issuer, needs.verifier, needs.presentationVerifier),
  async run(talk) {
    const refuse = async (url: string, body: Document, what: string) => {
      const reply = await talk.post(url, body);
      talk.expect(refused(reply), `${what} must be an error, was answered ${reply.status}`);
    };
    const options = { checkerUnknownOption: true };
    if (needs.issuer(talk.target) === undefined) {
      const issuer = anIssuer(talk.target);
      const credential = plainCredential(issuer.issuer);
      await talk.issued(issuer, credential);
      await refuse(issuer.url, { credential, options }, 'an unknown option of issuing');
      await refuse(issuer.url, { credential, checkerUnknownData: 1 }, 'unknown data beside the credential');
      await refuse(issuer.url, { credential, options: 'all' }, 'options that are no object');
    }
    if (needs.verifier(talk.target) === undefined) {
      const { verifier, wire } = await goodCredential(talk);
      await talk.accepts(verifier, wire, 'a verification without unknown options');
      await refuse(verifier.url, { verifiableCredential: wire, options }, 'an unknown option of verifying');
      const data = { verifiableCredential: wire, checkerUnknownData: 1 };
      await refuse(verifier.url, data, 'unknown data beside the verifiableCredential');
      const wrong = { verifiableCredential: wire, options: { returnResults: 'perhaps' } };
      await refuse(verifier.url, wrong, 'an option value that makes no sense');
      await refuse(verifier.url, {}, 'a request without credential');
    }
    if (needs.presentationVerifier(talk.target) !== undefined) return;
    const verifier = aPresentationVerifier(talk.target);
    const { wire } = await presentationControl(talk.parties, verifier);
    await talk.acceptsPresentation(verifier, wire, 'a presentation without unknown options');
    const body = { verifiablePresentation: wire, options: { ...presentationOptions } };
    await refuse(verifier.url, { ...body, checkerUnknownData: 1 }, 'unknown data beside the verifiablePresentation');
    const values = { ...body, options: { ...presentationOptions, challenge: 5 } };
    await refuse(verifier.url, values, 'a challenge that is a number');
  },
};

/** RFC 9457, which VCALM uses for errors, has a media type of its own for them. */
const serialisationTest: Test = {
  lacks: needs.oneOf(needs.issuer, needs.verifier),
  async run(talk) {
    const expectJson = (reply: Reply, what: string) => {
      const types = reply.status < 400 ? ['application/json'] : ['application/json', 'application/problem+json'];
      talk.expect(types.includes(mediaType(reply) ?? ''), `${what} has the media type ${mediaType(reply)}`);
      talk.expect(reply.json !== undefined, `${what} is no JSON`);
    };
    if (needs.issuer(talk.target) === undefined) {
      const issuer = anIssuer(talk.target);
      const credential = plainCredential(issuer.issuer);
      const issued = await talk.post(issuer.url, { credential });
      talk.expect(issued.status === 200 || issued.status === 201, `issuing answered ${issued.status}`);
      expectJson(issued, 'the answer to issuing');
      const broken = await talk.post(issuer.url, '{"credential":');
      talk.expect(refused(broken), `broken JSON must be an error, was answered ${broken.status}`);
      expectJson(broken, 'the answer to broken JSON');
      const other = await talk.post(issuer.url, { credential }, { 'content-type': 'text/plain' });
      talk.expect(refused(other), `a request as text/plain must be an error, was answered ${other.status}`);
    }
    if (needs.verifier(talk.target) !== undefined) return;
    const { verifier, wire } = await goodCredential(talk);
    expectJson(await talk.accepts(verifier, wire, 'a credential'), 'the answer to verifying');
    const failed = await talk.refuses(verifier, { ...wire, name: 'Added', id: 'urn:changed' }, 'a changed credential');
    expectJson(failed, 'the answer to a failed verification');
  },
};

const tells200 = (target: Target) => target.verifiers.some(({ style, securing }) => style === '200' && securing.length);

export const vcalmTests: Tests = {
  'VCALM-1.3-1': {
    lacks: needs.issuer,
    async run(talk) {
      const issuer = anIssuer(talk.target);
      const reply = await talk.post(issuer.url, { credential: plainCredential(issuer.issuer) });
      talk.expect(reply.status === 201, `issuing must answer 201, answered ${reply.status}`);
      talk.expect(isDocument(told(reply)['verifiableCredential']), 'the answer has no verifiableCredential');
    },
  },
  'VCALM-1.3-2': {
    lacks: needs.verifier,
    async run(talk) {
      const { verifier, wire } = await goodCredential(talk);
      const reply = await talk.post(verifier.url, { verifiableCredential: wire });
      talk.expect(reply.status === 200, `verifying must answer 200, answered ${reply.status}`);
      talk.expect(told(reply)['verified'] === true, `verified is ${told(reply)['verified']}`);
      const nothing = await talk.post(verifier.url, {});
      talk.expect(refused(nothing), `verifying nothing answered ${nothing.status}`);
      const [other] = talk.target.presentationVerifiers;
      talk.expect(other, 'a verifier service must also verify presentations');
      if (!other) return;
      const presentation = await presentationControl(talk.parties, other);
      const body = { verifiablePresentation: presentation.wire, options: presentationOptions };
      const presented = await talk.post(other.url, body);
      talk.expect(presented.status === 200, `verifying a presentation answered ${presented.status}`);
      talk.expect(told(presented)['verified'] === true, `verified of a presentation is ${told(presented)['verified']}`);
    },
  },
  'VCALM-1.3-4': {
    lacks: needs.statusIssuer,
    async run(talk) {
      const issuer = talk.target.issuers.find(({ status }) => status);
      if (!issuer?.status) return;
      const credential = await talk.issued(issuer, plainCredential(issuer.issuer, { id: freshId() }));
      const [entry] = asList<Document>(credential?.['credentialStatus']);
      const credentialStatus = { type: 'BitstringStatusListEntry', statusPurpose: entry?.['statusPurpose'] };
      const body = { credentialId: credential?.['id'], credentialStatus, status: true };
      const reply = await talk.post(issuer.status.url, body);
      talk.expect(reply.status === 200, `POST /credentials/status answered ${reply.status}`);
      const unknown = await talk.post(issuer.status.url, { ...body, credentialId: freshId() });
      talk.expect(unknown.status === 404, `the status of an unknown credential must answer 404, not ${unknown.status}`);
    },
  },
  'VCALM-2.4.3-1': unknownTest,
  'VCALM-2.4.4-1': serialisationTest,
  'VCALM-3.8-1': {
    lacks: needs.verifier,
    async run(talk) {
      const { verifier, wire } = await goodCredential(talk, { issuer: 'not-a-url' });
      const reply = await talk.refuses(verifier, wire, 'a credential whose issuer is no URL');
      const problems = [...asList(told(reply)['problemDetails']), ...asList(told(reply)['errors'])];
      const all = problems.length > 0 ? problems : [told(reply)];
      for (const problem of all) {
        const type: unknown = isDocument(problem) ? problem['type'] : undefined;
        talk.expect(typeof type === 'string' && URL.canParse(type), `the type of a problem is ${type}`);
      }
    },
  },
  'VCALM-3.8.1-1': verifiedTest(
    async (talk) => (await goodCredential(talk, { issuer: 'not-a-url' })).wire,
    false,
    'a credential whose issuer is no URL',
  ),
  'VCALM-3.8.1-2': verifiedTest(
    async (talk) => {
      const past = { validFrom: '2020-01-01T00:00:00Z', validUntil: '2021-01-01T00:00:00Z' };
      return (await goodCredential(talk, past)).wire;
    },
    true,
    'a credential that has ended, which is a warning,',
  ),
  'VCALM-3.3.2-1': {
    lacks: needs.presentationVerifier,
    async run(talk) {
      const verifier = aPresentationVerifier(talk.target);
      const securing = forgeable(verifier);
      const holder = presenter(talk.parties, securing);
      const credential = await presentable(talk.parties, securing);
      const broken = isDocument(credential['proof'])
        ? { ...credential, validFrom: '2019-01-01T00:00:00Z' }
        : { ...credential, id: `${String(credential['id']).slice(0, -4)}AAAA` };
      const wire = await forged(securing, plainPresentation(holder.did, [broken]), holder, presentationProof);
      await talk.refusesPresentation(verifier, wire, 'a good presentation of a credential that was changed');
    },
  },
};

function freshId(): string {
  return `urn:uuid:${crypto.randomUUID()}`;
}

/** 3.8.1 on verifiers that answer 200 whatever they found. */
function verifiedTest(make: (talk: Conversation) => Promise<Document>, verified: boolean, what: string): Test {
  return {
    lacks: (target) => (tells200(target) ? undefined : 'the target declares no verifier that answers 200 to a failure'),
    async run(talk) {
      const verifier = talk.target.verifiers.find(({ style }) => style === '200');
      if (!verifier) return;
      const control = await talk.post(verifier.url, { verifiableCredential: (await goodCredential(talk)).wire });
      talk.expect(!isRefusal(control), 'the control was refused');
      const { wire } = await goodCredential(talk);
      const other = await talk.post(verifier.url, {
        verifiableCredential: { ...wire, name: 'Added', id: 'urn:changed' },
      });
      talk.expect(told(other)['verified'] === false, 'a changed credential was verified');
      const reply = await talk.post(verifier.url, { verifiableCredential: await make(talk) });
      talk.expect(reply.status === 200, `${what} must be answered 200, was answered ${reply.status}`);
      talk.expect(told(reply)['verified'] === verified, `${what}: verified must be ${verified}`);
    },
  };
}
