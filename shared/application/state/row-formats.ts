/**
 * The formats of stored rows, and the refusal of what this release would misread.
 *
 * A row says two numbers, both 1 where they are absent, so that rows of the first format take no byte for them:
 *
 *   v       the format in which it was written
 *   least   the least format that a release must know to read it
 *
 * A format that only adds to what was there leaves `least` as it is, and the release before reads its rows, as a roll-back needs it. One
 * that changes what was there raises `least`: then the release before stops at such a row, with a message that says why, instead of taking
 * it for something else, or writing over it. It holds for every table by the same few lines, because it is the store that is asked.
 */
import { withoutNames } from "../../domain/names-in-text.ts";
import { MONTHLY_TABLES, TABLES } from "../../needs/stores.ts";
import { type RangeOptions, type Row, type RowStore, StorageError } from "../../ports/row-store.ts";
import { OBJECT_FORMAT } from "./object-row.ts";

/** What a format of one kind is, its codec says; kinds that aren't named have had one. */
const FORMATS: Readonly<Record<string, number>> = { objects: OBJECT_FORMAT };

/** The newest format that this release knows, by table; monthly ones by their name without the month. */
export const ROW_FORMATS: Readonly<Record<string, number>> = Object.fromEntries(
  [...TABLES, ...MONTHLY_TABLES].map(({ name }) => [name, FORMATS[name] ?? 1]),
);

/** Throws `StorageError` `storage-refused`: nobody reads what a newer release wrote in a way that this one doesn't know. */
export function expectReadable(table: string, { partition, row, values }: Pick<Row, "partition" | "row" | "values">) {
  const { least } = values;
  if (least === undefined) return;
  const known = ROW_FORMATS[table.replace(/\d{6}$/, "")] ?? 1;
  if (typeof least === "number" && least <= known) return;
  throw new StorageError(
    "storage-refused",
    `Row ${withoutNames(row)} in partition ${partition} of table ${table} was written by a newer release: it takes one that knows format ${least}, and this one knows ${known}. Deploy the newer release again, or put back rows from before it.`,
  );
}

/** The same rows, none of which this release would misread. */
export function readableRowsOf(rows: RowStore): RowStore {
  return {
    ...rows,
    table(name) {
      const table = rows.table(name);
      const checked = (found: readonly Row[]) => {
        for (const row of found) expectReadable(name, row);
        return found;
      };
      async function* pages(found: AsyncIterable<readonly Row[]>): AsyncIterable<readonly Row[]> {
        for await (const page of found) yield checked(page);
      }
      return {
        ...table,
        async get(partition, row) {
          const found = await table.get(partition, row);
          if (found) expectReadable(name, found);
          return found;
        },
        async getMany(partition, keys, options) {
          const found = await table.getMany(partition, keys, asking(options));
          checked([...found.values()]);
          return found;
        },
        range: (partition, options) => pages(table.range(partition, asking(options))),
        across: (from, to, options) => pages(table.across(from, to, asking(options))),
        scan: (options) => pages(table.scan(asking(options))),
      };
    },
  };
}

/** Who asks for some columns is told of this one, too. */
function asking<T extends Pick<RangeOptions, "select">>(options: T | undefined): T | undefined {
  return options?.select ? { ...options, select: [...options.select, "least"] } : options;
}
