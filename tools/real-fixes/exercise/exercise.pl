#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0-only
#
# exercise.pl MODULE...: uses the kernel in many ways, each for a moment, and tells which functions of the modules ran
# meanwhile, a line each ("copy_mount_options 3"). Nothing of Perl's library: some machines have the program alone.
# exercise.pl --load: loads the modules that the ways need. --list: names the ways. --count: counts what the tracer holds.
# --only NAME: that way alone; --tracing DIR: the tracer is there.

my %option;
while (@ARGV && $ARGV[0] =~ /^--(load|list|count|only|tracing)$/) {
	my $name = $1;
	shift;
	$option{$name} = $name eq 'only' || $name eq 'tracing' ? shift : 1;
}
our ($folder) = $0 =~ m{(.*)/} ? $1 : '.';
my $tracing = $option{tracing} || '/sys/kernel/debug/tracing';
my (%ran, @ways);

# More calls of one function than that say nothing new, and crowd those of others out of the tracer's buffer.
my $enough = 300;

# For what waits for what never comes; an emulated processor is some fifty times slower than this.
sub way { my ($name, $seconds, $code) = @_; push @ways, [$name, $seconds, $code]; }

sub tell_tracer {
	my ($file, $text, $how) = @_;
	open my $out, $how || '>', "$tracing/$file" or return;
	syswrite $out, $text;
	close $out;
}

# The tracer keeps the newest lines alone, so that each way is counted by itself, and few of them: where a function runs with each
# switch of tasks, reading a whole buffer of them takes an emulated machine ten times as long as what is to be seen.
sub count_calls {
	my %now;
	open my $in, '<', "$tracing/trace" or return;
	while (<$in>) { $now{$1}++ if /: (\S+)(?: \[\w+\])? <-/ }
	close $in;
	for my $name (keys %now) {
		$ran{$name} += $now{$name};
		tell_tracer 'set_ftrace_filter', "!$name", '>>' if $ran{$name} >= $enough;
	}
	tell_tracer 'trace', '';
}

sub tell_calls { print "$_ $ran{$_}\n" for sort keys %ran; }

# What is in these files is called, way by way.
for my $subject ('common', 'information', 'files', 'file-systems', 'memory', 'processes', 'sockets', 'links', 'objects', 'devices') {
	defined do "$folder/$subject.pl" or die "$folder/$subject.pl: ", $@ || $!, "\n";
}
if ($option{list}) { print "$_->[0]\n" for @ways; exit; }
if ($option{count}) { count_calls(); tell_calls(); exit; }

# Swap, processors and drivers come and go: for nobody's machine but one of QEMU's, whose init is known by its argument.
open my $init, '<', '/proc/1/cmdline' or die "/proc/1/cmdline: $!\n";
die "exercise.pl runs in a machine of QEMU's alone: it takes devices away and changes settings of the whole machine\n"
	if join('', <$init>) !~ /--root-is-writable/;

if ($option{load}) { load_modules(); exit; }
@ways = grep { $_->[0] eq $option{only} } @ways if $option{only};

open STDERR, '>', '/dev/null';
tell_tracer 'current_tracer', 'nop';
tell_tracer 'buffer_size_kb', '256';
tell_tracer 'set_ftrace_filter', '';
tell_tracer 'set_ftrace_filter', "*:mod:$_", '>>' for @ARGV;
tell_tracer 'current_tracer', 'function';
for (@ways) {
	my ($name, $seconds, $code) = @$_;
	my $child = fork;
	if ($child == 0) {
		setpgrp;
		alarm $seconds;
		open STDOUT, '>', '/dev/null';
		own_namespaces();
		$code->();
		exit;
	}
	waitpid $child, 0;
	# What it began and left.
	kill 9, -$child;
	count_calls;
}
tell_tracer 'current_tracer', 'nop';
tell_tracer 'set_ftrace_filter', '';
tell_calls();
