# SPDX-License-Identifier: GPL-2.0-only
#
# Several ways at a time, each a child with a process group of its own, and a limit that it cannot lift: ways use alarms themselves, and
# what waits in the kernel hears of none.

my $grace = 20;

sub uptime { open my $clock, '<', '/proc/uptime' or return 0; return (split / /, <$clock>)[0]; }

# Calls $began->(NAME), in the child of its own $prepare->(), and, as soon as one is over, $over->(NAME, SECONDS); answers those
# for which there was no time.
sub try_ways {
	my ($ways, $at_once, $seconds, $began, $prepare, $over) = @_;
	my @ways = @$ways;
	my %trying;
	my $end = $seconds ? uptime() + $seconds : 9e9;
	my @untried;
	while (@ways || %trying) {
		push @untried, map { $_->[0] } splice @ways if uptime() > $end;
		while (@ways && keys %trying < $at_once) {
			my ($name, $limit, $code) = @{ shift @ways };
			$began->($name);
			my $child = fork;
			if ($child == 0) { setpgrp; $prepare->(); $code->(); exit; }
			# By the clock, of which each has its share; soon after the end of all it is over for each.
			my ($now, $share) = (uptime(), $limit * $at_once);
			$trying{$child} = { name => $name, began => $now, until => $now + $share < $end + 15 ? $now + $share : $end + 15 };
		}
		my $child = waitpid -1, 1;
		for my $known (keys %trying) {
			my $way = $trying{$known};
			kill 9, -$known, $known if uptime() > $way->{until};
			# What even that does not end is left where it is.
			next if $known != $child && uptime() < $way->{until} + $grace;
			# What it began and left.
			kill 9, -$known;
			$over->($way->{name}, uptime() - $way->{began});
			delete $trying{$known};
		}
		select undef, undef, undef, 0.1 if $child <= 0 && %trying;
	}
	return @untried;
}

1;
