/** Engines broken on purpose, by what stands between them and their ports. Each must be caught, or the oracles are blind there. */
import { ACTIVITY } from "../../orchestrations/names.ts";
import { pack, type ReadRow, unpack } from "../../shared/application/state/job-rows.ts";
import { packJson, unpackJson } from "../../shared/application/state/packing.ts";
import type { Row, RowOperation, RowStore, RowTable } from "../../shared/ports/row-store.ts";
import type { TargetDirectory, TargetObject } from "../../shared/ports/target-directory.ts";
import type { Guarantee } from "./oracles.ts";
import type { Mutation } from "./world.ts";

export interface Mutant {
  readonly name: string;
  /** The guarantee that it breaks, and that has to be named. */
  readonly breaks: Guarantee;
  /** A seed that shows it was here when this was written: where the search begins. */
  readonly from?: number;
  /** Made anew for every history. */
  readonly make: () => Mutation;
}

/** Every so-many-th time. */
function every(count: number): () => boolean {
  let seen = 0;
  return () => ++seen % count === 0;
}

function withTable(name: RegExp, change: (table: RowTable) => Partial<RowTable>): NonNullable<Mutation["rows"]> {
  return (rows: RowStore): RowStore => ({
    ...rows,
    table: (own) => {
      const table = rows.table(own);
      return name.test(own) ? { ...table, ...change(table) } : table;
    },
  });
}

/** What is written to such tables, changed on its way; an empty list is written nowhere, and answered as if it had been. */
function withWrites(
  name: RegExp,
  change: (operations: readonly RowOperation[]) => readonly RowOperation[],
): NonNullable<Mutation["rows"]> {
  return withTable(name, (table) => ({
    transact: async (partition, operations) => {
      const changed = change(operations);
      return changed.length > 0 ? table.transact(partition, changed) : { ok: true, etags: operations.map(() => "") };
    },
  }));
}

function withReads(name: RegExp, change: (row: Row) => Row): NonNullable<Mutation["rows"]> {
  return withTable(name, (table) => ({
    get: async (partition, row) => {
      const found = await table.get(partition, row);
      return found && change(found);
    },
    getMany: async (partition, rows, options) =>
      new Map([...(await table.getMany(partition, rows, options))].map(([key, row]) => [key, change(row)])),
  }));
}

function changed<T>(operation: RowOperation, prefix: string, change: (value: T) => T): RowOperation {
  if (operation.op === "delete" || !operation.row.startsWith(prefix)) return operation;
  const row = { partition: "", row: operation.row, etag: "", values: operation.values };
  return { ...operation, values: pack(change(unpack<T>(row).value)) };
}

function withTarget(change: (target: TargetDirectory) => Partial<TargetDirectory>): Pick<Mutation, "target"> {
  return { target: (target) => ({ ...target, ...change(target) }) };
}

/** Accounts of the tenant as somebody sees them who overlooks something. */
function foundByName(target: TargetDirectory, see: (own: TargetObject) => TargetObject): Pick<TargetDirectory, "find"> {
  return {
    find: async (queries) =>
      (await target.find(queries)).map((found, at) =>
        queries[at]?.by === "userPrincipalName" ? found.map(see) : found,
      ),
  };
}

type Account = { readonly counts: Readonly<Record<string, number>> | null };

export const MUTANTS: readonly Mutant[] = [
  {
    name: "acknowledges batches whose payload it did not store",
    breaks: "N1",
    make: () => {
      const isHit = every(3);
      return {
        blobs: (blobs) => ({
          ...blobs,
          put: async (path, content, options) =>
            path.startsWith("batches/") && isHit() ? true : blobs.put(path, content, options),
        }),
      };
    },
  },
  {
    name: "commits a watermark though batches before it are open",
    breaks: "N2",
    make: () => ({
      rows: withWrites(/^jobs$/, (operations) =>
        operations.flatMap((own): RowOperation[] => {
          if (own.op !== "insert" || !own.row.startsWith("batch:")) return [own];
          const [, , readNo, sequence] = own.row.split(":");
          const watermark = { row: `done:${readNo}:${sequence}`, at: 0, watermark: null };
          return [own, { op: "upsert", row: "watermark", values: pack(watermark) }];
        }),
      ),
    }),
  },
  {
    name: "applies what is older than what it knows",
    breaks: "N3",
    make: () => ({
      rows: withReads(/^objects$/, (row) =>
        "version" in row.values ? { ...row, values: { ...row.values, version: "" } } : row,
      ),
    }),
  },
  {
    name: "takes every full read for complete",
    breaks: "N4",
    from: 4,
    make: () => ({
      rows: withWrites(/^jobs$/, (operations) =>
        operations.map((own) =>
          changed<ReadRow>(own, "read:", (read) =>
            read.kind === "full" ? { ...read, state: "ended", complete: true, incompleteBecause: null } : read,
          ),
        ),
      ),
    }),
  },
  {
    name: "takes an answer that was lost for a success",
    breaks: "N5",
    from: 31,
    make: () =>
      withTarget((target) => ({
        apply: async (actions, options) =>
          (await target.apply(actions, options)).map((result, index) => {
            const action = actions[index];
            return result.outcome === "failed" && result.failure.retriable && action && action.kind !== "create"
              ? { key: result.key, outcome: "done", id: action.id }
              : result;
          }),
      })),
  },
  {
    name: "has no bounds for removals",
    breaks: "N6",
    from: 7,
    make: () => ({
      rows: withReads(/^jobs$/, (row) => {
        if (row.row !== "job") return row;
        const job = unpack<{ readonly settings: object }>(row).value;
        const settings = { ...job.settings, guard: { floor: 1_000, count: 10_000, percent: 100 } };
        return { ...row, values: pack({ ...job, settings }) };
      }),
    }),
  },
  {
    name: "loses an outcome in a batch's account",
    breaks: "N7",
    make: () => ({
      rows: withWrites(/^jobs$/, (operations) =>
        operations.map((own) =>
          changed<Account>(own, "done:", (batch) =>
            batch.counts && (batch.counts["no-op"] ?? 0) > 0
              ? { ...batch, counts: { ...batch.counts, "no-op": (batch.counts["no-op"] ?? 0) - 1 } }
              : batch,
          ),
        ),
      ),
    }),
  },
  {
    name: "leaves effects out of the log",
    breaks: "N8",
    make: () => {
      const isHit = every(4);
      return { rows: withWrites(/^log\d/, (operations) => (isHit() ? [] : operations)) };
    },
  },
  {
    name: "forgets whom it deleted, and makes him anew",
    breaks: "N5",
    from: 10,
    make: () => ({
      ...withTarget((target) => ({
        find: async (queries) => (await target.find(queries)).map((objects) => objects.filter((own) => !own.deleted)),
      })),
      rows: withReads(/^objects$/, (row) => {
        if (!("gone" in row.values)) return row;
        const { link: _link, target: _target, gone: _gone, last: _last, ...values } = row.values;
        return { ...row, values };
      }),
    }),
  },
  {
    name: "keeps nobody to be restored whom it deletes",
    breaks: "N9",
    make: () => ({
      target: (target, { store }) => ({
        ...target,
        apply: async (actions, options) => {
          const results = await target.apply(actions, options);
          const deleted = new Set(actions.flatMap((own) => (own.kind === "delete" ? [own.id] : [])));
          for (const entry of [...store.deleted()]) if (deleted.has(entry.id)) store.drop(entry);
          return results;
        },
      }),
    }),
  },
  {
    name: "forgets whom it has to try again",
    breaks: "N7",
    from: 3,
    make: () => ({ rows: withWrites(/^escrows$/, () => []) }),
  },
  {
    name: "forgets that the effect of a call is unknown",
    breaks: "N5",
    from: 5,
    make: () => ({
      rows: withWrites(/^objects$/, (operations) =>
        operations.map((own) => {
          if (own.op === "delete" || !(own.values["link"] instanceof Uint8Array)) return own;
          const { doubt: _doubt, ...link } = unpackJson<{ readonly doubt?: unknown }>(own.values["link"]);
          return { ...own, values: { ...own.values, link: packJson(link) } };
        }),
      ),
    }),
  },
  {
    name: "loses a cycle in the account of its day",
    breaks: "N7",
    make: () => ({
      rows: withWrites(/^jobs$/, (operations) =>
        operations.map((own) =>
          changed<{ readonly received: number }>(own, "day:", (day) => ({ ...day, received: day.received - 1 })),
        ),
      ),
    }),
  },
  {
    name: "tells no domain controller in its log",
    breaks: "N8",
    make: () => ({
      rows: withWrites(/^log\d/, (operations) =>
        operations.map((own) => {
          if (own.op === "delete" || !(own.values["data"] instanceof Uint8Array)) return own;
          const entry = unpackJson<object>(own.values["data"]);
          return { ...own, values: { ...own.values, data: packJson({ ...entry, server: "" }) } };
        }),
      ),
    }),
  },
  {
    name: "forgets who read what it maps again by itself",
    breaks: "N8",
    make: () => ({
      rows: withWrites(/^jobs$/, (operations) =>
        operations.map((own) =>
          changed<{ readonly agentId?: string }>(own, "cycle:", ({ agentId: _, ...cycle }) => cycle),
        ),
      ),
    }),
  },
  {
    name: "doesn't look at the exclusion list",
    breaks: "N4",
    from: 40,
    make: () => ({ rows: withTable(/^exclusions$/, () => ({ async *range() {}, get: async () => undefined })) }),
  },
  {
    name: "forgets which groups have members waiting",
    breaks: "N5",
    make: () => ({ rows: withWrites(/^dirtylinks$/, () => []) }),
  },
  {
    name: "takes holders of a directory role over",
    breaks: "N9",
    from: 10,
    make: () =>
      withTarget((target) => ({
        privileged: async () => new Set(),
        // And sends what Graph takes of it.
        apply: (actions, options) =>
          target.apply(
            actions.map((own) => (own.kind === "update" ? { ...own, isWhole: false } : own)),
            options,
          ),
      })),
  },
  {
    name: "takes accounts over that have another anchor",
    breaks: "N9",
    from: 11,
    make: () => withTarget((target) => foundByName(target, ({ immutableId: _, ...own }) => own)),
  },
  {
    name: "ends exports before they have been made",
    breaks: "N5",
    from: 8,
    make: () => {
      const isHit = every(5);
      return {
        activities: (activities) => ({
          ...activities,
          [ACTIVITY.exportChunk]: async (input: unknown) =>
            isHit() ? { kind: "done", value: { done: true } } : (activities[ACTIVITY.exportChunk] ?? raise)(input),
        }),
      };
    },
  },
];

function raise(): never {
  throw new Error("There is no such activity.");
}
