/** The commands of the audit log: what a node shows of it, and what anybody can check of that. */
import type { Command } from 'commander';
import type { Verdict } from './audit.ts';
import type { ExportFlags } from './audit-export.ts';
import type { Timeline } from './audit-timeline.ts';
import { usageError } from './command.ts';
import {
  addressOf,
  type ConfigOptions,
  each,
  group,
  type NodeOptions,
  type Shell,
  withConfig,
  withNode,
} from './shell.ts';

interface ShowFlags {
  readonly task?: string;
}

interface TrustOptions {
  readonly trust: readonly string[];
}

interface DataOption {
  readonly data?: string;
}

const TRUST = ['--trust <file>', 'keys that you trust: "entente audit keys"; repeatable'] as const;

/** Loaded only here: it checks schemas that no other command needs. */
const commands = () => import('./audit.ts');

export function addAuditCommands(program: Command, shell: Shell): void {
  const { print, printAll } = shell;
  const audit = group(program, 'audit', 'evidence of what was agreed, what ran, what was opened');
  const end = ({ result, failure }: Verdict): void => {
    print(result);
    if (failure) throw failure;
  };

  audit
    .command('verify')
    .description('check evidence, offline')
    .argument('<bundle>', 'a file of "audit export"')
    .requiredOption(...TRUST, each)
    .option('--data <file>', 'is this the file that the party agreed to bring? needs --openings')
    .action(async (bundle: string, { trust, data }: TrustOptions & DataOption) =>
      end(await (await commands()).auditVerify(bundle, trust, data)),
    );
  audit
    .command('reconcile')
    .description('check that two parties’ evidence of one task tells the same story, offline')
    .argument('<bundle>', 'one party’s')
    .argument('<other>', 'another party’s')
    .requiredOption(...TRUST, each)
    .action(async (bundle: string, other: string, { trust }: TrustOptions) =>
      end(await (await commands()).auditReconcile([bundle, other], trust)),
    );
  withNode(audit.command('show').description('what is recorded, as a timeline'), shell)
    .argument('[bundle]', 'a file of "audit export", which is not checked by this')
    .option('--task <id>', 'what this node has recorded of a task')
    .action(async (bundle: string | undefined, options: NodeOptions & ShowFlags) => {
      const { task } = options;
      if ((bundle === undefined) === (task === undefined)) {
        throw usageError('what is to be shown?', 'name a bundle, or give --task ID');
      }
      const [{ auditShowFile, auditShowTask }, { timelinePieces }] = await Promise.all([
        import('./audit-show.ts'),
        import('./audit-timeline.ts'),
      ]);
      const show = (timeline: Timeline) => printAll(timelinePieces(timeline, shell.json));
      if (bundle !== undefined) await auditShowFile(bundle, show);
      else await auditShowTask(addressOf(shell, options), task!, show);
    });
  withNode(audit.command('export').description('write evidence to a file'), shell)
    .option('--task <id>', 'of one task')
    .option('--all', 'the whole audit log')
    .requiredOption('--out <file>', 'where to')
    .option('--openings', 'with what opens commitments, for a reader who has the values')
    .option('--unclosed', 'as it is, also while other parties are still to sign how the task ended')
    .option('--force', 'replace a file that is there')
    .action(async (options: NodeOptions & ExportFlags) => {
      const { auditExport } = await import('./audit-export.ts');
      print(await auditExport(addressOf(shell, options), options));
    });
  withConfig(audit.command('keys').description('your own key, for others’ files of trust'), shell)
    .option('--peers', 'with the keys of the peers that this node has pinned')
    .action(async (options: ConfigOptions & { readonly peers?: boolean }) =>
      print(await (await commands()).auditKeys(addressOf(shell, options), options)),
    );
}
