/**
 * Which units are the same where case is ignored: those with the same lower case, as .NET's invariant culture has it.
 * A unit whose lower case is more than one unit (İ) equals only itself; ſ, ς and ß have no upper case that comes back.
 */

interface Folding {
  readonly lower: Uint16Array;
  /** By lower case: every unit of the class, for classes of more than one. */
  readonly classes: ReadonlyMap<number, readonly number[]>;
}

let folding: Folding | undefined;

/** Made when a pattern first asks to ignore case: it takes some milliseconds. */
function tables(): Folding {
  if (folding) return folding;
  const lower = new Uint16Array(0x10000);
  const classes = new Map<number, number[]>();
  for (let code = 0; code < lower.length; code++) {
    const low = lowerOf(code);
    lower[code] = low;
    if (low === code) continue;
    const units = classes.get(low);
    if (units) units.push(code);
    else classes.set(low, [low, code]);
  }
  folding = { lower, classes };
  return folding;
}

function lowerOf(code: number): number {
  const text = String.fromCharCode(code).toLowerCase();
  return text.length === 1 ? text.charCodeAt(0) : code;
}

/** The unit that stands for all that equal `code`. */
export function fold(code: number): number {
  return tables().lower[code] ?? code;
}

/** Every unit that equals `code`, itself included. */
export function equivalents(code: number): readonly number[] {
  return tables().classes.get(fold(code)) ?? [code];
}
