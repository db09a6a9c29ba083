import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryRowStore } from "../../shared/adapters/memory/row-store.ts";
import { transactionChunks } from "../../shared/application/transaction-chunks.ts";
import type { RowOperation } from "../../shared/ports/row-store.ts";

const operation = fc.record({
  row: fc.nat(400).map((n) => `r${n}`),
  text: fc.string({ maxLength: 200 }),
  size: fc.constantFrom(0, 10, 60_000, 700_000),
});

describe("transactionChunks", () => {
  it("loses nothing, keeps the order, and makes chunks that a store takes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 250 }), async (drawn) => {
        const operations = drawn.map(
          ({ row, text, size }): RowOperation => ({ op: "upsert", row, values: { text, bytes: new Uint8Array(size) } }),
        );
        const chunks = transactionChunks(operations);
        expect(chunks.flat()).toEqual(operations);
        const table = createMemoryRowStore().table("chunks");
        for (const chunk of chunks) expect(await table.transact("p", chunk)).toMatchObject({ ok: true });
      }),
      { numRuns: 15 },
    );
  });

  it("fills transactions: 250 small operations are three", () => {
    const operations = Array.from({ length: 250 }, (_, n): RowOperation => ({ op: "delete", row: `r${n}` }));
    expect(transactionChunks(operations).map((chunk) => chunk.length)).toEqual([100, 100, 50]);
  });

  it("splits before 3.5 MiB, and gives a row that comes twice a transaction of its own", () => {
    const bytes = new Uint8Array(900_000);
    const large = ["a", "b", "c", "d"].map((row): RowOperation => ({ op: "upsert", row, values: { bytes } }));
    expect(transactionChunks(large).map((chunk) => chunk.length)).toEqual([3, 1]);
    const twice: RowOperation[] = [
      { op: "upsert", row: "a", values: {} },
      { op: "upsert", row: "b", values: {} },
      { op: "delete", row: "a" },
    ];
    expect(transactionChunks(twice).map((chunk) => chunk.length)).toEqual([2, 1]);
    expect(transactionChunks([])).toEqual([]);
  });
});
