// SPDX-License-Identifier: GPL-2.0-only
import js from '@eslint/js';
import nx from '@nx/eslint-plugin';
import tseslint from 'typescript-eslint';

/** What everything that does IO stands on: words of the API, of the machine it runs on, of the domain. */
const below = ['layer:contract', 'layer:platform', 'layer:domain'];

/** What a layer may import; tags are the folders (tools/repo-rules checks that they are). */
const layers = [
  { sourceTag: 'layer:app', onlyDependOnLibsWithTags: ['layer:service', 'layer:io', ...below] },
  { sourceTag: 'layer:service', onlyDependOnLibsWithTags: ['layer:io', ...below] },
  { sourceTag: 'layer:io', onlyDependOnLibsWithTags: below },
  { sourceTag: 'layer:platform', onlyDependOnLibsWithTags: ['layer:platform', 'layer:domain'] },
  { sourceTag: 'layer:contract', onlyDependOnLibsWithTags: ['layer:contract', 'layer:domain'] },
  { sourceTag: 'layer:domain', onlyDependOnLibsWithTags: ['layer:domain'] },
  {
    sourceTag: 'layer:testing',
    onlyDependOnLibsWithTags: ['layer:testing', 'layer:service', 'layer:io', ...below],
  },
  { sourceTag: 'runs-in:any', onlyDependOnLibsWithTags: ['runs-in:any'] },
  { sourceTag: 'runs-in:node', onlyDependOnLibsWithTags: ['runs-in:any', 'runs-in:node'] },
  { sourceTag: 'runs-in:browser', onlyDependOnLibsWithTags: ['runs-in:any', 'runs-in:browser'] },
];

const boundaries = (depConstraints, allow = []) => ({
  plugins: { '@nx': nx },
  rules: {
    '@nx/enforce-module-boundaries': ['error', { enforceBuildableLibDependency: false, allow, depConstraints }],
  },
});

/** Tests, and they alone, also import what is there for testing. */
const layersInTests = layers.map((layer) => ({
  ...layer,
  onlyDependOnLibsWithTags: layer.sourceTag.startsWith('layer:')
    ? [...layer.onlyDependOnLibsWithTags, 'layer:testing']
    : layer.onlyDependOnLibsWithTags,
}));

/** One outside system each: who alone may import a package. */
const soleImporters = [
  { package: 'bullmq', folders: ['libs/io/job-queue'] },
  { package: 'ioredis', folders: ['libs/io/job-queue'] },
  { package: '@prisma/client', folders: ['libs/io/database'] },
  { package: '@prisma/adapter-pg', folders: ['libs/io/database'] },
  { package: 'openid-client', folders: ['libs/io/identity-provider'] },
  { package: 'prom-client', folders: ['libs/io/monitoring-port'] },
  ...['api', 'sdk-trace-base', 'context-async-hooks', 'resources', 'exporter-trace-otlp-http'].map((name) => ({
    ...{ package: `@opentelemetry/${name}`, folders: ['libs/platform/tracing'] },
  })),
  // The queue may be kept in PostgreSQL, and asks it for the time; benchmarks count the server's statements, tests fill it.
  {
    package: 'pg',
    folders: [
      'libs/io/database',
      'libs/io/job-queue',
      'libs/testing/local-postgres',
      'tools/bench-database',
      'tools/bench-fleet',
    ],
  },
];

const restrictedFor = (folder) => ({
  paths: soleImporters
    .filter(({ folders }) => !folders.includes(folder))
    .map((rule) => ({ name: rule.package, message: `Only ${rule.folders.join(' and ')} talk to ${rule.package}.` })),
});

/** A route's signature tells what it can touch. */
const wholes = [
  { name: '../services', importNames: ['Services'], message: 'A route takes what it uses: Uses<...>.' },
  { name: '@lockstep/io/database', importNames: ['Database'], message: 'Name the stores: Stores<...>.' },
];

/**
 * Where the time of day is meant: stamps that people read, rows and files that outlive this process, certificates.
 * All that waits or measures takes performance.now(): the time of day jumps when a host's clock is set.
 */
const tellsTheTime = [
  'libs/services/node-agent/{logger,time-of-day,certificate-renewal}.ts',
  'libs/services/control-plane/{agents/{log-heads,recent-switches},events/node-watch,routes/get-census}.ts',
  'libs/services/control-plane/agents/known-nodes.ts',
  'libs/services/control-plane/rollouts/rollout-executor.ts',
  'libs/services/control-plane/jobs/artifact-evictor.ts',
  'libs/services/control-plane/monitoring/open-monitoring.ts',
  'libs/services/control-plane/access/{known-tokens,admin-token,identify,people-sign-in}.ts',
  'libs/services/control-plane/{control-plane,control-plane-module,events/{webhook-sender,event-deriver}}.ts',
  'libs/services/control-plane/views/{schedule,rollout}-view.ts',
  'apps/cli/{commands/{add-freeze,verify-order},views/node-view}.ts',
  'libs/services/node-agent/test-control-plane.ts',
  'tools/story/rollout-chapters.ts',
  'libs/io/job-queue/delivery-queue.ts',
  'libs/services/control-plane/routes/{authorities,enrol,create-join-token,create-token,get-exposure,schedules,sessions}.ts',
  'libs/io/certificates/certificate-authority.ts',
  'libs/services/control-plane/campaigns/gather-campaign.ts',
  'libs/io/database/{campaigns,work,rollouts,kernel-builds,nodes,builds,webhooks}.ts',
  'libs/io/job-queue/{progress-reporter,running-job,job-worker}.ts',
  'libs/io/kernel-builder/builds/{registered-kernel,cached-kernels}.ts',
  'libs/io/artifact-store/folder-store.ts',
  'libs/testing/directory-kernel/directory-kernel.ts',
  'apps/console/time/now.ts',
];

const wallClock = 'The time of day jumps: measure with performance.now(), or add the file to tellsTheTime.';

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'node_modules/**',
      '.nx/**',
      'libs/contracts/generated/**',
      'libs/io/database/generated/**',
      'examples/**',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // A promise is waited for, or its failure is caught: `void` would only hide that nobody does.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      'no-void': 'error',
      // Nest writes option types as classes and takes literals.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      'no-restricted-imports': ['error', restrictedFor('')],
    },
  },
  {
    files: ['{apps,libs,tools}/**/*.{ts,tsx,mjs}'],
    ignores: ['**/*.test.ts', '**/tests/**', ...tellsTheTime],
    languageOptions: { globals: { performance: 'readonly' } },
    rules: {
      'no-restricted-properties': ['error', { object: 'Date', property: 'now', message: wallClock }],
      'no-restricted-syntax': [
        'error',
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: wallClock },
      ],
    },
  },
  { files: ['apps/**/*.ts', 'libs/**/*.ts'], ...boundaries(layers) },
  // Of the contracts a browser needs no more than the types of the HTTP API.
  {
    files: ['apps/console/**/*.{ts,tsx}'],
    ignores: ['**/tests/**'],
    ...boundaries(layers, ['@lockstep/contracts/generated/http-api']),
  },
  { files: ['{apps,libs}/**/*.test.ts', '{apps,libs}/**/tests/**/*.ts'], ...boundaries(layersInTests) },
  // The tests of the console run beside its browser.
  {
    files: ['apps/console/tests/**/*.ts'],
    ...boundaries(layersInTests.filter(({ sourceTag }) => sourceTag !== 'runs-in:browser')),
  },
  ...[...new Set(soleImporters.flatMap(({ folders }) => folders))].map((folder) => ({
    files: [`${folder}/**/*.ts`],
    rules: { 'no-restricted-imports': ['error', restrictedFor(folder)] },
  })),
  {
    files: ['libs/services/control-plane/{routes,views}/*.ts'],
    rules: { 'no-restricted-imports': ['error', { paths: [...restrictedFor('').paths, ...wholes] }] },
  },
  {
    // Pure: no IO, no clock, no randomness, no npm packages.
    files: ['libs/domain/**/*.ts'],
    ignores: ['**/*.test.ts', '**/test-*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^(?!\\.|@lockstep/domain/)', message: 'The domain imports only the domain.' }] },
      ],
      'no-restricted-globals': [
        'error',
        ...[
          'process',
          'Buffer',
          'console',
          'fetch',
          'performance',
          'crypto',
          'setTimeout',
          'setInterval',
          'setImmediate',
        ].map((name) => ({ name, message: 'The domain is pure: pass it in.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'The domain is pure: pass randomness in.' },
        { object: 'Date', property: 'now', message: 'The domain is pure: pass time in.' },
      ],
      'no-restricted-syntax': [
        'error',
        {
          selector: "NewExpression[callee.name='Date'][arguments.length=0]",
          message: 'The domain is pure: pass time in.',
        },
      ],
    },
  },
  {
    files: ['**/*.test.ts', '**/tests/**/*.ts', 'libs/testing/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['**/*.mjs'], ...tseslint.configs.disableTypeChecked },
  { files: ['**/*.mjs'], languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } } },
);
