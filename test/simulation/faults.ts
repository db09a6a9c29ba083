/**
 * What goes wrong, armed by a step of the history and waiting for the call that it hits. Counted when it hits: a fault that
 * never happens proves nothing.
 */

export type FaultPlace = "rows" | "blobs" | "graph" | "item" | "activity" | "bell" | "ldap";

export interface ArmedFault {
  readonly on: FaultPlace;
  readonly kind: string;
  /** So many calls that it could hit go by first. */
  readonly after: number;
  readonly count: number;
}

export interface FaultBox {
  arm(fault: ArmedFault): void;
  /** Whether this call is hit. */
  take(on: FaultPlace, kind: string): boolean;
  /** The first armed fault of these kinds that hits this call. */
  takeAny(on: FaultPlace, kinds: readonly string[]): string | undefined;
  heal(): void;
  /** Something else that was made to happen. */
  note(what: string): void;
  readonly hits: ReadonlyMap<string, number>;
}

export function createFaultBox(trace: (line: string) => void): FaultBox {
  let armed: { on: FaultPlace; kind: string; after: number; count: number }[] = [];
  const hits = new Map<string, number>();
  const note = (what: string) => {
    hits.set(what, (hits.get(what) ?? 0) + 1);
    trace(`fault ${what}`);
  };
  const take = (on: FaultPlace, kind: string): boolean => {
    const fault = armed.find((own) => own.on === on && own.kind === kind);
    if (!fault) return false;
    if (fault.after > 0) {
      fault.after--;
      return false;
    }
    if (--fault.count <= 0) armed = armed.filter((own) => own !== fault);
    note(`${on} ${kind}`);
    return true;
  };
  return {
    hits,
    note,
    take,
    arm: (fault) => void armed.push({ ...fault }),
    takeAny: (on, kinds) => kinds.find((kind) => take(on, kind)),
    heal: () => {
      armed = [];
    },
  };
}
