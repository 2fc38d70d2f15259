import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, type Json, JsonError, type JsonErrorCode, parseJson } from '../src/json.js';

function refusal(work: () => unknown): JsonErrorCode | 'accepted' {
  try {
    work();
  } catch (error) {
    if (error instanceof JsonError) return error.code;
    throw error;
  }
  return 'accepted';
}

const refused: Record<JsonErrorCode, readonly (string | Buffer)[]> = {
  syntax: [
    '',
    ' ',
    '{',
    '[1',
    '{"a":1',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{,}',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{"a":1 "b":2}',
    '{a:1}',
    "{'a':1}",
    '[1}',
    '{"a":1]',
    '1 2',
    '{}{}',
    'nul',
    'nulll',
    'True',
    'undefined',
    'NaN',
    'Infinity',
    '-',
    '01',
    '1.',
    '.5',
    '+1',
    '1e',
    '0x1',
    '"a',
    '"\\"',
    '"\\x"',
    '"\\u12g4"',
    '"a\nb"',
    '"\t"',
    '\u00a01',
    '\ufeff{}',
    '// comment\n1',
    Buffer.from([0xef, 0xbb, 0xbf, 0x31]),
    Buffer.from([0x22, 0xff, 0x22]),
    Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
  ],
  duplicate_key: [
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '[{"x":{"b":1,"c":{},"b":2}}]',
    '{"":1,"":2}',
    '{"constructor":1,"constructor":2}',
    '{"\\u00e9":1,"é":2}',
  ],
  too_deep: ['['.repeat(65), `${'['.repeat(65)}${']'.repeat(65)}`, '{"a":'.repeat(5000), '['.repeat(200_000)],
  too_many_keys: [
    `[${Array.from({ length: 10_001 }, () => '{"a":1}').join(',')}]`,
    `{${Array.from({ length: 10_001 }, (_, index) => `"${index}":1`).join(',')}}`,
  ],
  too_large: [`"${'a'.repeat(256 * 1024)}"`, `"${'é'.repeat(128 * 1024)}"`, Buffer.alloc(256 * 1024 + 1, 0x20)],
  lone_surrogate: ['"\\ud800"', '"\\udc00x"', '"\\udc00\\ud800"', '"\\ud83d \\ude00"', '{"\\ud800":1}', '"\ud800"'],
  unsafe_number: [
    '9007199254740993',
    '-9007199254740993',
    '12345678901234567890',
    '1e400',
    '-1e400',
    '1e-400',
    '-0',
    '-0.0',
    '-0e5',
    '[0, -0]',
    '333333333.33333329',
    '0.1000000000000000055511151231257827',
    `1.${'0'.repeat(400)}1`,
    `1e${'9'.repeat(5000)}`,
    `1e-${'9'.repeat(5000)}`,
  ],
  forbidden_key: ['{"__proto__":{"admin":true}}', '{"a":[{"\\u005f_proto__":1}]}'],
};

describe('strict JSON', () => {
  test.each(Object.entries(refused))('refuses as %s', (code, texts) => {
    for (const text of texts)
      expect([String(text).slice(0, 60), refusal(() => parseJson(text))]).toEqual([expect.anything(), code]);
  });

  test('agrees with JSON.parse about everything that it accepts', () => {
    const texts = [
      ' {"a" : [1, 2.5, -3e2, {"b":null}, [], {}, "", true, false] , "c":"d"}\r\n\t',
      '"\\u0041\\n\\"\\\\\\/\\ud83d\\ude00😀"',
      '{"toString":1,"hasOwnProperty":2,"constructor":3,"prototype":4}',
      '[[[[[[]]]]]]',
      '{"a":{"x":1},"b":{"x":1}}',
      `${'['.repeat(64)}${']'.repeat(64)}`,
      'null',
    ];
    for (const text of texts) {
      expect(parseJson(text)).toEqual(JSON.parse(text));
      expect(parseJson(Buffer.from(text))).toEqual(JSON.parse(text));
    }
  });

  test('takes every spelling of a number whose value survives', () => {
    const numbers = [
      '0',
      '0.0',
      '0e9',
      '9007199254740992',
      '-9007199254740991',
      '1E30',
      '4.50',
      '2e-3',
      '1e-27',
      '5e-324',
    ];
    const more = [
      '1.7976931348623157e308',
      '0.1',
      '100000000000000000000',
      '1.10',
      '10e-1',
      '1e+2',
      '123456789012345.000',
    ];
    for (const text of [...numbers, ...more, `1.${'0'.repeat(400)}`]) expect(parseJson(text)).toBe(Number(text));
  });

  test('takes other limits, and counts bytes rather than characters', () => {
    expect(refusal(() => parseJson('[[1]]', { maxDepth: 1 }))).toBe('too_deep');
    expect(refusal(() => parseJson('{"a":1,"b":2}', { maxKeys: 1 }))).toBe('too_many_keys');
    expect(refusal(() => parseJson('"éé"', { maxBytes: 5 }))).toBe('too_large');
    expect(parseJson('"éé"', { maxBytes: 6 })).toBe('éé');
  });

  test('takes time in proportion to the text, whatever the text', () => {
    const size = 250_000;
    const nasty = [
      `"${'\\u0061'.repeat(size / 6)}"`,
      `"${'\\\\'.repeat(size / 2)}`,
      '1'.repeat(size),
      `0.${'0'.repeat(size)}`,
      `1${'0'.repeat(size)}e-${'9'.repeat(10)}`,
      ' '.repeat(size),
      `[${'0,'.repeat(size / 2 - 1)}0]`,
      `{"${'a'.repeat(size)}`,
    ];
    for (const text of nasty) {
      const started = process.cpuUsage();
      refusal(() => parseJson(text));
      const { user, system } = process.cpuUsage(started);
      expect((user + system) / 1000).toBeLessThan(250);
    }
  });

  test('never quotes the text in an error', () => {
    const secret = 'QQ123456C';
    for (const text of [`{"${secret}":1,"${secret}":2}`, `[${secret}]`, `"${secret}`, `{"a":-0,"b":"${secret}"}`]) {
      expect(() => parseJson(text)).toThrow(expect.objectContaining({ message: expect.not.stringContaining(secret) }));
    }
  });
});

describe('canonical JSON (RFC 8785)', () => {
  test('sorts by UTF-16 code units, writes numbers as ECMAScript does and adds no space', () => {
    const value = parseJson(
      '{ "\\u20ac":1, "\\r":2, "1":3, "\\ud83d\\ude00":4, "\\ufb33":5, "z":[1E30, 4.50, 2e-3, 0.0] }',
    );
    expect(canonicalJson(value)).toBe('{"\\r":2,"1":3,"z":[1e+30,4.5,0.002,0],"€":1,"😀":4,"\ufb33":5}');
  });

  test('refuses what RFC 7493 does not allow, and what would vanish', () => {
    expect(refusal(() => canonicalJson('\ud800'))).toBe('lone_surrogate');
    expect(refusal(() => canonicalJson({ '\udc00': 1 }))).toBe('lone_surrogate');
    expect(refusal(() => canonicalJson(Number.NaN))).toBe('unsafe_number');
    expect(refusal(() => canonicalJson([Number.POSITIVE_INFINITY]))).toBe('unsafe_number');
    expect(refusal(() => canonicalJson({ a: undefined } as unknown as Json))).toBe('syntax');
    const deep = JSON.parse(`${'['.repeat(5000)}${']'.repeat(5000)}`) as Json;
    expect(refusal(() => canonicalJson(deep))).toBe('too_deep');
  });

  const vectors = process.env.VECTORS_DIR;
  const expectedVectors = 6;
  (vectors === undefined ? test.skip : test)(`reproduces the ${expectedVectors} published vectors`, () => {
    const folder = join(vectors ?? '', 'jcs');
    const names = readdirSync(join(folder, 'input'));
    for (const name of names) {
      // JSON.parse: the vectors contain numbers on purpose that the strict parser refuses.
      const value = JSON.parse(readFileSync(join(folder, 'input', name), 'utf8')) as Json;
      const hex = readFileSync(join(folder, 'outhex', name.replace('.json', '.txt')), 'utf8').replace(/\s/g, '');
      expect(Buffer.from(canonicalJson(value)).toString('hex')).toBe(hex);
    }
    expect(names.length).toBeGreaterThanOrEqual(expectedVectors);
  });
});
