# SPDX-License-Identifier: GPL-2.0-only
#
# File systems on a disk of their own, one over the other, and mounting in all its forms.

sub with_disk_of {
	my ($kind, $megabytes, $make, $code) = @_;
	my $disk = loop_disk($megabytes) or return;
	mkdir '/run/mounted';
	run("$make $disk && mount -t $kind $disk /run/mounted");
	if (-d '/run/mounted') { use_folder('/run/mounted'); $code->($disk) if $code; }
	run("umount /run/mounted; mount -t $kind -o ro $disk /run/mounted; ls -lR /run/mounted; umount /run/mounted; losetup -d $disk");
}

way 'ext4', 40, sub {
	with_disk_of('ext4', 24, 'mke2fs -q -F -t ext4 -b 4096 -O quota,inline_data,metadata_csum,encrypt,verity,project', sub {
		run('mount -o remount,usrquota,grpquota,acl,journal_checksum /run/mounted; fsfreeze -f /run/mounted; fsfreeze -u /run/mounted; cat /proc/fs/ext4/*/* /sys/fs/ext4/*/*; mount -o remount,ro /run/mounted; mount -o remount,rw,data_err=abort /run/mounted; fstrim /run/mounted; resize2fs $disk 20M');
	});
};
way 'ext2', 15, sub { with_disk_of('ext2', 8, 'mke2fs -q -F -t ext2 -b 1024'); };
way 'xfs', 40, sub { with_disk_of('xfs', 320, 'mkfs.xfs -q -f', sub { run('mount -o remount,ro /run/mounted; mount -o remount,rw /run/mounted; cat /sys/fs/xfs/*/*/*; fsfreeze -f /run/mounted; fsfreeze -u /run/mounted'); }); };
way 'btrfs', 40, sub {
	my $disk = loop_disk(200) or return;
	mkdir '/run/mounted';
	run("truncate -s 200M /run/disks/second; truncate -s 220M /run/disks/third; mkfs.btrfs -q -f $disk && mount -t btrfs -o space_cache=v1,user_subvol_rm_allowed $disk /run/mounted");
	use_folder('/run/mounted');
	chomp(my $second = `losetup -f --show /run/disks/second`); chomp(my $third = `losetup -f --show /run/disks/third`);
	for my $command ('subvolume create D/a', 'subvolume create D/b', 'subvolume snapshot D/a D/c', 'subvolume snapshot -r D/a D/r', 'subvolume list D', 'subvolume show D/a', 'quota enable D', 'quota rescan D', 'qgroup show D', 'qgroup limit 50M D/a', 'filesystem df D', 'filesystem usage D', 'filesystem show', 'filesystem defragment -r D', 'filesystem label D exercise', 'filesystem resize -8M D', 'filesystem resize max D', "device add -f $second D", 'balance start -dusage=50 -musage=50 D', 'balance start --full-balance D', "replace start -B -f $disk $third D", 'replace status -1 D', 'scrub start -B D', 'device stats D', 'device usage D', 'property set D/a compression zstd', 'send -f /run/disks/stream D/r', 'receive -f /run/disks/stream D/b', 'subvolume delete D/c', 'subvolume sync D', "device remove $second D", 'inspect-internal logical-resolve 0 D', 'inspect-internal rootid D') {
		(my $filled = $command) =~ s{\bD\b}{/run/mounted}g;
		run("btrfs $filled");
	}
	run("sync; cat /sys/fs/btrfs/*/* /sys/fs/btrfs/*/*/*; mount -o remount,compress=lzo,discard=async /run/mounted; mount -o remount,ro /run/mounted; umount /run/mounted");
	# Read from the cache of free space that the first mount wrote, and turned into a tree.
	run("for o in space_cache=v1 clear_cache,space_cache=v2 ro,rescue=all degraded; do mount -t btrfs -o \$o $third /run/mounted && { echo x >/run/mounted/x; sync; df /run/mounted; umount /run/mounted; }; done; losetup -d $disk $second $third");
};
way 'overlay', 15, sub {
	mkdir '/run/layers'; run('mount -t tmpfs layers /run/layers'); mkdir "/run/layers/$_" for 'lower', 'second', 'upper', 'work', 'merged';
	for my $name (1 .. 5) { open my $file, '>', "/run/layers/lower/$name"; syswrite $file, 'x' x 10_000; }
	mkdir '/run/layers/lower/folder';
	run('mount -t overlay -o lowerdir=/run/layers/lower:/run/layers/second,upperdir=/run/layers/upper,workdir=/run/layers/work,index=on,metacopy=on,redirect_dir=on,xino=on overlay /run/layers/merged');
	open my $file, '>>', '/run/layers/merged/1'; syswrite $file, 'y'; chmod 0600, '/run/layers/merged/2'; unlink '/run/layers/merged/3'; rename '/run/layers/merged/4', '/run/layers/merged/44'; rename '/run/layers/merged/folder', '/run/layers/merged/moved'; mkdir '/run/layers/merged/folder'; names('/run/layers/merged'); link '/run/layers/merged/5', '/run/layers/merged/6'; close $file;
	use_folder('/run/layers/merged');
	run('umount /run/layers/merged');
};
# Each file system that the kernel knows of, of those that need no disk: made, looked at and ended. Some are one for the whole machine,
# /sys too: whoever leaves it read-only leaves the livepatches in it on for good.
way 'every-kind', 20, sub {
	open my $list, '<', '/proc/filesystems' or return;
	mkdir '/run/mounted';
	while (<$list>) { my ($kind) = /^nodev\s+(\S+)/ or next; next if $kind =~ /^(?:nfs|ceph|cifs|smb|afs|virtiofs|9p)/; run("mount -t $kind none /run/mounted && { ls -l /run/mounted; cat /run/mounted/*; mount -o remount,ro /run/mounted; mount -o remount,rw /run/mounted; umount /run/mounted; }"); }
};
way 'autofs', 15, sub {
	mkdir '/run/automatic'; setpgrp; pipe my $in, my $out; syscall 72, fileno $out, 2, 0;
	my ($source, $target, $kind) = ('exercise', '/run/automatic', 'autofs');
	for my $mode ('indirect', 'direct', 'offset') {
		my $options = "fd=" . fileno($out) . ",pgrp=" . getpgrp() . ",minproto=5,maxproto=5,$mode";
		syscall 165, $source, $target, $kind, 0, $options; mkdir '/run/automatic/x'; names('/run/automatic'); slurp('/proc/self/mountinfo');
		# of an automounter that fell silent: nobody waits for it
		sysopen my $folder, $target, 0x10000; my $number = pack 'l', 0; ioctl $folder, $_, $number for 0x80049363, 0x80049367, 0xc0089364, 0x9362; close $folder; syscall 166, $target, 2;
	}
};
way 'mounts', 15, sub {
	mkdir "/run/$_" for 'm1', 'm2', 'm3';
	run('mount -t tmpfs -o size=2m,mode=0700,nr_inodes=100 a /run/m1; mount --bind /run/m1 /run/m2; mount --make-shared /run/m1; mount --rbind /run/m1 /run/m3; mount --make-rslave /run/m3; mount --make-unbindable /run/m2; mount -o remount,ro,bind /run/m2; mkdir /run/m1/x; mount -t tmpfs b /run/m1/x; mount --move /run/m2 /run/m3; umount -R /run/m3; umount -l /run/m1');
	# open a file system, configure it, mount it, as the newer calls do
	my ($kind, $name, $value, $target, $empty) = ('tmpfs', 'size', '1m', '/run/m2', '');
	my $context = syscall 430, $kind, 0; syscall 431, $context, 1, $name, $value, 0; syscall 431, $context, 6, 0, 0, 0;
	my $mount = syscall 432, $context, 0, 0; syscall 429, $mount, $empty, -100, $target, 4;
	my $attributes = pack 'Q4', 1, 0, 0, 0; syscall 442, -100, $target, 0x8000, $attributes, 32;
	my $tree = syscall 428, -100, $target, 0x8001; my $picked = syscall 433, -100, $target, 0; syscall 431, $picked, 7, 0, 0, 0;
	my $folder = syscall 257, -100, $target, 0x200000, 0; my $bad = 'nonsense'; syscall 431, $picked, 0, $bad, 0, 0; my $log = "\0" x 200; syscall 0, $picked, $log, 200;
	slurp('/proc/self/mountinfo', '/proc/self/mountstats', '/proc/self/mounts'); syscall 166, $target, 2;
	# A new root, by pivot_root, in this namespace alone.
	run('mount -t tmpfs root /run/m1'); mkdir '/run/m1/old'; my ($root, $old) = ('/run/m1', '/run/m1/old'); fork == 0 and do { syscall 272, 0x20000; syscall 155, $root, $old; chroot '/run/m1'; exit; }; wait;
};
way 'quotas', 15, sub { for my $command (0x800001, 0x800002, 0x800003, 0x800004, 0x800005, 0x800007, 0x800009) { my ($device, $room) = ('/dev/vda', "\0" x 256); syscall 179, $command << 0, $device, 0, $room; syscall 443, 0, $command, 0, $room; } };
way 'asynchronous', 15, sub {
	my $context = pack 'Q', 0; syscall 206, 8, $context; my ($id) = unpack 'Q', $context;
	open my $file, '+>', '/run/exercise-aio'; my $buffer = 'x' x 4096; my $address = unpack 'Q', pack 'P', $buffer; my $event = syscall 290, 0, 0;
	for my $operation (1, 0, 2, 3, 5) { my $block = pack 'Q L l S s L Q Q q Q L l', 1, 0, 0, $operation, 0, fileno $file, $address, $operation == 5 ? 1 : 4096, 0, 0, 1, $event; my $list = pack 'P', $block; syscall 209, $id, 1, $list; my $events = "\0" x 320; my $wait = pack 'q q', 0, 100_000_000; syscall 208, $id, 1, 10, $events, $wait; syscall 210, $id, $block, $events; }
	syscall 207, $id; unlink '/run/exercise-aio';
	# preadv2, pwritev2, preadv
	my $vector = pack 'P Q', $buffer, 4096; syscall $_, fileno $file, $vector, 1, 0, 0, 0 for 295, 296, 327, 328;
};

1;
