/** Two parties' tables with values that stand in their files and must stand nowhere else. */
/** Records that both have. */
export const PLANTED_ROWS = 80;

const KEYS = ['Kennwort-Sentinel-17', '哨兵-key-18'] as const;
const LEVEL = 'Sentinel-Level';
const NUMBERS = [8461.527394, -0.000731946258, 90210.314159] as const;

/** Keys of both, a level of both, and a number of each and of the label. */
export const PLANTED = { keys: KEYS, level: LEVEL, numbers: NUMBERS };

/** All of them. */
export const PLANTED_VALUES: readonly (string | number)[] = [...KEYS, LEVEL, ...NUMBERS];

export interface PlantedTable {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** `id, income, city, amount`: amount is the label. */
export function plantedLabelled(): PlantedTable {
  return {
    header: ['id', 'income', 'city', 'amount'],
    rows: indices().map((i) => [
      key(i),
      String(i === 0 ? NUMBERS[0] : 8000 + ((i * 37) % 101)),
      [LEVEL, 'x', 'y'][i % 3]!,
      String(i === 0 ? NUMBERS[2] : 90000 + ((i * 53) % 97)),
    ]),
  };
}

/** `id, rate, city` of the same records. */
export function plantedFeatures(): PlantedTable {
  return {
    header: ['id', 'rate', 'city'],
    rows: indices().map((i) => [
      key(i),
      String(i === 1 ? NUMBERS[1] : ((i * 29) % 83) / 1e5),
      [LEVEL, 'x', 'y'][Math.floor(i / 3) % 3]!,
    ]),
  };
}

function indices(): number[] {
  return Array.from({ length: PLANTED_ROWS }, (_, i) => i);
}

function key(i: number): string {
  return KEYS[i] ?? `key-${i}`;
}
