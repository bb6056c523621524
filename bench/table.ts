import type { BenchResult } from './result.ts';

/**
 * A result for people: one aligned line a figure, nested names joined by dots, notes below. Lists of
 * objects (the folds of a quality bench) are left to `--json`.
 */
export function resultTable(result: BenchResult): string {
  const { notes, ...figures } = result;
  const lines = figureLines(figures, '');
  const width = Math.max(...lines.map(([name]) => name.length));
  return [
    ...lines.map(([name, value]) => `${name.padEnd(width)}  ${value}`),
    ...(Array.isArray(notes) ? notes.map((note) => `note: ${note}`) : []),
  ].join('\n');
}

function figureLines(value: unknown, name: string): [name: string, value: string][] {
  if (value === undefined) return [];
  if (Array.isArray(value)) {
    const isFlat = value.every((entry) => entry === null || typeof entry !== 'object');
    return isFlat ? [[name, value.map(figureText).join(', ')]] : [];
  }
  if (value === null || typeof value !== 'object') return [[name, figureText(value)]];
  return Object.entries(value).flatMap(([key, entry]) =>
    figureLines(entry, name === '' ? key : `${name}.${key}`),
  );
}

/** Whole numbers in full, others to four digits. */
function figureText(value: unknown): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return String(value);
  return Number.isInteger(value)
    ? value.toLocaleString('en-US')
    : String(Number(value.toPrecision(4)));
}
