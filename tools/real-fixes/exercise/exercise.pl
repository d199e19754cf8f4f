#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# exercise.pl MODULE...: uses the kernel in many ways, each for a moment, and tells which functions of the modules ran
# meanwhile, a line each ("real_fix_1 copy_mount_options 3"), and how long each way took ("took ext4 12.3").
# Nothing of Perl's library: some machines have the program alone.
# exercise.pl --load: loads the modules that the ways need. --list: names the ways. --count: counts what the tracer holds.
# --only NAME: that way alone; --seconds N: begins no way later than that, and names those that it did not ("untried ext4");
# --tracing DIR: the tracer is there.

my %option;
while (@ARGV && $ARGV[0] =~ /^--(load|list|count|only|seconds|tracing)$/) {
	my $name = $1;
	shift;
	$option{$name} = $name =~ /^(?:only|seconds|tracing)$/ ? shift : 1;
}
our ($folder) = $0 =~ m{(.*)/} ? $1 : '.';
my $tracing = $option{tracing} || '/sys/kernel/debug/tracing';
my (%ran, @ways_of);

# More calls of one function than that say nothing new, and crowd those of others out of the tracer's buffer.
my $enough = 300;

# So that what waits leaves the processors to others.
my $at_once = 3;

# A limit is for what waits for what never comes; an emulated processor is some fifty times slower than this.
sub way { my ($name, $seconds, $code) = @_; push @{ $ways_of[-1] }, [$name, $seconds, $code]; }

sub tell_tracer {
	my ($file, $text, $how) = @_;
	open my $out, $how || '>', "$tracing/$file" or return;
	syswrite $out, $text;
	close $out;
}

# Each file of it that is closed changes the kernel's text, which takes seconds under emulation; each write is one pattern.
sub choose_functions {
	open my $filter, '>>', "$tracing/set_ftrace_filter" or return;
	syswrite $filter, "$_\n" for @_;
	close $filter;
}

# The tracer keeps the newest lines alone, so that each way is counted by itself, and few of them: where a function runs with each
# switch of tasks, reading a whole buffer of them takes an emulated machine ten times as long as what is to be seen.
sub count_calls {
	my %now;
	open my $in, '<', "$tracing/trace" or return;
	while (<$in>) { $now{"$2 $1"}++ if /: (\S+)\+0x\w+\/0x\w+ \[(\w+)\] <-/ }
	close $in;
	my @crowding;
	for my $name (keys %now) {
		$ran{$name} += $now{$name};
		push @crowding, "!$2:mod:$1" if $ran{$name} >= $enough && $name =~ /(\S+) (\S+)/;
	}
	choose_functions(@crowding) if @crowding;
	tell_tracer 'trace', '';
}

# The console is there for whoever looks, also where a machine no longer answers; errors alone are shown on it.
sub tell_console { sysopen my $log, '/dev/kmsg', 1 or return; syswrite $log, "<3>exercise: $_[0]"; }

sub tell_calls { print "$_ $ran{$_}\n" for sort keys %ran; }

defined do "$folder/turns.pl" or die "$folder/turns.pl: ", $@ || $!, "\n";

# What is in these files is called, way by way, one of each in turn, the long ones last: when there is no time for all, each kind
# has had some. Two of the long ones took as much as thirty of the others.
for my $subject ('common', 'information', 'files', 'file-systems', 'memory', 'processes', 'sockets', 'links', 'objects', 'devices') {
	push @ways_of, [];
	defined do "$folder/$subject.pl" or die "$folder/$subject.pl: ", $@ || $!, "\n";
}
my @ways;
while (my @left = grep { @$_ } @ways_of) { push @ways, map { shift @$_ } @left; }
@ways = sort { $a->[1] <=> $b->[1] } @ways;
if ($option{list}) { print "$_->[0]\n" for @ways; exit; }
if ($option{count}) { count_calls(); tell_calls(); exit; }

# Swap, processors and drivers come and go: for nobody's machine but one of QEMU's, whose init is known by its argument.
open my $init, '<', '/proc/1/cmdline' or die "/proc/1/cmdline: $!\n";
die "exercise.pl runs in a machine of QEMU's alone: it takes devices away and changes settings of the whole machine\n"
	if join('', <$init>) !~ /--root-is-writable/;

if ($option{load}) { load_modules(); exit; }
@ways = grep { $_->[0] eq $option{only} } @ways if $option{only};

tell_tracer 'current_tracer', 'nop';
tell_tracer 'buffer_size_kb', '256';
tell_tracer 'set_ftrace_filter', '';
# The name of a module comes with an offset only; and a filter in which nothing is left would choose every function there is.
tell_tracer 'options/sym-offset', '1';
# Where a function runs with each system call, it is traced faster than an emulated machine reads.
tell_tracer 'options/pause-on-trace', '1';
choose_functions('panic', map { "*:mod:$_" } @ARGV);
tell_tracer 'current_tracer', 'function';
$| = 1;
my @untried = try_ways(\@ways, $at_once, $option{seconds}, sub { tell_console("tries $_[0]\n") }, sub {
	open STDOUT, '>', '/dev/null';
	open STDERR, '>', '/dev/null';
	own_namespaces();
}, sub {
	my ($name, $took) = @_;
	count_calls();
	my $line = sprintf "took %s %.1f\n", $name, $took;
	print $line;
	tell_console($line);
});
print "untried $_\n" for @untried;
tell_tracer 'current_tracer', 'nop';
tell_tracer 'set_ftrace_filter', '';
tell_calls();
