# SPDX-License-Identifier: GPL-2.0-only
#
# Sockets of every family, what can be set of them, and what netlink's families are asked.

# A connected pair over a family: one end in a child that answers once and goes.
sub talk {
	my ($family, $type, $address, $protocol) = @_;
	socket my $listener, $family, $type, $protocol || 0 or return;
	set_everything($listener, 1);
	bind $listener, $address or return;
	my $stream = $type != 2;
	listen $listener, 5 if $stream;
	my $at = getsockname $listener;
	if (fork == 0) {
		socket my $client, $family, $type, $protocol || 0 or exit;
		setsockopt $client, 1, $_, pack 'i', 1 for 2, 9, 15;
		connect $client, $at or exit;
		send $client, 'x' x 20_000, 0 for 1 .. 20;
		send $client, 'x' x 1000, $_ for 1, 0x4000, 0x8000, 0x20000000;
		message($client, 46); message($client, 47);
		shutdown $client, 1;
		sysread $client, my $text, 100 if $stream;
		exit;
	}
	my $peer = $listener;
	if ($stream) { accept $peer = undef, $listener or return; }
	get_everything($peer, $_) for 1, $family == 2 ? 0 : 41, $protocol || ($stream ? 6 : 17);
	for (1 .. 20) { defined recv $peer, my $text, 30_000, $_ == 1 ? 2 : 0 or last; }
	syswrite $peer, 'answer' if $stream;
	slurp('/proc/net/tcp', '/proc/net/udp', '/proc/net/unix', '/proc/net/tcp6', '/proc/net/sockstat');
	close $peer;
	wait;
}

# sendmsg and recvmsg, with a control message and a descriptor; their kin for many at once.
sub message {
	my ($socket, $call) = @_;
	my $data = 'x' x 500; my $part = pack 'P Q', $data, 500; my $control = pack 'Q l l l x4', 20, 1, 1, 1; my $room = "\0" x 128;
	my $header = pack 'Q L x4 P Q P Q L x4', 0, 0, $part, 1, $control, 24, 0;
	syscall $call, fileno $socket, $header, 0x40;
	my $many = $header . pack 'L x4', 0; syscall $call == 46 ? 307 : 299, fileno $socket, $many, 1, 0x40, 0;
}

sub set_everything {
	my ($socket, $level) = @_;
	for my $option (1 .. 80) { next if $option == 18; for my $value (pack('l', 1), pack('l', 0), pack('q2', 0, 100), "lo\0") { setsockopt $socket, $level, $option, $value; } }
}

sub get_everything { my ($socket, $level) = @_; for my $option (1 .. 80) { my $text = getsockopt $socket, $level, $option; } }

my @inet = map { pack 'S n N x8', 2, 0, 0x7f000001 } 1 .. 2;
my $inet6 = pack 'S n N x15 C L', 10, 0, 0, 1, 0;
my $unix = pack('S', 1) . "\0exercise";
way 'tcp', 15, sub { own_network(); talk(2, 1, $inet[0]); };
way 'udp', 15, sub { own_network(); talk(2, 2, $inet[1]); };
way 'tcp6', 15, sub { own_network(); talk(10, 1, $inet6); };
way 'udp6', 15, sub { own_network(); talk(10, 2, $inet6); };
way 'unix', 15, sub {
	talk(1, $_, "$unix$_") for 1, 2, 5; talk(1, 1, pack 'S a*', 1, "/run/exercise-socket\0"); unlink '/run/exercise-socket';
	# A descriptor in flight that holds its own socket: only the collector ends it.
	for (1 .. 3) { socketpair my $left, my $right, 1, 1, 0; my $control = pack 'Q l l l x4', 20, 1, 1, fileno $right; my $data = 'x'; my $part = pack 'P Q', $data, 1; my $header = pack 'Q L x4 P Q P Q L x4', 0, 0, $part, 1, $control, 24, 0; syscall 46, fileno $left, $header, 0x40; close $left; close $right; }
	socketpair my $left, my $right, 1, 1, 0; message($left, 46); message($right, 47);
};
way 'mptcp', 15, sub { own_network(); talk(2, 1, $inet[0], 262); talk(10, 1, $inet6, 262); };
way 'sctp', 15, sub { own_network(); talk(2, 1, $inet[0], 132); talk(10, 5, $inet6, 132); talk(2, 5, $inet[0], 132); };
way 'udplite', 15, sub { own_network(); talk(2, 2, $inet[0], 136); talk(10, 2, $inet6, 136); };
way 'vsock', 15, sub { talk(40, $_, pack 'S S L L x4', 40, 0, 1000 + $_, 1) for 1, 5; };
way 'tipc', 15, sub { own_network(); talk(30, $_, pack 'S C c L L L', 30, 1, 2, 1000 + $_, 0, 10) for 1, 2, 4, 5; };
way 'raw', 15, sub {
	own_network();
	for my $protocol (1, 2, 47, 58, 103, 255) { for my $family (2, 10) { socket my $raw, $family, 3, $protocol or next; set_everything($raw, $_) for 0, 41, 255, 58; send $raw, "\x08\0\xf7\xff\0\0\0\0", 0, $family == 2 ? $inet[0] : $inet6; recv $raw, my $text, 100, 0x40; } }
	# a ping socket; errors that come back
	spill('/proc/sys/net/ipv4/ping_group_range', '0 2147483647'); socket my $ping, 2, 2, 1; send $ping, "\x08\0\0\0\0\0\0\0", 0, $inet[0]; recv $ping, my $text, 100, 0; socket $ping, 10, 2, 58; send $ping, "\x80\0\0\0\0\0\0\0", 0, $inet6; recv $ping, $text, 100, 0x40; socket my $closed, 2, 2, 0; setsockopt $closed, 0, 11, pack 'l', 1; send $closed, 'x', 0, pack 'S n N x8', 2, 9, 0x7f000001; recv $closed, $text, 100, 0x2040; socket my $none, 2, 1, 0; connect $none, pack 'S n N x8', 2, 9, 0x7f000001;
};
way 'packets', 15, sub {
	own_network(); my ($index) = 1;
	for my $type (3, 2, 10) { socket my $packet, 17, $type, 0x0300 or next; bind $packet, pack 'S n l S C C x8', 17, 3, $index, 0, 0, 0; set_everything($packet, 263); setsockopt $packet, 263, 10, pack 'l', $_ for 0, 1, 2; setsockopt $packet, 263, 5, pack 'L4', 4096, 4, 2048, 8; my $ring = syscall 9, 0, 16384, 3, 1, fileno $packet, 0; setsockopt $packet, 263, 18, pack 'S S', 1, 1; setsockopt $packet, 263, 1, pack 'l S S x8', $index, 1, 0; send $packet, "\xff" x 6 . "\0" x 6 . "\x08\0" . "\x45" . "\0" x 60, 0, pack 'S n l S C C x8', 17, 0x0800, $index, 0, 0, 6; recv $packet, my $frame, 100, 0x40; get_everything($packet, 263); slurp('/proc/net/packet'); my $code = pack 'S C C L', 6, 0, 0, 0xffff; my $filter = pack 'S x6 P', 1, $code; setsockopt $packet, 1, 26, $filter; setsockopt $packet, 1, 27, $filter; }
	# AF_XDP
	socket my $xdp, 44, 3, 0; my $area = map_memory(65536); setsockopt $xdp, 283, 4, pack 'Q Q L L L x4', $area, 65536, 2048, 0, 0; setsockopt $xdp, 283, $_, pack 'L', 16 for 2, 3, 5, 6; my $offsets = getsockopt $xdp, 283, 1; bind $xdp, pack 'S S L L L', 44, 2, $index, 0, 0;
};
# Every family and type, so far as this kernel has it: made, set, bound, connected, asked, closed.
way 'families', 20, sub {
	own_network();
	for my $family (1 .. 45) { for my $type (1 .. 6, 10) { for my $protocol (0 .. 8) { socket my $socket, $family, $type, $protocol or next; my $nonblocking = pack 'l', 1; ioctl $socket, 0x5421, $nonblocking;
		my $address = pack 'S x62', $family; bind $socket, $address; connect $socket, $address; listen $socket, 1; getsockname $socket; getpeername $socket; send $socket, 'x' x 50, 0x4040; recv $socket, my $text, 50, 0x40; message($socket, $_) for 46, 47; set_everything($socket, 1) if $protocol == 0; my $name = pack 'a16 x24', 'lo'; for my $request (0x8910 .. 0x8950, 0x8980 .. 0x8983, 0x89a0 .. 0x89a3, 0x89e0 .. 0x89e8, 0x8b01) { next if $request == 0x8914; my $room = $name; ioctl $socket, $request, $room; } shutdown $socket, 2; } } }
};
# Dumps of every family's every kind, as `ip`, `ss`, `nft`, `ip xfrm` ask.
way 'netlink', 20, sub {
	own_network();
	ask_netlink(0, $_, 0x301, "\0" x 32) for 18, 22, 26, 30, 34, 38, 42, 46, 66, 74, 78, 80, 82, 86, 88, 90, 94, 98, 106, 114, 118, 120; ask_netlink(0, $_, 1, pack 'C4 x12', 2, 0, 0, 0) for 18, 22, 26; ask_netlink(0, 26, 1, pack('C8 L', 2, 32, 0, 0, 0, 0, 0, 0, 0) . attribute(1, pack 'N', 0x7f000001));
	for my $family (1, 2, 10, 16, 17, 40, 44) { for my $protocol (6, 17, 255, 132, 262) { ask_netlink(4, 20, 0x301, pack 'C C C C L x48 x20', $family, $protocol, 0xff, 0, 0xffffffff); } } ask_netlink(4, 21, 0x301, pack 'C C x2 L x48', 2, 6, 0xffffffff);
	ask_netlink(6, $_, 0x301, "\0" x 64) for 18, 21, 29, 33, 35, 37; ask_netlink(6, $_, 5, "\0" x 4) for 31, 36;
	for my $subsystem (0 .. 12) { ask_netlink(12, $subsystem << 8 | $_, 0x301, pack 'C C n', 2, 0, 0) for 0 .. 26; }
	ask_netlink($_, 16, 0x301, "\0" x 20) for 5, 8, 10, 11, 14, 15, 18, 19, 20, 22; ask_netlink(10, 1, 1, pack 'N x60', 0x7f000001);
	# Each generic family's every operation, dumped and done
	my $families = ask_netlink(16, 16, 0x301, pack 'C C x2', 3, 2);
	while ($families =~ /\x06\0\x01\0(..)\0\0/gs) { my ($id) = unpack 'S', $1; for my $command (1 .. 40) { ask_netlink(16, $id, $_, pack 'C C x2', $command, 1) for 0x301, 5; } }
	for my $group (1 .. 32) { socket my $netlink, 16, 3, $group % 23 or next; bind $netlink, pack 'S S L L', 16, 0, 0, 1; setsockopt $netlink, 270, $_, pack 'l', $group for 1, 2, 3, 4, 5, 8, 10, 11, 12; get_everything($netlink, 270); }
};
way 'filters', 15, sub {
	own_network(); my $start = pack('C C n', 0, 0, 10); my $name = sub { attribute(1, "$_[0]\0") }; my $message = sub { my ($type, $flags, $body) = @_; pack('L S S L L', 20 + length $body, 10 << 8 | $type, $flags, 2, 0) . pack('C C n', 2, 0, 0) . $body; };
	my $hook = attribute(0x8004, attribute(1, pack 'N', 1) . attribute(2, pack 'N', 0)); my $counter = attribute(0x8001, attribute(1, "counter\0")); my $load = attribute(0x8001, attribute(1, "meta\0") . attribute(0x8002, attribute(2, pack 'N', 4) . attribute(1, pack 'N', 1))); my $compare = attribute(0x8001, attribute(1, "cmp\0") . attribute(0x8002, attribute(1, pack 'N', 1) . attribute(2, pack 'N', 1) . attribute(0x8003, attribute(1, "\1\0\0\0"))));
	my $table = $name->('exercise');
	my $set = $table . attribute(2, "set\0") . attribute(3, pack 'N', 0) . attribute(4, pack 'N', 7) . attribute(5, pack 'N', 4) . attribute(10, pack 'N', 1);
	my $element = attribute(1, "exercise\0") . attribute(2, "set\0") . attribute(0x8003, attribute(0x8001, attribute(0x8001, attribute(1, pack 'N', 0x7f000001))));
	my $ends = sub { pack('L S S L L', 20, $_[0], 1, 1, 0) . $start }; socket my $netlink, 16, 3, 12; bind $netlink, pack 'S S L L', 16, 0, 0, 0;
	for my $batch ([0, $table], [3, $table . attribute(3, "input\0") . $hook . attribute(7, "filter\0")], [6, $table . attribute(2, "input\0") . attribute(0x8004, $counter . $load . $compare . $counter)], [9, $set], [12, $element], [18, $table . attribute(2, "counter\0") . attribute(3, pack 'N', 1) . attribute(0x8004, '')], [22, $table . attribute(2, "flow\0") . attribute(0x8003, attribute(1, pack 'N', 0) . attribute(2, pack 'N', 0))], [14, $element], [11, $table . attribute(2, "set\0")], [2, $table]) { if ($batch->[0] == 14) { talk(2, 1, $inet[0]); ask_netlink(12, 10 << 8 | $_, 0x301, pack('C C n', 2, 0, 0) . $table . attribute(2, "set\0")) for 1, 4, 7, 10, 13, 16, 19, 23; } send $netlink, $ends->(16) . $message->($batch->[0], 0x405, $batch->[1]) . $ends->(17), 0; recv $netlink, my $text, 1 << 16, 0x40; }
};

1;
