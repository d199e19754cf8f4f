// SPDX-License-Identifier: GPL-2.0-only
import type { BuiltKernel, OnProgress } from '@lockstep/io/kernel-builder';
import { resolvePatched } from '@lockstep/testing/object-fixtures';
import { buildExtendedKernel } from '@lockstep/testing/qemu-machine';
import { garbage, type Shape } from './shape-sources';
import type { NumberedShape } from './shapes';

/** Where shapes are in the kernel's tree: part of vmlinux, and not of `lib`, which has no ftrace entries. */
const folder = 'fs/lockstep_shapes';

/** Reading it tells what the probes of the shape gave that was named last: `s 12` sets it up, `r 12` does not. */
export const shapesFile = '/proc/lockstep_shapes';

export const shapePath = (number: number): string => `${folder}/shape${number}.c`;

/** What a file defines that other files could too. */
const globalNames = ({ probes }: Shape): string[] => [...new Set(['setup', 'object_of_file', ...probes])];

/** A shape's file in the kernel. */
export function shapeText(shape: Shape, number: number, isPatched: boolean): string {
  const names = globalNames(shape).map((name) => `#define ${name} shape${number}_${name}\n`);
  const given = '#define other shapes_other\n#define allocate shapes_allocate\n';
  return `// SPDX-License-Identifier: GPL-2.0\n${names.join('')}${given}${resolvePatched(shape.source, isPatched)}`;
}

/** Room of each shape: what it allocates, each with a guard behind it. */
const roomBytes = 512;
const guardBytes = 64;

/** What sets shapes up (`s 12`), chooses one (`r 12`) and runs it, for whoever writes to and reads from `shapesFile`. */
function runnerText(shapes: readonly NumberedShape[]): string {
  const declared = shapes.flatMap(({ shape, number }) =>
    [...new Set(['setup', ...shape.probes])].map((name) => `long shape${number}_${name}(long value);`),
  );
  const rows = shapes.map(({ shape, number }) => {
    return `\t{ shape${number}_setup, { ${shape.probes.map((name) => `shape${number}_${name}`).join(', ')} } },`;
  });
  return `// SPDX-License-Identifier: GPL-2.0
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

${declared.join('\n')}

static const struct {
	long (*setup)(long value);
	long (*probes[8])(long value);
} shapes[] = {
${rows.join('\n')}
};

static unsigned char arena[ARRAY_SIZE(shapes)][${roomBytes}];
static unsigned int used[ARRAY_SIZE(shapes)];
static unsigned int current_shape;

long shapes_other(long value);
long shapes_other(long value)
{
	return value * 31 + 7;
}

void *shapes_allocate(unsigned long size);
void *shapes_allocate(unsigned long size)
{
	unsigned char *at = arena[current_shape] + used[current_shape];

	memset(at, ${garbage}, size);
	size = (size + 7) & ~7ul;
	memset(at + size, 0xaa, ${guardBytes});
	used[current_shape] += size + ${guardBytes};
	return at;
}

static int shapes_show(struct seq_file *m, void *v)
{
	unsigned int at, guard = used[current_shape];

	for (at = 0; at < ARRAY_SIZE(shapes[0].probes) && shapes[current_shape].probes[at]; at++)
		seq_printf(m, "%ld ", shapes[current_shape].probes[at](at + 2));
	for (at = guard < ${guardBytes} ? 0 : guard - ${guardBytes}; at < guard; at++) {
		if (arena[current_shape][at] != 0xaa) {
			seq_puts(m, "overwritten");
			break;
		}
	}
	return 0;
}

static ssize_t shapes_write(struct file *file, const char __user *text, size_t size, loff_t *offset)
{
	char command[16] = { 0 };
	unsigned int number;
	char kind;

	if (copy_from_user(command, text, min(size, sizeof(command) - 1)))
		return -EFAULT;
	if (sscanf(command, "%c %u", &kind, &number) != 2 || number >= ARRAY_SIZE(shapes))
		return -EINVAL;
	current_shape = number;
	if (kind == 's')
		shapes[number].setup(11);
	return size;
}

static int shapes_open(struct inode *inode, struct file *file)
{
	return single_open(file, shapes_show, NULL);
}

static const struct proc_ops shapes_proc_ops = {
	.proc_open = shapes_open,
	.proc_read = seq_read,
	.proc_write = shapes_write,
	.proc_lseek = seq_lseek,
	.proc_release = single_release,
};

static int __init shapes_init(void)
{
	proc_create("lockstep_shapes", 0644, NULL, &shapes_proc_ops);
	return 0;
}
fs_initcall(shapes_init);
`;
}

export interface ShapeKernelOptions {
  /** The repository. */
  readonly root: string;
  readonly source: string | undefined;
  readonly shapes: readonly NumberedShape[];
  readonly onProgress: OnProgress;
}

/** The small kernel with all the shapes in it, as they are before their patches. */
export function buildShapeKernel({ root, source, shapes, onProgress }: ShapeKernelOptions): Promise<BuiltKernel> {
  const objects = ['run', ...shapes.map(({ number }) => `shape${number}`)].map((name) => `obj-y += ${name}.o\n`);
  const files = new Map([
    // 5.15 is written in an older C, which declares nothing in a loop's head.
    ['Makefile', ['ccflags-y += -std=gnu11\n', ...objects].join('')],
    ['run.c', runnerText(shapes)],
    ...shapes.map(({ shape, number }): [string, string] => [`shape${number}.c`, shapeText(shape, number, false)]),
  ]);
  return buildExtendedKernel({ folder, files }, { root, source, onProgress });
}
