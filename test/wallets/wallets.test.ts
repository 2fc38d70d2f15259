/** The programme of three organisations, and wallets that we did not write. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { exampleOf } from '../journeys/client.js';
import { presentingWithCredo } from './credo/presenting.js';
import { receivingWithCredo } from './credo/receiving.js';
import { CredoWallet } from './credo/wallet.js';
import { authorityFile, openProgramme, type Programme } from './programme.js';
import { presentingWithSphereon } from './sphereon/presenting.js';
import { receivingWithSphereon } from './sphereon/receiving.js';

let programme: Programme;
let credo: CredoWallet;
before(async () => {
  programme = await openProgramme();
  credo = await CredoWallet.open(authorityFile);
});
after(async () => {
  await credo?.close();
  await programme?.close();
});

/** A key of nobody: here only the issuer is looked at. */
const holderDid = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';

/** What a person who lives at a DID of her own is given. */
function credentialFor(type: string, holder: string): object {
  const example = exampleOf(type) as { credentialSubject: object };
  return { ...example, credentialSubject: { ...example.credentialSubject, id: holder } };
}

describe('three organisations over https with a private authority, at did:web with port and path', () => {
  for (const format of ['vc+jwt', 'eddsa-rdfc-2022', 'ecdsa-rdfc-2019', 'jwt_vc']) {
    test(`what one issues as ${format}, the other accepts`, async () => {
      const { rxa, rxb } = programme;
      const issued = await rxa.issue(credentialFor('CoreSkillCredential', holderDid), { format });
      assert.equal(issued.status, 201, issued.text);
      const { body } = await rxb.verify(issued.body.verifiableCredential);
      assert.equal(body.decision, 'valid', JSON.stringify(body.checks));
    });
  }
});

receivingWithCredo({ programme: () => programme, wallet: () => credo });
presentingWithCredo({ programme: () => programme, open: () => CredoWallet.open(authorityFile) });
receivingWithSphereon({ programme: () => programme });
presentingWithSphereon({ programme: () => programme });
