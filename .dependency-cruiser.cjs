// The rules of the house (docs/architecture.md). test/house proves that each of them goes red, and only it.
// Types count: the parser is swc, which reads TypeScript before anything is erased from it.

const ranks = [
  ['http', 'store', 'jose'],
  ['audit', 'access', 'wallet'],
  ['identity'],
  ['credential'],
  ['status', 'registry'],
  ['issuance', 'verification'],
  ['staff', 'readiness', 'instances'],
  ['portal'],
];
const open = ['http', 'store', 'jose'];
const rootFile = '(json|errors|config|plugins|app|main)\\.ts$';
const rankZero = '^src/(json|errors|config)\\.ts$';
// A worker is named by URL, not imported; .d.ts files are read by the compiler alone.
const entry = '^src/(main|plugins)\\.ts$|-worker\\.ts$';
const drawer = '(utils?|helpers?|common|shared|misc|managers?|handlers?)';

/** A file of a slice or of a room in it; two patterns, for one with a group that may be absent counts as unsafe. */
const inSliceOrRoom = (name) => [`^src/[^/]+/${name}\\.ts$`, `^src/[^/]+/[^/]+/${name}\\.ts$`];
const anyOf = (names) => `(${names.join('|')})`;
const library = (name) => `(^|/)node_modules/${name}/|^${name}(/|$)`;

const network = '^(node:)?(http|https|http2|net|tls|dgram|dns)(/|$)';
const clientLibraries = library('(undici|axios|got|ws|node-fetch|cross-fetch|follow-redirects)');

/** Who may be imported by whom, rank by rank: what is strictly below, never a neighbour. */
const rankRules = ranks.flatMap((slices, index) => {
  const above = ranks.slice(index + 1).flat();
  return [
    {
      name: 'no-import-from-above',
      comment: 'Imports go down the ranks. What is wanted from above is a missing argument.',
      from: { path: `^src/${anyOf(slices)}/` },
      to: {
        path: `^src/(${[...above.map((slice) => `${slice}/`), '(plugins|app|main)\\.ts$', 'commands/'].join('|')})`,
      },
    },
    {
      name: 'no-import-from-the-same-rank',
      comment: 'Slices of one rank do not know each other.',
      from: { path: `^src/(${slices.join('|')})/` },
      to: { path: `^src/${anyOf(slices)}/`, pathNot: '^src/$1/' },
    },
  ];
});

const shapeRules = [
  {
    name: 'no-import-from-above',
    comment: 'json.ts, errors.ts and config.ts are below everything.',
    from: { path: rankZero },
    to: { path: '^src/', pathNot: rankZero },
  },
  {
    name: 'every-slice-has-a-rank',
    comment: 'A new folder or root file first gets its rank in this file.',
    from: {},
    to: { path: '^src/', pathNot: `^src/(${rootFile}|commands/|${anyOf(ranks.flat())}/)` },
  },
  {
    name: 'only-the-contract-file',
    comment: 'Across slices only <slice>/<slice>.ts is public; http/, store/ and jose/ are open.',
    from: { path: '^src/([^/]+)', pathNot: '^src/plugins\\.ts$' },
    to: {
      path: `^src/(?!(${open.join('|')}|commands)/)([^/]+)/(?!\\2\\.ts$)`,
      pathNot: ['^src/$1/', ...inSliceOrRoom('routes')],
    },
  },
  {
    name: 'only-the-contract-file',
    comment:
      'plugins.ts shows the classes of the agent to agent.yml; they live in these two slices, behind their contracts.',
    from: { path: '^src/plugins\\.ts$' },
    to: { path: '^src/[^/]+/', pathNot: '^src/(identity|credential|http|store|jose)/' },
  },
  {
    name: 'routes-only-in-app',
    comment: 'Which routes exist is decided in app.ts alone.',
    from: { path: '^(src|scripts)/', pathNot: '^src/app\\.ts$' },
    to: { path: inSliceOrRoom('routes') },
  },
  {
    name: 'app-only-in-main',
    comment: 'app.ts is the composition root: the command line starts it, tests start it, nothing else.',
    from: { path: '^(src|scripts)/', pathNot: '^src/(main\\.ts$|commands/)' },
    to: { path: '^src/app\\.ts$' },
  },
  {
    name: 'the-demo-is-a-stranger',
    comment: 'scripts/demo changes state only through public APIs (decisions.md 20).',
    from: { path: '^scripts/demo/' },
    to: { path: '^src/' },
  },
  {
    name: 'src-stands-alone',
    comment: 'The product needs neither its tests nor its scripts.',
    from: { path: '^src/' },
    to: { path: '^(test|scripts)/' },
  },
];

const libraryRules = [
  {
    name: 'typeorm-only-in-stores',
    comment: 'Tables are private to store/ and to the store.ts of their slice or of a room in it.',
    from: { path: '^src/', pathNot: ['^src/store/', ...inSliceOrRoom('store')] },
    to: { path: library('typeorm') },
  },
  {
    name: 'veramo-only-in-identity-and-credential',
    comment: 'The rest of the house speaks to the agent through these two contracts.',
    from: { path: '^src/', pathNot: '^src/(identity|credential)/' },
    to: { path: library('@veramo') },
  },
  {
    name: 'fastify-only-at-the-edge',
    comment: 'Only http/, routes.ts and portal/ know the web framework.',
    from: { path: '^src/', pathNot: ['^src/(http|portal)/', ...inSliceOrRoom('routes')] },
    to: { path: library('(fastify|@fastify)') },
  },
  {
    name: 'network-only-through-the-client',
    comment: 'One way out, guarded at connect time: http/client.ts. Biome refuses the global fetch elsewhere.',
    from: { path: '^src/', pathNot: '^src/http/(client|server)\\.ts$' },
    to: { path: [network, clientLibraries] },
  },
  {
    name: 'network-only-through-the-client',
    comment: 'The server side names the types of node:http and node:net; Biome sees to it that it names no more.',
    from: { path: '^src/http/server\\.ts$' },
    to: { path: [network, clientLibraries], pathNot: '^(node:)?(http|net)$' },
  },
  {
    name: 'no-undeclared-dependency',
    comment: 'What is imported stands in package.json, and what the product imports stands in its dependencies.',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev'] },
  },
];

const graphRules = [
  { name: 'no-cycles', comment: 'Also not through types.', from: {}, to: { circular: true } },
  {
    name: 'no-orphans',
    comment: 'Every file of src/ is reached from the command line or from the plugins.',
    from: { path: entry },
    to: { path: '^src/', pathNot: ['\\.d\\.ts$', entry], reachable: false },
  },
  {
    name: 'no-unresolvable-import',
    comment: 'An import that leads nowhere is checked by no other rule.',
    from: {},
    to: { couldNotResolve: true },
  },
  {
    name: 'no-drawers',
    comment: 'Name the concept: a drawer called utils collects what nobody owns.',
    from: {},
    to: { path: `^(src|test|scripts)/(.*[/-]|)${drawer}([./]|$)` },
  },
];

module.exports = {
  forbidden: [...rankRules, ...shapeRules, ...libraryRules, ...graphRules].map((rule) => ({
    severity: 'error',
    ...rule,
  })),
  options: {
    parser: 'swc',
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^test/fixtures/|^test/wallets/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.mts', '.js', '.mjs', '.cjs', '.json', '.d.ts'],
    },
  },
};
