/**
 * The groups of a pattern. .NET numbers the unnamed ones first, in the order of their parentheses, then gives the names
 * the numbers that are left; a number or name that comes twice is one group. Numbers may have gaps, slots have none.
 */

export interface Groups {
  /** Slots, the whole match included. */
  readonly count: number;
  /** The slot of a name or number; undefined when the pattern has no such group. */
  readonly slotOf: (label: string | number) => number | undefined;
}

export interface GroupCollector extends Groups {
  readonly noteNumber: (value: number) => void;
  readonly noteName: (name: string) => void;
  readonly settled: () => Groups;
}

/** For the first reading of a pattern, which is for its groups alone: any label is slot 0 until then. */
export function collectGroups(): GroupCollector {
  const numbers = new Set<number>([0]);
  const names = new Set<string>();
  return {
    count: 0,
    slotOf: () => 0,
    noteNumber: (value) => numbers.add(value),
    noteName: (name) => names.add(name),
    settled: () => settle(numbers, names),
  };
}

function settle(noted: ReadonlySet<number>, names: ReadonlySet<string>): Groups {
  const numbers = new Set(noted);
  const numberOf = new Map<string, number>();
  // Names follow the unnamed groups; numbers that the pattern gave itself are passed over.
  let next = 1;
  for (const name of names) {
    while (numbers.has(next)) next++;
    numberOf.set(name, next);
    numbers.add(next);
  }
  const slots = new Map([...numbers].sort((left, right) => left - right).map((value, slot) => [value, slot]));
  return {
    count: slots.size,
    slotOf: (label) => {
      if (typeof label === "number") return slots.get(label);
      const number = numberOf.get(label) ?? (/^\d+$/.test(label) ? Number(label) : undefined);
      return number === undefined ? undefined : slots.get(number);
    },
  };
}
