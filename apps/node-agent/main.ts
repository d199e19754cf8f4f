// SPDX-License-Identifier: GPL-2.0-only
import { SysfsKernel } from '@lockstep/io/livepatch-sysfs';
import { runAgent } from './run-agent';

runAgent(new SysfsKernel());
