import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ensureApplications } from "../../../local/start/applications.ts";
import { HOME_VERSION, prepareHome } from "../../../local/start/home.ts";
import { isRunning, takeHomeLock } from "../../../local/start/home-lock.ts";
import { resetHome } from "../../../local/start/reset.ts";

let home: string;
beforeEach(async () => {
  home = join(await mkdtemp(join(tmpdir(), "uplink-home-")), "state");
});
afterEach(() => rm(join(home, ".."), { recursive: true, force: true }));

describe("the folder", () => {
  test("is made with its version, for its owner only, and taken again", async () => {
    const paths = await prepareHome(home);
    expect((await readFile(paths.version, "utf8")).trim()).toBe(String(HOME_VERSION));
    expect((await stat(home)).mode & 0o077).toBe(0);
    await expect(prepareHome(home)).resolves.toEqual(paths);
  });

  test.each([
    [HOME_VERSION + 1, /made by a newer version/],
    [HOME_VERSION - 1, /made by an older version/],
  ])("of layout %s is refused with a way out", async (version, words) => {
    await mkdir(home, { recursive: true });
    await writeFile(join(home, "version"), String(version));
    await expect(prepareHome(home)).rejects.toThrow(words);
    await expect(prepareHome(home)).rejects.toThrow(/npm run reset/);
  });

  test("that holds something else is neither used nor emptied", async () => {
    await mkdir(home, { recursive: true });
    await writeFile(join(home, "thesis.txt"), "years of work");
    await expect(prepareHome(home)).rejects.toThrow(/may be something else/);
    expect(await resetHome({ UPLINK_HOME: home })).toBe(1);
    expect(await readdir(home)).toEqual(["thesis.txt"]);
  });

  test("keeps the applications' secrets for its owner, and makes them once", async () => {
    const paths = await prepareHome(home);
    const first = await ensureApplications(paths);
    expect(await ensureApplications(paths)).toEqual(first);
    expect((await stat(paths.applications)).mode & 0o077).toBe(0);
    expect((await stat(paths.admin)).mode & 0o077).toBe(0);
    expect(await readFile(paths.admin, "utf8")).not.toContain(first.exporter.clientSecret);
  });
});

describe("the lock", () => {
  test("is held by one, freed, and taken over from one who is gone", async () => {
    const { lock: file } = await prepareHome(home);
    const lock = await takeHomeLock(home, file);
    expect(await isRunning(home, file)).toBe(true);
    await expect(takeHomeLock(home, file)).rejects.toThrow(/is running in .* already \(process \d+\)/);
    const left = await readFile(file, "utf8");
    await lock.release();
    expect(await isRunning(home, file)).toBe(false);
    // As a killed runtime leaves it: a port where nobody answers any more.
    await writeFile(file, left);
    const next = await takeHomeLock(home, file);
    expect(await isRunning(home, file)).toBe(true);
    await next.release();
  });

  test("isn't believed when another folder's runtime answers on its port", async () => {
    const { lock: file } = await prepareHome(home);
    const other = await takeHomeLock("another folder", `${file}.other`);
    await writeFile(file, await readFile(`${file}.other`, "utf8"));
    expect(await isRunning(home, file)).toBe(false);
    await other.release();
  });
});
