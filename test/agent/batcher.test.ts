/** Laws of the batcher: what goes in comes out, within the limits, and watermarks stand at ends of pages only. */
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BuiltBatch, chainDigest, makeBatches } from "../../agent/batcher.ts";
import type { ReadOrder } from "../../shared/contracts/agent-api.ts";
import { BATCH_MAX_BYTES, BATCH_MAX_CHANGES, type Change, ChangeBatch } from "../../shared/contracts/change.ts";
import { SourceError, type SourcePage } from "../../shared/ports/source-directory.ts";
import { aDescription, buildOrder, buildUpsert, buildWatermark, guidNumber } from "./builders.ts";

async function* stream(pages: readonly SourcePage[]): AsyncGenerator<SourcePage> {
  yield* pages;
}

async function batchesOf(order: ReadOrder, pages: readonly SourcePage[], limits?: { changes: number; bytes: number }) {
  const built: BuiltBatch[] = [];
  for await (const batch of makeBatches(stream(pages), { order, description: aDescription }, limits)) built.push(batch);
  const bodies = built.map((batch) => gunzipSync(batch.body));
  return { built, bodies, parsed: bodies.map((body) => ChangeBatch.parse(JSON.parse(body.toString("utf8")))) };
}

/** Pages of the directory, each cut into runs as a source would. */
const pagesArbitrary = fc
  .array(
    fc.record({
      runs: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 4 }),
      bytes: fc.integer({ min: 0, max: 200 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((pages) => {
    let number = 0;
    return pages.flatMap((page, pageIndex) =>
      page.runs.map((count, runIndex): SourcePage => {
        const endsPage = runIndex === page.runs.length - 1;
        return {
          changes: Array.from({ length: count }, () => buildUpsert(number++, { department: ["ä".repeat(page.bytes)] })),
          ...(endsPage ? { watermarkAfter: buildWatermark(`page ${pageIndex}`) } : {}),
          isLast: endsPage && pageIndex === pages.length - 1,
        };
      }),
    );
  });

const HEADER = 64 * 1024;

describe("a change that no batch has room for", () => {
  const large = "x".repeat(3 * 1024 * 1024);

  it("goes without its largest attributes and says which, and the others are as they were", async () => {
    const others = [buildUpsert(1), buildUpsert(3)];
    const one = buildUpsert(2, { jpegPhoto: [large, large], info: [large], title: ["Boss"] });
    const two = buildUpsert(4, { audio: [`${large}${large}`], info: [`${large}${large}`] });
    const page: SourcePage = {
      changes: [others[0]!, one, others[1]!, two],
      isLast: true,
      watermarkAfter: buildWatermark("a"),
    };
    const { parsed, bodies } = await batchesOf(buildOrder({ kind: "full", watermark: null }), [page]);
    for (const body of bodies) expect(body.length).toBeLessThanOrEqual(BATCH_MAX_BYTES);
    const bytes = 2 * large.length;
    expect(parsed.flatMap((batch) => batch.changes)).toEqual([
      others[0],
      { ...buildUpsert(2, { info: [large], title: ["Boss"] }), tooLarge: { jpegPhoto: bytes + 7 } },
      others[1],
      { ...buildUpsert(4), tooLarge: { audio: bytes + 4, info: bytes + 4 } },
    ]);
    expect(parsed.at(-1)?.end?.objects).toBe(4);
  });
});

describe.each(["full", "delta"] as const)("the batches of a %s read", (kind) => {
  const order = buildOrder({ kind, watermark: kind === "delta" ? buildWatermark("accepted") : null });

  it("hold the same changes in the same order, within the limits, numbered without a gap", async () => {
    await fc.assert(
      fc.asyncProperty(
        pagesArbitrary,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 700, max: 2_000 }),
        async (pages, changes, bytes) => {
          const limits = { changes, bytes: HEADER + bytes };
          const { parsed, bodies } = await batchesOf(order, pages, limits);
          expect(parsed.flatMap((batch) => batch.changes)).toEqual(pages.flatMap((page) => page.changes));
          expect(parsed.map((batch) => batch.sequence)).toEqual(parsed.map((_, index) => index + 1));
          for (const batch of parsed) expect(batch.changes.length).toBeLessThanOrEqual(changes);
          for (const body of bodies) expect(body.length).toBeLessThanOrEqual(limits.bytes);
        },
      ),
    );
  });

  it("end once, with counts and a digest over all batches before the last", async () => {
    await fc.assert(
      fc.asyncProperty(pagesArbitrary, fc.integer({ min: 1, max: 5 }), async (pages, changes) => {
        const { parsed, bodies } = await batchesOf(order, pages, { changes, bytes: BATCH_MAX_BYTES });
        expect(parsed.map((batch) => batch.isLast)).toEqual(parsed.map((_, index) => index === parsed.length - 1));
        const digest = bodies.slice(0, -1).reduce((before, body) => chainDigest(before, body), "");
        const objects = pages.reduce((sum, page) => sum + page.changes.length, 0);
        expect(parsed.at(-1)?.end).toEqual({ batches: parsed.length, objects, digest });
      }),
    );
  });
});

describe("watermarks", () => {
  it("stand, in a delta, exactly where all changes of a page and of those before it are in", async () => {
    const order = buildOrder({ kind: "delta", watermark: buildWatermark("accepted") });
    await fc.assert(
      fc.asyncProperty(pagesArbitrary, fc.integer({ min: 1, max: 5 }), async (pages, changes) => {
        const { parsed } = await batchesOf(order, pages, { changes, bytes: BATCH_MAX_BYTES });
        let sent = 0;
        let before: string | null = order.watermark?.id ?? null;
        for (const batch of parsed) {
          expect(batch.watermarkBefore).toBe(before);
          sent += batch.changes.length;
          if (!batch.watermarkAfter) continue;
          before = batch.watermarkAfter.id;
          const at = pages.findIndex((page) => page.watermarkAfter?.id === batch.watermarkAfter?.id);
          expect(sent).toBe(pages.slice(0, at + 1).reduce((sum, page) => sum + page.changes.length, 0));
        }
        expect(before).toBe(pages.at(-1)?.watermarkAfter?.id);
      }),
    );
  });

  it("stand, in a full read, on the last batch only", async () => {
    await fc.assert(
      fc.asyncProperty(pagesArbitrary, fc.integer({ min: 1, max: 5 }), async (pages, changes) => {
        const { parsed } = await batchesOf(buildOrder(), pages, { changes, bytes: BATCH_MAX_BYTES });
        const marks = parsed.map((batch) => batch.watermarkAfter?.id);
        expect(marks.slice(0, -1).every((id) => id === undefined)).toBe(true);
        expect(marks.at(-1)).toBe(pages.at(-1)?.watermarkAfter?.id);
        expect(parsed.every((batch) => batch.watermarkBefore === null)).toBe(true);
      }),
    );
  });
});

it("keeps to the real limits with 2,500 objects", async () => {
  const changes = Array.from({ length: 2_500 }, (_, index) => buildUpsert(index));
  const { parsed } = await batchesOf(buildOrder(), [{ changes, watermarkAfter: buildWatermark("end"), isLast: true }]);
  expect(parsed.map((batch) => batch.changes.length)).toEqual([BATCH_MAX_CHANGES, BATCH_MAX_CHANGES, 500]);
  expect(new Set(parsed.map((batch) => batch.batchId))).toEqual(new Set(["job-1-1-1", "job-1-1-2", "job-1-1-3"]));
});

it("sends an empty last batch for a delta without changes", async () => {
  const pages = [{ changes: [], watermarkAfter: buildWatermark("later"), isLast: true }];
  const { parsed } = await batchesOf(buildOrder({ kind: "delta", watermark: buildWatermark("accepted") }), pages);
  expect(parsed).toHaveLength(1);
  expect(parsed[0]).toMatchObject({ changes: [], isLast: true, end: { batches: 1, objects: 0, digest: "" } });
});

it("refuses a source that ends without its last page", async () => {
  const error = await batchesOf(buildOrder(), [{ changes: [buildUpsert(1)], isLast: false }]).catch(
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(SourceError);
  expect(error).toMatchObject({ code: "source-incomplete" });
});

it("names the object whose links alone no batch can hold", async () => {
  const dn = `CN=${"x".repeat(400)}`;
  const add = Array.from({ length: 10_000 }, () => ({ guid: guidNumber(1), dn }));
  const links = [{ attribute: "member", mode: "replace" as const, add, remove: [], part: 0, last: true }];
  const pages = [
    {
      changes: [{ ...buildUpsert(7), links } as Change],
      watermarkAfter: buildWatermark("end"),
      isLast: true,
    },
  ];
  await expect(batchesOf(buildOrder(), pages)).rejects.toThrow(/00000000-0000-4000-8000-000000000007/);
});
