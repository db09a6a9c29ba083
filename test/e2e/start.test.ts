/**
 * What the README promises of `npm start`, run as a newcomer runs it: two forests into one tenant, figures that are
 * true, edits that arrive, an end that leaves nothing behind and a start that goes on.
 */

import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectRoot } from "../../local/start/home.ts";
import { runScript, runtimeAt, type StartedCommand } from "../support/start-command.ts";

type TargetUser = { id: string; deleted: boolean; properties: Record<string, unknown>; manager?: string };
type TargetGroup = TargetUser & { members: string[] };

let home: string;
let running: StartedCommand | undefined;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "uplink start ")); // A blank: paths are not shell words.
});
afterAll(async () => {
  running?.child.kill("SIGTERM");
  await running?.ended;
  await rm(home, { recursive: true, force: true });
});

const users = async (): Promise<TargetUser[]> => {
  const { value } = (await (await runtimeAt(home)).control("objects?kind=user")) as { value: TargetUser[] };
  return value;
};
const upnOf = (user: TargetUser) => String(user.properties["userPrincipalName"]);

async function edit(change: (text: string) => string): Promise<void> {
  const file = join(home, "samples", "fabrikam.example.ldif");
  const before = await readFile(file, "utf8");
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(file, after);
}

/** The lines that the README shows, `…` standing for anything. */
function readmeOutput(): RegExp[] {
  const readme = readFileSync(join(projectRoot, "README.md"), "utf8");
  const block = /<!-- output:begin -->\n```\n([\s\S]*?)\n```/.exec(readme)?.[1] ?? "";
  const lines = block.split("\n").filter((line) => line.trim() !== "");
  expect(lines.length).toBeGreaterThan(5);
  const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return lines.map((line) => new RegExp(`^${line.split("…").map(escaped).join(".*")}$`, "m"));
}

describe("npm start", { timeout: 120_000 }, () => {
  test("--once syncs both forests, says what it did and who is in both, and exits 0", async () => {
    const once = runScript("start.mjs", ["--once"], home);
    expect(await once.ended, once.text()).toBe(0);
    const text = once.text();
    expect(text).toMatch(/^contoso-hq \(contoso\.example\): read 1, full, 178 objects/m);
    expect(text).toMatch(/^fabrikam \(fabrikam\.example\): read 1, full, 88 objects/m);
    expect(text).toMatch(/3 × isCriticalSystemObject IS FALSE/);
    expect(text).toMatch(
      /escrowed +DuplicateSourceEntries: .*contoso-hq: CN=Maya Lindqvist.*fabrikam: CN=Maya|escrowed +DuplicateSourceEntries: .*fabrikam: CN=Maya Lindqvist.*contoso-hq: CN=Maya/,
    );
    expect(text).toMatch(/warning +Elif Papadopoulos: .*contoso\.local/);
    expect(text).toMatch(/warning +Department Heads: .*plain security groups/);
    // 150 and 60 people, one of whom is the same, and eight groups of each forest that the target can hold.
    expect(text).toMatch(
      /^Together: 225 created, 0 updated, 22 no-op, 18 filtered, 1 escrowed, .*; 233 writes, [\d.]+ s$/m,
    );
    for (const line of readmeOutput()) expect(text).toMatch(line);
    expect(await readdir(home)).not.toContain("runtime.json");
  });

  test("started again it goes on: nothing is written, and the target holds what was said", async () => {
    running = runScript("start.mjs", [], home);
    await running.until(/Waiting for changes/);
    expect(running.text()).toMatch(/^Together: 0 created, 0 updated, .* 0 writes/m);
    const { control } = await runtimeAt(home);
    expect(await control("stats")).toMatchObject({ writeCalls: 0 });
    const all = await users();
    expect(all.filter((user) => !user.deleted)).toHaveLength(209);
    expect(all.filter((user) => user.properties["accountEnabled"] === false).length).toBeGreaterThan(3);
    expect(all.map(upnOf)).toContain("elif.papadopoulos@uplinkdemo.onmicrosoft.com");
    expect(all.filter((user) => user.properties["displayName"] === "Maya Lindqvist")).toHaveLength(1);
    expect(
      all.find((user) => /^(Administrator|krbtgt|Guest|AAD_|MSOL_|SystemMailbox)/.test(upnOf(user))),
    ).toBeUndefined();
  });

  test("groups hold who they should, and people report to whom they should", async () => {
    const { control } = await runtimeAt(home);
    const { value: groups } = (await control("objects?kind=group")) as { value: TargetGroup[] };
    expect(groups.map((group) => group.properties["displayName"])).not.toContain("Newsletter");
    const all = await users();
    const nameOf = new Map([...all, ...groups].map((one) => [one.id, String(one.properties["displayName"])]));
    const staff = groups.filter((group) => group.properties["displayName"] === "All Staff");
    expect(staff).toHaveLength(2);
    for (const group of staff) {
      const members = group.members.map((id) => nameOf.get(id));
      expect(members).toEqual(expect.arrayContaining(["Sales", "Engineering", "Human Resources"]));
      expect(members).toHaveLength(7);
    }
    const reporting = all.filter((user) => user.manager !== undefined);
    // All but those who lead a forest; the one who lives in both has one boss.
    expect(reporting).toHaveLength(all.length - 2);
  });

  test("an edit is in the target, and the terminal says so", async () => {
    const since = running!.text().length;
    await edit((text) => text.replace("title: Managing Director", "title: Chief of All"));
    await running!.until(
      /fabrikam: read \d+: 1 updated, .*; 1 write, .*\n +update .*jobTitle 'Managing Director' → 'Chief of All'/,
      since,
    );
    expect((await users()).filter((user) => user.properties["jobTitle"] === "Chief of All")).toHaveLength(1);
  });

  test("a removed record deletes the user, and put back it is the same one again", async () => {
    const upn = "hanako.yamada@fabrikam.example";
    const before = (await users()).find((user) => upnOf(user) === upn);
    const record = /dn: CN=山田 花子,[\s\S]*?\n\n/;
    let removed = "";
    let since = running!.text().length;
    await edit((text) => {
      removed = record.exec(text)?.[0] ?? "";
      return text.replace(record, "");
    });
    await running!.until(/fabrikam: read \d+: 1 deleted/, since);
    expect((await users()).find((user) => user.id === before?.id)).toMatchObject({ deleted: true });
    since = running!.text().length;
    await edit((text) => text + removed);
    await running!.until(/fabrikam: read \d+: 1 restored/, since);
    const after = (await users()).filter((user) => upnOf(user) === upn);
    expect(after).toMatchObject([{ id: before?.id, deleted: false }]);
  });

  test("a file that ends inside a record removes nobody, and the terminal says why", async () => {
    const since = running!.text().length;
    const whole = (await users()).filter((user) => !user.deleted).length;
    await edit((text) => text.slice(0, -40));
    await running!.until(/fabrikam: .*fabrikam\.example\.ldif ends inside/, since);
    expect((await users()).filter((user) => !user.deleted)).toHaveLength(whole);
  });

  test("the uplink program shows jobs, agents, escrows, log and target, and says what it can't find", async () => {
    const { uplink } = await runtimeAt(home);
    const shown = await uplink("target", "show", "maya.lindqvist");
    expect(shown).toMatchObject({ code: 0, err: "" });
    expect(shown.out).toMatch(/^userPrincipalName +maya\.lindqvist@(contoso|fabrikam)\.example$/m);
    const status = JSON.parse((await uplink("status", "--json")).out) as { jobs: unknown[]; agents: unknown[] };
    expect(status.jobs).toHaveLength(2);
    expect(status.agents).toHaveLength(2);
    expect((await uplink("job", "show", "contoso.example")).out).toMatch(/^target +\d+ created/m);
    expect((await uplink("escrow", "list")).out).toMatch(
      /why +Source object \S+:\S+ has the same source anchor as source object (contoso-hq|fabrikam):/,
    );
    expect((await uplink("logs", "--job", "fabrikam", "--top", "3")).out.trim().split("\n")).toHaveLength(4);
    expect((await uplink("agent", "token", "fabrikam")).out).toMatch(/^[0-9a-f]{32}\.\S{43}\n/);
    expect(await uplink("job", "pause", "nix")).toMatchObject({
      code: 8,
      err: expect.stringContaining("There are: ") as string,
    });
    expect((await uplink("job", "pause", "fabrikam")).code).toBe(0);
    expect((await uplink("job", "list")).out).toMatch(/^fabrikam +fabrikam\.example +paused/m);
    expect((await uplink("job", "start", "fabrikam")).code).toBe(0);
    expect((await uplink("target", "show", "nobody.here")).code).toBe(8);
  });

  test("npm run uplink finds and trusts the runtime; a second start and a reset refuse while it runs", async () => {
    const command = runScript("uplink.mjs", ["job", "list"], home);
    const second = runScript("start.mjs", [], home);
    const reset = runScript("reset.mjs", [], home);
    expect(await command.ended, command.text()).toBe(0);
    expect(command.text()).toMatch(/^contoso-hq +contoso\.example +active/m);
    expect(await second.ended).toBe(1);
    expect(second.text()).toContain(`A local runtime is running in ${home} already`);
    expect(await reset.ended).toBe(1);
    expect(reset.text()).toContain("nothing was removed");
  });

  test("Ctrl-C, which arrives twice, ends everything", async () => {
    const { urls, fetch, uplink } = await runtimeAt(home);
    running!.child.kill("SIGINT");
    running!.child.kill("SIGINT");
    expect(await running!.ended, running!.text()).toBe(0);
    for (const url of [`${urls.service}/api/health`, `${urls.directory}/control/health`])
      await expect(fetch(url)).rejects.toThrow(/ECONNREFUSED/);
    expect(await uplink("status")).toMatchObject({ code: 2, err: expect.stringContaining("npm start") as string });
  });

  test("a taken port is named with its setting before anything starts", async () => {
    const blocker = createServer();
    const port = await new Promise<number>((resolve) => {
      blocker.listen(0, "127.0.0.1", () => resolve((blocker.address() as { port: number }).port));
    });
    const logs = () => readFile(join(home, "logs", "azurite.log"), "utf8");
    const before = await logs();
    const start = runScript("start.mjs", ["--once"], home, { UPLINK_DIRECTORY_PORT: String(port) });
    expect(await start.ended).toBe(1);
    expect(start.text()).toMatch(new RegExp(`Port ${port} is taken .*UPLINK_DIRECTORY_PORT`));
    expect(await logs()).toBe(before);
    await new Promise((resolve) => blocker.close(resolve));
  });

  test("reset empties the folder", async () => {
    const reset = runScript("reset.mjs", [], home);
    expect(await reset.ended, reset.text()).toBe(0);
    expect(await readdir(home)).toEqual([]);
  });
});
