#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# exercise.pl MODULE...: uses the kernel in many ways, each for a moment, and tells which functions of the modules ran
# meanwhile, a line each ("copy_mount_options 3"). Nothing of Perl's library: some machines have the program alone.

my $tracing = '/sys/kernel/debug/tracing';
my %ran;

sub tell_tracer {
	my ($file, $text, $how) = @_;
	open my $out, $how || '>', "$tracing/$file" or return;
	syswrite $out, $text;
	close $out;
}

# The tracer keeps the newest lines alone, so that each way is counted by itself, and few of them: where a function runs with each
# switch of tasks, reading a whole buffer of them takes an emulated machine ten times as long as what is to be seen.
sub count_calls {
	open my $in, '<', "$tracing/trace" or return;
	while (<$in>) { $ran{$1}++ if /: (\S+)(?: \[\w+\])? <-/ }
	close $in;
	tell_tracer 'trace', '';
}

sub slurp { for my $file (@_) { open my $in, '<', $file or next; read $in, my $text, 1 << 20; } }

sub names { opendir my $folder, $_[0] or return; grep { !/^\.\.?$/ } readdir $folder; }

# What a folder and the folders in it hold, so many deep. Perl's own glob is in its library.
sub slurp_below {
	my ($folder, $depth) = @_;
	for my $name (names $folder) {
		my $path = "$folder/$name";
		next if -l $path || $name =~ /pipe|kmsg|^kcore$|^tracing$|^debug$/;
		if (!-d _) { slurp $path } elsif ($depth > 0) { slurp_below($path, $depth - 1) }
	}
}

# A connected pair over a family: one end in a child that answers once and goes.
sub talk {
	my ($family, $type, $address) = @_;
	socket my $listener, $family, $type, 0 or return;
	bind $listener, $address or return;
	my $stream = $type == 1;
	listen $listener, 5 if $stream;
	my $at = getsockname $listener;
	if (fork == 0) {
		socket my $client, $family, $type, 0 or exit;
		setsockopt $client, 1, $_, pack 'i', 1 for 2, 9, 15;
		connect $client, $at or exit;
		send $client, 'x' x 20_000, 0 for 1 .. 20;
		shutdown $client, 1;
		sysread $client, my $text, 100 if $stream;
		exit;
	}
	my $peer = $listener;
	if ($stream) { accept $peer = undef, $listener or return; }
	for (1 .. 20) { recv $peer, my $text, 30_000, 0 or last; }
	syswrite $peer, 'answer' if $stream;
	close $peer;
	wait;
}

# What rtnetlink shows of one kind of object.
sub dump_routes {
	my ($kind, $body) = @_;
	socket my $netlink, 16, 3, 0 or return;
	send $netlink, pack('L S S L L', 16 + length $body, $kind, 0x301, 1, 0) . $body, 0;
	for (1 .. 3) { recv $netlink, my $text, 1 << 16, 0x40 or last; }
}

my @inet = map { pack 'S n N x8', 2, 0, 0x7f000001 } 1 .. 2;
my $inet6 = pack 'S n N x15 C L', 10, 0, 0, 1, 0;
my $files = '/run/exercise';
my @ways = (
	sub { slurp map { "/proc/$_" } grep { !/kmsg|kcore/ } names '/proc'; },
	sub { slurp_below $_, 2 for '/proc/self/net', "/proc/$$", '/proc/1', '/proc/irq', '/proc/bus', '/proc/fs'; },
	sub { slurp_below '/proc/sys', 5; },
	sub { slurp_below '/sys/kernel', 1; slurp_below '/sys/devices/system', 3; },
	sub { slurp_below '/sys/devices/pci0000:00', 3; slurp_below '/sys/devices/virtual', 2; },
	sub { slurp_below '/sys/fs', 2; },
	sub { talk 2, 1, $inet[0] },
	sub { talk 2, 2, $inet[1] },
	sub { talk 10, 1, $inet6 },
	sub { talk 10, 2, $inet6 },
	sub { talk 1, $_, pack('S', 1) . "\0exercise$_" for 1, 2, 5; },
	sub { dump_routes $_, "\0" x 32 for 18, 22, 26, 30, 34, 38, 42, 46, 66, 80, 90; },
	sub { socket my $raw, 17, 3, 0x0300; sysread $raw, my $frame, 100 if $raw && fork == 0; },
	sub { for my $to (pack('S n N x8', 2, 9, 0x7f000001), pack 'S n N x8', 2, 9, 0x0a000202) {
		socket my $raw, 2, 3, 1; send $raw, "\x08\0\xf7\xff\0\0\0\0", 0, $to; sleep 1; } },
	sub {
		mkdir $files;
		open my $out, '+>', "$files/one"; syswrite $out, 'x' x 100_000; seek $out, 0, 0; sysread $out, my $text, 100_000;
		truncate $out, 10; flock $out, 2; close $out;
		link "$files/one", "$files/two"; symlink 'two', "$files/three"; rename "$files/two", "$files/four";
		chmod 0600, "$files/one"; chown 1, 1, "$files/one"; utime 1, 1, "$files/one"; readlink "$files/three";
		stat "$files/three"; opendir my $folder, $files; readdir $folder; closedir $folder;
		unlink map { "$files/$_" } names $files; rmdir $files;
	},
	sub { system 'mount -t tmpfs -o size=1m,mode=0700 exercise /mnt 2>/dev/null || mount -t tmpfs exercise /tmp; umount /mnt /tmp 2>/dev/null; sync'; },
	sub { pipe my $in, my $out; syswrite $out, 'x' x 5_000; my $set = ''; vec($set, fileno $in, 1) = 1; select $set, undef, undef, 0.1; sysread $in, my $text, 5_000; },
	# eventfd2, timerfd_create, inotify_init1, epoll_create1, memfd_create, signalfd4, userfaultfd, fanotify_init
	sub { syscall 290, 5, 0; syscall 283, 1, 0; syscall 294, 0; syscall 291, 0; my $name = 'exercise'; syscall 319, $name, 0; syscall 323, 0; syscall 300, 0, 0; },
	# io_uring_setup, bpf (an array), perf_event_open of a software clock, add_key, keyctl
	sub {
		my $set_up = "\0" x 120; syscall 425, 8, $set_up;
		my $map = pack 'L4 x112', 2, 4, 8, 16; syscall 321, 0, $map, 128;
		my $event = pack 'L L Q x112', 1, 128, 0; syscall 298, $event, 0, -1, -1, 0;
		my ($kind, $name, $value) = ('user', 'exercise', 'x'); syscall 248, $kind, $name, $value, 1, -2; syscall 250, 6, -2, 0, 0;
	},
	sub { my $id = msgget 0, 0x1b6 | 0x200; msgsnd $id, pack('q a*', 1, 'x'), 0; msgrcv $id, my $text, 10, 1, 0; msgctl $id, 0, 0;
		$id = semget 0, 2, 0x1b6 | 0x200; semop $id, pack 's3', 0, 1, 0; semctl $id, 0, 0, 0;
		$id = shmget 0, 8192, 0x1b6 | 0x200; shmread $id, $text, 0, 10; shmctl $id, 0, 0; },
	# unshare of user, mount, uts, ipc, pid, net and cgroup; sched_setaffinity, sched_setscheduler, prctl, setrlimit, ptrace
	sub { for (0x10000000, 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000, 0x2000000) { fork == 0 and do { syscall 272, $_; exit; }; wait; } },
	sub { my $mask = pack 'Q', 1; syscall 203, 0, 8, $mask; my $rank = pack 'i', 1; syscall 144, 0, 1, $rank; syscall 157, 15, 'x', 0, 0, 0; setpriority 0, 0, 5; },
	sub { my $child = fork; if ($child == 0) { sleep 5; exit; } syscall 101, 16, $child, 0, 0; kill 19, $child; kill 18, $child; kill 9, $child; wait; },
	sub { system 'dmesg >/dev/null; ls -lR /sys/kernel >/dev/null; echo exercise >/dev/kmsg'; },
	sub { system 'mkdir -p /run/group && mount -t cgroup2 none /run/group && mkdir /run/group/x && echo $$ >/run/group/x/cgroup.procs && cat /run/group/x/* >/dev/null; echo 0 >/run/group/cgroup.procs; rmdir /run/group/x; umount /run/group'; },
	sub { slurp map { "/dev/$_" } grep { !/^(?:kmsg|console|watchdog)/ } names '/dev'; },
	sub { slurp '/dev/net/tun', '/dev/ptmx'; },
);

open STDERR, '>', '/dev/null';
tell_tracer 'current_tracer', 'nop';
tell_tracer 'buffer_size_kb', '256';
tell_tracer 'set_ftrace_filter', '';
tell_tracer 'set_ftrace_filter', "*:mod:$_", '>>' for @ARGV;
tell_tracer 'current_tracer', 'function';
for my $way (@ways) {
	my $child = fork;
	# Some wait for what never comes.
	if ($child == 0) { alarm 3; open STDOUT, '>', '/dev/null'; $way->(); exit; }
	waitpid $child, 0;
	count_calls;
}
tell_tracer 'current_tracer', 'nop';
tell_tracer 'set_ftrace_filter', '';
print "$_ $ran{$_}\n" for sort keys %ran;
