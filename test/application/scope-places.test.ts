/** What is above objects: by parents, and by names where there is no row to climb on from. */
import { describe, expect, it } from "vitest";
import { createPlaceFinder } from "../../shared/application/scope/scope-places.ts";
import type { ScopedRow, ScopedRows } from "../../shared/application/state/scoped-rows.ts";
import { shardOf } from "../../shared/domain/shard.ts";
import { guidOf } from "../support/cloud.ts";

const ROOT = guidOf("root");

function row(name: string, parent: string | undefined, dn: string, more: Partial<ScopedRow> = {}): ScopedRow {
  return {
    objectGuid: guidOf(name),
    objectClass: "organizationalUnit",
    state: "live",
    dn,
    ...(parent === undefined ? {} : { parentGuid: parent === "root" ? ROOT : guidOf(parent) }),
    undecided: false,
    ...more,
  };
}

function finderOf(rows: readonly ScopedRow[]) {
  let reads = 0;
  const scopedRows: ScopedRows = {
    async getMany(_, guids) {
      reads++;
      return new Map(rows.filter((own) => guids.includes(own.objectGuid)).map((own) => [own.objectGuid, own]));
    },
    async *pages(_, shard) {
      yield rows.filter((own) => shardOf(own.objectGuid) === shard);
    },
  };
  const finder = createPlaceFinder({ scopedRows, configurationId: "configuration", root: ROOT });
  const above = async (object: ScopedRow) => {
    const place = (await finder.find([object])).get(object.objectGuid);
    return { isKnown: place?.isKnown, above: place?.above ?? new Set<string>() };
  };
  return { above, reads: () => reads };
}

const UNITS = [
  row("sales", "root", "OU=Sales,DC=corp,DC=example"),
  row("north", "sales", "OU=North,OU=Sales,DC=corp,DC=example"),
  row("gone", "root", "OU=Gone,DC=corp,DC=example", { state: "deleted" }),
  row("orphan", "unheard", "OU=Orphan,OU=Unheard,DC=corp,DC=example"),
];
const user = (parent: string | undefined, dn = "CN=ann,OU=Old,DC=corp,DC=example") =>
  row("ann", parent, dn, { objectClass: "user" });

describe("what is above an object", () => {
  it("goes up to the root by parents, whatever the names say", async () => {
    const { above, reads } = finderOf(UNITS);
    const place = await above(user("north"));
    expect(place).toEqual({
      isKnown: true,
      above: new Set([guidOf("ann"), guidOf("north"), guidOf("sales"), ROOT]),
    });
    const before = reads();
    await above(user("sales"));
    expect(reads()).toBe(before);
  });

  it.each([
    ["a unit that was deleted", user("gone")],
    ["a unit below one that nobody told of", user("orphan")],
    ["a unit that nobody told of, which its name shows", user("nowhere")],
    ["no parent, and a name with a unit that nobody told of", user(undefined)],
    ["nothing at all", user(undefined, "")],
  ])("is not known below %s", async (_, object) => {
    expect((await finderOf(UNITS).above(object)).isKnown).toBe(false);
  });

  it("ends at the root where no unit stands in the name", async () => {
    const place = await finderOf(UNITS).above(user("users", "CN=ann,CN=Users,DC=corp,DC=example"));
    expect(place).toEqual({ isKnown: true, above: new Set([guidOf("ann"), guidOf("users"), ROOT]) });
  });

  it("goes on from the nearest unit by its name above a plain container", async () => {
    const place = await finderOf(UNITS).above(user("robots", "CN=ann,CN=Robots,ou=north,OU=Sales,DC=corp,DC=example"));
    expect(place.isKnown).toBe(true);
    expect(place.above.has(guidOf("north")) && place.above.has(guidOf("sales"))).toBe(true);
  });

  it("is not known in a circle", async () => {
    const circle = [row("a", "b", "OU=a,DC=corp"), row("b", "a", "OU=b,DC=corp")];
    expect((await finderOf(circle).above(user("a"))).isKnown).toBe(false);
  });
});
