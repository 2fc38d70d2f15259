import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeNewFile } from '../../src/store/new-file.js';

describe('a new file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'staff-passport-new-file-'));
  const file = join(folder, 'key');
  afterAll(() => rmSync(folder, { recursive: true }));

  test('is written whole, for its owner alone, also where an earlier attempt was cut off', () => {
    writeFileSync(`${file}.new`, 'half', { mode: 0o400 });
    writeNewFile(file, 'whole', 0o400);
    expect(readFileSync(file, 'utf8')).toBe('whole');
    expect(statSync(file).mode & 0o777).toBe(0o400);
    expect(readdirSync(folder)).toEqual(['key']);
  });

  test('never replaces one that is there', () => {
    expect(() => writeNewFile(file, 'another', 0o600)).toThrow('EEXIST');
    expect(readFileSync(file, 'utf8')).toBe('whole');
    expect(readdirSync(folder)).toEqual(['key']);
  });
});
