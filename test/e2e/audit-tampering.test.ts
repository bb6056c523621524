import { deepEqual, equal, ok } from 'node:assert/strict';
import { parseCheckpoint } from '../../src/party/audit/checkpoint.ts';
import type { Reason } from '../../src/party/audit/evidence/findings.ts';
import { reconcile } from '../../src/party/audit/evidence/reconcile.ts';
import { type EvidenceReport, verifyBundle } from '../../src/party/audit/evidence/verify.ts';
import { parseNote } from '../../src/party/audit/signed-note.ts';
import { canonicalJson } from '../../src/party/consensus/canonical-json.ts';
import { RECEIPT_DOMAIN } from '../../src/party/consensus/receipt-check.ts';
import type { ResultReceipt } from '../../src/party/consensus/receipt-statement.ts';
import { type Signed, signBody } from '../../src/party/consensus/signed.ts';
import type { Vote } from '../../src/party/consensus/vote.ts';
import {
  bytesOf,
  type EvidenceParty,
  evidenceParty,
  isEntry,
  type MemoryLog,
  resealed,
  taskBundle,
  trustIn,
} from '../support/evidence.ts';
import { peopleTraining, putPeople } from '../support/joint-training.ts';
import { type NodeEvidence, nodeEvidence, rewritten } from '../support/node-evidence.ts';
import { endedTask, postTrain, runningPair } from '../support/running-pair.ts';
import { reasonsOf } from '../support/verified-bundle.ts';

const VOTE_DOMAIN = 'entente/vote/v1';

describe('e2e: evidence of a training that somebody changed', function () {
  this.timeout(120_000);
  const pair = runningPair();
  let taskId = '';
  let earlier = '';
  let a: NodeEvidence;
  let b: NodeEvidence;
  /** orgA's bundle, as it is. */
  let lines: readonly string[];

  before('train twice, stop the nodes, read their logs', async () => {
    putPeople(pair, { common: 120, apart: 20 });
    const train = async (): Promise<string> => {
      const answer = await postTrain(pair.a, peopleTraining({ epochs: 3 }));
      equal(answer.status, 200, answer.msg);
      const { task_id } = JSON.parse(answer.result!.extra as string) as { task_id: string };
      for (const node of [pair.a, pair.b]) await endedTask(node, task_id);
      return task_id;
    };
    earlier = await train();
    taskId = await train();
    deepEqual(await Promise.all([pair.a.stop(), pair.b.stop()]), [0, 0]);
    a = await nodeEvidence(pair.a, [earlier, taskId]);
    b = await nodeEvidence(pair.b, [earlier, taskId]);
    lines = await taskBundle(a.source(taskId), taskId);
  });

  const parties = (): readonly EvidenceParty[] => [a.party, b.party];
  const verify = (changed: readonly string[], trusted = parties()): Promise<EvidenceReport> =>
    verifyBundle(bytesOf(changed, 100_000), trustIn(trusted));
  /** Why a bundle fails. */
  const reasons = async (changed: readonly string[]): Promise<readonly Reason[]> =>
    reasonsOf(await verify(changed));
  /** Why the bundle fails that a node exports which rewrote its log. */
  const reasonsOfLog = async (log: MemoryLog): Promise<readonly Reason[]> =>
    reasons(await taskBundle(a.source(taskId, log), taskId));
  const isOfKind = (kind: string) => (line: string) => line.includes(`"kind":"${kind}"`);
  /** The bundle with another vote of orgB in its certificate. */
  const withVote = (vote: Signed<Vote>): string[] =>
    resealed(
      lines.map((line) => {
        if (!line.startsWith('{"line":"certificate"')) return line;
        const { votes } = JSON.parse(line) as { votes: [Signed<Vote>, Signed<Vote>] };
        return canonicalJson({ line: 'certificate', votes: [votes[0], vote] });
      }),
    );
  const voteOfB = async (task: string): Promise<Signed<Vote>> =>
    (await b.source(task).certificate(task))!.votes[1]!;

  it('is verified and reconciled as it is', async () => {
    const [first, second] = [
      await verify(lines),
      await verify(await taskBundle(b.source(taskId), taskId)),
    ];
    deepEqual([first.findings, second.findings], [[], []]);
    const { ok: agree, findings, receipts, states } = reconcile(first, second);
    deepEqual([agree, findings], [true, []]);
    ok(receipts >= 6 && states >= 4, `${receipts} receipts, ${states} states`);
  });

  it('flipped byte', async () => {
    const bytes = Buffer.concat(bytesOf(lines));
    for (let at = 3; at < bytes.length; at += 6007) {
      const flipped = Buffer.from(bytes);
      flipped[at]! ^= 4;
      const report = await verifyBundle([flipped], trustIn(parties()));
      const found = reasonsOf(report);
      ok(
        found.includes('altered_bundle') || found.includes('truncated_bundle'),
        `byte ${at}: ${found.join()}`,
      );
    }
    const disclosure = lines.findIndex(isOfKind('disclosure'));
    const other = lines[disclosure]!.replace(/"elements":(\d+)/, '"elements":1');
    const closed = resealed(lines.with(disclosure, other));
    ok((await reasons(closed)).includes('entry_altered'));
  });

  it('dropped or reordered entry', async () => {
    const receipt = lines.findIndex(isOfKind('phase_receipt'));
    deepEqual(await reasons(resealed(lines.toSpliced(receipt, 1))), [
      'entry_dropped',
      'receipt_missing',
    ]);
    const last = lines.findLastIndex(isEntry);
    deepEqual(await reasons(resealed(lines.toSpliced(last, 1))), ['entry_dropped']);
    const [x, y] = [lines[receipt]!, lines[receipt + 1]!];
    const swapped = resealed(lines.with(receipt, y).with(receipt + 1, x));
    ok((await reasons(swapped)).includes('entry_reordered'));
  });

  it('truncated log', async () => {
    const { text } = parseNote(a.party.cosigned.get('orgB')!);
    const { size } = parseCheckpoint(text);
    const shorter = rewritten(a.party, { size: size - 2 });
    ok((await reasonsOfLog(shorter)).includes('log_truncated'));
  });

  it('forked log', async () => {
    const other = rewritten(a.party, {
      change: (text) =>
        text.includes('"kind":"session_opened"') && text.includes(taskId)
          ? text.replace(/"salt":"./, '"salt":"f')
          : text,
    });
    const forked = await reasonsOfLog(other);
    // A salt says nothing, so that all but the history of the log is as it was.
    deepEqual(forked, ['log_forked']);
  });

  it('forged vote', async () => {
    const { body } = await voteOfB(taskId);
    const forged = signBody(evidenceParty('orgB', 3).signer, VOTE_DOMAIN, body);
    deepEqual(await reasons(withVote(forged)), ['certificate_altered', 'vote_forged']);
  });

  it('vote replayed on another task', async () => {
    const replayed = withVote(await voteOfB(earlier));
    deepEqual(await reasons(replayed), ['certificate_altered', 'vote_replayed']);
  });

  it('parameter changed after approval', async () => {
    const contract = lines.findIndex((line) => line.startsWith('{"contract":'));
    const other = lines[contract]!.replace('"epochs":3', '"epochs":4');
    const found = await reasons(resealed(lines.with(contract, other)));
    deepEqual(found, ['certificate_altered', 'contract_altered']);
  });

  it('expired vote', async () => {
    const { body } = await voteOfB(taskId);
    const expiresAt = new Date(Date.parse(body.votedAt) + 1).toISOString();
    const expired = signBody(b.party.signer, VOTE_DOMAIN, { ...body, expiresAt });
    deepEqual(await reasons(withVote(expired)), ['certificate_altered', 'vote_expired']);
  });

  it('wrong key', async () => {
    const stranger = evidenceParty('orgB', 4);
    const ofPeer = await verify(lines, [a.party, stranger]);
    ok(reasonsOf(ofPeer).includes('wrong_key'));
    const ofLog = { ...a.source(taskId), logKey: stranger.key.certificate };
    ok((await reasons(await taskBundle(ofLog, taskId))).includes('wrong_key'));
  });

  it('disclosure not declared', async () => {
    const log = rewritten(a.party);
    const source = a.source(taskId, log);
    const body = { class: 'labels', to: ['orgB'], elements: 120, value: null };
    await source.trail.record('disclosure', { task: taskId, attempt: 1 }, body);
    deepEqual(await reasons(await taskBundle(source, taskId)), ['undeclared_disclosure']);
  });

  it('peer claiming other bytes', async () => {
    // orgB signs a result, and rewrites its log, as if other bytes had come in.
    const otherHash = (hash: string): string => hash.replace(/^./, (c) => (c === '0' ? '1' : '0'));
    const claim = (text: string): string => {
      if (!text.includes(taskId)) return text;
      const entry = JSON.parse(text) as {
        kind: string;
        body: { received: { hash: string }; receipt: Signed<ResultReceipt> };
      };
      if (entry.kind === 'session_closed') {
        const { received } = entry.body;
        const body = { ...entry.body, received: { ...received, hash: otherHash(received.hash) } };
        return canonicalJson({ ...entry, body });
      }
      if (entry.kind !== 'result' || entry.body.receipt.body.signer !== 'orgB') return text;
      const { body } = entry.body.receipt;
      const transport = body.transport.map(({ received, ...rest }) => ({
        ...rest,
        received: { ...received, hash: otherHash(received.hash) },
      }));
      const receipt = signBody(b.party.signer, RECEIPT_DOMAIN, { ...body, transport });
      return canonicalJson({ ...entry, body: { ...entry.body, receipt } });
    };
    const claimed = await verify(
      await taskBundle(b.source(taskId, rewritten(b.party, { change: claim })), taskId),
    );
    const found = reasonsOf(claimed);
    ok(found.includes('bytes_differ'), found.join());
    const compared = reasonsOf(reconcile(await verify(lines), claimed));
    ok(compared.includes('bytes_differ'), compared.join());
    ok(compared.includes('result_differs'), compared.join());
  });

  it('fork after the last state that the other party confirmed in this bundle', async () => {
    // orgA goes back to where the task was agreed and tells nobody what orgB confirmed since.
    const start = a.party.log.rows.findLastIndex(({ task, bytes }) => {
      return task === taskId && Buffer.from(bytes).includes('"kind":"session_opened"');
    });
    const log = rewritten(a.party, { size: start });
    const early = [...log.signed].findLast(({ note }) => note.includes('witness/orgB'));
    const source = {
      ...a.source(taskId, log),
      cosigned: async () => [{ witness: 'orgB', note: early!.note }],
    };
    const forked = await verify(await taskBundle(source, taskId));
    deepEqual(forked.findings, [], 'by itself it shows a task that never ran');
    const honest = await verify(await taskBundle(b.source(taskId), taskId));
    const found = reasonsOf(reconcile(forked, honest));
    ok(found.includes('log_truncated'), found.join());
    ok(found.includes('session_differs'), found.join());
  });
});
