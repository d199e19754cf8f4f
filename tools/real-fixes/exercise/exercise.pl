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

# The tracer keeps the newest lines alone, so that each way is counted by itself, and few of them: a function that runs
# with each switch of tasks fills any buffer, and all of it is read.
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
