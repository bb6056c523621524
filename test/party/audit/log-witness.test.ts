import { deepEqual, equal, ok, rejects } from 'node:assert/strict';
import { openCheckpoint } from '../../../src/party/audit/checkpoint.ts';
import { LOG_KEY_DOMAIN, verifyLogKey } from '../../../src/party/audit/log-key.ts';
import {
  type Confirmation,
  logWitness,
  type ShownState,
} from '../../../src/party/audit/log-witness.ts';
import { canonicalBytes } from '../../../src/party/consensus/canonical-json.ts';
import { type LogParty, withLogParties, witnessRecords } from '../../support/confirmed-logs.ts';
import { keyRing, testIdentity } from '../../support/contracts.ts';

type Cosigned = Exclude<Confirmation, { readonly lacks: number }>;

const nameOf = ({ identity }: LogParty): string => identity.signer.name;

/** `a` shows its log to `b`, which confirms it. */
async function exchange(a: LogParty, b: LogParty, from?: number) {
  const shown = await a.witness.show(nameOf(b), from);
  const { answer, theirs } = await b.witness.confirm(nameOf(a), shown);
  ok(!('lacks' in answer), 'it was confirmed');
  const own = await a.witness.confirmed(nameOf(b), shown, answer);
  return { shown, own, theirs };
}

describe('log witness', () => {
  it('confirms a log as it grows, and both keep the same state with both signatures', () =>
    withLogParties(['orgA', 'orgB'], async ([a, b]) => {
      for (const entries of [0, 1, 6, 0]) {
        await a!.write(entries);
        const { own, theirs } = await exchange(a!, b!);
        deepEqual([own.size, own.root, own.size], [theirs!.size, theirs!.root, a!.log.size]);
        const keys = keyRing([a!.identity, b!.identity]);
        const [logOfA, logOfB] = [a!, b!].map((party) =>
          verifyLogKey(nameOf(party), keys.find(nameOf(party))!, party.key.certificate),
        );
        const { verified } = openCheckpoint(own.note, logOfA!.origin, [
          logOfA!.checkpoints,
          logOfB!.cosignatures,
        ]);
        equal(verified.length, 2);
        equal(own.note, theirs!.note);
        const [kept] = await a!.log.checkpoints(own.size, 1);
        equal(kept!.note, own.note, 'the log’s own checkpoint is confirmed, too');
      }
      deepEqual(
        (await witnessRecords(a!)).map(([name, { own, theirs }]) => [name, own!.size, theirs]),
        [['orgB', 7, null]],
      );
    }));

  it('asks for a proof from where it is, when the other side forgot', () =>
    withLogParties(['orgA', 'orgB'], async ([a, b]) => {
      await a!.write(3);
      const shown = await a!.witness.show('orgB');
      await b!.witness.confirm('orgA', shown); // the answer is lost
      await a!.write(4);
      const again = await a!.witness.show('orgB');
      deepEqual((await b!.witness.confirm('orgA', again)).answer, { lacks: 3 });
      await exchange(a!, b!, 3);
    }));

  it('refuses a log that was rolled back, and keeps what it knew', () =>
    withLogParties(['orgA', 'orgB'], async ([a, b], other) => {
      await a!.write(5);
      await exchange(a!, b!);
      const older = await other(a!);
      await older.write(3);
      const refused = b!.witness.confirm('orgA', await older.witness.show('orgB'));
      await rejects(refused, { name: 'LogRefusal', code: 'audit_rolled_back' });
      await a!.write(1);
      await exchange(a!, b!);
    }));

  it('refuses a forked log, of any size and with any proof', () =>
    withLogParties(['orgA', 'orgB'], async ([a, b], other) => {
      await a!.write(5);
      await exchange(a!, b!);
      const fork = await other(a!);
      for (const entries of [5, 3]) {
        await fork.write(entries);
        for (const from of [undefined, 5, 0]) {
          const shown = await fork.witness.show('orgB', from);
          const answer = await b!.witness.confirm('orgA', shown).then(
            (confirmed) => confirmed.answer,
            (error: { readonly code: string }) => error.code,
          );
          const asks = entries === 3 && from !== 5;
          deepEqual(answer, asks ? { lacks: 5 } : 'audit_forked', `${entries} from ${from}`);
        }
      }
    }));

  it('begins anew with a party whose new identity was pinned, and with no other', () =>
    withLogParties(['orgA', 'orgB'], async ([a, b], other) => {
      await a!.write(5);
      await exchange(a!, b!);
      const restored = await other(a!);
      await restored.write(3);
      const identity = testIdentity('orgA');
      const { name, publicKey } = restored.key.certificate;
      const signature = identity.signer.sign(LOG_KEY_DOMAIN, canonicalBytes({ name, publicKey }));
      const certificate = { name, publicKey, signature: Buffer.from(signature).toString('hex') };
      const keys = keyRing([identity, b!.identity]);
      const key = { ...restored.key, certificate };
      const witness = logWitness({ ...restored, key, keys });
      const shown = await witness.show('orgB');
      await rejects(b!.witness.confirm('orgA', shown), { code: 'bad_log_key' });
      const pinned = logWitness({ ...b!, keys });
      const { answer } = await pinned.confirm('orgA', shown);
      ok(!('lacks' in answer));
      equal((await witnessRecords(b!))[0]![1].theirs!.size, 3);
    }));

  it('does not know a party whose identity is pinned no more, and goes on once it is again', () =>
    withLogParties(['orgA', 'orgB'], async ([a, b]) => {
      await a!.write(3);
      await exchange(a!, b!);
      const alone = logWitness({ ...a!, keys: keyRing([a!.identity]) });
      const { from, proof } = await alone.show('orgB');
      deepEqual([from, proof], [0, []]);
      const shown = await b!.witness.show('orgA');
      await rejects(alone.confirm('orgB', shown), { name: 'AuditError', code: 'unknown_key' });
      await a!.write(4);
      equal((await a!.witness.show('orgB')).from, 3);
      await exchange(a!, b!);
    }));

  it('refuses another log key of the same party', () =>
    withLogParties(['orgA', 'orgB'], async ([a, b], other) => {
      await exchange(a!, b!);
      const again = await other(a!, true);
      const shown = await again.witness.show('orgB');
      await rejects(b!.witness.confirm('orgA', shown), { code: 'audit_forked' });
    }));

  it('refuses what is not signed by the log that it names, or by no known party', () =>
    withLogParties(['orgA', 'orgB', 'orgC'], async ([a, b, c]) => {
      const shown = await a!.witness.show('orgB');
      const theirs = await c!.witness.show('orgB');
      const refused = (party: string, state: ShownState, code: string) =>
        rejects(b!.witness.confirm(party, state), { name: 'AuditError', code });
      await refused('orgA', { ...shown, note: theirs.note }, 'unknown_key');
      await refused('orgA', { ...shown, logKey: theirs.logKey }, 'bad_log_key');
      await refused('stranger', shown, 'unknown_key');
      await refused('orgA', { ...shown, note: 'odd' }, 'malformed_note');
      equal((await witnessRecords(b!)).length, 0);
    }));

  it('takes no cosignature that does not verify, or of another party', () =>
    withLogParties(['orgA', 'orgB', 'orgC'], async ([a, b, c]) => {
      await a!.write(2);
      const shown = await a!.witness.show('orgB');
      const by = (await b!.witness.confirm('orgA', shown)).answer as Cosigned;
      const byC = (await c!.witness.confirm('orgA', shown)).answer as Cosigned;
      const signature = Uint8Array.from(by.signature);
      signature[40]! ^= 1;
      const refused = (answer: Cosigned, code: string) =>
        rejects(a!.witness.confirmed('orgB', shown, answer), { code });
      await refused({ ...by, signature }, 'bad_signature');
      await refused({ ...by, signature: byC.signature }, 'bad_signature');
      await refused(byC, 'bad_log_key');
      deepEqual(await witnessRecords(a!), []);
      await a!.witness.confirmed('orgB', shown, by);
    }));
});
