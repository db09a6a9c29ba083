/** The agent with an LDIF file: read when it differs from what the service has, and not otherwise. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createLdifSource } from "../../agent/source/ldif/ldif-source.ts";
import { LdifSettings } from "../../agent/source/ldif/settings.ts";
import { useAgent } from "./agent-fixture.ts";
import { until } from "./builders.ts";

const f = useAgent();

describe("an LDIF file", () => {
  const text = (names: readonly string[]) =>
    [
      "dn: DC=corp,DC=example,DC=com\nobjectClass: domainDNS\nobjectGUID: 11111111-1111-4111-8111-111111111111\nobjectSid: S-1-5-21-1-2-3\n\n",
      ...names.map(
        (name, index) =>
          `dn: CN=${name},DC=corp,DC=example,DC=com\nobjectClass: user\nobjectGUID: 00000000-0000-4000-8000-00000000000${index}\nsAMAccountName: ${name}\n\n`,
      ),
    ].join("");
  const ldif = (settings: Partial<LdifSettings> = {}) =>
    createLdifSource({
      settings: LdifSettings.parse({
        kind: "ldif",
        file: join(f.folder, "corp.ldif"),
        pollSeconds: 0.05,
        settleMilliseconds: 10,
        ...settings,
      }),
      clock: { now: () => Date.now() },
      log: f.log,
    });

  it("is read once, again when it changes, and not at all after a restart when it hasn't", async () => {
    await writeFile(join(f.folder, "corp.ldif"), text(["anna"]));
    f.start(ldif());
    await until(() => f.cloud.ended.length === 1, "the first read");
    await until(() => f.cloud.heartbeats.at(-1)?.want === "none", "rest");
    await writeFile(join(f.folder, "corp.ldif"), text(["anna", "bert"]));
    await until(() => f.cloud.ended.length === 2, "the second read");
    expect(f.beats()).toContainEqual({ want: "full", reason: "changed", abortReadNo: undefined });
    f.stop.abort();
    await f.running;
    f.stop = new AbortController();
    const before = f.cloud.batches.length;
    f.start(ldif());
    await until(() => f.cloud.heartbeats.at(-1)?.want === "none", "rest after the restart");
    await until(() => f.cloud.heartbeats.filter(({ reason }) => reason === "unchanged").length > 0, "the comparison");
    expect(f.cloud.batches.length).toBe(before);
    await writeFile(join(f.folder, "corp.ldif"), text(["anna"]));
    await until(() => f.cloud.ended.length === 3, "the third read");
    expect(f.cloud.batches.every(({ kind }) => kind === "full")).toBe(true);
  });

  it("is nothing to read, once, when it hasn't changed", async () => {
    await writeFile(join(f.folder, "corp.ldif"), text(["anna"]));
    expect(await f.once(ldif())).toMatchObject({ read: true, objects: 1 });
    expect(await f.once(ldif())).toEqual({ read: false, objects: 0, batches: 0 });
  });

  it("is refused, once, while it may still be written", async () => {
    await writeFile(join(f.folder, "corp.ldif"), text(["anna"]));
    await expect(f.once(ldif({ settleMilliseconds: 60_000 }))).rejects.toMatchObject({ code: "source-incomplete" });
    expect(f.cloud.heartbeats).toEqual([]);
  });

  it("is read when it rested, though it was fresh at the start", async () => {
    await writeFile(join(f.folder, "corp.ldif"), text(["anna"]));
    f.start(ldif({ settleMilliseconds: 1_300 }), { retryFirstSeconds: 600, retryMostSeconds: 600 });
    await until(() => f.log.lines.some(({ fields }) => fields["code"] === "source-incomplete"), "the refusal");
    await until(() => f.cloud.ended.length === 1, "the read");
  });

  it("is read as soon as its fault is mended, however long the pause", async () => {
    await writeFile(join(f.folder, "corp.ldif"), text(["anna"]).slice(0, -5));
    f.start(ldif(), { retryFirstSeconds: 600, retryMostSeconds: 600 });
    await until(() => f.log.lines.some(({ fields }) => fields["code"] === "source-incomplete"), "the fault");
    await writeFile(join(f.folder, "corp.ldif"), text(["anna"]));
    await until(() => f.cloud.ended.length === 1, "the read");
  });
});
