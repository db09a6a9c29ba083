/** Several domain controllers of one domain: lag, restores, rollbacks, and cookies that went astray. */
import { describe, expect, it } from "vitest";
import { useDirectory } from "./directory-fixture.ts";

const f = useDirectory(["DC1", "DC2"]);
const guidsOf = (changes: readonly { objectGuid: string }[]) => changes.map(({ objectGuid }) => objectGuid);
const refused = { code: "source-cookie", remedy: expect.stringMatching(/full read/) };

describe("a watermark", () => {
  it("of one domain controller is good on another that has all of it, and loses nothing", async () => {
    const [one, two] = [f.directory.dc("DC1"), f.directory.dc("DC2")];
    one.add({ class: "user", name: "Ann" });
    const { watermark } = await f.read();
    f.directory.replicate();
    const bob = one.add({ class: "user", name: "Bob" });
    const cat = two.add({ class: "user", name: "Cat" });
    const first = await f.delta(watermark, {}, "DC2");
    expect(guidsOf(first.changes)).toContain(cat);
    expect(first.watermark).toMatchObject({ invocationId: two.replica.invocationId });
    f.directory.replicate();
    const second = await f.delta(first.watermark, {}, "DC2");
    expect(guidsOf(second.changes)).toContain(bob);
  });

  it("of one domain controller leads to a full read on another that lags, which loses nothing", async () => {
    const [one, two] = [f.directory.dc("DC1"), f.directory.dc("DC2")];
    const ann = one.add({ class: "user", name: "Ann" });
    f.directory.replicate();
    one.modify(ann, { displayName: "Ann" });
    const { watermark } = await f.read();
    const bob = one.add({ class: "user", name: "Bob" });
    const cat = two.add({ class: "user", name: "Cat" });
    expect((await f.read({ kind: "delta", watermark: watermark ?? null }, "DC2")).error).toMatchObject(refused);
    f.directory.replicate();
    const { changes, watermark: own } = await f.read({}, "DC2");
    expect(new Set(guidsOf(changes))).toEqual(new Set([ann, bob, cat]));
    two.modify(ann, { department: "IT" });
    expect(guidsOf((await f.delta(own, {}, "DC2")).changes)).toEqual([ann]);
  });

  it("has its proof on another domain controller: up to which of the first one's changes that has everything", async () => {
    const [one, two] = [f.directory.dc("DC1"), f.directory.dc("DC2")];
    one.add({ class: "user", name: "Ann" });
    const { watermark } = await f.read();
    if (watermark?.mode !== "dirsync") throw new Error("The read gave no watermark.");
    const source = f.sourceOf("DC2");
    const reached = async () => BigInt((await source.replicationCursor?.(one.replica.invocationId)) ?? "0");
    expect(await reached()).toBeLessThan(BigInt(watermark.usn));
    f.directory.replicate();
    expect(await reached()).toBeGreaterThanOrEqual(BigInt(watermark.usn));
    expect(await source.replicationCursor?.("00000000-0000-4000-8000-00000000beef")).toBeUndefined();
    expect(two.replica.invocationId).not.toBe(one.replica.invocationId);
  });

  it("of later than the domain controller's own USN leads to a full read: an image of the machine was brought back", async () => {
    const dc = f.directory.dc("DC1");
    const ann = dc.add({ class: "user", name: "Ann" });
    const backup = dc.backup();
    for (let index = 0; index < 5; index++) dc.modify(ann, { department: `Forgotten ${index}` });
    const { watermark } = await f.read();
    dc.restore(backup, "usn-rollback");
    dc.modify(ann, { department: "After" });
    expect((await f.read({ kind: "delta", watermark: watermark ?? null })).error).toMatchObject(refused);
    expect((await f.read()).changes).toMatchObject([{ objectGuid: ann, attributes: { department: ["After"] } }]);
  });

  it("of before a restore leads to a full read, also while the connection stands", async () => {
    const dc = f.directory.dc("DC1");
    const backup = dc.backup();
    dc.add({ class: "user", name: "Ann" });
    const { watermark } = await f.read();
    dc.restore(backup, "new-invocation");
    const order = { kind: "delta", watermark: watermark ?? null } as const;
    // The source that knew the other invocation stops; the next one sees what it is.
    expect((await f.read(order)).error).toMatchObject({ code: "source-unreachable" });
    expect((await f.read(order)).error).toMatchObject(refused);
    expect((await f.read()).changes).toEqual([]);
  });

  it("whose cookie the server doesn't know any more leads to a full read", async () => {
    const { watermark } = await f.read();
    if (watermark === undefined) throw new Error("The read gave no watermark.");
    const token = Buffer.from("of another version").toString("base64");
    const order = { kind: "delta", watermark: { ...watermark, token } } as const;
    expect((await f.read(order)).error).toMatchObject(refused);
  });
});

describe("an older state", () => {
  it("on a lagging domain controller is a state of its own: what comes later comes by its cookie", async () => {
    const one = f.directory.dc("DC1");
    const ann = one.add({ class: "user", name: "Ann", attributes: { department: "Old" } });
    f.directory.replicate();
    one.modify(ann, { department: "New" });
    const lagging = await f.read({}, "DC2");
    expect(lagging.changes).toMatchObject([{ attributes: { department: ["Old"] } }]);
    f.directory.replicate();
    const { changes } = await f.delta(lagging.watermark, {}, "DC2");
    expect(changes).toMatchObject([{ changed: ["department"], attributes: { department: ["New"] } }]);
  });

  it("in the second read blanks nothing that DirSync reported", async () => {
    const one = f.directory.dc("DC1");
    const ann = one.add({ class: "user", name: "Ann" });
    f.directory.replicate();
    const { watermark } = await f.read();
    one.modify(ann, { department: "New" });
    const bob = one.add({ class: "user", name: "Bob", attributes: { department: "IT" } });
    // Something between answers searches from another, older copy.
    const { server } = f.served;
    const own = server.onSearch;
    const older = f.servedAs("DC2").server.onSearch;
    server.onSearch = (search) =>
      search.dirSync !== undefined || search.scope !== "sub" ? own(search) : older(search);
    const { changes } = await f.delta(watermark);
    expect(changes).toMatchObject([
      { objectGuid: ann, changed: ["department"], attributes: { department: ["New"] } },
      { objectGuid: bob, attributes: { department: ["IT"] } },
    ]);
  });
});
