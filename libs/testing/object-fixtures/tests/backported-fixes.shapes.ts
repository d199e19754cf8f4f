// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { kernelTestSetupMs, testKernelFlavour } from '@lockstep/testing/qemu-machine';
import type { Edit } from '../index';
import { PatchableMachine } from '../patchable-machine';

// More shapes of what people write when they bring a fix back to an older kernel. Numbers are those of docs/patch-shapes.md.
// Each edit fits 5.15 and 6.1.

const [loadavg, filesystems, meminfo] = ['fs/proc/loadavg.c', 'fs/filesystems.c', 'fs/proc/meminfo.c'];
const show = 'static int loadavg_proc_show(';
const before = (declared: string): Edit => [loadavg, '', show, `${declared}\n${show}`];
/** Statements in what /proc/loadavg shows. */
const shows = (statements: string): Edit => [loadavg, show, '\tget_avenrun(', `${statements}\n\tget_avenrun(`];
const read = 'cat /proc/loadavg';
const busy = 'lib/livepatch/test_klp_callbacks_busy.c';

let machine: PatchableMachine;

describe('fixes as people bring them back', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'backported', flavour: testKernelFlavour() });
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  const loaded: readonly (readonly [name: string, edits: readonly Edit[], run: string, shown: RegExp])[] = [
    [
      'klp_sealed',
      [
        before('static int held[] __ro_after_init = { 3, 5, 7 };\nstatic int behind __ro_after_init = 100;'),
        shows(
          '\tint *at, sum = 0;\n\n\tfor (at = held + ARRAY_SIZE(held); at-- > held; )\n\t\tsum = sum * 10 + *at;\n' +
            '\tseq_printf(m, "sum %d %d\\n", sum, READ_ONCE(behind));',
        ),
      ],
      read,
      /^sum 753 100$/m,
    ],
    [
      'klp_lines',
      [
        before(
          'static long held[4] __cacheline_aligned = { 1, 2, 3, 4 };\nstatic long behind __cacheline_aligned = 50;',
        ),
        shows(
          '\tlong *at, sum = 0;\n\n\tfor (at = &held[3]; at >= held; at--)\n\t\tsum = sum * 10 + *at;\n' +
            '\tseq_printf(m, "sum %ld %d\\n", sum, behind++ >= 50);',
        ),
      ],
      read,
      /^sum 4321 1$/m,
    ],
    [
      'klp_parameter',
      [
        [
          filesystems,
          '',
          'find_filesystem(const char *name, unsigned len)\n{',
          'find_filesystem(bool is_told, unsigned len, const char *name)\n{\n\tif (is_told)\n\t\tpr_info("lockstep: %.*s\\n", len, name);',
        ],
        [
          filesystems,
          'int register_filesystem',
          'find_filesystem(fs->name, strlen(fs->name))',
          'find_filesystem(false, strlen(fs->name), fs->name)',
        ],
        [filesystems, '*__get_fs_type', 'find_filesystem(name, len)', 'find_filesystem(true, len, name)'],
      ],
      'dmesg -C; mount -t proc none /mnt && umount /mnt; dmesg',
      /lockstep: proc/,
    ],
    [
      'klp_widened',
      [
        [
          filesystems,
          '',
          'static struct file_system_type **find_filesystem(',
          'struct file_system_type **find_filesystem(const char *name, unsigned len);\nstruct file_system_type **find_filesystem(',
        ],
        before('struct file_system_type **find_filesystem(const char *name, unsigned len);'),
        shows('\tseq_printf(m, "found %s\\n", (*find_filesystem("proc", 4))->name);'),
      ],
      read,
      /^found proc$/m,
    ],
    [
      'klp_shared',
      [
        [
          filesystems,
          '',
          'static struct file_system_type *file_systems;',
          'extern struct file_system_type *file_systems;\nstruct file_system_type *file_systems;',
        ],
        before('extern struct file_system_type *file_systems;'),
        shows('\tseq_printf(m, "first %s\\n", file_systems ? file_systems->name : "none");'),
      ],
      `${read}; echo is $(head -1 /proc/filesystems | cut -f2)`,
      /^first (\S+)\n[^]*^is \1$/m,
    ],
    [
      'klp_once',
      [
        shows(
          '\tpr_info_once("lockstep once\\n");\n\tprintk_ratelimited(KERN_INFO "lockstep limited\\n");\n' +
            '\tWARN_ON_ONCE(m->size == 12345);',
        ),
      ],
      `dmesg -C; for i in $(seq 30); do ${read}; done >/dev/null; dmesg | grep -c 'lockstep once'; dmesg | grep -c 'lockstep limited' || :`,
      /^1\n10$/m,
    ],
    [
      'klp_alternatives',
      [
        before('#include <asm/cpufeature.h>\n#include <linux/uaccess.h>'),
        shows(
          '\tint got = 1, bad = 2;\n\n' +
            '\tasm volatile(ALTERNATIVE("movl $5, %0", "movl $6, %0", X86_FEATURE_FPU) : "=r" (got));\n' +
            '\tseq_printf(m, "got %d\\n", got);\n' +
            '\tasm goto(ALTERNATIVE("jmp %l[never]", "", X86_FEATURE_FPU) : : : : never);\n' +
            '\tbad = static_cpu_has(X86_FEATURE_FPU);\nnever:\n' +
            '\tseq_printf(m, "bad %d %d\\n", bad, get_user(got, (int __user *)8UL));',
        ),
      ],
      read,
      /^got 6\nbad 1 -14$/m,
    ],
    [
      'klp_large',
      [
        before(
          '#define L1(x) seq_printf(m, "%d %d %d %d\\n", x, (x) + none, (x) - none, (x) * none);\n' +
            '#define L8(x) L1(x) L1(x + 1) L1(x + 2) L1(x + 3) L1(x + 4) L1(x + 5) L1(x + 6) L1(x + 7)\n' +
            '#define L64(x) L8(x) L8(x + 8) L8(x + 16) L8(x + 24) L8(x + 32) L8(x + 40) L8(x + 48) L8(x + 56)',
        ),
        shows(
          '\tint none = READ_ONCE(m->index) & 0;\n\n\tL64(0) L64(64) L64(128) L64(192) L64(256) L64(320) L64(384) L64(448)',
        ),
      ],
      read,
      /^511 511 511 0$/m,
    ],
    [
      'klp_weak',
      [
        [
          meminfo,
          '',
          'static int meminfo_proc_show',
          'void __weak lockstep_weak(struct seq_file *m);\nvoid __weak lockstep_weak(struct seq_file *m)\n{\n\tseq_puts(m, "lockstep weak\\n");\n}\n' +
            'extern void __weak lockstep_missing(struct seq_file *m);\nstatic int meminfo_proc_show',
        ],
        [
          meminfo,
          'static int meminfo_proc_show',
          '\tarch_report_meminfo(m);',
          '\tarch_report_meminfo(m);\n\tlockstep_weak(m);\n\tif (lockstep_missing)\n\t\tlockstep_missing(m);',
        ],
      ],
      'cat /proc/meminfo',
      /^lockstep weak$/m,
    ],
    [
      'klp_namesakes',
      [
        ['fs/namespace.c', 'static void *m_next(', '{\n', '{\n\tpr_info_once("lockstep: next mount\\n");\n'],
        ['fs/proc/task_mmu.c', 'static void *m_next(', '{\n', '{\n\tpr_info_once("lockstep: next map\\n");\n'],
      ],
      'dmesg -C; cat /proc/self/maps /proc/mounts >/dev/null; dmesg',
      /lockstep: next map[^]*lockstep: next mount/,
    ],
    [
      'klp_srcu',
      [
        before('#include <linux/srcu.h>\nDEFINE_STATIC_SRCU(lockstep_srcu);'),
        shows(
          '\tint index = srcu_read_lock(&lockstep_srcu);\n\n\tsrcu_read_unlock(&lockstep_srcu, index);\n' +
            '\tsynchronize_srcu(&lockstep_srcu);\n\tseq_printf(m, "srcu %d\\n", index);',
        ),
      ],
      read,
      /^srcu [01]$/m,
    ],
    [
      'klp_of_module',
      [
        ['kernel/fork.c', '', 'static int max_threads;', 'extern int max_threads;\nint max_threads;'],
        [busy, '', '#include <linux/module.h>\n', '#include <linux/module.h>\n\nextern int max_threads;\n'],
        [busy, '', '"%s exit\\n", __func__', '"%s exit %d\\n", __func__, max_threads'],
      ],
      `dmesg -C; insmod TREE/${busy.replace(/\.c$/, '.ko')}; dmesg; rmmod test_klp_callbacks_busy; echo are $(cat /proc/sys/kernel/threads-max)`,
      /exit (\d+)\n[^]*^are \1$/m,
    ],
    [
      'klp_script',
      [
        [
          'arch/x86/include/asm/orc_lookup.h',
          '',
          '#define LOOKUP_BLOCK_ORDER',
          '#define LOCKSTEP_BLOCKS 7\n#define LOOKUP_BLOCK_ORDER',
        ],
        before('#include <asm/orc_lookup.h>'),
        shows('\tseq_printf(m, "blocks %d\\n", LOCKSTEP_BLOCKS);'),
      ],
      read,
      /^blocks 7$/m,
    ],
  ];
  test.each(loaded)(
    '%s: built, loaded, right',
    async (name, edits, command, shown) => {
      const run = command.replace('TREE', machine.kernel.treeDir);
      expect(await machine.run(run)).not.toMatch(shown);
      const { caveats } = await machine.build(name, edits);
      await machine.load(name);
      expect(await machine.run(run)).toMatch(shown);
      const stays = caveats.some(({ kind }) => kind === 'stays-loaded');
      if (stays) await machine.disable(name);
      else expect(await machine.unload(name)).toBe('');
      expect(await machine.run(run)).not.toMatch(shown);
    },
    300_000,
  );

  const refused: readonly (readonly [shape: string, edits: readonly Edit[], reason: string, message: RegExp])[] = [
    [
      'sem_queue, which sleepers have on their stacks and on a list',
      [
        ['ipc/sem.c', 'struct sem_queue {', '\tint\t\t\tstatus;', '\tu64\t\t\twoken;\n\tint\t\t\tstatus;'],
        ['ipc/sem.c', 'static inline void wake_up_sem_queue_prepare(', '\n\n', '\n\n\tq->woken++;\n'],
      ],
      'type-changed',
      /ipc\/sem\.c:\d+ \(sem_queue\): .*woken of struct sem_queue is new/,
    ],
    [
      'multi_stop_data, which lies on the stack of who waits for other processors',
      [
        [
          'kernel/stop_machine.c',
          'struct multi_stop_data {',
          '\tcpu_stop_fn_t\t\tfn;',
          '\tunsigned long\t\tstarted;\n\tcpu_stop_fn_t\t\tfn;',
        ],
      ],
      'type-changed',
      /started of struct multi_stop_data is new/,
    ],
    [
      'tasklet_head, of which each processor has one',
      [
        [
          'kernel/softirq.c',
          'struct tasklet_head {',
          '\tstruct tasklet_struct *head;',
          '\tlong count;\n\tstruct tasklet_struct *head;',
        ],
      ],
      'type-changed',
      /count of struct tasklet_head is new/,
    ],
    [
      'another word in a table of constants',
      [['fs/proc/array.c', 'task_state_array[] = {', '"R (running)"', '"R (run)"']],
      'data-changed',
      /fs\/proc\/array\.c:\d+ \(task_state_array\): .*by a callback either.*new one of another name/,
    ],
    [
      'another function among operations',
      [
        [
          'fs/proc/devices.c',
          '',
          'static const struct seq_operations devinfo_ops = {',
          'static int lockstep_show(struct seq_file *f, void *v)\n{\n\tseq_puts(f, "x");\n\treturn devinfo_show(f, v);\n}\n\nstatic const struct seq_operations devinfo_ops = {',
        ],
        ['fs/proc/devices.c', 'devinfo_ops = {', '.show  = devinfo_show', '.show  = lockstep_show'],
      ],
      'data-changed',
      /fs\/proc\/devices\.c:\d+ \(devinfo_ops\): .*or change the functions that it names/,
    ],
    [
      'a new parameter of what is built in',
      [
        [
          filesystems,
          '',
          'static int filesystems_proc_show(',
          'static int lockstep_limit = 7;\nmodule_param(lockstep_limit, int, 0644);\nstatic int filesystems_proc_show(',
        ],
        [
          filesystems,
          'static int filesystems_proc_show(',
          '\tread_lock',
          '\tseq_printf(m, "limit %d\\n", lockstep_limit);\n\tread_lock',
        ],
      ],
      'registration-changed',
      /fs\/filesystems\.c:\d+ \(lockstep_limit\): /,
    ],
    [
      'a linker script',
      [['arch/x86/kernel/vmlinux.lds.S', '', 'SECTIONS\n{', 'SECTIONS\n{\n\t. = . + 0;\n']],
      'unsupported-change',
      /vmlinux\.lds\.S:\d+ \(SECTIONS\): .*a linker script, by which the kernel is laid out: it needs a new kernel build/,
    ],
  ];
  test.each(refused)(
    '%s: refused, named and told what to do',
    async (_, edits, reason, message) => {
      await expect(machine.build('klp_refused', edits)).rejects.toMatchObject({
        reason,
        message: expect.stringMatching(message) as unknown,
      });
    },
    120_000,
  );

  const sleeping: readonly (readonly [name: string, edit: Edit, told: RegExp])[] = [
    [
      'eventfd_read',
      [
        'fs/eventfd.c',
        'static ssize_t eventfd_read(',
        '\t__u64 ucnt = 0;\n',
        '\t__u64 ucnt = READ_ONCE(ctx->flags) == ~0U;\n',
      ],
      /eventfd_read\(\).*system/,
    ],
    [
      'inotify_read',
      [
        'fs/notify/inotify/inotify_user.c',
        'static ssize_t inotify_read(',
        '\tstart = buf;\n',
        '\tif (unlikely(count == ~0UL))\n\t\treturn -EINVAL;\n\tstart = buf;\n',
      ],
      /inotify_read\(\).*system/,
    ],
    [
      'do_msgrcv',
      [
        'ipc/msg.c',
        'static long do_msgrcv(',
        '\tDEFINE_WAKE_Q(wake_q);\n',
        '\tDEFINE_WAKE_Q(wake_q);\n\n\tif (unlikely(msgtyp == LONG_MAX - 1))\n\t\treturn -EINVAL;\n',
      ],
      /do_msgrcv\S*\(\).*system/,
    ],
  ];
  test.each(sleeping)(
    '%s, in which tasks sleep: built and told',
    async (_, edit, told) => {
      const { caveats } = await machine.build('klp_sleeping', [edit]);
      expect(caveats).toEqual([{ kind: 'sleepers', message: expect.stringMatching(told) as unknown }]);
    },
    120_000,
  );
});
