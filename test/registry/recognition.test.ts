import { buildList, readList, type Snapshot } from '../../src/registry/list-document.js';
import { listPageBody, listPageModel } from '../../src/registry/list-page.js';
import { recogniseIssuer } from '../../src/registry/recognition.js';
import { createListTrust, type Organisation, readOrganisationsFile } from '../../src/registry/registry.js';
import { beginningAt, endAt } from '../../src/registry/times.js';
import { createView, hold, type RegistryView } from '../../src/registry/view.js';

const did = 'did:web:rxa.example';
const type = 'DbsCheckCredential';
const at = (time: string) => new Date(`2026-11-21T${time}Z`);

function organisation(changes: Partial<Organisation> = {}): Organisation {
  const [read] = readOrganisationsFile({
    organisations: [
      {
        odsCode: 'RXA',
        name: 'Ambleford Teaching Hospitals',
        kind: 'nhs-trust',
        dids: [{ did }],
        issue: [{ type, from: '2026-01-01T00:00:00Z' }],
        ...withoutStatus(changes),
      },
    ],
  }).organisations;
  if (!read) throw new Error('no organisation');
  return read;
}

function withoutStatus({ status: _status, ...rest }: Partial<Organisation>) {
  return rest;
}

function snapshotOf(...organisations: Organisation[]): Snapshot {
  return { sequence: 3, issued: '2026-11-21T08:00:00Z', nextUpdate: '2026-11-21T18:00:00Z', organisations };
}

function viewOf(now: Date, ...organisations: Organisation[]): RegistryView {
  const held = hold(snapshotOf(...organisations), at('08:00:00'));
  return createView({ held: () => held, problem: () => undefined, now: () => now, maxOfflineSeconds: 86_400 });
}

/** What is said at `now` about a credential that was issued at `issued`. */
function verdict(issued: string, now: string, changes: Partial<Organisation> = {}, credentialType = type) {
  const view = viewOf(at(now), organisation(changes));
  return recogniseIssuer(view, did, credentialType, { issuedAt: at(issued), now: at(now) });
}

describe('an issuer without suspensions', () => {
  test('is recognised for the types and times that the registry lists', () => {
    expect(verdict('09:00:00', '10:00:00')).toEqual({
      outcome: 'recognised',
      code: 'issuer_recognised',
      detail: expect.any(String),
      organisation: { name: 'Ambleford Teaching Hospitals', odsCode: 'RXA' },
    });
    expect(verdict('09:00:00', '10:00:00', {}, 'CoreSkillCredential').code).toBe('issuer_not_authorised_for_type');
    const view = viewOf(at('10:00:00'), organisation());
    const times = { issuedAt: at('09:00:00'), now: at('10:00:00') };
    expect(recogniseIssuer(view, 'did:web:rxa.example:other', type, times).code).toBe('issuer_not_listed');
    expect(recogniseIssuer(view, 'did:web:RXA.example', type, times).code).toBe('issuer_not_listed');
  });

  test.each([
    ['08:59:59', 'issuer_not_authorised_for_type'],
    ['09:00:00', 'issuer_authorisation_ended_notice'],
    ['09:59:59', 'issuer_authorisation_ended_notice'],
    ['10:00:00', 'issuer_not_authorised_for_type'],
  ])('within a window that ended, issued at %s', (issued, code) => {
    const issue = [{ type, from: '2026-11-21T09:00:00Z', until: '2026-11-21T10:00:00Z' }];
    expect(verdict(issued, '12:00:00', { issue }).code).toBe(code);
  });

  test('is recognised under a DID only while it used it', () => {
    const dids = [{ did, validFrom: '2026-11-21T09:00:00Z', validTo: '2026-11-21T10:00:00Z' }];
    expect(verdict('08:00:00', '09:30:00', { dids }).code).toBe('issuer_did_not_in_use');
    expect(verdict('09:10:00', '09:30:00', { dids }).code).toBe('issuer_recognised');
    expect(verdict('10:10:00', '11:30:00', { dids }).code).toBe('issuer_did_not_in_use');
    expect(verdict('09:10:00', '11:30:00', { dids })).toMatchObject({
      outcome: 'recognised',
      notice: expect.any(String),
    });
  });

  test('keeps what it issued before it left in good standing', () => {
    const gone = { withdrawnFrom: '2026-11-21T10:00:00Z' };
    expect(verdict('09:00:00', '11:00:00', gone)).toMatchObject({
      outcome: 'recognised',
      code: 'issuer_withdrawn_notice',
    });
    expect(verdict('10:00:00', '11:00:00', gone)).toMatchObject({
      outcome: 'not_recognised',
      code: 'issuer_withdrawn',
    });
  });

  test('may be bound to certain keys', () => {
    const keyThumbprints = ['A'.repeat(43)];
    const view = viewOf(at('10:00:00'), organisation({ dids: [{ did, keyThumbprints }] }));
    expect(view.acceptsKey(did, 'A'.repeat(43))).toBe(true);
    expect(view.acceptsKey(did, 'B'.repeat(43))).toBe(false);
    expect(viewOf(at('10:00:00'), organisation()).acceptsKey(did, 'B'.repeat(43))).toBe(true);
    expect(view.acceptsKey('did:web:other.example', 'A'.repeat(43))).toBe(false);
  });
});

describe('the rule of two times', () => {
  const open = { suspensions: [{ from: '2026-11-21T10:00:00Z' }] };
  const closed = { suspensions: [{ from: '2026-11-21T10:00:00Z', until: '2026-11-21T11:00:00Z' }] };

  test.each([
    // issued, now, suspensions, answer
    ['09:00:00', '10:30:00', open, 'issuer_suspended'],
    ['10:15:00', '10:30:00', open, 'issuer_suspended'],
    ['09:00:00', '10:30:00', closed, 'issuer_suspended'],
    ['09:00:00', '12:00:00', closed, 'issuer_reinstated_notice'],
    ['09:59:59', '11:00:00', closed, 'issuer_reinstated_notice'],
    ['10:00:00', '11:00:00', closed, 'issuer_suspended_when_issued'],
    ['10:59:59', '12:00:00', closed, 'issuer_suspended_when_issued'],
    ['11:00:00', '12:00:00', closed, 'issuer_recognised'],
  ])('issued at %s, asked at %s', (issued, now, suspensions, code) => {
    const recognition = verdict(issued, now, suspensions);
    expect(recognition.code).toBe(code);
    expect(recognition.notice !== undefined).toBe(code.endsWith('_notice'));
  });

  test('a suspension that has reached us counts, though our clock is up to a minute behind', () => {
    expect(verdict('09:00:00', '09:59:01', open).code).toBe('issuer_suspended');
    expect(verdict('09:00:00', '09:58:59', open).code).toBe('issuer_recognised');
  });

  test('a second suspension invalidates again what a first one had left valid', () => {
    const twice = { suspensions: [...closed.suspensions, { from: '2026-11-21T13:00:00Z' }] };
    expect(verdict('09:00:00', '12:00:00', twice).code).toBe('issuer_reinstated_notice');
    expect(verdict('09:00:00', '13:00:00', twice).code).toBe('issuer_suspended');
  });

  test('beginnings are rounded down and ends up, to whole seconds', () => {
    expect(beginningAt(at('10:00:00.999'))).toBe('2026-11-21T10:00:00Z');
    expect(endAt(at('10:00:00.001'))).toBe('2026-11-21T10:00:01Z');
    expect(endAt(at('10:00:00.000'))).toBe('2026-11-21T10:00:00Z');
  });
});

describe('a copy of the registry', () => {
  const times = { issuedAt: at('09:00:00'), now: at('10:00:00') };

  test('that is absent, stale or expired recognises nobody and refuses nobody, whatever it says', () => {
    const held = hold(snapshotOf(organisation()), at('08:00:00'));
    const view = (now: Date, maxOfflineSeconds: number, present = true) =>
      createView({
        held: () => (present ? held : undefined),
        problem: () => undefined,
        now: () => now,
        maxOfflineSeconds,
      });
    const cases: [RegistryView, Date, string, string][] = [
      [view(at('10:00:00'), 86_400, false), at('10:00:00'), 'registry_absent', 'absent'],
      [view(at('18:00:00'), 86_400), at('18:00:00'), 'registry_stale', 'stale'],
      [view(at('10:00:00'), 7199), at('10:00:00'), 'registry_expired', 'expired'],
      [view(at('17:59:59'), 86_400), at('17:59:59'), 'issuer_recognised', 'fresh'],
    ];
    for (const [copy, now, code, freshness] of cases) {
      const known = recogniseIssuer(copy, did, type, { ...times, now });
      expect([known.code, copy.state(now).freshness]).toEqual([code, freshness]);
      if (code === 'issuer_recognised') continue;
      expect(known.outcome).toBe('indeterminate');
      expect(recogniseIssuer(copy, 'did:web:nobody.example', type, { ...times, now }).outcome).toBe('indeterminate');
    }
  });

  test('names the hosts that may be fetched from', () => {
    const dids = [{ did }, { did: 'did:web:localhost%3A8443:a:b' }, { did: 'did:key:z6Mk' }];
    const held = hold(snapshotOf(organisation({ dids })), at('08:00:00'), 'did:web:authority.example');
    const view = createView({
      held: () => held,
      problem: () => undefined,
      now: () => at('09:00:00'),
      maxOfflineSeconds: 1,
    });
    expect([...view.hosts()]).toEqual(['rxa.example', 'localhost:8443', 'authority.example']);
    expect([view.didsAt('rxa.example'), view.didsAt('localhost:8443')]).toEqual([
      [did],
      ['did:web:localhost%3A8443:a:b'],
    ]);
    expect(view.didsAt('authority.example')).toEqual([]);
  });

  test('lets status lists lie with their issuer, or with whom it recognises as an issuer of status lists', () => {
    const issue = [{ type: 'BitstringStatusListCredential', from: '2026-01-01T00:00:00Z' }];
    const bureau = organisation({ odsCode: 'BUR', dids: [{ did: 'did:web:bureau.example' }], issue });
    const colleague = organisation({ odsCode: 'RXB', dids: [{ did: 'did:web:rxb.example' }] });
    const own = organisation({ dids: [{ did }, { did: 'did:web:old.example' }] });
    const organisations = [own, colleague, bureau];
    const held = () => hold({ ...snapshotOf(own), organisations }, at('08:00:00'));
    const now = () => at('09:00:00');
    const view = createView({ held, problem: () => undefined, now, maxOfflineSeconds: 604_800 });
    const trust = createListTrust(view, now);
    const allowed = (host: string, issuer = did) => trust.mayFetch(`https://${host}/status-lists/a`, issuer);
    const hosts = ['rxa.example', 'old.example', 'bureau.example', 'rxb.example', 'evil.example', 'rxa.example:8443'];
    expect(hosts.filter((host) => allowed(host))).toEqual(['rxa.example', 'old.example', 'bureau.example']);
    expect(hosts.filter((host) => allowed(host, 'did:key:z6Mk'))).toEqual(['bureau.example']);
    expect([did, 'did:web:bureau.example', 'did:web:evil.example'].map(trust.speaksForOthers)).toEqual([
      false,
      true,
      false,
    ]);
    organisations[2] = { ...bureau, suspensions: [{ from: '2026-11-01T00:00:00Z' }] };
    expect([allowed('bureau.example'), trust.speaksForOthers('did:web:bureau.example')]).toEqual([false, false]);
  });
});

describe('the list', () => {
  const publisher = {
    did: 'did:web:authority.example',
    name: 'Governance Authority',
    odsCode: 'X26',
    publicUrl: 'https://authority.example',
    programmeBaseUrl: 'https://programme.example',
  };

  test('is a Recognized Entities credential, and everything it says survives the way', () => {
    const full = organisation({
      dids: [
        { did, validFrom: '2026-01-01T00:00:00Z' },
        { did: 'did:web:rxa.example:second', keyThumbprints: ['A'.repeat(43)] },
      ],
      issue: [
        { type, from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z' },
        { type: 'CoreSkillCredential', from: '2026-02-01T00:00:00Z' },
      ],
      suspensions: [{ from: '2026-03-01T00:00:00Z', until: '2026-03-02T00:00:00Z' }],
    });
    const other = organisation({
      odsCode: 'RXB',
      dids: [{ did: 'did:web:rxb.example' }],
      withdrawnFrom: '2026-06-01T00:00:00Z',
    });
    const list = buildList(publisher, snapshotOf(full, other));
    expect(list).toMatchObject({
      type: ['VerifiableCredential', 'RecognizedEntityCredential'],
      issuer: { id: publisher.did, type: 'RecognizedIssuer' },
      sequence: 3,
      validUntil: '2026-11-21T18:00:00Z',
      programmeBaseUrl: 'https://programme.example',
    });
    expect((list['credentialSubject'] as object[])[1]).toMatchObject({
      id: did,
      type: 'RecognizedEntity',
      odsCode: 'RXA',
      organisationStatus: 'active',
      recognizedTo: [
        {
          type: 'RecognizedAction',
          action: 'issue',
          recognizedBy: publisher.did,
          credentialType: type,
          outputValidation: [{ id: `https://programme.example/schemas/${type}/v1.json`, type: 'JsonSchema' }],
        },
        { credentialType: 'CoreSkillCredential' },
      ],
    });
    const read = readList(Buffer.from(JSON.stringify(list)));
    expect(read.organisations).toEqual([full, other]);
    expect(read).toMatchObject({ sequence: 3, issuer: publisher.did, programmeBaseUrl: 'https://programme.example' });
  });

  test('does not publish why somebody was suspended', () => {
    const suspended = organisation({ suspensions: [{ from: '2026-03-01T00:00:00Z', reason: 'a secret' }] });
    expect(JSON.stringify(buildList(publisher, snapshotOf(suspended)))).not.toContain('secret');
  });

  test('lets later issues add members, and passes over entities that are no organisations', () => {
    const list = buildList(publisher, snapshotOf(organisation()));
    const later = JSON.parse(JSON.stringify(list)) as { credentialSubject: Record<string, unknown>[] };
    for (const subject of later.credentialSubject) subject['newMember'] = { a: 1 };
    later.credentialSubject.push({ id: 'did:web:x.example', type: 'RecognizedEntity' });
    expect(readList(Buffer.from(JSON.stringify(later))).organisations).toEqual([organisation()]);
  });

  type Loose = Record<string, unknown> & { credentialSubject: Record<string, unknown>[] };
  const spoil: [string, (list: Loose) => void][] = [
    ['without sequence', (list) => void delete list['sequence']],
    ['with a sequence that is text', (list) => void Object.assign(list, { sequence: '3' })],
    ['with a time that does not exist', (list) => void Object.assign(list, { nextUpdate: '2026-02-30T00:00:00Z' })],
    ['with a local time', (list) => void Object.assign(list, { issued: '2026-02-01T00:00:00+01:00' })],
    [
      'with one DID in two organisations',
      (list) => void list.credentialSubject.push({ ...list.credentialSubject[1], odsCode: 'RXB' }),
    ],
    ['with an organisation without a name', (list) => void delete list.credentialSubject[1]?.['name']],
    ['with subjects that are no list', (list) => void Object.assign(list, { credentialSubject: { id: 'x' } })],
    ['of another type', (list) => void Object.assign(list, { type: ['VerifiableCredential'] })],
  ];
  test.each(spoil)('is refused %s', (_name, change) => {
    const list = JSON.parse(JSON.stringify(buildList(publisher, snapshotOf(organisation())))) as Loose;
    change(list);
    expect(() => readList(Buffer.from(JSON.stringify(list)))).toThrow('The list');
  });

  test('is refused when it is not strict JSON', () => {
    for (const text of ['', '{', '[]', '{"a":1,"a":2}', 'null'])
      expect(() => readList(Buffer.from(text))).toThrow('The list');
  });
});

describe('a file of organisations', () => {
  test('is refused with everything that is wrong with it', () => {
    const good = { odsCode: 'RXA', name: 'A', kind: 'nhs-trust', dids: [{ did }], issue: [] };
    const faultsOf = (value: unknown) => {
      try {
        readOrganisationsFile(value);
      } catch (error) {
        return (error as { faults: { path: string }[] }).faults.map((fault) => fault.path);
      }
      return [];
    };
    expect(faultsOf({ organisations: [good] })).toEqual([]);
    expect(
      faultsOf({
        organisations: [
          { ...good, odsCode: 'rxa', extra: 1, dids: [] },
          { ...good, name: '' },
        ],
        other: 1,
      }).sort(),
    ).toEqual([
      '/organisations/0/dids',
      '/organisations/0/extra',
      '/organisations/0/odsCode',
      '/organisations/1/name',
      '/other',
    ]);
    expect(faultsOf({ organisations: [good, { ...good, odsCode: 'RXB' }, good] })).toEqual([
      '/organisations/1',
      '/organisations/2',
      '/organisations/2',
    ]);
    const times = { ...good, issue: [{ type, from: '2026-02-02T00:00:00Z', until: '2026-02-01T00:00:00Z' }] };
    expect(faultsOf({ organisations: [{ ...times, withdrawnFrom: '2026-02-30T00:00:00Z' }] })).toEqual([
      '/organisations/0/issue/0',
      '/organisations/0/withdrawnFrom',
    ]);
    for (const value of [null, [], 1, {}]) expect(faultsOf(value)).not.toEqual([]);
  });
});

describe('the page', () => {
  test('says in words who may issue what, and since when somebody may not', () => {
    const suspended = organisation({
      odsCode: 'RXB',
      name: 'B <script>',
      dids: [{ did: 'did:web:b.example' }],
      suspensions: [{ from: '2026-11-21T09:30:00Z' }],
    });
    const model = listPageModel(
      snapshotOf(
        suspended,
        organisation({
          issue: [
            { type, from: '2026-01-01T00:00:00Z' },
            { type: 'CoreSkillCredential', from: '2026-01-01T00:00:00Z', until: '2027-01-01T00:00:00Z' },
          ],
        }),
      ),
    );
    expect(model.summary).toBe(
      'List number 3, issued 21 November 2026 at 08:00 UTC. The next one follows by 21 November 2026 at 18:00 UTC.',
    );
    expect(model.rows).toEqual([
      {
        name: 'Ambleford Teaching Hospitals',
        odsCode: 'RXA',
        status: 'Recognised',
        tone: 'good',
        types: 'DBS check, Core skill (until 1 January 2027 at 00:00 UTC)',
      },
      {
        name: 'B <script>',
        odsCode: 'RXB',
        status: 'Suspended since 21 November 2026 at 09:30 UTC',
        tone: 'bad',
        types: 'DBS check',
      },
    ]);
    const body = listPageBody(model, '');
    expect(body).toContain('B &#60;script&#62;');
    expect(body).not.toContain('<script>');
    expect(listPageBody(listPageModel(undefined), '')).toContain('not been published');
  });
});
