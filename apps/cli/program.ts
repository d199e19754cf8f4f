// SPDX-License-Identifier: GPL-2.0-only
import { Command, CommanderError } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { lockstepVersion } from '@lockstep/platform/runtime';
import type { Cli } from './cli';
import { abortCampaign } from './commands/abort-campaign';
import { abortRollout } from './commands/abort-rollout';
import { addContext } from './commands/add-context';
import { addKernel } from './commands/add-kernel';
import { addWebhook } from './commands/add-webhook';
import { appendLoad } from './commands/append-load';
import { buildPatch } from './commands/build-patch';
import { cancelBuild } from './commands/cancel-build';
import { checkConflicts } from './commands/check-conflicts';
import { combinePatches } from './commands/combine-patches';
import { createBuildKeyCommand } from './commands/create-build-key';
import { completeNames } from './commands/complete-names';
import { createCluster } from './commands/create-cluster';
import { createToken } from './commands/create-token';
import { explainPatch } from './commands/explain-patch';
import { hostCheck } from './commands/host-check';
import { hostConflicts } from './commands/host-conflicts';
import { hostLoad } from './commands/host-load';
import { hostLs } from './commands/host-ls';
import { hostUnload } from './commands/host-unload';
import { joinNode } from './commands/join-node';
import { labelNodes } from './commands/label-nodes';
import { listBuilds } from './commands/list-builds';
import { listClusters } from './commands/list-clusters';
import { listContexts } from './commands/list-contexts';
import { listDrift } from './commands/list-drift';
import { listEvents } from './commands/list-events';
import { listKernels } from './commands/list-kernels';
import { listNodes } from './commands/list-nodes';
import { listPatches } from './commands/list-patches';
import { listRollouts } from './commands/list-rollouts';
import { listTokens } from './commands/list-tokens';
import { approveCampaign } from './commands/approve-campaign';
import { listCampaigns } from './commands/list-campaigns';
import { pauseCampaign } from './commands/pause-campaign';
import { pauseRollout } from './commands/pause-rollout';
import { listWebhooks } from './commands/list-webhooks';
import { planCampaign } from './commands/plan-campaign';
import { planRollout } from './commands/plan-rollout';
import { printCompletion } from './commands/print-completion';
import { rebootNeeded } from './commands/reboot-needed';
import { recoverOrder } from './commands/recover-order';
import { activateAuthority } from './commands/activate-authority';
import { fetchAuthorities } from './commands/fetch-authorities';
import { listAuthorities } from './commands/list-authorities';
import { retireAuthority } from './commands/retire-authority';
import { rotateAuthority } from './commands/rotate-authority';
import { rotateLogKey } from './commands/rotate-log-key';
import { verifyOrder } from './commands/verify-order';
import { repairDrift } from './commands/repair-drift';
import { removeContext } from './commands/remove-context';
import { removeNode } from './commands/remove-node';
import { removeWebhook } from './commands/remove-webhook';
import { releaseNode } from './commands/release-node';
import { resumeRollout } from './commands/resume-rollout';
import { reportCampaign } from './commands/report-campaign';
import { resumeCampaign } from './commands/resume-campaign';
import { showCampaign } from './commands/show-campaign';
import { startCampaign } from './commands/start-campaign';
import { watchCampaign } from './commands/watch-campaign';
import { reportCoverage } from './commands/report-coverage';
import { reportRollout } from './commands/report-rollout';
import { retireEntry } from './commands/retire-entry';
import { retryRollout } from './commands/retry-rollout';
import { revokeNode } from './commands/revoke-node';
import { revokeToken } from './commands/revoke-token';
import { rollBackCampaign } from './commands/roll-back-campaign';
import { rollBackRollout } from './commands/roll-back-rollout';
import { rotateWebhookSecret } from './commands/rotate-webhook-secret';
import { setCluster } from './commands/set-cluster';
import { showBlocking } from './commands/show-blocking';
import { showBuild } from './commands/show-build';
import { showCluster } from './commands/show-cluster';
import { showCve } from './commands/show-cve';
import { showNode } from './commands/show-node';
import { showOrder } from './commands/show-order';
import { showPatch } from './commands/show-patch';
import { showRollout } from './commands/show-rollout';
import { signWithBuildKey } from './commands/sign-with-build-key';
import { startRollout } from './commands/start-rollout';
import { submitPatch } from './commands/submit-patch';
import { verifyPatch } from './commands/verify-patch';
import { testWebhook } from './commands/test-webhook';
import { useContext } from './commands/use-context';
import { watchBuild } from './commands/watch-build';
import { watchRollout } from './commands/watch-rollout';
import { whoAmI } from './commands/who-am-i';
import { addFreeze } from './commands/add-freeze';
import { addWindow } from './commands/add-window';
import { listFreezes } from './commands/list-freezes';
import { listWindows } from './commands/list-windows';
import { removeFreeze } from './commands/remove-freeze';
import { removeWindow } from './commands/remove-window';
import { approveRollout } from './commands/approve-rollout';
import { reviewRollout } from './commands/review-rollout';
import { confirmRollout } from './commands/confirm-rollout';
import { rejectRollout } from './commands/reject-rollout';
import { showApprovals } from './commands/show-approvals';
import { exportAudit } from './commands/export-audit';
import { followAudit } from './commands/follow-audit';
import { listAudit } from './commands/list-audit';
import { verifyAudit } from './commands/verify-audit';
import { exitCodeOf, exitCodes, type ExitCode } from './exit-code';
import type { Screen } from './screen';

type MakeCommand = (cli: Cli) => Command;

const groups: readonly (readonly [noun: string, description: string, commands: readonly MakeCommand[]])[] = [
  ['kernel', 'kernel builds that patches are built for', [addKernel, listKernels]],
  ['patch', 'source diffs', [submitPatch, combinePatches, listPatches, showPatch, explainPatch, verifyPatch]],
  [
    'ca',
    'authorities that certify nodes and control planes, and how one takes the place of another',
    [listAuthorities, rotateAuthority, activateAuthority, retireAuthority, fetchAuthorities],
  ],
  ['build-key', 'keys that vouch for what workers build', [createBuildKeyCommand, signWithBuildKey]],
  ['order', "a cluster's load order", [showOrder, appendLoad, retireEntry, verifyOrder, rotateLogKey, recoverOrder]],
  [
    'rollout',
    "moving a cluster's nodes to a position",
    [
      planRollout,
      startRollout,
      listRollouts,
      showRollout,
      watchRollout,
      pauseRollout,
      resumeRollout,
      abortRollout,
      retryRollout,
      rollBackRollout,
      reviewRollout,
      approveRollout,
      confirmRollout,
      rejectRollout,
      showApprovals,
    ],
  ],
  [
    'campaign',
    'one patch for several clusters and kernel builds, with one plan, one approval and one report',
    [
      planCampaign,
      startCampaign,
      listCampaigns,
      showCampaign,
      watchCampaign,
      pauseCampaign,
      resumeCampaign,
      abortCampaign,
      approveCampaign,
      rollBackCampaign,
      reportCampaign,
    ],
  ],
  [
    'node',
    'machines',
    [listNodes, showNode, labelNodes, showBlocking, rebootNeeded, releaseNode, joinNode, revokeNode, removeNode],
  ],
  ['cluster', 'sets of nodes that must be identical', [createCluster, setCluster, listClusters, showCluster]],
  ['drift', 'nodes that have left their position', [listDrift, repairDrift]],
  ['window', 'when loads may begin', [addWindow, listWindows, removeWindow]],
  ['freeze', 'when none may, whatever the windows say', [addFreeze, listFreezes, removeFreeze]],
  ['token', 'what lets people and programs in, and what they may', [createToken, listTokens, revokeToken]],
  ['audit', 'who did what, on what, from where and why', [listAudit, followAudit, exportAudit, verifyAudit]],
  [
    'webhook',
    'endpoints that are told of events',
    [addWebhook, listWebhooks, removeWebhook, testWebhook, rotateWebhookSecret],
  ],
  ['context', 'control planes that you speak to', [listContexts, useContext, addContext, removeContext]],
  ['report', 'what an auditor asks for', [reportCoverage, reportRollout]],
  [
    'host',
    "this machine's own livepatches, without a server",
    [hostCheck, hostLoad, hostLs, hostConflicts, hostUnload],
  ],
];

const exitCodeHelp = `
Exit codes: 0 done, 1 refused or failed as things are, 2 what was typed or given is wrong, whoever says so, 3 control plane unreachable,
4 --timeout passed, 5 what was waited for has halted, 130 interrupted.
Every command that asks the control plane or this host takes --json and then prints one JSON document; those that ask the
control plane take -o json|yaml|wide|name.`;

/** The whole command tree. */
export function createProgram(cli: Cli): Command {
  const program = new Command('lockstep')
    .description('Rolls Linux kernel livepatches out so that every host of a cluster runs the same code.')
    .version(lockstepVersion)
    .enablePositionalOptions()
    .addHelpText('after', exitCodeHelp);
  for (const [noun, description, commands] of groups) {
    const group = new Command(noun).description(description);
    for (const make of commands) group.addCommand(make(cli));
    program.addCommand(group);
  }
  const build = buildPatch(cli);
  for (const make of [listBuilds, showBuild, watchBuild, cancelBuild]) build.addCommand(make(cli));
  program.addCommand(build);
  program.addCommand(checkConflicts(cli));
  program.addCommand(whoAmI(cli));
  program.addCommand(showCve(cli));
  program.addCommand(listEvents(cli));
  program.addCommand(printCompletion(cli, () => program));
  program.addCommand(
    completeNames(cli, () => program),
    { hidden: true },
  );
  return program;
}

/** @param path as it is typed, up to this command */
function configure(command: Command, screen: Screen, path: string): void {
  command.showHelpAfterError(`next: ${path} --help`);
  command.exitOverride().configureOutput({
    writeOut: (text) => {
      screen.print(text);
    },
    writeErr: (text) => {
      screen.complain(text);
    },
  });
  for (const child of command.commands) configure(child, screen, `${path} ${child.name()}`);
}

/** Parses and runs; answers the exit code. Never throws. */
export async function runProgram(cli: Cli, args: readonly string[]): Promise<ExitCode> {
  const program = createProgram(cli);
  configure(program, cli.screen, program.name());
  try {
    await program.parseAsync([...args], { from: 'user' });
    return cli.exitCode();
  } catch (error) {
    // Commander has printed its own; help and version come as errors with exit code 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    cli.screen.complain(`error: ${error instanceof LockstepError ? error.message : String(error)}\n`);
    return exitCodeOf(error);
  }
}
