import { MatchingSalt } from '../../../../proto/gen/matching.ts';
import { checkLength } from '../../../protocols/primitives/words.ts';
import { SALT_BYTES } from '../../../protocols/psi/item-digest.ts';
import type { ProgramContext } from '../program.ts';
import type { DataHolders } from './data-holders.ts';

/**
 * The salt of a run's items: the same at all data holders, known to nobody else, another one every time.
 * Two derive it from their session; of more, the leader draws it.
 */
export async function agreeSalt(
  { link, rng }: Pick<ProgramContext, 'link' | 'rng'>,
  { all, me, others }: DataHolders,
  leader: number,
): Promise<Uint8Array> {
  if (others.length === 1) return link(others[0]!.name).deriveKey('psi item digests', SALT_BYTES);
  if (me === leader) {
    const salt = rng(SALT_BYTES);
    for (const { name } of others) {
      await link(name).channel.fork('salt').send(MatchingSalt, { salt });
    }
    return salt;
  }

  const channel = link(all[leader]!.name).channel.fork('salt');
  const { salt } = await channel.receive(MatchingSalt);
  checkLength(salt, SALT_BYTES);
  return salt;
}
