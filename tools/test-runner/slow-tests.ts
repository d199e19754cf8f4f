// SPDX-License-Identifier: GPL-2.0-only
import { jest } from '@jest/globals';

// What starts processes and machines, and takes away trees of a hundred thousand files, does so beside other jobs, too. A file
// may say more; a project's own testTimeout is not looked at (Jest 30.5.2).
jest.setTimeout(120_000);
