# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel tells of itself: /proc and /sys.

way 'proc', 15, sub { slurp(map { "/proc/$_" } grep { !/kmsg|kcore/ } names('/proc')); };
way 'proc-processes', 15, sub { slurp_below($_, 2) for '/proc/self/net', "/proc/$$", '/proc/1', '/proc/irq', '/proc/bus', '/proc/fs'; };
way 'proc-sys', 15, sub { slurp_below('/proc/sys', 5); };
# A value that is there is written again: the parser of each runs, and nothing changes.
way 'proc-sys-written', 15, sub {
	for my $folder (map { "/proc/sys/$_" } 'kernel', 'vm', 'fs', 'net/core', 'net/ipv4', 'net/ipv6', 'net/ipv4/conf/lo', 'net/ipv6/conf/lo', 'net/ipv4/neigh/lo', 'user') {
		for my $name (grep { !/compact_memory|drop_caches|flush|sysrq|panic|watchdog|hotplug|modprobe|kexec|modules_disabled/ } names($folder)) {
			sysopen my $in, "$folder/$name", 0x800 or next;
			sysread $in, my $text, 1 << 12 or next;
			spill("$folder/$name", $text);
		}
	}
};
way 'sys-kernel', 15, sub { slurp_below('/sys/kernel', 1); slurp_below('/sys/module', 2); };
way 'sys-system', 15, sub { slurp_below('/sys/devices/system', 3); };
way 'sys-devices', 15, sub { slurp_below($_, 3) for '/sys/devices/pci0000:00', '/sys/devices/LNXSYSTM:00', '/sys/devices/platform', '/sys/devices/pnp0', '/sys/devices/virtual', '/sys/devices/breakpoint', '/sys/bus', '/sys/firmware'; };
way 'sys-fs', 15, sub { slurp_below('/sys/fs', 2); slurp_below('/sys/block', 2); slurp_below('/sys/power', 1); };
way 'debugfs', 15, sub { slurp_below($_, 3) for map { "/sys/kernel/debug/$_" } grep { $_ ne 'tracing' } names('/sys/kernel/debug'); };
way 'dev', 15, sub { slurp(map { "/dev/$_" } grep { !/^(?:kmsg|console|watchdog|vport|ttyS|hwrng)/ } names('/dev')); slurp('/dev/net/tun', '/dev/ptmx'); };
way 'log', 10, sub { run('dmesg; ls -lR /sys/kernel/mm'); syscall 103, 10, 0, 0; spill('/dev/kmsg', "exercise\n"); };

1;
