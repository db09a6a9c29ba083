/** Who waits is asked for by every tick and at the end of every cycle, of every job: one question, however many shards there are. */
import { expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { createEscrows, type EscrowFailure } from "../../shared/application/state/escrow-rows.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { guidOf } from "../support/cloud.ts";

function counted(rows: RowStore) {
  const asked = { count: 0 };
  const store: RowStore = {
    ...rows,
    table: (name) => {
      const table = rows.table(name);
      return {
        ...table,
        range: (...given) => {
          asked.count++;
          return table.range(...given);
        },
        across: (...given) => {
          asked.count++;
          return table.across(...given);
        },
      };
    },
  };
  return { store, asked };
}

const failureOf = (objectGuid: string): EscrowFailure => ({
  objectGuid,
  code: "AttributeMappingFailed",
  message: "It failed.",
  remedy: "Nothing.",
  origin: {
    batchId: "batch",
    index: 0,
    readNo: 1,
    sequence: 1,
    cycleId: "cycle",
  } as unknown as EscrowFailure["origin"],
});

it("lists the escrows of all shards of one job by one question", async () => {
  const { store, asked } = counted(createMemoryRowStore());
  const escrows = createEscrows({ rows: store });
  const own = Array.from({ length: 40 }, (_, index) => guidOf(`waits ${index}`));
  const others = own.map((guid) => guidOf(`${guid} of another`));
  await escrows.put("job-1", "batch", own.map(failureOf), 1);
  await escrows.put("job-10", "batch", others.map(failureOf), 1);
  asked.count = 0;
  const listed = (await escrows.list("job-1")).map(({ objectGuid }) => objectGuid);
  expect(listed).toEqual([...own].sort());
  expect(asked.count).toBe(1);
});
