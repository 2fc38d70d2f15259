// Native packages name one optional package per platform. A registry mirror that carries only some of them makes npm
// leave the others out of package-lock.json, and then `npm ci` refuses the file as out of step with package.json.
// This adds what is missing, with platform and version but without an integrity value, which only npm's own registry
// could tell. Run it after `npm install`; a file that is complete stays as it is.
import { readFileSync, writeFileSync } from 'node:fs';

const platforms = [
  'aix',
  'android',
  'darwin',
  'freebsd',
  'linux',
  'netbsd',
  'openbsd',
  'openharmony',
  'sunos',
  'win32',
];

/** Reads operating system, processor and C library out of a name such as core-linux-arm64-musl. */
function platformOf(name) {
  const os = platforms.find((platform) => name.includes(`-${platform}-`));
  const [cpu, variant = ''] = name.slice(name.indexOf(`-${os}-`) + `-${os}-`.length).split('-');
  if (os === undefined || cpu === undefined) throw new Error(`No platform in the name ${name}`);
  const libc = variant.startsWith('musl') ? 'musl' : variant.startsWith('gnu') ? 'glibc' : undefined;
  return { cpu: [cpu], ...(libc === undefined || os !== 'linux' ? {} : { libc: [libc] }), os: [os] };
}

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const added = [];
for (const [parent, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    if (lock.packages[path] !== undefined || lock.packages[`${parent}/${path}`] !== undefined) continue;
    if (!/^\d+\.\d+\.\d+[^ |]*$/.test(version)) throw new Error(`${name} has no exact version`);
    lock.packages[path] = { version, ...(entry.dev ? { dev: true } : {}), optional: true, ...platformOf(name) };
    added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)));
if (added.length > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added.length} platform packages added`);
