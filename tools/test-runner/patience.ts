// SPDX-License-Identifier: GPL-2.0-only
import { jest } from '@jest/globals';

// What starts processes, compilers and machines, or takes away trees of a hundred thousand files, does so beside other jobs, too:
// in jest's own five seconds a compile of a hundred milliseconds may not get its turn. A limit is for what hangs; a test that
// is to be quick says so itself. A file may say more; a project's own testTimeout is not looked at (Jest 30.5.2).
jest.setTimeout(Number(process.env['LOCKSTEP_TEST_LIMIT_MS'] ?? 120_000));
