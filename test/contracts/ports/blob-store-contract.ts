/** What every blob store must do. */

import { beforeAll, describe, expect, it } from "vitest";
import type { BlobStore } from "../../../shared/ports/blob-store.ts";
import { StorageError } from "../../../shared/ports/row-store.ts";

export function describeBlobStore(name: string, open: () => BlobStore): void {
  describe(`blob store: ${name}`, () => {
    let store: BlobStore;
    const bytes = (text: string) => new TextEncoder().encode(text);

    beforeAll(() => {
      store = open();
    });

    it("finds nothing before the first write", async () => {
      expect(await store.get("plans/none")).toBeUndefined();
      expect(await pathsOf(store, "plans/")).toEqual([]);
      await store.delete("plans/none");
    });

    it.each([0, 1, 5_000_000])("brings back %i bytes", async (length) => {
      const content = Uint8Array.from({ length }, (_, index) => (index * 7) & 255);
      expect(await store.put(`batches/${length}`, content)).toBe(true);
      const read = await store.get(`batches/${length}`);
      expect(read?.length).toBe(length);
      expect(Buffer.compare(Buffer.from(read!), Buffer.from(content))).toBe(0);
    });

    it("overwrites, and with ifAbsent leaves what is there", async () => {
      expect(await store.put("plans/a", bytes("one"), { ifAbsent: true })).toBe(true);
      expect(await store.put("plans/a", bytes("two"), { ifAbsent: true })).toBe(false);
      expect(await store.get("plans/a")).toEqual(bytes("one"));
      expect(await store.put("plans/a", bytes("three"))).toBe(true);
      expect(await store.get("plans/a")).toEqual(bytes("three"));
    });

    it("lets one of many writers with ifAbsent win", async () => {
      const won = await Promise.all(
        Array.from({ length: 8 }, (_, n) => store.put("plans/race", bytes(String(n)), { ifAbsent: true })),
      );
      expect(won.filter(Boolean)).toHaveLength(1);
      expect(await store.get("plans/race")).toEqual(bytes(String(won.indexOf(true))));
    });

    it("keeps its own copy", async () => {
      const content = bytes("mine");
      await store.put("plans/copy", content);
      content[0] = 0;
      expect(await store.get("plans/copy")).toEqual(bytes("mine"));
    });

    it("lists below a prefix, in order, and deletes", async () => {
      const paths = ["jobs/b/2", "jobs/a/10", "jobs/a/9", "jobs/a-x", "jobsx/1"];
      for (const path of paths) await store.put(path, bytes(path));
      expect(await pathsOf(store, "jobs/")).toEqual(["jobs/a-x", "jobs/a/10", "jobs/a/9", "jobs/b/2"]);
      await store.delete("jobs/a/9");
      await store.delete("jobs/a/9");
      expect(await pathsOf(store, "jobs/a/")).toEqual(["jobs/a/10"]);
      expect(await store.get("jobs/a/9")).toBeUndefined();
    });

    it.each(["", "/a", "a//b", "a\\b", "a/", "a/../b", "a b"])("refuses the path '%s'", async (path) => {
      await expect(store.put(path, bytes("x"))).rejects.toBeInstanceOf(StorageError);
    });
  });
}

async function pathsOf(store: BlobStore, prefix: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const path of store.list(prefix)) paths.push(path);
  return paths;
}
