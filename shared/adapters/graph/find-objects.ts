/**
 * Finds users and groups by what was asked for, several values a read, the living first.
 *
 * A read that is refused is asked again value by value, so that one odd value is a matter of the one who has it. What is no single value's
 * matter (`refused-questions.ts`) is `TargetUnavailable`.
 */
import type {
  FindOptions,
  TargetFailure,
  TargetObject,
  TargetObjectType,
  TargetQuery,
} from "../../ports/target-directory.ts";
import { type ReadClient, refusedBy } from "./read-client.ts";
import { answersQuery, type FindRead, readsFor, targetObjectOf } from "./read-objects.ts";
import { commonFault } from "./refused-questions.ts";

export async function findObjects(
  reads: ReadClient,
  queries: readonly TargetQuery[],
  { onRefused }: FindOptions = {},
): Promise<readonly (readonly TargetObject[])[]> {
  const found: TargetObject[][] = queries.map(() => []);
  const refused = new Map<number, TargetFailure>();

  /** The reads that were refused, with what was said; without somebody who is told of them, none is. */
  const ask = async (wanted: readonly FindRead[]): Promise<ReadonlyMap<FindRead, TargetFailure>> => {
    const failures = new Map<FindRead, TargetFailure>();
    const note = (at: number, failure: TargetFailure) => {
      const read = wanted[at];
      if (read) failures.set(read, failure);
    };
    const urls = wanted.map((read) => read.url);
    const bodies = await reads.getAll(urls, onRefused ? note : undefined);
    for (const [index, read] of wanted.entries()) {
      for (const object of objectsOf(await wholeList(reads, bodies[index]), read.type, read.among === "deleted")) {
        for (const position of read.positions) {
          const query = queries[position];
          if (query && answersQuery(object, query)) found[position]?.push(object);
        }
      }
    }
    return failures;
  };

  const run = async (positions: readonly number[], among: "live" | "deleted") => {
    const first = await ask(readsFor(queries, positions, among));
    const again = [...first.keys()].flatMap((read) =>
      read.positions.length > 1 ? read.positions.flatMap((position) => readsFor(queries, [position], among)) : [],
    );
    const failures = [...[...first].filter(([read]) => read.positions.length === 1), ...(await ask(again))];
    for (const [read, failure] of failures) for (const position of read.positions) refused.set(position, failure);
    const asked = positions.filter((at) => queries[at]?.value !== "");
    const fault = commonFault(
      asked,
      (at) => refused.get(at),
      (at) => kindOf(queries[at]),
    );
    if (fault) throw refusedBy(fault);
  };

  const everything = queries.map((_, position) => position);
  await run(everything, "live");
  // An id that isn't among the living may be among the deleted.
  const missing = everything.filter((at) => queries[at]?.by === "id" && !refused.has(at) && found[at]?.length === 0);
  await run(missing, "deleted");
  for (const [at, failure] of refused) onRefused?.(at, failure);
  return found;
}

function kindOf(query: TargetQuery | undefined): string {
  return query?.by === "id" ? `id ${query.type ?? "user"}` : (query?.by ?? "");
}

export function objectsOf(
  values: readonly unknown[],
  type: TargetObjectType,
  deleted: boolean,
): readonly TargetObject[] {
  return values.flatMap((value) => targetObjectOf(value, type, deleted) ?? []);
}

/** The values of a list, which may be handed out in pages, too; what was asked for by its key is a list of one. */
async function wholeList(reads: ReadClient, body: unknown): Promise<readonly unknown[]> {
  const isOne = typeof body === "object" && body !== null && "id" in body;
  const values = isOne ? [body] : [...listOf(body)];
  const { "@odata.nextLink": link } = (body ?? {}) as { readonly "@odata.nextLink"?: unknown };
  if (typeof link === "string") for await (const page of reads.pages(link)) values.push(...page);
  return values;
}

export function listOf(body: unknown): readonly unknown[] {
  const { value } = (body ?? {}) as { readonly value?: unknown };
  return Array.isArray(value) ? value : [];
}
