/**
 * How the terms of a slot product stand in ciphertexts. Rows go into blocks of 4096 slots; a few rows
 * leave room for several terms side by side in one ciphertext, so that a mini-batch costs one.
 */
import { DEGREE, SLOT_MODULUS } from '../../kernels/rlwe-kernel.ts';
import { MAX_SLOT_CIPHERTEXTS } from './parameters.ts';

/** Term c * groups + j of a block begins at slot j * stride of ciphertext c. */
export interface SlotLayout {
  readonly terms: number;
  readonly rows: number;
  /** Blocks of up to 4096 rows; one block when there are several groups. */
  readonly blocks: number;
  /** Terms a ciphertext; the groups of a sum are added up after decryption, share by share. */
  readonly groups: number;
  readonly stride: number;
  /** Ciphertexts a block. */
  readonly ciphertexts: number;
}

/** Both sides derive it from the sizes. Throws `RangeError` for sizes that cannot be. */
export function slotLayout(terms: number, rows: number, outputs: number): SlotLayout {
  for (const [name, size] of [
    ['terms', terms],
    ['rows', rows],
    ['outputs', outputs],
  ] as const) {
    if (!Number.isSafeInteger(size) || size < 1) {
      throw new RangeError(`"${name}" expected a positive integer, got ${size}`);
    }
  }
  let groups = 1;
  while (2 * groups * rows <= DEGREE && groups < terms) groups *= 2;
  const ciphertexts = Math.ceil(terms / groups);
  if (ciphertexts > MAX_SLOT_CIPHERTEXTS) {
    throw new RangeError(`"terms" of ${terms} is more than the flooding noise is made for`);
  }
  return {
    terms,
    rows,
    blocks: Math.ceil(rows / DEGREE),
    groups,
    stride: DEGREE / groups,
    ciphertexts,
  };
}

/** Slots of one ciphertext, or of what it is multiplied by; null when all of its terms are. */
export function packSlots(
  { terms, rows, groups, stride }: SlotLayout,
  ciphertext: number,
  block: number,
  values: (term: number, fromRow: number, count: number) => Int32Array | null,
): Uint32Array | null {
  let slots: Uint32Array | null = null;
  const from = block * DEGREE;
  const count = Math.min(DEGREE, rows - from);
  for (let j = 0; j < groups; j++) {
    const term = ciphertext * groups + j;
    if (term >= terms) break;
    const v = values(term, from, count);
    if (!v) continue;
    slots ??= new Uint32Array(DEGREE);
    for (let i = 0; i < count; i++) {
      slots[j * stride + i] = v[i]! < 0 ? v[i]! + SLOT_MODULUS : v[i]!;
    }
  }
  return slots;
}

/** Adds the groups of one answer's share into its rows of `shares`. */
export function readSlots(
  { rows, groups, stride }: SlotLayout,
  slots: Uint32Array,
  block: number,
  output: number,
  shares: Uint32Array,
): void {
  const from = block * DEGREE;
  const count = Math.min(DEGREE, rows - from);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0; j < groups; j++) sum += slots[j * stride + i]!;
    shares[output * rows + from + i] = sum % SLOT_MODULUS;
  }
}
