# SPDX-License-Identifier: GPL-2.0-only
#
# Files: what can be done to them in any file system, pipes, and what tells of changes.

# Everything that one folder's file system can be asked for.
sub use_folder {
	my ($dir) = @_;
	my ($empty, $text) = ('', 'x' x 200_000);
	open my $out, '+>', "$dir/one" or return;
	my $fd = fileno $out;
	syswrite $out, $text; sysseek $out, 0, 0; sysread $out, $text, 100_000;
	syscall 75, $fd; syscall 74, $fd; syscall 277, $fd, 0, 4096, 7; syscall 306, $fd;
	# fallocate: extend, keep its size, punch, zero, collapse, insert, unshare
	syscall 285, $fd, $_->[0], $_->[1], $_->[2] for [0, 300_000, 8192], [1, 400_000, 8192], [3, 8192, 8192], [0x10, 16384, 8192], [8, 4096, 4096], [0x20, 4096, 4096], [0x40, 0, 8192];
	syscall 187, $fd, 0, 65536; syscall 221, $fd, 0, 65536, $_ for 0 .. 5;
	# SEEK_DATA, SEEK_HOLE; leases, locks of both kinds, dnotify
	syscall 8, $fd, 0, $_ for 3, 4;
	my $lock = pack 's s x4 q q l x4', 1, 0, 0, 100, 0;
	syscall 72, $fd, $_->[0], $_->[1] for [1024, 1], [1025, 0], [1024, 2], [1026, 15], [1031, 65536];
	# Locks of the process and of the open file are in each other's way.
	for my $calls ([5, 6, 7], [36, 37, 38]) { for my $call (@$calls) { my $one = $lock; syscall 72, $fd, $call, $one; } my $open = pack 's s x4 q q l x4', 2, 0, 0, 0, 0; syscall 72, $fd, $calls->[1], $open; }
	flock $out, 2; flock $out, 8;
	# xattrs of each class, and by descriptor
	my $path = "$dir/one";
	for my $name ('user.a', 'trusted.b', 'security.c', 'system.posix_acl_access', 'security.capability') {
		my ($attribute, $value) = ($name, $name =~ /acl/ ? pack('L S S L S S L S S L S S L S S L', 2, 1, 6, -1, 2, 6, 1, 4, 4, -1, 16, 4, -1, 32, 4, -1) : $name =~ /capab/ ? pack('L5', 0x02000001, 1, 0, 0, 0) : 'value');
		my $room = "\0" x 300;
		syscall 188, $path, $attribute, $value, length $value, 0; syscall 191, $path, $attribute, $room, 300; syscall 193, $fd, $attribute, $room, 300;
		syscall 194, $path, $room, 300; syscall 197, $path, $attribute;
	}
	my $room = "\0" x 4096;
	# Flags, generation, project, extents, label, space, freeze; those of ext4 and btrfs too: what a file system does not know it says
	for my $request (0x80086601, 0x80087601, 0x801c581f, 0xc020660b, 0x81009431, 0x8008660f, 0xc0c0583b, 0x40086602, 0x401c5820, 0xc0185879, 0x8080583a) { my $in = "\0" x 4096; ioctl $out, $request, $in; }
	my $extents = pack 'Q Q L L L L x4000', 0, ~0, 1, 0, 50, 0; ioctl $out, 0xc020660b, $extents;
	# mapped, shared: faults, write-back
	my $at = syscall 9, 0, 65536, 3, 1, $fd, 0;
	if ($at > 0) { poke($at, 'y' x 8192); peek($at + 4096, 100); syscall 26, $at, 65536, 4; syscall 28, $at, 65536, $_ for 1, 2, 3, 4, 9, 20, 21, 22, 23; syscall 11, $at, 65536; }
	# not through the cache
	if (sysopen my $direct, $path, 0x4002) { my $page = map_memory(8192); syscall 1, fileno $direct, $page, 8192; syscall 8, fileno $direct, 0, 0; syscall 0, fileno $direct, $page, 8192; }
	# from file to file: copy_file_range, clone, dedupe, sendfile, splice
	if (open my $other, '+>', "$dir/other") {
		sysseek $out, 0, 0;
		my $to = fileno $other;
		syscall 326, $fd, 0, $to, 0, 16384, 0; syscall 40, $to, $fd, 0, 8192; ioctl $other, 0x40049409, $fd;
		my $range = pack 'q Q Q Q', $fd, 0, 4096, 0; ioctl $other, 0x4020940d, $range;
		my $same = pack 'Q Q S S L q Q Q l L', 0, 4096, 1, 0, 0, $to, 0, 0, 0, 0; ioctl $out, 0xc0189436, $same;
		pipe my $in, my $end; syscall 275, $fd, 0, fileno $end, 0, 4096, 0; syscall 275, fileno $in, 0, $to, 0, 4096, 0;
		sync_folder($dir);
	}
	truncate $out, 10; truncate $out, 1 << 20;
	link $path, "$dir/two"; symlink 'two', "$dir/three"; rename "$dir/two", "$dir/four"; readlink "$dir/three"; symlink 'z' x 200, "$dir/long";
	my ($four, $other, $here) = ("$dir/four", "$dir/other", $dir);
	syscall 316, -100, $four, -100, $other, $_ for 1, 2, 4;
	chmod 0600, $path; chown 1, 1, $path; utime 1, 1, $path; stat "$dir/three"; lstat "$dir/three"; -r $path;
	my $statx = "\0" x 256; syscall 332, -100, $path, 0, 0xfff, $statx;
	my $about = "\0" x 120; syscall 137, $path, $about;
	my $handle = pack 'L L x128', 128, 0; my $mount = pack 'l', 0; syscall 303, -100, $path, $handle, $mount, 0; syscall 304, -100, $handle, 0;
	syscall 133, $_->[0], $_->[1], 0x103 for ["$dir/fifo", 0010644], ["$dir/null", 0020644], ["$dir/socket", 0140644];
	mkdir "$dir/folder"; mkdir "$dir/folder/$_" for 1 .. 40;
	for my $number (1 .. 60) { open my $small, '>', "$dir/folder/file$number" or last; syswrite $small, 'x' x $number; }
	names("$dir/folder"); rename "$dir/folder/1", "$dir/moved"; rmdir "$dir/folder/$_" for 2 .. 40;
	my $unnamed = syscall 257, -100, $here, 020200002, 0600;
	if ($unnamed > 0) { my ($from, $to) = ("/proc/self/fd/$unnamed", "$dir/named"); syscall 265, -100, $from, -100, $to, 0x400; }
	syscall 162;
	close $out;
	unlink map { "$dir/folder/$_" } names("$dir/folder"); unlink map { "$dir/$_" } names($dir); rmdir "$dir/$_" for names($dir);
	ioctl_folder($dir);
}

sub sync_folder { opendir my $folder, $_[0] or return; syscall 74, fileno $folder; }

# What a folder is asked by ioctl: flags, encryption policy, freezing and thawing of the whole.
sub ioctl_folder {
	sysopen my $folder, $_[0], 0x10000 or return;
	for my $request (0x80086601, 0x400c6615, 0xc0406618, 0xc0045877, 0xc0045878, 0xc0185879) { my $in = "\0" x 4096; ioctl $folder, $request, $in; }
}

way 'files-tmpfs', 15, sub { mkdir '/run/files'; run('mount -t tmpfs files /run/files'); use_folder('/run/files'); };
way 'files-root', 15, sub { mkdir '/tmp/files'; use_folder('/tmp/files'); rmdir '/tmp/files'; };

# inotify, fanotify, dnotify and leases while a file changes.
way 'notify', 15, sub {
	mkdir '/run/files'; run('mount -t tmpfs files /run/files');
	my ($path, $folder) = ('/run/files/one', '/run/files');
	my $inotify = syscall 294, 0x800; my $watch = syscall 254, $inotify, $folder, 0xfff;
	my @groups = map { syscall 300, $_, 2 } 0x2, 0x602, 0x202;
	syscall 301, $_, 0x11, 0x0000003b, -100, $folder for @groups; syscall 301, $groups[1], 1, 0x48000fc0, -100, $folder;
	open my $out, '>', $path; syswrite $out, 'x'; close $out; rename $path, "$path.2"; unlink "$path.2"; mkdir "$folder/a"; rmdir "$folder/a";
	for my $fd ($inotify, @groups) { my $room = "\0" x 4096; syscall 0, $fd, $room, 4096; slurp("/proc/self/fdinfo/$fd"); }
	syscall 255, $inotify, $watch; syscall 301, $groups[0], 0x80, 0, -100, $folder;
};

way 'pipes', 15, sub {
	pipe my $in, my $out; my $fd = fileno $out;
	syscall 72, $fd, 1031, $_ for 65536, 1 << 20, 4096;
	syswrite $out, 'x' x 3_000; my $set = ''; vec($set, fileno $in, 1) = 1; select $set, undef, undef, 0.1;
	my $number = pack 'l', 0; ioctl $in, 0x541b, $number;
	pipe my $in2, my $out2; syscall 276, fileno $in, fileno $out2, 1000, 2;
	my $memory = map_memory(8192); my $part = pack 'Q Q', $memory, 4096; syscall 278, fileno $out2, $part, 1, 8;
	sysread $in2, my $text, 5_000; sysread $in, $text, 5_000;
	socketpair my $left, my $right, 1, 1, 0; syswrite $out, 'x' x 100; syscall 275, fileno $in, 0, fileno $left, 0, 100, 1; syscall 275, fileno $right, 0, $fd, 0, 100, 2;
	my $direct = pack 'l l', 0, 0; syscall 293, $direct, 040000 | 0x800; my (undef, $write) = unpack 'l l', $direct; syscall 1, $write, $text, 10;
	my $fifo = '/run/exercise-fifo'; syscall 133, $fifo, 0010644, 0; sysopen my $named, $fifo, 0x802; syswrite $named, 'x'; close $named; unlink $fifo;
};

# eventfd2, timerfd, signalfd4, memfd_create with its seals, userfaultfd, epoll of all of them
way 'descriptors', 15, sub {
	my $mask = pack 'Q', 1 << 9; my $name = 'exercise';
	my @fds = (syscall(290, 5, 0x800), syscall(283, 1, 0x800), syscall(289, -1, $mask, 8, 0x800), syscall(319, $name, 2), syscall(323, 0x801), syscall(434, $$, 0));
	my $time = pack 'q4', 0, 1_000_000, 0, 1_000_000; syscall 286, $fds[1], 0, $time, 0; my $old = "\0" x 32; syscall 287, $fds[1], $old;
	syscall 77, $fds[3], 8192; syscall 72, $fds[3], 1033, $_ for 2, 4, 8, 1; syscall 72, $fds[3], 1034, 0;
	my $epoll = syscall 291, 0; my $second = syscall 291, 0;
	for my $fd (@fds, $second) { my $event = pack 'L Q', 0x80000001, $fd; syscall 233, $epoll, 1, $fd, $event; $event = pack 'L Q', 5, $fd; syscall 233, $epoll, 3, $fd, $event; }
	my $events = "\0" x 400; syscall 232, $epoll, $events, 10, 50; syscall 281, $epoll, $events, 10, 5, 0, 8; my $wait = pack 'q q', 0, 1000; syscall 441, $epoll, $events, 10, $wait, 0, 8;
	for my $fd (@fds) { my $room = "\0" x 128; syscall 0, $fd, $room, 128; slurp("/proc/self/fdinfo/$fd"); syscall 233, $epoll, 2, $fd, 0; }
	slurp("/proc/self/fdinfo/$epoll");
	my $list = join '', map { pack 'l s s', $_, 5, 0 } @fds; syscall 7, $list, scalar @fds, 1; my $timeout = pack 'q q', 0, 1000; syscall 271, $list, scalar @fds, $timeout, 0, 8;
	syscall 436, $fds[5], $fds[5], 0; syscall 438, $fds[4], 0, 0;
};

1;
