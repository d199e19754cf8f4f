# SPDX-License-Identifier: GPL-2.0-only
#
# What several ways need: files, memory by its address, modules. System calls are x86-64's.

our $later = '/lockstep/later';

# Modules of the vendor's that make more of the kernel reachable, named so that each comes after those that it needs.
sub load_modules {
	my $parameters = '';
	for my $file (sort grep { /\.ko$/ } names($later)) {
		open my $module, '<', "$later/$file" or next;
		syscall 313, fileno $module, $parameters, 0;
	}
}

# Mounts, System V objects and network of this process alone: what a way leaves goes with it.
sub own_namespaces { syscall 272, 0x20000 | 0x8000000 | 0x4000000; }

sub own_network { syscall 272, 0x40000000; run('ip link set lo up'); }

sub run { system "exec >/dev/null 2>&1 </dev/null\n$_[0]"; }

sub slurp {
	for my $file (@_) {
		sysopen my $in, $file, 0x800 or next;
		for (1 .. 16) { sysread $in, my $text, 1 << 16 or last; }
	}
}

sub spill {
	my ($file, $text) = @_;
	sysopen my $out, $file, 0x801 or return;
	syswrite $out, $text;
}

sub names { opendir my $folder, $_[0] or return; return grep { !/^\.\.?$/ } readdir $folder; }

# What a folder and the folders in it hold, so many deep. Perl's own glob is in its library.
sub slurp_below {
	my ($folder, $depth) = @_;
	for my $name (names($folder)) {
		my $path = "$folder/$name";
		# A file for each section and note of each module is always the same code.
		next if -l $path || $name =~ /pipe|kmsg|^kcore$|^tracing$|^debug$|^clear_refs$|^sections$|^notes$/;
		if (!-d _) { slurp($path) } elsif ($depth > 0) { slurp_below($path, $depth - 1) }
	}
}

# Memory of this process that Perl knows nothing of.
sub map_memory { my ($length, $flags, $fd, $offset) = @_; return syscall 9, 0, $length, 3, $flags || 0x22, defined $fd ? $fd : -1, $offset || 0; }

sub move_bytes {
	my ($call, $address, $bytes) = @_;
	my $here = pack 'P Q', $_[2], length $bytes;
	my $there = pack 'Q Q', $address, length $bytes;
	syscall $call, $$, $here, 1, $there, 1, 0;
}

sub poke { my ($address, $bytes) = @_; move_bytes(311, $address, $bytes); }

sub peek {
	my ($address, $length) = @_;
	my $bytes = "\0" x $length;
	my $here = pack 'P Q', $bytes, $length;
	my $there = pack 'Q Q', $address, $length;
	syscall 310, $$, $here, 1, $there, 1, 0;
	return $bytes;
}

# An attribute of netlink's.
sub attribute { my ($type, $data) = @_; return pack('S S a*', 4 + length $data, $type, $data) . "\0" x (-length($data) & 3); }

# A message to a netlink family, and some of what comes back.
sub ask_netlink {
	my ($family, $type, $flags, $body) = @_;
	socket my $netlink, 16, 3, $family or return;
	bind $netlink, pack 'S S L L', 16, 0, 0, 0;
	tell_netlink($netlink, $type, $flags, $body);
}

sub tell_netlink {
	my ($netlink, $type, $flags, $body) = @_;
	send $netlink, pack('L S S L L', 16 + length $body, $type, $flags, 1, 0) . $body, 0;
	my $answer = '';
	for (1 .. 4) { defined recv $netlink, my $text, 1 << 16, 0x40 or last; $answer .= $text; }
	return $answer;
}

# A loop device over a new file of so many megabytes.
sub loop_disk {
	my ($megabytes) = @_;
	mkdir '/run/disks';
	run('mount -t tmpfs disks /run/disks');
	open my $file, '+>', '/run/disks/disk' or return;
	truncate $file, $megabytes << 20;
	close $file;
	my $device = `losetup -f --show /run/disks/disk 2>/dev/null`;
	chomp $device;
	return $device;
}

1;
