import { linkSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Writes a file that must not be there yet. It gets its name only when it is whole and on disk: whoever is killed in
 * between leaves no half of a key that would be taken for one, and nobody's file is ever replaced (EEXIST).
 */
export function writeNewFile(file: string, content: string, mode: number): void {
  const unfinished = `${file}.new`;
  try {
    rmSync(unfinished, { force: true });
    writeFileSync(unfinished, content, { flag: 'wx', mode, flush: true });
    linkSync(unfinished, file);
  } finally {
    rmSync(unfinished, { force: true });
  }
}
