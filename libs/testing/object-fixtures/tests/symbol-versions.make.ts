// SPDX-License-Identifier: GPL-2.0-only
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import type { Edit } from '../index';
import { PatchableMachine } from '../patchable-machine';

let machine: PatchableMachine;

/** What a fix does that needs room in an object that is there already: an #include, and a shadow variable. */
const shadowed = (source: string, firstInclude: string, after: string, object: string): readonly Edit[] => [
  [
    source,
    '',
    `#include <linux/${firstInclude}>\n`,
    `#include <linux/${firstInclude}>\n#include <linux/livepatch.h>\n`,
  ],
  [
    source,
    '',
    after,
    `${after}
	{
		int *lockstep_seen = klp_shadow_get_or_alloc(${object}, 0x4c4f, sizeof(*lockstep_seen), GFP_ATOMIC, NULL, NULL);

		if (lockstep_seen && (*lockstep_seen)++ == 0)
			pr_info_ratelimited("lockstep saw one\\n");
	}
`,
  ],
];

const talk = `perl -MIO::Socket::INET -e 'my $l = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die $@;
  my $c = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $l->sockport) or die $@;
  my $s = $l->accept; print $c "words\\n"; $c->flush; print scalar <$s>; print $s "more\\n"; $s->flush; print scalar <$c>;'`;
/** O_DIRECT pins the pages that are read into. */
const pin = 'dd if=/dev/vda of=/dev/null bs=4096 count=1 iflag=direct 2>&1 | tail -1';

describe('under MODVERSIONS', () => {
  beforeAll(async () => {
    machine = await PatchableMachine.start({ name: 'symbol-versions', flavour: 'distribution' });
  }, kernelTestSetupMs);

  afterAll(() => machine[Symbol.asyncDispose]());

  test.each([
    [
      'klp_gup',
      shadowed('mm/gup.c', 'kernel.h', '\t\tmight_lock_read(&current->mm->mmap_lock);\n', 'current->mm'),
      pin,
    ],
    ['klp_sock', shadowed('net/core/sock.c', 'types.h', '\t\tsk->sk_family = family;\n', 'sk'), talk],
    ['klp_tcp', shadowed('net/ipv4/tcp_input.c', 'mm.h', '\ttrace_tcp_probe(sk, skb);\n', 'sk'), talk],
  ])(
    '%s: an #include that completes types of exported functions changes no version that modules were built for',
    async (name, edits, exercise) => {
      await machine.build(name, edits);
      await machine.load(name);
      await machine.run(exercise);
      expect(await machine.run('dmesg')).toContain('lockstep saw one');
      // A module that was built with the kernel still links against what the patched object exports.
      await machine.run(
        `insmod '${machine.kernel.treeDir}/lib/livepatch/test_klp_shadow_vars.ko'; rmmod test_klp_shadow_vars`,
      );
      expect(await machine.unload(name)).toBe('');
    },
    600_000,
  );

  test('a new member of what an exported function is given is refused, by its type', async () => {
    const header = 'include/net/sock.h';
    const grown: readonly Edit[] = [
      [header, '', 'struct sock_common {\n', 'struct sock_common {\n\tint lockstep_extra;\n'],
    ];
    await expect(machine.build('klp_grown', grown)).rejects.toMatchObject({
      reason: expect.stringMatching(/^(?:export-version-changed|type-changed)$/),
      message: expect.stringContaining('struct sock_common'),
    });
  }, 900_000);

  test('a new EXPORT_SYMBOL is left out and said to be', async () => {
    const exporting: readonly Edit[] = [
      [
        'fs/proc/cmdline.c',
        '',
        'static int cmdline_proc_show(',
        'int lockstep_exported(void)\n{\n\treturn 7;\n}\nEXPORT_SYMBOL_GPL(lockstep_exported);\n\nstatic int cmdline_proc_show(',
      ],
      ['fs/proc/cmdline.c', '', "seq_putc(m, '\\n');", 'seq_printf(m, " %d\\n", lockstep_exported());'],
    ];
    const { remarks, functions } = await machine.build('klp_export', exporting);
    expect(functions.map(({ name }) => name)).toEqual(['cmdline_proc_show']);
    expect(remarks.join('\n')).toContain('lockstep_exported');
    await machine.load('klp_export');
    expect(await machine.run('cat /proc/cmdline')).toMatch(/ 7$/m);
  }, 300_000);
});
