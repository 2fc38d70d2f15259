/** Writes schemas/<Type>/v1.json and contexts/<Type>/v1.json from the source beside this file: `npx tsx scripts/catalogue/write.ts`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from './generate.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
for (const [path, text] of generatedFiles()) {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
