// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { readKernelLogRecord } from './kernel-trouble';

test.each([
  ['4,1021,5140900,-;WARNING: CPU: 0 PID: 1 at kernel/fork.c:1 f+0x1/0x2', 'warning'],
  ['4,1022,5,-;WARNING: kernel/fork.c:1 at f+0x1/0x2, CPU#0: cat/77', 'warning'],
  ['4,1023,5,-;WARNING: possible circular locking dependency detected', 'warning'],
  ['4,1024,5,-;WARNING: suspicious RCU usage', 'warning'],
  ['4,1025,5,-;WARNING: Spectre v2 mitigation leaves CPU vulnerable', undefined],
  ['1,7,5,-;BUG: kernel NULL pointer dereference, address: 0000000000000000', 'oops'],
  ['1,7,5,-;BUG: unable to handle page fault for address: ffffa0b1c2d3e4f5', 'oops'],
  ['1,7,5,-;BUG: unable to handle kernel paging request at ffffa0b1c2d3e4f5', 'oops'],
  ['1,7,5,-;BUG: TASK stack guard page was hit at 00000000deadbeef (stack is 0..1)', 'oops'],
  ['1,7,5,-;BUG: stack guard page was hit at 00000000deadbeef (stack is 0..1)', 'oops'],
  // The kernel goes on after these.
  ['3,7,5,-;BUG: sleeping function called from invalid context at mm/slab.h:420', 'warning'],
  ['3,7,5,-;BUG: scheduling while atomic: cat/77/0x00000002', 'warning'],
  ['3,7,5,-;BUG: using smp_processor_id() in preemptible [00000000] code: cat/77', 'warning'],
  ['3,7,5,-;BUG: KASAN: use-after-free in f+0x1/0x2', 'warning'],
  ['1,7,5,-;BUG: Bad page state in process cat  pfn:12345', 'warning'],
  ['1,7,5,-;[ BUG: Invalid wait context ]', 'warning'],
  ['2,8,5,-;kernel BUG at mm/slub.c:379!', 'oops'],
  ['4,9,5,-;Oops: 0002 [#1] PREEMPT SMP', 'oops'],
  ['0,10,5,-;watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [cat:77]', 'lockup'],
  ['3,11,5,-;rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:', 'rcu-stall'],
  ['3,12,5,-;rcu: INFO: rcu_sched self-detected stall on CPU', 'rcu-stall'],
  ['6,13,5,-;livepatch: enabling patch', undefined],
  // Written by a program: facility 1, user.
  ['12,14,5,-;WARNING: CPU: 0 PID: 1 at nowhere', undefined],
  ['no record', undefined],
])('%s', (record, kind) => {
  expect(readKernelLogRecord(`${record}\n SUBSYSTEM=x\n`)?.kind).toBe(kind);
});
