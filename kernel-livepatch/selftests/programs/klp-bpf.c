// SPDX-License-Identifier: GPL-2.0-only
/*
 * klp-bpf.c - run programs of BPF at the entry and the return of functions
 *
 * klp-bpf FUNCTION...
 *
 * Says "ready" when they are attached: as kprobes and kretprobes, which each
 * kernel with BPF has, and at all of the functions at once, by fprobes, where it
 * has these. When it gets SIGTERM it prints "runs N": how often they ran.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PMU "/sys/bus/event_source/devices/kprobe/type"
#define MAX_FUNCTIONS	16

static __u64 addresses[MAX_FUNCTIONS];

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int bpf(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static int make_counter(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(__u32),
		.value_size = sizeof(__u64),
		.max_entries = 1,
	};
	int map = bpf(BPF_MAP_CREATE, &attr);

	if (map < 0)
		die("BPF_MAP_CREATE");
	return map;
}

static __u64 read_counter(int map)
{
	__u32 key = 0;
	__u64 value = 0;
	union bpf_attr attr = {
		.map_fd = map,
		.key = (uintptr_t)&key,
		.value = (uintptr_t)&value,
	};

	if (bpf(BPF_MAP_LOOKUP_ELEM, &attr))
		die("BPF_MAP_LOOKUP_ELEM");
	return value;
}

/* Adds one to the counter; returns -1 where the kernel has no such programs */
static int load_program(int map, unsigned int attach_type)
{
	struct bpf_insn program[] = {
		/* *(u32 *)(r10 - 4) = 0; r2 = r10 - 4 */
		{ .code = BPF_ST | BPF_MEM | BPF_W, .dst_reg = BPF_REG_10,
		  .off = -4 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_2,
		  .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_2,
		  .imm = -4 },
		/* r1 = map; r0 = bpf_map_lookup_elem(r1, r2) */
		{ .code = BPF_LD | BPF_DW | BPF_IMM, .dst_reg = BPF_REG_1,
		  .src_reg = BPF_PSEUDO_MAP_FD, .imm = map },
		{ .code = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_map_lookup_elem },
		/* if (r0) lock *(u64 *)r0 += 1 */
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_0,
		  .off = 2 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1,
		  .imm = 1 },
		{ .code = BPF_STX | BPF_DW | BPF_ATOMIC, .dst_reg = BPF_REG_0,
		  .src_reg = BPF_REG_1, .imm = BPF_ADD },
		/* return 0 */
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	union bpf_attr attr = {
		.prog_type = BPF_PROG_TYPE_KPROBE,
		.expected_attach_type = attach_type,
		.insns = (uintptr_t)program,
		.insn_cnt = sizeof(program) / sizeof(*program),
		.license = (uintptr_t)"GPL",
	};

	return bpf(BPF_PROG_LOAD, &attr);
}

static int pmu_type(void)
{
	FILE *file = fopen(PMU, "r");
	int type;

	if (!file || fscanf(file, "%d", &type) != 1)
		die(PMU);
	fclose(file);
	return type;
}

static void attach_kprobe(int program, const char *function, int at_return)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = pmu_type(),
		.config = at_return,
		.kprobe_func = (uintptr_t)function,
	};
	int event = syscall(SYS_perf_event_open, &attr, -1, 0, -1,
			    PERF_FLAG_FD_CLOEXEC);

	if (event < 0)
		die("perf_event_open");
	if (ioctl(event, PERF_EVENT_IOC_SET_BPF, program))
		die("PERF_EVENT_IOC_SET_BPF");
	if (ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
		die("PERF_EVENT_IOC_ENABLE");
}

static __u64 address_of(const char *function)
{
	char line[512], name[256];
	unsigned long long address;
	FILE *file = fopen("/proc/kallsyms", "r");

	if (!file)
		die("/proc/kallsyms");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) == 2 &&
		    !strcmp(name, function)) {
			fclose(file);
			return address;
		}
	}
	errno = ENOENT;
	die(function);
	return 0;
}

static void attach_fprobes(int program, unsigned int count, int at_return)
{
	union bpf_attr attr = {
		.link_create = {
			.prog_fd = program,
			.attach_type = BPF_TRACE_KPROBE_MULTI,
			.kprobe_multi = {
				.flags = at_return ? BPF_F_KPROBE_MULTI_RETURN :
						     0,
				.cnt = count,
				.addrs = (uintptr_t)addresses,
			},
		},
	};

	if (bpf(BPF_LINK_CREATE, &attr) < 0)
		die("BPF_LINK_CREATE");
}

int main(int argc, char **argv)
{
	int i, at_return, map, single, multi, sig;
	sigset_t set;

	if (argc < 2 || argc > MAX_FUNCTIONS + 1) {
		fprintf(stderr, "usage: klp-bpf FUNCTION...\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);

	map = make_counter();
	single = load_program(map, 0);
	if (single < 0)
		die("BPF_PROG_LOAD");
	multi = load_program(map, BPF_TRACE_KPROBE_MULTI);
	for (i = 1; i < argc; i++)
		addresses[i - 1] = address_of(argv[i]);
	for (at_return = 0; at_return < 2; at_return++) {
		for (i = 1; i < argc; i++)
			attach_kprobe(single, argv[i], at_return);
		if (multi >= 0)
			attach_fprobes(multi, argc - 1, at_return);
	}
	printf("ready%s\n", multi >= 0 ? " with fprobes" : "");
	fflush(stdout);

	sigwait(&set, &sig);
	printf("runs %llu\n", (unsigned long long)read_counter(map));
	return 0;
}
