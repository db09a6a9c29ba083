/**
 * Who has which SID: table `sids`, partition `{target}`, row `{domain's SID}:{rid / 256}`, 256 neighbours in a row.
 * A foreign security principal names an object of another domain by its SID alone. Entries are never taken back: who
 * lost a SID has no target object by it either.
 */
import type { RowOperation, RowStore } from "../../ports/row-store.ts";
import { pack, unpack } from "./job-rows.ts";
import { writeHalving } from "./write-halving.ts";

export interface SidOwner {
  readonly configurationId: string;
  readonly objectGuid: string;
}

export interface SidEntry extends SidOwner {
  readonly sid: string;
}

export interface Sids {
  put(entries: readonly SidEntry[]): Promise<void>;
  find(sids: readonly string[]): Promise<ReadonlyMap<string, SidOwner>>;
}

/** By rid: configuration and objectGUID. */
type SidRow = Readonly<Record<string, readonly [string, string]>>;

const TRIES = 8;

export function createSids(deps: { readonly rows: RowStore; readonly targetKey: string }): Sids {
  const table = deps.rows.table("sids");

  return {
    async put(entries) {
      const byRow = new Map<string, SidEntry[]>();
      for (const entry of entries) {
        const { row } = placeOf(entry.sid);
        byRow.set(row, [...(byRow.get(row) ?? []), entry]);
      }
      let open = [...byRow];
      for (let tries = 0; tries < TRIES && open.length > 0; tries++) {
        const known = await table.getMany(
          deps.targetKey,
          open.map(([row]) => row),
        );
        const changes = open.flatMap(([row, own]) => {
          const before = known.get(row);
          const values = before ? unpack<SidRow>(before).value : {};
          const after: Record<string, readonly [string, string]> = { ...values };
          for (const { sid, configurationId, objectGuid } of own)
            after[placeOf(sid).rid] = [configurationId, objectGuid];
          if (before && JSON.stringify(after) === JSON.stringify(values)) return [];
          const operation: RowOperation = before
            ? { op: "replace", row, values: pack(after), etag: before.etag }
            : { op: "insert", row, values: pack(after) };
          return [{ entry: [row, own] as [string, SidEntry[]], operation }];
        });
        const etags = await writeHalving(
          table,
          deps.targetKey,
          changes.map((change) => change.operation),
        );
        open = changes.filter((_, index) => etags[index] === undefined).map((change) => change.entry);
      }
      if (open.length > 0) throw new Error(`The SIDs in row ${open[0]?.[0]} change faster than they can be written.`);
    },
    async find(sids) {
      const rows = await table.getMany(
        deps.targetKey,
        sids.map((sid) => placeOf(sid).row),
      );
      const found = new Map<string, SidOwner>();
      for (const sid of sids) {
        const { row, rid } = placeOf(sid);
        const stored = rows.get(row);
        const own = stored && unpack<SidRow>(stored).value[rid];
        if (own) found.set(sid, { configurationId: own[0], objectGuid: own[1] });
      }
      return found;
    },
  };
}

function placeOf(sid: string): { readonly row: string; readonly rid: string } {
  const at = sid.lastIndexOf("-");
  const rid = sid.slice(at + 1);
  return { row: `${sid.slice(0, at)}:${Math.floor(Number.parseInt(rid, 10) / 256)}`, rid };
}
