// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BuiltLivepatch } from '@lockstep/io/kernel-builder';
import { kernelTestSetupMs, testKernelFlavour } from '@lockstep/testing/qemu-machine';
import type { Edit } from '../index';
import { PatchableMachine, type BuildContext } from '../patchable-machine';

// Patches as people write them, of a kernel's own sources: what can be built is loaded and used, the rest is refused in words
// that name what its author wrote. Numbers are those of docs/patch-shapes.md. Each edit fits 5.15 and 6.1.

let machine: PatchableMachine;

interface Exercise {
  /** Shell text that reaches what was changed. */
  readonly run: string;
  /** What it prints with the patch; without, before and after, it prints nothing like it. */
  readonly shows: RegExp;
}

/** One more statement at the head of a function that shows something. */
const says = (source: string, head: string, statement: string): Edit => [source, head, '{\n', `{\n\t${statement}\n`];

/** Built and loaded; what it changes is seen while it is loaded, and at no other time. */
async function lives(
  name: string,
  edits: readonly Edit[],
  { run, shows }: Exercise,
  context?: BuildContext,
): Promise<BuiltLivepatch> {
  expect(await machine.run(run)).not.toMatch(shows);
  const built = await machine.build(name, edits, context);
  await machine.load(name);
  expect(await machine.run(run)).toMatch(shows);
  expect(await machine.unload(name)).toBe('');
  expect(await machine.run(run)).not.toMatch(shows);
  return built;
}

describe('patches as people write them', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'written', flavour: testKernelFlavour() });
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  describe('1: an address between two variables', () => {
    const uptime = 'fs/proc/uptime.c';
    const show = 'static int uptime_proc_show(';
    const arrays: readonly (readonly [name: string, variables: string, at: string, loop: string, shows: RegExp])[] = [
      [
        'klp_forward',
        'static int lockstep_held[] __read_mostly = { 1, 2, 4 };\nstatic int lockstep_behind __read_mostly = 100;\n',
        'int *at',
        'for (at = lockstep_held; at < lockstep_held + ARRAY_SIZE(lockstep_held); at++)\n\t\tsum += *at;\n\tsum += lockstep_behind++ ? 0 : 1000;',
        /^sum 7$/m,
      ],
      [
        'klp_backward',
        'static int lockstep_front __read_mostly = 100;\nstatic int lockstep_held[] __read_mostly = { 1, 2, 4 };\n',
        'int *at',
        'for (at = lockstep_held + ARRAY_SIZE(lockstep_held) - 1; at > lockstep_held - 1; at--)\n\t\tsum = sum * 10 + *at;\n\tsum += lockstep_front++ ? 0 : 1000;',
        /^sum 421$/m,
      ],
      [
        'klp_strings',
        'static const char *const lockstep_words[] = { "one", "two", "three" };\nstatic const char *const lockstep_end[] = { "no" };\n',
        'const char *const *at',
        'for (at = lockstep_words; at != lockstep_words + ARRAY_SIZE(lockstep_words); at++)\n\t\tsum += strlen(*at);\n\tsum += strlen(lockstep_end[0]) * 100;',
        /^sum 211$/m,
      ],
    ];
    test.each(arrays)(
      '%s: a loop over an array that has a neighbour',
      async (name, variables, at, loop, shows) => {
        const edits: readonly Edit[] = [
          [uptime, '', show, `${variables}\n${show}`],
          [uptime, show, '{\n', `{\n\t${at};\n\tint sum = 0;\n`],
          [uptime, show, '\tidle_nsec = 0;\n', `\t${loop}\n\tseq_printf(m, "sum %d\\n", sum);\n\tidle_nsec = 0;\n`],
        ];
        await lives(name, edits, { run: 'cat /proc/uptime', shows });
      },
      300_000,
    );
  });

  describe('2: a type that grows or moves', () => {
    const lasting: readonly (readonly [name: string, edits: readonly Edit[], type: string, member: RegExp])[] = [
      [
        'timerfd_ctx, swapped',
        [
          [
            'fs/timerfd.c',
            'struct timerfd_ctx {',
            '\tktime_t tintv;\n\tktime_t moffs;\n',
            '\tktime_t moffs;\n\tktime_t tintv;\n',
          ],
        ],
        'struct timerfd_ctx',
        /^(?:tintv|moffs)$/,
      ],
      [
        'signalfd_ctx, grown at the end',
        [
          [
            'fs/signalfd.c',
            'struct signalfd_ctx {',
            '\tsigset_t sigmask;\n',
            '\tsigset_t sigmask;\n\tunsigned long reads;\n',
          ],
          ['fs/signalfd.c', 'signalfd_poll(', '\tpoll_wait(', '\tctx->reads++;\n\tpoll_wait('],
        ],
        'struct signalfd_ctx',
        /^reads$/,
      ],
      [
        'eventfd_ctx, grown in the middle',
        [['fs/eventfd.c', 'struct eventfd_ctx {', '\t__u64 count;\n', '\t__u64 limit;\n\t__u64 count;\n']],
        'struct eventfd_ctx',
        /^(?:limit|count|flags|id)$/,
      ],
    ];
    test.each(lasting)(
      '%s: refused, objects of it live on',
      async (_, edits, type, member) => {
        await expect(machine.build('klp_type', edits)).rejects.toMatchObject({
          reason: 'type-changed',
          fields: { type, member: expect.stringMatching(member) as unknown },
          message: expect.stringContaining('shadow') as unknown,
        });
      },
      120_000,
    );

    test('getdents_callback64, which lives on the stack alone, may grow', async () => {
      const readdir = 'fs/readdir.c';
      await lives(
        'klp_stack',
        [
          [readdir, 'struct getdents_callback64 {', '\tint count;\n', '\tint lockstep_seen;\n\tint count;\n'],
          [readdir, 'filldir64(struct', 'buf->error = -EINVAL;', 'buf->lockstep_seen++;\n\tbuf->error = -EINVAL;'],
          [
            readdir,
            'SYSCALL_DEFINE3(getdents64',
            '\tif (buf.prev_reclen) {',
            '\tpr_info("lockstep saw %d\\n", buf.lockstep_seen);\n\tif (buf.prev_reclen) {',
          ],
        ],
        { run: 'dmesg -C; ls /usr/bin >/dev/null; dmesg', shows: /lockstep saw [1-9]\d/ },
      );
    }, 300_000);

    test('a type that its author vouches for is built, with the word kept', async () => {
      const word = { types: ['struct timerfd_ctx'], because: 'all are closed before it is loaded' };
      const { caveats } = await lives(
        'klp_vouched',
        [
          [
            'fs/timerfd.c',
            'struct timerfd_ctx {',
            '\tbool might_cancel;\n',
            '\tbool might_cancel;\n\tbool lockstep_shown;\n',
          ],
          [
            'fs/timerfd.c',
            'static void timerfd_show(',
            '\tseq_printf(m,\n',
            '\tctx->lockstep_shown = true;\n\tseq_printf(m, "shown: %d\\n", ctx->lockstep_shown);\n\tseq_printf(m,\n',
          ],
        ],
        {
          // timerfd_create() is number 283.
          run: `perl -e 'my $fd = syscall(283, 1, 0); open(my $info, "<", "/proc/self/fdinfo/$fd"); print <$info>'`,
          shows: /^shown: 1$/m,
        },
        { allowedTypeChanges: word },
      );
      expect(caveats.map(({ message }) => message).join('\n')).toContain(word.because);
    }, 300_000);
  });

  describe('6: jumps inside a section that several functions share', () => {
    const shared: readonly (readonly [section: string, name: string, edit: Edit, fn: string, run: string])[] = [
      [
        '.sched.text',
        'klp_down_read',
        [
          'kernel/locking/rwsem.c',
          '\nvoid __sched down_read(',
          '\tmight_sleep();\n',
          '\tif (unlikely(!sem))\n\t\treturn;\n\tmight_sleep();\n',
        ],
        'down_read',
        'cat /proc/self/maps',
      ],
      [
        '.sched.text',
        'klp_hrtimeout',
        [
          'kernel/time/hrtimer.c',
          'int __sched schedule_hrtimeout_range(',
          '{\n',
          '{\n\tif (unlikely(delta == ~0ULL))\n\t\treturn -EINTR;\n',
        ],
        'schedule_hrtimeout_range',
        `perl -e 'select(undef, undef, undef, 0.05)'`,
      ],
      [
        '.spinlock.text',
        'klp_lock_bh',
        [
          'kernel/locking/spinlock.c',
          '__lockfunc _raw_spin_lock_bh(',
          '{\n',
          '{\n\tif (unlikely(!lock))\n\t\treturn;\n',
        ],
        '_raw_spin_lock_bh',
        `perl -MIO::Socket::INET -e 'IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die $@'`,
      ],
    ];
    test.each(shared)(
      'of %s: %s',
      async (_, name, edit, fn, run) => {
        const { functions } = await machine.build(name, [edit]);
        expect(functions.map((one) => one.name)).toEqual([fn]);
        await machine.load(name);
        await machine.run(`for i in $(seq 20); do ${run} >/dev/null; done`);
        expect(await machine.unload(name)).toBe('');
      },
      300_000,
    );
  });

  describe('7: code of a module calls what vmlinux has and does not export', () => {
    const busy = 'lib/livepatch/test_klp_callbacks_busy.c';
    const busyModule = (): string => `${machine.kernel.treeDir}/${busy.replace(/\.c$/, '.ko')}`;
    const exit = '"%s exit\\n", __func__';
    const called: readonly (readonly [name: string, edits: readonly Edit[], shows: RegExp])[] = [
      [
        'klp_processes',
        [
          [busy, '', '#include <linux/module.h>\n', '#include <linux/module.h>\n#include <linux/sched/stat.h>\n'],
          [busy, '', exit, '"%s exit with %d\\n", __func__, nr_processes()'],
        ],
        /exit with [1-9]/,
      ],
      [
        'klp_loads',
        [
          [busy, '', '#include <linux/module.h>\n', '#include <linux/module.h>\n#include <linux/sched/loadavg.h>\n'],
          [
            busy,
            'busymod_work_func(struct work_struct *work)\n',
            '{\n',
            '{\n\tunsigned long loads[3] = { ~0UL };\n\n\tget_avenrun(loads, 1, 0);\n',
          ],
          [busy, '', exit, '"%s exit with %d\\n", __func__, loads[0] != ~0UL'],
        ],
        /exit with 1/,
      ],
      [
        'klp_new',
        [
          [
            'fs/proc/version.c',
            '',
            'static int version_proc_show(',
            'int lockstep_new(int by);\nnoinline int lockstep_new(int by)\n{\n\treturn 40 + by;\n}\n\nstatic int version_proc_show(',
          ],
          [
            'fs/proc/version.c',
            '',
            '\treturn 0;\n}\n',
            '\tseq_printf(m, "new %d\\n", lockstep_new(1));\n\treturn 0;\n}\n',
          ],
          [
            busy,
            '',
            'static void busymod_work_func(struct work_struct *work);',
            'int lockstep_new(int by);\nstatic void busymod_work_func(struct work_struct *work);',
          ],
          [busy, '', exit, '"%s exit with %d\\n", __func__, lockstep_new(2)'],
        ],
        /exit with 42/,
      ],
    ];
    test.each(called)(
      '%s',
      async (name, edits, shows) => {
        const run = `dmesg -C; insmod '${busyModule()}'; dmesg; rmmod test_klp_callbacks_busy`;
        await lives(name, edits, { run, shows });
      },
      300_000,
    );
  });

  describe('14: refusals name what the author wrote', () => {
    const cmdline = 'fs/proc/cmdline.c';
    const show = 'static int cmdline_proc_show(';
    const refused: readonly (readonly [shape: string, edits: readonly Edit[], message: RegExp, not: RegExp])[] = [
      [
        'a function that nothing calls',
        [[cmdline, '', show, `int lockstep_alone(void);\nint lockstep_alone(void)\n{\n\treturn 1;\n}\n\n${show}`]],
        /lockstep_alone/,
        /no change/,
      ],
      [
        'what registers itself when the kernel boots',
        [
          [
            cmdline,
            '',
            show,
            `static int __init lockstep_start(void)\n{\n\treturn 0;\n}\nlate_initcall(lockstep_start);\n\n${show}`,
          ],
          says(cmdline, show, 'seq_puts(m, "more ");'),
        ],
        /cmdline\.[co].*lockstep_start/s,
        /proc_cmdline_init/,
      ],
      [
        'a variable of another type is told as that, not by the boot function that sets it',
        [['fs/eventpoll.c', '', 'static long max_user_watches', 'static int max_user_watches']],
        /max_user_watches/,
        /eventpoll_init/,
      ],
    ];
    test.each(refused)(
      '%s',
      async (_, edits, message, not) => {
        const error = await machine.build('klp_blame', edits).then(
          () => 'built',
          (thrown: unknown) => String(thrown),
        );
        expect(error).toMatch(message);
        expect(error).not.toMatch(not);
      },
      120_000,
    );
  });

  describe('15: functions that sleepers have on their stacks', () => {
    const sleepers: readonly (readonly [fn: RegExp, name: string, edit: Edit, run: string])[] = [
      [
        /pipe_read.*system/s,
        'klp_pipe',
        [
          'fs/pipe.c',
          '\npipe_read(',
          '\tret = 0;\n',
          '\tif (unlikely(total_len == ~0UL))\n\t\treturn -EINVAL;\n\tret = 0;\n',
        ],
        '(sleep 2; echo woken) | cat',
      ],
      [
        /sigtimedwait.*system/s,
        'klp_signal',
        [
          'kernel/signal.c',
          '\nstatic int do_sigtimedwait(',
          '\tif (ts) {\n',
          '\tif (unlikely(!which))\n\t\treturn -EINVAL;\n\tif (ts) {\n',
        ],
        // rt_sigtimedwait() is number 128: of no signal, for two seconds.
        `perl -e 'my ($set, $time) = ("\\0" x 8, pack("q2", 2, 0)); syscall(128, $set, 0, $time, 8); print "woken\\n"'`,
      ],
      [
        /ep(?:oll_wait|_poll).*system/s,
        'klp_epoll',
        [
          'fs/eventpoll.c',
          '\nstatic int ep_poll(',
          '\tlockdep_assert_irqs_enabled();\n',
          '\tif (unlikely(maxevents < 0))\n\t\treturn -EINVAL;\n\tlockdep_assert_irqs_enabled();\n',
        ],
        // epoll_create1() and epoll_wait(), of nothing, for two seconds.
        `perl -e 'my ($fd, $event) = (syscall(291, 0), "\\0" x 16); syscall(232, $fd, $event, 1, 2000); print "woken\\n"'`,
      ],
    ];
    test.each(sleepers)(
      '%s %s: built, told, and switched when its sleepers have left it',
      async (fn, name, edit, run) => {
        const { caveats } = await machine.build(name, [edit]);
        expect(caveats).toEqual([{ kind: 'sleepers', message: expect.stringMatching(fn) as unknown }]);
        await machine.run(
          `(setsid sh -c '${run.replaceAll("'", `'\\''`)}' >/run/${name} 2>&1 </dev/null &) ; sleep 0.5`,
        );
        await machine.load(name, 'livepatch.consistency=system');
        await machine.run(`until grep -q woken /run/${name}; do sleep 0.1; done`);
        expect(await machine.unload(name)).toBe('');
      },
      300_000,
    );
  });
});
