# SPDX-License-Identifier: GPL-2.0-only
#
# Links, addresses, routes, neighbours, queues and filters, by `ip`, `bridge` and `tc` of this host, in a network of their own.

# One shell for all, and one program for those in a row that have the same options: under emulation every program that
# starts costs a tenth of a second. What a shell would read more into is the shell's.
sub run_each {
	my ($script, $open) = ('', '');
	for my $line (@_) {
		my ($program, $rest) = $line =~ /^((?:ip|tc|bridge)(?: -(?:[46ds]|n far|f mpls)\b)*) ([^-'"\\;&\$][^'"\\;&\$\n]*)$/;
		my $next = defined $program ? $program : '';
		$script .= "END\n" if $open ne '' && $open ne $next;
		$script .= "$next -force -batch - <<'END'\n" if $next ne '' && $open ne $next;
		$script .= defined $program ? "$rest\n" : "$line\n";
		$open = $next;
	}
	run($script . ($open ne '' ? "END\n" : ''));
}

# Two ends of a cable, the far one in a network of its own that a child keeps.
sub far_end {
	my ($seconds) = @_;
	run_each('ip link add v0 type veth peer name v1');
	my $child = fork;
	if ($child == 0) { syscall 272, 0x40000000; sleep $seconds; exit; }
	select undef, undef, undef, 0.5;
	run_each("ip link set v1 netns $child", 'ip addr add 10.9.0.1/24 dev v0', 'ip -6 addr add fd09::1/64 dev v0 nodad', 'ip link set v0 up', "ip -n /proc/$child/ns/net link show");
	mkdir '/run/netns'; open my $name, '>', '/run/netns/far'; run_each("mount --bind /proc/$child/ns/net /run/netns/far", 'ip -n far link set lo up', 'ip -n far addr add 10.9.0.2/24 dev v1', 'ip -n far -6 addr add fd09::2/64 dev v1 nodad', 'ip -n far link set v1 up');
	return $child;
}

sub send_over {
	my ($address) = @_;
	socket my $udp, 2, 2, 0; setsockopt $udp, 1, 6, pack 'l', 1;
	for my $size (10, 1000, 5000) { send $udp, 'x' x $size, 0, pack 'S n C4 x8', 2, 9, split /\./, $address; select undef, undef, undef, 0.05; }
	socket my $ping, 2, 3, 1; send $ping, "\x08\0\xf7\xff\0\0\0\0", 0, pack 'S n C4 x8', 2, 0, split /\./, $address;
}

way 'link-kinds', 40, sub {
	own_network(); run_each('ip link add d0 type dummy', 'ip addr add 10.8.0.1/24 dev d0', 'ip link set d0 up');
	for my $kind ('vlan id 5 protocol 802.1ad', 'macvlan mode bridge', 'macvtap', 'ipvlan mode l2', 'ipvtap', 'macsec', 'vxlan id 7 dstport 4789 group 239.1.1.1', 'ipoib') { (my $name = $kind) =~ s/ .*//; run_each("ip link add link d0 name x-$name type $kind", "ip link set x-$name up", "ip -d -s link show x-$name", "ip link set x-$name mtu 1300", "ip link del x-$name"); }
	for my $kind ('vxlan id 7 local 10.8.0.1 remote 10.8.0.2 dstport 4789', 'geneve id 5 remote 10.8.0.2', 'gre local 10.8.0.1 remote 10.8.0.2', 'gretap local 10.8.0.1 remote 10.8.0.2', 'erspan local 10.8.0.1 remote 10.8.0.2 seq key 5 erspan_ver 1 erspan 1', 'ip6gre local fd08::1 remote fd08::2', 'ip6gretap local fd08::1 remote fd08::2', 'ipip local 10.8.0.1 remote 10.8.0.2', 'sit local 10.8.0.1 remote 10.8.0.2', 'ip6tnl local fd08::1 remote fd08::2', 'vti local 10.8.0.1 remote 10.8.0.2 key 5', 'vti6 local fd08::1 remote fd08::2 key 5', 'xfrm dev d0 if_id 5', 'bond mode active-backup miimon 100', 'bond mode 802.3ad', 'bond mode balance-alb', 'team', 'vrf table 10', 'ifb', 'nlmon', 'wireguard', 'bareudp dstport 6635 ethertype ip', 'gtp', 'hsr slave1 d0 slave2 d0', 'bridge', 'vcan', 'rmnet', 'batadv', 'netdevsim', 'amt', 'lowpan', 'vsockmon', 'vxcan') { (my $name = $kind) =~ s/ .*//; run_each("ip link add x-$name type $kind", "ip addr add 10.7.0.1/24 dev x-$name", "ip -6 addr add fd07::1/64 dev x-$name nodad", "ip link set x-$name up", "ip -d -s link show x-$name"); send_over('10.7.0.2'); run_each("ip link set x-$name down", "ip link del x-$name"); }
};
way 'addresses', 40, sub {
	own_network(); my $child = far_end(50);
	run_each('ip -6 addr add fd09:1::1/64 dev v0', 'ip addr add 10.9.1.1/24 dev v0 label v0:1 valid_lft 100 preferred_lft 50', 'ip addr change 10.9.1.1/24 dev v0', 'ip addr del 10.9.1.1/24 dev v0', 'ip route add 10.10.0.0/16 via 10.9.0.2', 'ip route add 10.11.0.0/16 nexthop via 10.9.0.2 nexthop dev lo', 'ip route replace 10.10.0.0/16 via 10.9.0.2 mtu 1000 advmss 900', 'ip -6 route add fd10::/64 via fd09::2', 'ip -6 route append fd10::/64 dev lo', 'ip route add blackhole 10.12.0.0/16', 'ip route add unreachable 10.13.0.0/16', 'ip route get 10.10.1.1', 'ip -6 route get fd10::1', 'ip rule add from 10.0.0.0/8 table 50 priority 100', 'ip rule add fwmark 5 suppress_prefixlength 0', 'ip -6 rule add iif lo table 50', 'ip nexthop add id 1 via 10.9.0.2 dev v0', 'ip nexthop add id 2 group 1', 'ip route add 10.14.0.0/16 nhid 2', 'ip nexthop show', 'ip nexthop bucket show', 'ip neigh add 10.9.0.9 lladdr 02:00:00:00:00:09 dev v0', 'ip neigh replace 10.9.0.9 lladdr 02:00:00:00:00:0a dev v0 nud stale', 'ip neigh add proxy 10.9.0.8 dev v0', 'ip ntable show', 'ip maddr add 33:33:00:00:00:05 dev v0', 'ip mroute show', 'ip netconf show', 'ip tcp_metrics show', 'ip token set ::5 dev v0', 'ip addrlabel add prefix fd09::/64 label 7', 'ip addrlabel show', 'ip l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 encap ip local 10.9.0.1 remote 10.9.0.2', 'ip l2tp add session name l2 tunnel_id 1 session_id 1 peer_session_id 1', 'ip l2tp show tunnel', 'ip tunnel show', 'ip fou add port 5555 ipproto 4', 'ip fou show', 'ip ila list', 'ip sr tunsrc show', 'ip -6 route add fd11::/64 encap seg6 mode encap segs fd09::2 dev v0', 'ip -6 route add fd12::/64 encap ip6 dst fd09::2 dev v0', 'ip route add 10.15.0.0/16 encap mpls 100 via 10.9.0.2', 'ip -f mpls route add 100 dev lo', 'ip ioam namespace add 1', 'ip mptcp endpoint add 10.9.0.1 dev v0 signal', 'ip mptcp endpoint show', 'ip mptcp limits set subflows 2', 'ip netns set far 5', 'ip netns list-id', 'ip -s -s -d link show', 'ip -s -s neigh show', 'ip -d route show table all', 'ip -6 -d route show table all', 'ip monitor label & sleep 0.3; kill $!');
	for my $algorithm ("proto esp spi 0x100 mode tunnel reqid 1 aead 'rfc4106(gcm(aes))' 0x0102030405060708090a0b0c0d0e0f1011121314 128", "proto ah spi 0x101 mode transport auth 'hmac(sha1)' 0x0102030405060708", "proto esp spi 0x102 mode transport enc 'cbc(aes)' 0x01020304050607080910111213141516 auth 'hmac(sha256)' 0x01 replay-window 32 encap espinudp 4500 4500 0.0.0.0", "proto comp spi 0x103 mode transport comp deflate ''") { run_each("ip xfrm state add src 10.9.0.1 dst 10.9.0.2 $algorithm", "ip -n far xfrm state add src 10.9.0.1 dst 10.9.0.2 $algorithm"); }
	run_each('ip xfrm policy add src 10.9.0.1 dst 10.9.0.2 dir out tmpl src 10.9.0.1 dst 10.9.0.2 proto esp reqid 1 mode tunnel', 'ip xfrm state', 'ip xfrm policy', 'ip xfrm state count', 'ip xfrm policy count', 'ip xfrm policy set hthresh4 24 24'); send_over('10.9.0.2'); run_each('ip xfrm policy flush', 'ip xfrm state flush'); send_over($_) for '10.9.0.2', '10.10.0.1', '10.11.0.1', '10.12.0.1', '10.14.0.1', '10.15.0.1', '10.9.0.77'; slurp_below('/proc/net', 2); run_each('ip route flush cache', 'ip -6 addr flush dev v0', 'ip link set v0 down'); kill 9, $child;
};
way 'bridges', 40, sub {
	own_network(); my $child = far_end(80);
	run_each('ip link add b0 type bridge stp_state 1 forward_delay 200 hello_time 100 vlan_filtering 1 mcast_snooping 1 mcast_querier 1 vlan_stats_enabled 1 ageing_time 1000', 'ip link add b1 type bridge stp_state 1 forward_delay 200', 'ip addr flush dev v0', 'ip link set v0 master b0', 'ip link add w0 type veth peer name w1', 'ip link add u0 type veth peer name u1', 'ip link set w0 master b0', 'ip link set w1 master b1', 'ip link set u0 master b0', 'ip link set u1 master b1', 'ip link set b0 up', 'ip link set b1 up', 'ip link set v0 up', 'ip link set w0 up; ip link set w1 up; ip link set u0 up; ip link set u1 up', 'ip addr add 10.9.0.1/24 dev b0', 'ip addr add 10.9.5.1/24 dev b1');
	sleep 5; send_over('10.9.0.2');
	run_each('bridge vlan add dev v0 vid 5-9 pvid untagged', 'bridge vlan add dev b0 vid 5 self', 'bridge vlan add dev w0 vid 10-20', 'bridge vlan add dev v0 vid 30-32 tunnel_info id 30-32', 'bridge vlan tunnelshow', 'bridge vlan set dev v0 vid 5 state blocking', 'bridge vlan global set dev b0 vid 5 mcast_snooping 1', 'bridge -d -s vlan show', 'bridge vlan global show', 'bridge fdb add 02:00:00:00:00:05 dev v0 master static', 'bridge fdb replace 02:00:00:00:00:05 dev w0 master', 'bridge fdb get 02:00:00:00:00:05 br b0', 'bridge fdb show', 'bridge fdb flush dev b0', 'bridge mdb add dev b0 port v0 grp 239.1.1.1 permanent', 'bridge mdb add dev b0 port v0 grp 239.1.1.2 src 10.9.0.2 vid 5', 'bridge -d -s mdb show', 'bridge mdb del dev b0 port v0 grp 239.1.1.1 permanent', 'bridge link set dev v0 cost 50 priority 10 guard on hairpin on fastleave on learning on flood off mcast_flood on neigh_suppress on vlan_tunnel on isolated on', 'bridge -d link show', 'bridge link set dev v0 guard off flood on isolated off', 'bridge link set dev w0 state 0', 'ip link set b0 type bridge mcast_igmp_version 3 mcast_mld_version 2 mcast_hash_max 64 group_fwd_mask 8 no_linklocal_learn 1 priority 100 nf_call_iptables 1', 'ip -d link show b0');
	socket my $group, 2, 2, 0; setsockopt $group, 0, 35, pack 'C4 C4 l', 239, 1, 1, 1, 10, 9, 0, 1; setsockopt $group, 0, 39, pack 'C4 C4 C4', 239, 1, 1, 2, 10, 9, 0, 1, 10, 9, 0, 2; send_over($_) for '10.9.0.2', '239.1.1.1', '10.9.0.255'; slurp_below("/sys/class/net/$_/bridge", 0), slurp_below("/sys/class/net/$_/brport", 0) for 'b0', 'v0', 'w0'; for my $name (names('/sys/class/net/b0/bridge')) { next if $name =~ /flush/; sysopen my $in, "/sys/class/net/b0/bridge/$name", 0 or next; sysread $in, my $value, 100; spill("/sys/class/net/b0/bridge/$name", $value); }
	run_each('ip link set w0 down'); sleep 3; run_each('ip link set w0 up'); sleep 3; spill('/sys/class/net/b0/bridge/flush', 1); run_each('ip link set u0 down', 'ip link set b0 type bridge stp_state 0', 'ip link set v0 nomaster', 'ip link del b0', 'ip link del b1'); kill 9, $child;
};
way 'queues', 40, sub {
	own_network(); my $child = far_end(110);
	for my $queue ('pfifo limit 10', 'bfifo', 'pfifo_fast', 'prio bands 3', 'tbf rate 1mbit burst 10k latency 50ms', 'sfq perturb 1', 'red limit 100k avpkt 1000 burst 20 bandwidth 1mbit', 'gred setup DPs 3 default 1', 'choke limit 100 bandwidth 1mbit', 'sfb', 'codel', 'fq_codel', 'fq', 'pie', 'fq_pie', 'hhf', 'cake bandwidth 1mbit', 'netem delay 5ms loss 5% duplicate 5% corrupt 5% reorder 25%', 'multiq', 'mqprio', 'etf clockid CLOCK_TAI', 'cbs', 'skbprio', 'plug', 'drr', 'qfq', 'ets bands 4 strict 2', 'dsmark indices 8', 'htb default 1', 'hfsc default 1', 'taprio num_tc 1 map 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 queues 1@0 base-time 0 sched-entry S 01 1000000 clockid CLOCK_TAI', 'atm', 'noqueue', 'teql0') { run_each("tc qdisc replace dev v0 root handle 1: $queue"); if ($queue =~ /^(?:htb|hfsc|drr|qfq|prio|ets)/) { my %class = (htb => 'htb rate 1mbit ceil 2mbit', hfsc => 'hfsc sc rate 1mbit ul rate 2mbit', drr => 'drr quantum 1500', qfq => 'qfq weight 5'); (my $kind = $queue) =~ s/ .*//; run_each("tc class add dev v0 parent 1: classid 1:1 $class{$kind}", "tc class add dev v0 parent 1: classid 1:2 $class{$kind}", 'tc qdisc add dev v0 parent 1:1 handle 10: sfq perturb 1', 'tc filter add dev v0 parent 1: protocol all prio 1 matchall classid 1:1', "tc class change dev v0 parent 1: classid 1:1 $class{$kind}", 'tc -s class show dev v0'); } send_over('10.9.0.2'); run_each('tc -s -d qdisc show dev v0', "tc qdisc change dev v0 root handle 1: $queue", 'tc class del dev v0 classid 1:2', 'tc qdisc del dev v0 root'); }
};
way 'classifiers', 40, sub {
	own_network(); my $child = far_end(80); run_each('ip link add i0 type ifb', 'ip link set i0 up', 'tc qdisc add dev v0 clsact', 'tc qdisc add dev v0 root handle 1: prio');
	for my $filter ('u32 match ip dst 10.9.0.2/32 flowid 1:1', 'u32 divisor 16', 'flower ip_proto udp dst_ip 10.9.0.2', 'flower vlan_id 5', 'basic match "meta(priority eq 0)" flowid 1:1', 'fw', 'route to 5', 'matchall', 'cgroup', 'flow hash keys src,dst divisor 16', 'bpf bytecode "1,6 0 0 4294967295"') { (my $protocol = $filter) =~ s/.*vlan.*/802.1q/ or $protocol = 'ip'; my $priority = 10;
		for my $action ('', 'action drop', 'action ok', 'action mirred egress redirect dev i0', 'action mirred egress mirror dev i0', 'action police rate 1mbit burst 10k conform-exceed drop/pipe', 'action pedit ex munge ip ttl set 5 pipe action csum ip', 'action skbedit priority 5 mark 7', 'action vlan push id 5', 'action connmark', 'action ct zone 5 commit', 'action simple sdata x', 'action nat ingress 10.9.0.0/24 10.8.0.1', 'action tunnel_key set id 5 src_ip 1.1.1.1 dst_ip 2.2.2.2', 'action sample rate 10 group 5', 'action ife encode allow mark', 'action gact ok random determ drop 2', 'action mpls push label 5', 'action gate clockid CLOCK_TAI sched-entry open 1000000', 'action bpf bytecode "1,6 0 0 4294967295"', 'action ctinfo dscp 1') { next if $action ne '' && $filter !~ /^(?:matchall|flower ip)/; $priority++; for my $side ('egress', 'ingress') { run_each("tc filter add dev v0 $side protocol $protocol prio $priority $filter $action"); } send_over('10.9.0.2') if $priority % 4 == 0; run_each("tc -s filter show dev v0 egress", "tc filter del dev v0 egress prio $priority") if $filter =~ /^(?:matchall|u32)/; } run_each('tc -s actions list action gact', 'tc filter show dev v0 ingress', 'tc filter del dev v0 egress', 'tc filter del dev v0 ingress'); }
	run_each('tc chain add dev v0 ingress chain 5', 'tc chain show dev v0 ingress', 'tc qdisc add dev i0 ingress_block 7 clsact', 'tc filter add block 7 matchall', 'tc actions add action gact ok index 5', 'tc actions replace action gact drop index 5', 'tc actions get action gact index 5', 'tc actions del action gact index 5', 'tc actions flush action gact', 'tc qdisc del dev v0 clsact'); kill 9, $child;
};
way 'tunnels-to-programs', 15, sub {
	own_network(); for my $flags (1, 2, 0x1001, 0x5002) { sysopen my $tun, '/dev/net/tun', 02 or return; my $request = pack 'a16 S x22', 't0', $flags; ioctl $tun, 0x400454ca, $request; run_each('ip addr add 10.6.0.1/24 dev t0', 'ip link set t0 up'); send_over('10.6.0.2'); my $set = ''; vec($set, fileno $tun, 1) = 1; select $set, undef, undef, 0.2; sysread $tun, my $frame, 2000; syswrite $tun, "\0" x 4 . ("\x45" . "\0" x 60); syswrite $tun, $frame; for my $code (0x800454cf, 0x800454d2, 0x800454d3, 0x400454d0, 0x400454cd, 0x400454d4, 0x800454d7, 0x400454d8) { my $room = "\0" x 64; ioctl $tun, $code, $room; } close $tun; }
};

1;
