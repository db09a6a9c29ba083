import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chunksByShard, SHARDS, shardOf } from "../../shared/domain/shard.ts";

const guid = fc
  .tuple(fc.constantFrom(...SHARDS), fc.nat(30))
  .map(([shard, n]) => `${shard}0000000-0000-4000-8000-${String(n).padStart(12, "0")}`);
const items = fc.array(guid, { maxLength: 120 }).map((all) => all.map((objectGuid, index) => ({ objectGuid, index })));
const size = fc.integer({ min: 1, max: 40 });

describe("chunksByShard (laws)", () => {
  it("loses nothing, doubles nothing", () => {
    fc.assert(
      fc.property(items, size, (given, max) => {
        const flat = chunksByShard(given, max).flat();
        expect([...flat].sort((a, b) => a.index - b.index)).toEqual(given);
      }),
    );
  });

  it("puts an object into one chunk, with its items in their order", () => {
    fc.assert(
      fc.property(items, size, (given, max) => {
        const home = new Map<string, number>();
        chunksByShard(given, max).forEach((chunk, at) => {
          let last = new Map<string, number>();
          for (const { objectGuid, index } of chunk) {
            expect(home.get(objectGuid) ?? at).toBe(at);
            home.set(objectGuid, at);
            expect(index).toBeGreaterThan(last.get(objectGuid) ?? -1);
            last = last.set(objectGuid, index);
          }
        });
      }),
    );
  });

  it("keeps chunks within the bound, and empties none", () => {
    fc.assert(
      fc.property(items, size, (given, max) => {
        for (const chunk of chunksByShard(given, max)) {
          const objects = new Set(chunk.map((item) => item.objectGuid)).size;
          expect(objects).toBeGreaterThan(0);
          expect(objects).toBeLessThanOrEqual(max);
        }
      }),
    );
  });

  it("cuts only a shard that is larger than a chunk", () => {
    fc.assert(
      fc.property(items, size, (given, max) => {
        const chunks = chunksByShard(given, max);
        for (const shard of SHARDS) {
          const objects = new Set(given.map((item) => item.objectGuid).filter((own) => shardOf(own) === shard)).size;
          const holding = chunks.filter((chunk) => chunk.some((item) => shardOf(item.objectGuid) === shard)).length;
          if (objects > 0 && objects <= max) expect(holding).toBe(1);
        }
      }),
    );
  });

  it("gives the same chunks whatever the order of different objects", () => {
    fc.assert(
      fc.property(items, size, (given, max) => {
        const guids = (chunks: { objectGuid: string }[][]) =>
          chunks.map((own) => [...new Set(own.map((i) => i.objectGuid))]);
        expect(guids(chunksByShard([...given].reverse(), max))).toEqual(guids(chunksByShard(given, max)));
      }),
    );
  });
});
