/** A number with a fixed count of decimals; a dash where there is none. */
export function fixed(value: number | undefined, digits: number): string {
  if (value === undefined || Number.isNaN(value)) return '-';
  return Number.isFinite(value) ? value.toFixed(digits) : value > 0 ? 'inf' : '-inf';
}

/** A number with few significant digits, for values of any size. */
export function significant(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(4))) : fixed(value, 0);
}

/** Percent from a number 0-100. */
export function percent(value: number | undefined, digits = 2): string {
  return value === undefined ? '-' : `${fixed(value, digits)} %`;
}
