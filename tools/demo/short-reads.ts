// SPDX-License-Identifier: GPL-2.0-only
import type { QemuMachine } from '@lockstep/testing/qemu-machine';

/** The module that the fix is for: ciphers for programs, by sockets. */
export const patchedModule = 'algif_skcipher';

/** What a read that is shorter than a cipher's block is answered with. */
export type ShortRead = 'nothing' | 'EINVAL';

/**
 * 38: AF_ALG, 5: SOCK_SEQPACKET, 279: SOL_ALG, 1: ALG_SET_KEY, 43: accept, 22: EINVAL. Perl's own accept asks for the peer's
 * address, which such a socket has none of. Perl without its library; no single quotes.
 */
const reader = `
socket my $cipher, 38, 5, 0 or die "socket: $!\\n";
bind $cipher, pack "S a14 L L a64", 38, "skcipher", 0, 0, "cbc(aes)" or die "bind: $!\\n";
setsockopt $cipher, 279, 1, "k" x 16 or die "key: $!\\n";
my $number = syscall 43, fileno $cipher, 0, 0;
open my $messages, "+<&=", $number or die "accept: $!\\n";
defined syswrite $messages, "x" x 32 or die "write: $!\\n";
sub answer {
  my $bytes = sysread $messages, my $text, 8;
  return defined $bytes ? $bytes ? "$bytes bytes" : "nothing" : $! + 0 == 22 ? "EINVAL" : "$!";
}
`;

/** Loads the vendor's own module, as a program's first use of it would. */
export async function loadPatchedModule(machine: QemuMachine): Promise<void> {
  await machine.run('for module in /lockstep/later/*.ko; do insmod "$module"; done');
}

export const hasPatchedModule = async (machine: QemuMachine): Promise<boolean> =>
  (await machine.run('cut -d" " -f1 /proc/modules')).split('\n').includes(patchedModule);

/** One program's answer now, by a socket of its own; the module must be there. */
export async function askShortRead(machine: QemuMachine): Promise<string> {
  return (await machine.run(`perl -e '${reader} print answer(), "\\n"'`)).trim();
}

/** Starts a program that keeps its socket, and with it the module, and reads from it again and again. */
export async function startReading(machine: QemuMachine): Promise<void> {
  const forever = `${reader}
while (1) {
  open my $file, ">", "/run/reader.new"; print $file answer(), "\\n"; close $file;
  rename "/run/reader.new", "/run/reader"; select undef, undef, undef, 0.2;
}`;
  await machine.run(`perl -e '${forever}' >/run/reader.log 2>&1 & true`);
  await machine.run('for try in 1 2 3 4 5 6 7 8 9 10; do [ -e /run/reader ] && break; sleep 1; done');
}

/** What the program of startReading was answered last. */
export const lastShortRead = async (machine: QemuMachine): Promise<string> =>
  (await machine.run('sleep 1; cat /run/reader /run/reader.log')).trim();
