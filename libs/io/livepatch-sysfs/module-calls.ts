// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import { LockstepError, type ModuleName } from '@lockstep/domain/livepatch-model';

/** What a system call on a module came to. */
export interface CallAnswer {
  /** As errno.h numbers it; 0: it succeeded. */
  readonly errno: number;
  /** What the kernel logged meanwhile, oldest first, without level and time. */
  readonly log: readonly string[];
}

/** Inserting and removing modules: each is one system call, made once. */
export interface ModuleCalls {
  insert(file: string, parameters: readonly string[]): Promise<CallAnswer>;
  remove(module: ModuleName): Promise<CallAnswer>;
}

/**
 * Node.js makes no system calls by number, and programs that do (insmod, modprobe) tell an error only in words, some after
 * a second try of their own. Perl does, and Debian has it on every host (ADR 25). Numbers are those of x86-64:
 * finit_module 313, delete_module 176, O_NONBLOCK 2048. The log is read from where it ended before the call.
 */
const helper = `
$SIG{$_} = 'IGNORE' for qw(HUP INT TERM);
my ($call, $subject, $parameters) = @ARGV;
my $log;
sysopen($log, '/dev/kmsg', 2048) and sysseek($log, 0, 2) or undef $log;
my $failed;
if ($call eq 'insert') {
  open(my $file, '<', $subject) or die "$subject: $!\\n";
  $failed = syscall(313, fileno($file), $parameters, 0) == -1;
} else {
  $failed = syscall(176, $subject, 2048) == -1;
}
print $failed ? $! + 0 : 0, "\\n";
# EPIPE (32): what came next was overwritten before it was read; the next read goes on after that.
while ($log) {
  my $bytes = sysread($log, my $record, 8192);
  if ($bytes) { print $record } elsif (defined $bytes || $! != 32) { last }
}
`;

const perl = '/usr/bin/perl';

/** `6,339,5140900,-;NET: Registered` → the text; lines that begin with a space are fields of the record before. */
function parseRecords(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(' '))
    .map((line) => line.slice(line.indexOf(';') + 1));
}

function call(...args: readonly string[]): Promise<CallAnswer> {
  return new Promise((resolve, reject) => {
    // No time limit: what the kernel has begun it ends, whoever waits for it. In a session of its own, so that Ctrl-C on a
    // terminal does not end who is to tell what came of it.
    const options = { env: { LC_ALL: 'C' }, detached: true, maxBuffer: 1 << 24 };
    execFile(perl, ['-e', helper, ...args], options, (error, stdout, stderr) => {
      const [, errno, log = ''] = /^(\d+)\n([^]*)$/.exec(stdout) ?? [];
      if (errno !== undefined) {
        resolve({ errno: Number(errno), log: parseRecords(log) });
        return;
      }
      const why = stderr.trim() || error?.message || 'it said nothing';
      const isMissing = error?.code === 'ENOENT';
      const advice = isMissing ? ` Install it (Debian's package is perl-base).` : '';
      const message = `${perl} could not make the system call: ${why}.${advice}`;
      reject(new LockstepError('refused', 'module-call-failed', message, { perl }, { cause: error }));
    });
  });
}

/** The running machine's own. Livepatches have no parameters themselves, but test modules are made of theirs. */
export const createModuleCalls = (parametersOf: () => readonly string[] = () => []): ModuleCalls => ({
  insert: (file, parameters) => call('insert', file, [...parametersOf(), ...parameters].join(' ')),
  remove: (module) => call('remove', module),
});
