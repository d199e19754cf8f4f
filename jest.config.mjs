// SPDX-License-Identifier: GPL-2.0-only
const base = {
  testEnvironment: 'node',
  transform: { '^.+\\.tsx?$': '@swc/jest' },
  moduleNameMapper: {
    '^@lockstep/contracts/generated$': '<rootDir>/libs/contracts/generated/src/index.lockstep.v1.ts',
    '^@lockstep/(.*)$': '<rootDir>/libs/$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

/** `unit` is quick and needs nothing but Node; `fleet` starts real PostgreSQL, Redis and processes; `kernel` boots QEMU. */
export default {
  projects: [
    { ...base, displayName: 'unit', testMatch: ['<rootDir>/{apps,libs,tools}/**/*.test.ts'] },
    { ...base, displayName: 'fleet', testMatch: ['<rootDir>/{apps,libs}/**/tests/**/*.fleet.ts'] },
    { ...base, displayName: 'kernel', testMatch: ['<rootDir>/{apps,libs}/**/tests/**/*.kernel.ts'] },
  ],
};
