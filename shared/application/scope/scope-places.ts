/**
 * What is above objects in the directory, by the GUIDs of parents: a rename or a move of a unit changes one row, and
 * all that is below it has moved.
 *
 * Agents send organizational units; plain containers and the domain's root have no row. Above an object in one of those
 * its DN tells: with no unit in it the top is reached, else the nearest unit that is known by that DN is climbed on
 * from. Where neither leads to the top, what is above is not known. Rows are kept for as long as the finder lives.
 */

import { SHARDS } from "../../domain/shard.ts";
import { normalDn, splitDn } from "../../domain/values.ts";
import type { ScopedRow, ScopedRows } from "../state/scoped-rows.ts";

export interface Place {
  /** The object itself, and what is above it up to the domain's root. */
  readonly above: ReadonlySet<string>;
  readonly isKnown: boolean;
}

export interface PlaceFinder {
  /** By objectGUID. */
  find(rows: readonly ScopedRow[]): Promise<ReadonlyMap<string, Place>>;
}

export function createPlaceFinder(deps: {
  readonly scopedRows: ScopedRows;
  readonly configurationId: string;
  /** The domain's root. */
  readonly root: string | undefined;
}): PlaceFinder {
  const { configurationId, root } = deps;
  const known = new Map<string, ScopedRow | undefined>();
  let unitsByDn: ReadonlyMap<string, ScopedRow> | undefined;

  async function load(rows: readonly ScopedRow[]): Promise<void> {
    let wanted = parentsOf(rows);
    while (wanted.length > 0) {
      const found = await deps.scopedRows.getMany(configurationId, wanted);
      for (const guid of wanted) known.set(guid, found.get(guid));
      wanted = parentsOf([...found.values()]);
    }
  }

  function parentsOf(rows: readonly ScopedRow[]): string[] {
    const parents = rows.flatMap(({ parentGuid }) => parentGuid ?? []);
    return [...new Set(parents)].filter((guid) => guid !== root && !known.has(guid));
  }

  async function place(object: ScopedRow): Promise<Place> {
    const above = new Set([object.objectGuid]);
    const top = (): Place => ({ above: root === undefined ? above : above.add(root), isKnown: true });
    for (let row = object; ; ) {
      const parent = row.parentGuid;
      if (parent === root && root !== undefined) return top();
      if (parent !== undefined && above.has(parent)) return { above, isKnown: false };
      const next = parent === undefined ? undefined : known.get(parent);
      // It isn't there any more, or agents may not tell of it: what it stood below says nothing.
      if (next && next.state !== "live") return { above, isKnown: false };
      if (parent !== undefined) above.add(parent);
      if (next) {
        row = next;
        continue;
      }
      const unit = await unitAbove(row.dn);
      if (unit === "none") return top();
      if (unit === undefined || above.has(unit.objectGuid)) return { above, isKnown: false };
      above.add(unit.objectGuid);
      await load([unit]);
      row = unit;
    }
  }

  /** "none": no unit is above it. Undefined: one is, and nobody has told of it. */
  async function unitAbove(dn: string): Promise<ScopedRow | "none" | undefined> {
    const names = splitDn(dn);
    for (let at = 1; at < names.length; at++) {
      if (!/^\s*ou\s*=/i.test(names[at] ?? "")) continue;
      unitsByDn ??= await allUnits();
      return unitsByDn.get(normalDn(names.slice(at).join(",")));
    }
    return dn === "" ? undefined : "none";
  }

  async function allUnits(): Promise<ReadonlyMap<string, ScopedRow>> {
    const units = new Map<string, ScopedRow>();
    for (const shard of SHARDS)
      for await (const page of deps.scopedRows.pages(configurationId, shard))
        for (const row of page)
          if (row.objectClass === "organizationalUnit" && row.state === "live") units.set(normalDn(row.dn), row);
    return units;
  }

  return {
    async find(rows) {
      await load(rows);
      const places = new Map<string, Place>();
      for (const row of rows) places.set(row.objectGuid, await place(row));
      return places;
    },
  };
}
