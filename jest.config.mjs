// SPDX-License-Identifier: GPL-2.0-only
const base = {
  testEnvironment: 'node',
  transform: { '^.+\\.tsx?$': '@swc/jest' },
  moduleNameMapper: {
    '^@lockstep/contracts/generated$': '<rootDir>/libs/contracts/generated/src/index.lockstep.v1.ts',
    '^@lockstep/contracts/generated/health$': '<rootDir>/libs/contracts/generated/src/index.grpc.health.v1.ts',
    '^@lockstep/contracts/generated/descriptors$': '<rootDir>/libs/contracts/generated/src/descriptors.json',
    '^@lockstep/(.*)$': '<rootDir>/libs/$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
  setupFilesAfterEnv: ['<rootDir>/tools/test-runner/patience.ts'],
};

/**
 * `unit` is quick and needs nothing but Node; `fleet` starts real PostgreSQL, Redis and processes; `kernel` boots QEMU. Not part
 * of `npm test`: `console` looks at the web console in a browser, and signs in by a real identity provider; `hostile` builds
 * diffs that want out of their sandbox; `monitoring` has Debian's Prometheus watch a control plane for three minutes; `make`
 * compiles most of a kernel again (patches through make, a kernel with other options); `replicas` kills and stops control planes
 * in turn; `shapes` builds patches in the shapes that people write, for the kernel in LOCKSTEP_KERNEL_SRC or Debian's, and runs
 * what can be built; `stock` fetches half a gigabyte of a
 * distribution's packages; `token` signs with a key on a PKCS#11 token (SoftHSM).
 */
export default {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/{apps,libs,tools}/**/*.test.ts'] },
    { ...base, displayName: 'fleet', testMatch: ['<rootDir>/{apps,libs}/**/tests/**/*.fleet.ts'] },
    { ...base, displayName: 'kernel', testMatch: ['<rootDir>/{apps,libs}/**/tests/**/*.kernel.ts'] },
    { ...base, displayName: 'replicas', testMatch: ['<rootDir>/libs/**/tests/**/*.replicas.ts'] },
    { ...base, displayName: 'monitoring', testMatch: ['<rootDir>/{apps,libs}/**/tests/**/*.monitoring.ts'] },
    { ...base, displayName: 'shapes', testMatch: ['<rootDir>/{apps,libs}/**/tests/**/*.shapes.ts'] },
    { ...base, displayName: 'make', testMatch: ['<rootDir>/{apps,libs}/**/tests/**/*.make.ts'] },
    { ...base, displayName: 'hostile', testMatch: ['<rootDir>/libs/**/tests/**/*.hostile.ts'] },
    { ...base, displayName: 'console', testMatch: ['<rootDir>/{apps,libs}/**/tests/**/*.console.ts'] },
    { ...base, displayName: 'token', testMatch: ['<rootDir>/libs/**/tests/**/*.token.ts'] },
    { ...base, displayName: 'stock', testMatch: ['<rootDir>/{apps,libs}/**/tests/**/*.stock.ts'] },
  ],
};
