import { resolve } from 'node:path';
import { mergePatch, parseServiceConfig, readConfigTree } from '../../src/config.js';
import { createInstances, type IssuerDependencies } from '../../src/instances/instances.js';

const root = resolve(import.meta.dirname, '../..');
const production = readConfigTree(resolve(root, 'agents/production.yml'));
const loopback = readConfigTree(resolve(root, 'agents/rxa.yml'));

const issuer = { name: 'one', kinds: ['issuer'], format: 'vc+jwt' };
const verifier = { name: 'one', kinds: ['verifier'] };

function parse(tree: object, instances: readonly object[], more: object = {}) {
  return parseServiceConfig(mergePatch(tree, { service: { ...more, instances } }) as Record<string, unknown>, root);
}

function faultsOf(tree: object, instances: readonly object[], more?: object): string[] {
  try {
    parse(tree, instances, more);
    return [];
  } catch (error) {
    return (error as { faults: { path: string }[] }).faults.map(({ path }) => path.replace('/service/', ''));
  }
}

describe('instances in a deployment file', () => {
  test('are none unless it says so, and everything that is left out is the strict choice', () => {
    expect(parse(production, []).instances).toEqual([]);
    expect(parse(production, [issuer]).instances[0]).toEqual({
      ...issuer,
      did: 'organisation',
      catalogue: 'closed',
      mandatoryPointers: [],
      statusPurposes: [],
      existingProof: 'error',
      failedVerification: 200,
      proofGraceSeconds: 0,
      open: false,
    });
  });

  test('issue outside the catalogue, or without a token, on loopback only', () => {
    const open = { ...issuer, did: 'key', catalogue: 'open' };
    expect(faultsOf(production, [open])).toEqual(['instances/0/catalogue']);
    expect(faultsOf(production, [{ ...issuer, open: true }])).toEqual(['instances/0/open']);
    expect(faultsOf(production, [{ name: 'one', kinds: ['deriver'], open: true }])).toEqual(['instances/0/open']);
    expect(faultsOf(production, [{ ...verifier, open: true }])).toEqual([]);
    expect(faultsOf(loopback, [{ ...open, open: true }])).toEqual([]);
  });

  test('a certificate of its own making is for loopback only', () => {
    expect(faultsOf(production, [], { tls: { mode: 'selfSigned' } })).toEqual(['tls/mode']);
  });

  test.each<[string, object, string[]]>([
    ['has a format when it issues', { name: 'one', kinds: ['issuer'] }, ['format']],
    ['issues the catalogue in the name of the organisation', { ...issuer, did: 'key' }, ['did']],
    ['has the status entries of the catalogue', { ...issuer, statusPurposes: ['revocation'] }, ['statusPurposes']],
    ['takes no proof into the catalogue', { ...issuer, existingProof: 'set' }, ['existingProof']],
    ['changes the status of what it issued', { name: 'one', kinds: ['status'] }, ['kinds']],
    ['knows no other kind', { name: 'one', kinds: ['holder'] }, ['kinds/0']],
    ['has a name that fits into an address', { ...verifier, name: '../x' }, ['name']],
    ['has no other setting', { ...verifier, secret: 'x' }, ['secret']],
    ['answers a failure by 200 or 400', { ...verifier, failedVerification: 500 }, ['failedVerification']],
    ['gives a proof five minutes at most', { ...verifier, proofGraceSeconds: 301 }, ['proofGraceSeconds']],
  ])('each %s', (_what, instance, paths) => {
    expect(faultsOf(loopback, [instance])).toEqual(paths.map((path) => `instances/0/${path}`));
  });

  test('have different names and the roles of their deployment', () => {
    expect(faultsOf(loopback, [issuer, { ...verifier }])).toEqual(['instances/1/name']);
    expect(faultsOf(loopback, [issuer], { roles: ['verifier'] })).toEqual(['instances/0/kinds']);
    expect(faultsOf(loopback, [verifier], { roles: ['issuer'] })).toEqual(['instances/0/kinds']);
  });

  test('add no status to what others have signed already', () => {
    const open = { ...issuer, catalogue: 'open', format: 'eddsa-rdfc-2022', existingProof: 'chain' };
    expect(faultsOf(loopback, [open])).toEqual([]);
    expect(faultsOf(loopback, [{ ...open, statusPurposes: ['revocation'] }])).toEqual(['instances/0/existingProof']);
  });

  test.each([
    ['a format that is not spoken', { ...issuer, format: 'vc+magic' }, /must be one of vc\+jwt/],
    ['a name that every object has', { ...issuer, format: 'constructor' }, /must be one of/],
    [
      'an algorithm of another format',
      { ...issuer, format: 'eddsa-rdfc-2022', algorithm: 'ES256' },
      /signed with EdDSA/,
    ],
    ['a further proof in a token', { ...issuer, catalogue: 'open', existingProof: 'set' }, /beside no other proof/],
    [
      'a further proof beside one that is only for its holder',
      { ...issuer, catalogue: 'open', format: 'ecdsa-sd-2023', existingProof: 'chain' },
      /beside no other proof/,
    ],
  ])('are refused at the start for %s', async (_what, instance, message) => {
    const { instances } = parse(loopback, [instance]);
    const made = createInstances(instances, {} as IssuerDependencies);
    await expect(made).rejects.toMatchObject({ code: 'configuration', message: expect.stringMatching(message) });
  });
});
