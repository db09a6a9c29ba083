import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Journal, openJournal } from "../../../local/durable/journal.ts";

let dir: string;
let journal: Journal;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "uplink-journal-"));
  journal = await openJournal({ dir, fsync: true });
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("the journal", () => {
  it("gives back what was appended, in order, across groups", async () => {
    await Promise.all([journal.append("a", 1), journal.append("b", { x: 1 }), journal.append("a", 2)]);
    await journal.append("a", 3);
    expect(await journal.read("a")).toEqual([1, 2, 3]);
    expect(await journal.read("b")).toEqual([{ x: 1 }]);
  });

  it("has what was appended on disk when the promise resolves", async () => {
    await journal.append("a", "durable");
    expect(await readFile(join(dir, journal.fileNameOf("a")), "utf8")).toBe('"durable"\n');
  });

  it("cuts a torn last line off, so that the next line stands alone", async () => {
    await journal.append("a", { text: "größe" });
    await appendFile(join(dir, journal.fileNameOf("a")), '{"k":"größ');
    journal = await openJournal({ dir, fsync: true });
    expect(await journal.readFileNamed(journal.fileNameOf("a"))).toEqual([{ text: "größe" }]);
    await journal.append("a", 2);
    expect(await journal.read("a")).toEqual([{ text: "größe" }, 2]);
  });

  it("tolerates a line torn at any byte of it", async () => {
    await journal.append("a", { text: "ä€😀" });
    const path = join(dir, journal.fileNameOf("a"));
    const whole = await readFile(path);
    for (let bytes = 1; bytes < whole.length; bytes += 1) {
      await writeFile(path, Buffer.concat([whole, whole.subarray(0, bytes)]));
      expect(await journal.readFileNamed(journal.fileNameOf("a"))).toEqual([{ text: "ä€😀" }]);
      expect(await readFile(path)).toEqual(whole);
    }
  });

  it("doesn't go on with a file that is damaged elsewhere, and says which, where and what to do", async () => {
    await journal.append("a", 1);
    const fileName = journal.fileNameOf("a");
    await appendFile(join(dir, fileName), "no json\n3\n");
    const refused = expect(journal.readFileNamed(fileName)).rejects;
    await refused.toThrow(`The journal ${join(dir, fileName)} is damaged: line 2 is no JSON`);
    await expect(journal.readFileNamed(fileName)).rejects.toThrow(/Put the file back from a copy; or move it out/);
    expect(await readFile(join(dir, fileName), "utf8")).toBe("1\nno json\n3\n");
  });

  it("makes what can't be built from whole lines the file's damage too", async () => {
    await journal.append("a", 1);
    const build = (): never => {
      throw new Error("the first line is not a start");
    };
    await expect(journal.rebuild(journal.fileNameOf("a"), build)).rejects.toThrow(/is damaged: the first line is not/);
  });

  it("reads nothing where there is no file, and clears away what a cut-off replacement left", async () => {
    expect(await journal.read("nobody")).toEqual([]);
    await writeFile(join(dir, `${journal.fileNameOf("a")}.new`), "half");
    await openJournal({ dir, fsync: true });
    expect(await readdir(dir)).toEqual([]);
  });

  it("replaces a file as a whole, dropping what was appended before", async () => {
    await journal.append("a", 1);
    const all = [journal.append("a", 2), journal.replace("a", ["new"]), journal.append("a", "more")];
    await Promise.all(all);
    expect(await journal.read("a")).toEqual(["new", "more"]);
  });

  it("removes a file, and begins it anew when it is written after that in the same group", async () => {
    await Promise.all([journal.append("a", 1), journal.append("b", 1)]);
    await Promise.all([journal.remove("a"), journal.remove("b"), journal.append("b", 2)]);
    expect(await readdir(dir)).toEqual([journal.fileNameOf("b")]);
    expect(await journal.read("b")).toEqual([2]);
  });

  it("keeps ids apart that differ by case, by odd characters or beyond the length of a file name", async () => {
    const long = "x".repeat(300);
    const keys = ["Job", "job", "a/b", "a\\b", "a:b", `${long}1`, `${long}2`, "ä"];
    await Promise.all(keys.map((key) => journal.append(key, key)));
    for (const key of keys) expect(await journal.read(key)).toEqual([key]);
    const names = (await journal.fileNames()).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(keys.length);
  });

  it("tells which file could not be written, and goes on with the next", async () => {
    await rm(dir, { recursive: true });
    await expect(journal.append("a", 1)).rejects.toThrow(/Cannot write the history of 'a'.*ENOENT/);
  });
});
