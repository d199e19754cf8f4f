# SPDX-License-Identifier: GPL-2.0-only
#
# Processes: scheduling, time, signals, tracing, waiting, namespaces, groups of them, terminals, programs.

way 'scheduling', 15, sub {
	my $mask = pack 'Q', 1; my $all = pack 'Q', 3; syscall 203, 0, 8, $_ for $mask, $all; syscall 204, 0, 8, $all; my $rank = pack 'i', 1; my $none = pack 'i', 0;
	syscall 144, 0, 1, $rank; syscall 24; syscall 145, 0; syscall 143, 0, $rank; my $interval = "\0" x 16; syscall 148, 0, $interval; syscall 146, 1; syscall 144, 0, 3, $none; syscall 144, 0, 5, $none; syscall 144, 0, 0, $none; setpriority 0, 0, 5; getpriority 0, 0;
	# sched_setattr: deadline, reset on fork; clamping, core scheduling; ioprio
	my $attributes = pack 'L L Q l L Q3 L2', 56, 6, 0, 0, 0, 1_000_000, 10_000_000, 10_000_000, 0, 0; syscall 314, 0, $attributes, 0; syscall 24 for 1 .. 5; my $room = "\0" x 56; syscall 315, 0, $room, 56, 0; $attributes = pack 'L L Q l L Q3 L2', 56, 0, 0x60, 0, 0, 0, 0, 0, 100, 900; syscall 314, 0, $attributes, 0;
	syscall 157, 62, $_, 0, 0, 0 for 1, 0; syscall 251, 1, 0, 0x4004; syscall 252, 1, 0;
	my @children = map { my $child = fork; $child == 0 and do { setpriority 0, 0, $_; my $end = time + 1; 1 while time < $end; exit; }; $child } 0, 5, 10; my $ids = "\0" x 8; syscall 203, $children[0], 8, $mask; waitpid $_, 0 for @children; slurp('/proc/self/sched', '/proc/self/schedstat', '/proc/schedstat', '/sys/kernel/debug/sched/debug'); spill('/proc/self/autogroup', 3);
};
way 'prctl', 10, sub { for my $option (1 .. 70) { next if $option == 22 || $option == 26; my $room = "\0" x 256; syscall 157, $option, $_, 0, 0, 0 for $option % 2 ? 0 : $room; } for (0x1001 .. 0x1004) { my $room = "\0" x 8; syscall 158, $_, $room; } syscall 97, $_, my $limit = "\0" x 16 for 0 .. 15; my $who = "\0" x 144; syscall 98, $_, $who for 0, -1, 1; my $limits = pack 'Q2', 100, 200; my $old = "\0" x 16; syscall 302, 0, $_, $limits, $old for 4, 7, 11, 13; };
way 'time', 15, sub {
	for my $clock (0 .. 11, -6, -2) { my $time = "\0" x 16; syscall 228, $clock, $time; syscall 229, $clock, $time; my $event = pack 'Q l l x48', 0, 10, 0; my $id = pack 'l', 0; syscall 222, $clock, $event, $id or do { my ($timer) = unpack 'l', $id; local $SIG{USR1} = sub { }; my $when = pack 'q4', 0, 1_000_000, 0, 1_000_000; my $now = "\0" x 32; syscall 223, $timer, 0, $when, $now; syscall 224, $timer, $now; select undef, undef, undef, 0.02; syscall 225, $timer; slurp('/proc/self/timers'); syscall 226, $timer; }; my $short = pack 'q2', 0, 100_000; syscall 230, $clock, 0, $short, 0 if $clock =~ /^(?:0|1|7|11)$/; }
	local $SIG{ALRM} = sub { }; local $SIG{VTALRM} = sub { }; local $SIG{PROF} = sub { }; for my $which (0, 1, 2) { my $value = pack 'q4', 0, 10_000, 0, 10_000; my $old = "\0" x 32; syscall 38, $which, $value, $old; select undef, undef, undef, 0.05; $value = "\0" x 32; syscall 38, $which, $value, $old; syscall 36, $which, $old; }
	my $adjust = "\0" x 208; syscall 159, $adjust; $adjust = "\0" x 208; syscall 305, 0, $adjust; syscall 96, $adjust, 0; syscall 201, 0; syscall 100, $adjust;
};
way 'signals', 15, sub {
	local $SIG{USR1} = sub { }; local $SIG{CHLD} = sub { }; local $SIG{RTMIN} = sub { };
	kill 'USR1', $$; my $info = pack 'l3 x4 l2 Q x96', 10, 0, -1, $$, 0, 0; syscall 129, $$, 10, $info; syscall 297, $$, $$, 10, $info; syscall 234, $$, $$, 10; syscall 200, $$, 10; my $own = syscall 434, $$, 0; syscall 424, $own, 10, 0, 0;
	my $mask = pack 'Q', 1 << 9; my $old = "\0" x 8; syscall 14, 0, $mask, $old, 8; kill 'USR1', $$; syscall 127, $old, 8; my $room = "\0" x 128; my $time = pack 'q2', 0, 1000; syscall 128, $mask, $room, $time, 8; syscall 14, 1, $mask, $old, 8; my $stack = pack 'Q l x4 Q', map_memory(65536), 0, 65536; syscall 131, $stack, 0;
	my $child = fork; if ($child == 0) { kill 19, $$; exit 3; } my $status = "\0" x 128; syscall 247, 1, $child, $status, 7 | 0x1000000, 0; kill 18, $child; my $rest = "\0" x 144; syscall 61, $child, $status, 0, $rest; $child = fork; if ($child == 0) { syscall 160, 4, my $none = "\0" x 16; kill 11, $$; exit; } waitpid $child, 0; syscall 109, 0, 0; syscall 62, 0, 0; syscall 312, $$, $$, $_, 0, 0 for 0 .. 7;
};
way 'tracing', 15, sub {
	my $child = fork; if ($child == 0) { syscall 101, 0, 0, 0, 0; kill 19, $$; syscall 39 for 1 .. 5; exit; } waitpid $child, 2; syscall 101, 0x4200, $child, 0, 0x7f; my $registers = "\0" x 512; my $part = pack 'P Q', $registers, 512;
	syscall 101, 12, $child, 0, $registers; syscall 101, 13, $child, 0, $registers; syscall 101, 14, $child, 0, $registers; for my $kind (1, 2, 0x202) { my $piece = pack 'P Q', $registers, 512; syscall 101, 0x4204, $child, $kind, $piece; syscall 101, 0x4205, $child, $kind, $piece; } syscall 101, 3, $child, $_, $registers for 0, 8, 848, 904; syscall 101, 6, $child, 848, 0x1000; syscall 101, 6, $child, 904, 1; syscall 101, 2, $child, 0x400000, $registers; syscall 101, 0x4202, $child, 0, $registers; syscall 101, 0x420a, $child, 8, $registers; syscall 101, 0x420e, $child, 80, $registers; my $queued = pack 'Q L l', 0, 0, 4; syscall 101, 0x4209, $child, $queued, $registers;
	for my $how (24, 9, 24, 24, 7) { syscall 101, $how, $child, 0, 0; waitpid $child, 2; } syscall 101, 17, $child, 0, 0; kill 9, $child; wait;
	$child = fork; if ($child == 0) { sleep 5; exit; } syscall 101, 0x4206, $child, 0, 0; syscall 101, 0x4207, $child, 0, 0; waitpid $child, 2; syscall 101, 0x4208, $child, 0, 0; slurp(map { "/proc/$child/$_" } 'syscall', 'stack', 'wchan', 'status', 'stat', 'personality', 'auxv', 'environ', 'mem'); syscall 101, 17, $child, 0, 0; kill 9, $child; wait;
	# The memory of another one, and its descriptors
	$child = fork; if ($child == 0) { sleep 5; exit; } my $here = "\0" x 64; my $to = pack 'P Q', $here, 64; my $name = 'x' x 64; my $from = pack 'P Q', $name, 64; syscall $_, $child, $to, 1, $from, 1, 0 for 310, 311; my $pid = syscall 434, $child, 0; syscall 438, $pid, 0, 0; kill 9, $child; wait;
};
way 'futexes', 15, sub {
	my $word = map_memory(4096, 0x21); my $short = pack 'q2', 0, 10_000_000; poke($word, pack 'L', 1);
	my $child = fork; if ($child == 0) { syscall 202, $word, 0, 1, 0, 0, 0; exit; } select undef, undef, undef, 0.2; syscall 202, $word, 3, 0, 1, $word + 8, 0; syscall 202, $word, 4, 0, 1, $word + 8, 1; syscall 202, $word, 5, 1, 1, $word + 8, 0; syscall 202, $word + 8, 1, 10, 0, 0, 0; kill 9, $child; wait;
	syscall 202, $word, $_, 1, $short, 0, 1 for 0, 9, 128, 137; my $lock = $word + 16; syscall 202, $lock, 6, 0, $short, 0, 0; $child = fork; if ($child == 0) { syscall 202, $lock, 6, 0, 0, 0, 0; syscall 202, $lock, 8, 0, 0, 0, 0; exit; } select undef, undef, undef, 0.2; syscall 202, $lock, 7, 0, 0, 0, 0; syscall 202, $lock, 13, 0, 0, 0, 0; kill 9, $child; wait; syscall 202, $word + 24, 11, 0, $short, $lock, 0; syscall 202, $word + 24, 12, 1, 1, $lock, 0;
	my $waiters = pack 'Q Q L L', 1, $word, 2, 0; syscall 449, $waiters, 1, 0, $short, 1; my $size = "\0" x 8; my $head = "\0" x 8; syscall 274, 0, $head, $size; my $robust = map_memory(4096); poke($robust, pack 'Q Q Q', $robust + 64, -8 & 0xff, 0); fork == 0 and do { poke($robust, pack 'Q q Q', $robust, 0, 0); syscall 273, $robust, 24; exit; }; wait; my $area = map_memory(4096); syscall 334, $area, 32, 0, 0x53053053; syscall 24; syscall 334, $area, 32, 1, 0x53053053;
};
# user, mount, UTS, IPC, pid, net, cgroup and time, by unshare, by clone3 and by going there
way 'namespaces', 15, sub {
	for my $kind (0x10000000, 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000, 0x2000000, 0x80, 0x7e020000) { fork == 0 and do { syscall 272, $kind; spill('/proc/self/setgroups', 'deny'); spill('/proc/self/uid_map', '0 0 1'); spill('/proc/self/gid_map', '0 0 1'); spill('/proc/self/timens_offsets', "monotonic 100 0\n"); fork == 0 and do { slurp('/proc/self/uid_map', '/proc/self/cgroup', '/proc/self/mountinfo'); my $name = 'exercise'; syscall 170, $name, 8; exit; }; wait; exit; }; wait; }
	for my $name (names('/proc/1/ns')) { sysopen my $there, "/proc/1/ns/$name", 0 or next; fork == 0 and do { syscall 308, fileno $there, 0; exit; }; wait; my $number = "\0" x 4; ioctl $there, $_, $number for 0xb701, 0xb702, 0xb703, 0xb704; }
	my $arguments = pack 'Q11', 0x20000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0; my $child = syscall 435, $arguments, 88; exit if defined $child && $child == 0; wait; syscall 436, 100, 200, 0;
};
way 'groups', 20, sub {
	mkdir '/run/group'; run('mount -t cgroup2 none /run/group'); my $root = '/run/group';
	spill("$root/cgroup.subtree_control", "+$_") for 'memory', 'cpu', 'io', 'pids', 'cpuset', 'hugetlb', 'rdma', 'misc'; mkdir "$root/x"; mkdir "$root/x/y"; spill("$root/x/cgroup.subtree_control", '+memory +pids');
	my %values = ('memory.max' => '32M', 'memory.high' => '16M', 'memory.low' => '1M', 'memory.min' => '1M', 'memory.swap.max' => '1M', 'memory.oom.group' => 1, 'memory.reclaim' => '1M', 'cpu.max' => '50000 100000', 'cpu.weight' => 50, 'cpu.idle' => 0, 'pids.max' => 20, 'cpuset.cpus' => 0, 'cpuset.mems' => 0, 'cpuset.cpus.partition' => 'root', 'io.max' => '254:0 rbps=1048576', 'io.weight' => 'default 50', 'cpu.pressure' => "some 150000 1000000\0", 'memory.pressure' => "full 150000 1000000\0", 'cgroup.type' => 'threaded', 'cgroup.freeze' => 1);
	my $child = fork; if ($child == 0) { my @kept; push @kept, 'x' x (1 << 20) for 1 .. 24; run('cat /proc/self/status') for 1 .. 3; sleep 20; exit; }
	spill("$root/x/y/cgroup.procs", $child); spill("$root/x/y/$_", $values{$_}) for sort keys %values; slurp_below("$root/x", 1); sleep 2; spill("$root/x/y/cgroup.freeze", 0); sleep 1; slurp_below("$root/x", 1); slurp("/proc/$child/cgroup"); spill("$root/x/cgroup.kill", 1); kill 9, $child; wait; slurp_below($root, 0); spill("$root/cgroup.procs", $child); rmdir "$root/x/y"; rmdir "$root/x"; run('umount /run/group');
	# The first version, of whatever the second has not
	for my $kind ('freezer', 'devices', 'net_cls,net_prio', 'perf_event', 'blkio', 'memory', 'none,name=exercise') { run("mount -t cgroup -o $kind none /run/group && { mkdir /run/group/x; echo \$\$ >/run/group/x/cgroup.procs; cat /run/group/x/*; echo 'c 1:3 r' >/run/group/x/devices.deny; echo \$\$ >/run/group/cgroup.procs; rmdir /run/group/x; umount /run/group; }"); }
};
way 'system-v', 15, sub {
	my $id = msgget 0, 0x1b6 | 0x200; msgsnd $id, pack('q a*', 1, 'x' x 5000), 0; msgsnd $id, pack('q a*', 2, 'y'), 0; msgrcv $id, my $text, 10_000, 1, 0; msgrcv $id, $text, 10, -5, 04000; msgctl $id, 2, $text = "\0" x 200; slurp('/proc/sysvipc/msg', '/proc/sysvipc/sem', '/proc/sysvipc/shm'); msgctl $id, 0, 0;
	$id = semget 0, 4, 0x1b6 | 0x200; semop $id, pack 's3 s3', 0, 1, 0, 1, 2, 0x1000; semop $id, pack 's3', 0, -5, 04000; semctl $id, 0, 16, 3; semctl $id, 0, 13, my $values = "\0" x 20; my $wait = pack 'q2', 0, 10_000_000; my $operation = pack 's3', 2, -1, 0; syscall 220, $id, $operation, 1, $wait; semctl $id, 0, 0, 0;
	$id = shmget 0, 65536, 0x1b6 | 0x200; shmwrite $id, 'x' x 100, 0, 100; shmread $id, $text, 0, 10; my $at = syscall 30, $id, 0, 0; fork == 0 and exit; wait; syscall 67, $at; syscall 31, $id, $_, 0 for 11, 12; shmctl $id, 0, 0;
	my $name = 'exercise'; my $queue = syscall 240, $name, 0102, 0600, 0; my $message = 'x' x 8192; syscall 242, $queue, $message, 100, 5, 0; my $event = pack 'Q l l x48', 0, 10, 1; syscall 244, $queue, $event; my $rank = "\0" x 4; syscall 243, $queue, $message, 8192, $rank, 0; my $about = "\0" x 64; syscall 245, $queue, 0, $about; slurp("/proc/self/fdinfo/$queue"); syscall 241, $name;
};
way 'terminals', 15, sub {
	sysopen my $master, '/dev/ptmx', 02 | 0400 or return; my $number = pack 'l', 0; ioctl $master, 0x40045431, $number; ioctl $master, 0x80045430, $number; my ($which) = unpack 'l', $number; fork == 0 and do { setpgrp; syscall 112; sysopen my $slave, "/dev/pts/$which", 02 or exit; ioctl $slave, 0x540e, 0;
	for my $request (0x5401, 0x5405, 0x5413, 0x540f, 0x5411, 0x541b, 0x5424, 0x5429, 0x80045438, 0x80045439, 0x80045440) { my $room = "\0" x 128; ioctl $slave, $request, $room; } my $settings = "\0" x 64; ioctl $slave, 0x5401, $settings; ioctl $slave, $_, $settings for 0x5402, 0x5403, 0x5404; my $size = pack 'S4', 30, 90, 0, 0; ioctl $slave, 0x5414, $size; my $letter = 'x'; ioctl $slave, 0x5412, $letter; ioctl $slave, 0x5409, 1; ioctl $slave, 0x540a, $_ for 0, 1, 2, 3; ioctl $slave, 0x540b, $_ for 0, 1, 2;
	syswrite $slave, "line\t\n" x 20; for my $discipline (1 .. 30, 0) { my $value = pack 'l', $discipline; ioctl $slave, 0x5423, $value; syswrite $slave, 'x'; } ioctl $slave, 0x5437, 0; ioctl $slave, 0x5422, 0; exit; };
	syswrite $master, "abc\x08\x17\x15\x04\x03\x1a\n" x 5; my $set = ''; vec($set, fileno $master, 1) = 1; select $set, undef, undef, 1; sysread $master, my $text, 1000 for 1; my $packet = pack 'l', 1; ioctl $master, 0x5420, $packet; close $master; wait;
};
way 'programs', 15, sub {
	open my $script, '>', '/run/exercise-script'; print $script "#!/bin/sh\nexit 0\n"; close $script; chmod 0755, '/run/exercise-script'; run('/run/exercise-script; mkdir /run/binary; mount -t binfmt_misc none /run/binary && { echo ":exercise:M::EXER::/bin/sh:" >/run/binary/register; cat /run/binary/*; echo 0 >/run/binary/status; echo -1 >/run/binary/exercise; umount /run/binary; }'); open my $odd, '>', '/run/exercise-odd'; syswrite $odd, "\x7fELF" . "\0" x 200; close $odd; chmod 0755, '/run/exercise-odd'; run('/run/exercise-odd'); unlink '/run/exercise-script', '/run/exercise-odd';
	spill('/proc/self/coredump_filter', '0x3f'); spill('/proc/self/oom_score_adj', 500); spill('/proc/self/comm', 'exercise'); spill('/proc/self/attr/current', 'x'); my $code = pack 'S S L', 6, 0, 0x7fff0000; my $filter = pack 'S x6 P', 1, $code; syscall 157, 38, 1, 0, 0, 0; syscall 317, 2, 0, my $action = pack 'L', 0x7fff0000; fork == 0 and do { syscall 317, 1, 8, $filter; syscall 39; slurp('/proc/self/status'); exit; }; wait;
	my $rules = pack 'Q2', 0x1fff, 0; my $set = syscall 444, $rules, 8, 0; my ($folder) = ('/tmp'); my $below = syscall 257, -100, $folder, 0x200000, 0; my $rule = pack 'Q l', 4, $below; syscall 445, $set, 1, $rule, 0; fork == 0 and do { syscall 157, 38, 1, 0, 0, 0; syscall 446, $set, 0; slurp('/tmp/x', '/etc/x'); exit; }; wait; my $version = syscall 444, 0, 0, 1;
	my $uids = 1000; fork == 0 and do { syscall 114, 1, 1; syscall 117, $uids, $uids, $uids; slurp('/proc/1/environ'); kill 0, 1; exit; }; wait; my $header = pack 'L l', 0x20080522, 0; my $caps = "\0" x 24; syscall 125, $header, $caps; syscall 126, $header, $caps; my $list = pack 'L2', 1, 2; syscall 116, 2, $list; syscall 135, 0x0040000; syscall 163, 0;
};

1;
