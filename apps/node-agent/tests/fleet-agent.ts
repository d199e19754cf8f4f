// SPDX-License-Identifier: GPL-2.0-only
// The agent of fleets on one machine: all of the product's but the kernel, which is a folder. Never shipped.
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import { runAgent } from '../run-agent';

const folder = process.env['LOCKSTEP_FLEET_KERNEL'];
if (folder === undefined) throw new Error('LOCKSTEP_FLEET_KERNEL does not name the folder that stands for a kernel.');
runAgent(new DirectoryKernel(folder));
