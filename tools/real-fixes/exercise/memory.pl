# SPDX-License-Identifier: GPL-2.0-only
#
# Memory: mapped, moved, locked, advised, shared, swapped.

way 'mapping', 15, sub {
	my $at = map_memory(8 << 20, 0x8022);
	poke($at, 'x' x 65536);
	syscall 10, $at + 4096, 4096, $_ for 0, 1, 3, 5, 7;
	# All kinds of advice but the two that poison memory, and process_madvise
	syscall 28, $at + 65536, 1 << 20, $_ for 0 .. 26;
	my $myself = syscall 434, $$, 0; my $part = pack 'Q Q', $at, 1 << 20; syscall 440, $myself, $part, 1, $_, 0 for 20, 21, 3, 25;
	my $resident = "\0" x 4096; syscall 27, $at, 8 << 20, $resident;
	syscall 149, $at, 1 << 20; syscall 325, $at + (2 << 20), 1 << 20, 1; peek($at + (2 << 20), 4096); syscall 150, $at, 1 << 20; syscall 151, $_ for 1, 2, 5, 7; map_memory(1 << 20); syscall 152;
	my $moved = syscall 25, $at, 1 << 20, 2 << 20, 1; syscall 25, $moved, 2 << 20, 4096, 1; syscall 25, $at + (4 << 20), 4096, 4096, 3, $at + (5 << 20);
	syscall 26, $at + (4 << 20), 4096, $_ for 1, 2, 4;
	my $shared = map_memory(1 << 20, 0x21); poke($shared, 'x' x 8192); fork == 0 and do { poke($shared, 'y' x 8192); exit; }; wait; syscall 216, $shared, 4096, 0, 1, 0;
	my $stack = map_memory(1 << 20, 0x122); poke($stack, 'x'); my $exact = map_memory(4096, 0x100022); my $lazy = map_memory(16 << 20, 0x4022);
	my $huge = map_memory(4 << 20, 0x40022); my $hole = ($lazy + (2 << 20)) & ~((2 << 20) - 1); spill('/sys/kernel/mm/transparent_hugepage/enabled', 'always'); spill('/sys/kernel/mm/transparent_hugepage/shmem_enabled', 'advise'); syscall 28, $hole, 4 << 20, 14; poke($hole, 'x' x 4096); syscall 28, $hole, 2 << 20, 25; syscall 28, $hole + 4096, 4096, 4; fork == 0 and do { poke($hole, 'z'); exit; }; wait; syscall 10, $hole + 4096, 4096, 1;
	my $key = syscall 330, 0, 0; syscall 329, $at, 4096, 3, $key; syscall 331, $key; syscall 324, $_, 0, 0 for 0, 1, 2, 4, 8, 16, 32, 64;
	slurp('/proc/self/maps', '/proc/self/smaps', '/proc/self/smaps_rollup', '/proc/self/numa_maps', '/proc/self/pagemap', '/proc/self/status'); spill('/proc/self/clear_refs', $_) for 1 .. 5;
	syscall 11, $at, 8 << 20; syscall 12, 0; peek(4096, 10);
};
way 'policies', 15, sub {
	my $at = map_memory(4 << 20, 0x8022); my $nodes = pack 'Q', 1; my $other = pack 'Q', 1; my $mode = pack 'l x4', 0;
	for my $policy (0, 1, 2, 3, 4, 5, 0x8002, 0x4002) { syscall 238, $policy, $policy & 7 ? $nodes : 0, 64; syscall 237, $at, 4 << 20, $policy, $policy & 7 ? $nodes : 0, 64, $_ for 0, 1, 2, 3; syscall 239, $mode, $other, 64, $at, $_ for 0, 1, 2, 3, 4; }
	syscall 256, 0, 64, $nodes, $other; my $pages = pack 'Q2', $at, $at + 4096; my $to = pack 'l2', 0, 0; my $status = pack 'l2', 0, 0; syscall 279, 0, 2, $pages, $to, $status, 2; syscall 279, 0, 2, $pages, 0, $status, 0; syscall 450, $at, 4096, 0, 0; my ($cpu, $node) = ("\0" x 4, "\0" x 4); syscall 309, $cpu, $node, 0;
};
way 'same-pages', 15, sub {
	spill('/sys/kernel/mm/ksm/sleep_millisecs', 20); spill('/sys/kernel/mm/ksm/pages_to_scan', 1000); spill('/sys/kernel/mm/ksm/run', 1);
	my $at = map_memory(1 << 20, 0x8022); poke($at + 4096 * $_, 'x' x 4096) for 0 .. 100; syscall 28, $at, 1 << 20, 12; sleep 2; poke($at + 4096, 'y'); syscall 28, $at, 1 << 20, 13; slurp('/proc/self/ksm_stat'); spill('/sys/kernel/mm/ksm/run', 2); spill('/sys/kernel/mm/ksm/run', 0);
};
way 'swapping', 20, sub {
	my $disk = loop_disk(32) or return;
	run("mkswap $disk && swapon -p 5 $disk"); my $at = map_memory(8 << 20, 0x22); poke($at, 'x' x 65536) for 1; poke($at + 65536 * $_, chr(64 + $_ % 60) x 65536) for 0 .. 100;
	syscall 28, $at, 8 << 20, 21; slurp('/proc/swaps', '/proc/self/smaps'); peek($at + 4096 * 17 * $_, 10) for 0 .. 50; syscall 28, $at, 4 << 20, 3; spill('/proc/sys/vm/compact_memory', 1); spill('/proc/sys/vm/drop_caches', 3); spill('/sys/kernel/mm/lru_gen/enabled', 'y'); spill('/sys/kernel/mm/lru_gen/enabled', 'n'); run("swapoff $disk; losetup -d $disk");
};
way 'reclaim', 15, sub { spill('/proc/sys/vm/compact_memory', 1); spill('/proc/sys/vm/drop_caches', $_) for 1, 2, 3; spill('/proc/sys/vm/stat_refresh', 1); spill('/proc/sys/vm/nr_hugepages', $_) for 2, 0; spill("/sys/kernel/slab/$_/shrink", 1) for names('/sys/kernel/slab'); };
# What a handler of faults in a program does: registers, copies, lets go.
way 'faults', 15, sub {
	my $fd = syscall 323, 0x801; open my $faults, "+<&=$fd" or return; my $at = map_memory(1 << 20);
	my $api = pack 'Q3', 0xaa, 0, 0; ioctl $faults, 0xc018aa3f, $api; my $range = pack 'Q4', $at, 1 << 20, 3, 0; ioctl $faults, 0xc020aa00, $range;
	my $source = 'x' x 4096; my $page = map_memory(4096); poke($page, $source); my $copy = pack 'Q5', $at, $page, 4096, 0, 0; ioctl $faults, 0xc028aa03, $copy; my $zero = pack 'Q4', $at + 4096, 4096, 0, 0; ioctl $faults, 0xc020aa04, $zero; my $protect = pack 'Q3', $at, 4096, 1; ioctl $faults, 0xc018aa06, $protect; $protect = pack 'Q3', $at, 4096, 0; ioctl $faults, 0xc018aa06, $protect; $range = pack 'Q2', $at, 1 << 20; ioctl $faults, 0x8010aa02, $range; ioctl $faults, 0x8010aa01, $range;
};
# An allocator that checks itself, where the machine was started with it.
way 'slab', 15, sub { for my $cache (names('/sys/kernel/slab')) { spill("/sys/kernel/slab/$cache/validate", 1); slurp(map { "/sys/kernel/slab/$cache/$_" } 'slabs', 'partial', 'cpu_slabs', 'objects', 'alloc_calls', 'total_objects', 'slabs_cpu_partial', 'usersize'); } };

1;
