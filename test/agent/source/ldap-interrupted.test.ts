/** Reads that end early: an error that says why, whole pages before it, and nothing lost by going on from the last of them. */
import { beforeEach, describe, expect, it } from "vitest";
import type { SourceReadOrder } from "../../../shared/ports/source-directory.ts";
import { type Fault, fault } from "../../support/fake-ldap/directory/serve-dc.ts";
import type { FakeSearch } from "../../support/fake-ldap/fake-ldap.ts";
import { useDirectory } from "./directory-fixture.ts";

const f = useDirectory();
const PAGE = 10;
let users: string[] = [];
const guidsOf = (changes: readonly { objectGuid: string }[]) => changes.map(({ objectGuid }) => objectGuid);
/** Of the read itself: the proof at connecting asks for one class. */
const isDirSync = ({ dirSync, term }: FakeSearch) => dirSync !== undefined && term.kind === "or";
const isSecondRead = ({ dirSync, scope, base }: FakeSearch) =>
  dirSync === undefined && scope === "sub" && base.startsWith("DC=");

const order: SourceReadOrder = {
  kind: "full",
  attributes: ["department"],
  objectClasses: ["user"],
  watermark: null,
  scope: { organizationalUnits: [], groups: [] },
  reportsLeaves: true,
};

beforeEach(() => {
  f.served.limits.pageEntries = PAGE;
  users = Array.from({ length: 35 }, (_, index) => f.served.dc.add({ class: "user", name: `User ${index}` }));
});

const FAULTS: [string, Fault][] = [
  ["the server is busy", fault.busy],
  ["the time limit is over", fault.timeLimit],
  ["the connection is cut", { cut: true }],
  ["the connection is cut within an entry", { cutAfter: 4 }],
];

describe.each(FAULTS)("when %s", (_name, what) => {
  it("in the middle of a full read, whole pages stand, none is the last, and the next read brings all", async () => {
    f.served.fail({ ...what, when: isDirSync, after: 2 });
    const { pages, changes, error } = await f.read();
    expect(error).toMatchObject({ code: "source-unreachable", remedy: expect.stringMatching(/\w/) });
    expect(guidsOf(changes)).toEqual(users.slice(0, 2 * PAGE));
    expect(pages.every(({ isLast }) => !isLast)).toBe(true);
    expect(pages.at(-1)?.watermarkAfter).toBeDefined();
    const again = await f.read();
    expect(again.error).toBeUndefined();
    expect(guidsOf(again.changes)).toEqual(users);
  });

  it("in the middle of a delta, the rest comes from the last whole page", async () => {
    const { watermark } = await f.read();
    for (const guid of users) f.served.dc.modify(guid, { department: "New" });
    f.served.fail({ ...what, when: isDirSync, after: 2 });
    const broken = await f.read({ kind: "delta", watermark: watermark ?? null });
    expect(broken.error).toMatchObject({ code: "source-unreachable" });
    expect(guidsOf(broken.changes)).toEqual(users.slice(0, 2 * PAGE));
    const rest = await f.delta(broken.pages.at(-1)?.watermarkAfter);
    expect(guidsOf(rest.changes)).toEqual(users.slice(2 * PAGE));
  });

  it("in the second read, nothing of that page comes", async () => {
    const { watermark } = await f.read();
    for (const guid of users) f.served.dc.modify(guid, { department: "New" });
    f.served.fail({ ...what, when: isSecondRead, after: 1 });
    const broken = await f.read({ kind: "delta", watermark: watermark ?? null });
    expect(broken.error).toMatchObject({ code: "source-unreachable" });
    expect(guidsOf(broken.changes)).toEqual(users.slice(0, PAGE));
    expect(guidsOf((await f.delta(broken.pages.at(-1)?.watermarkAfter)).changes)).toEqual(users.slice(PAGE));
  });
});

it("names the missing right when it goes away in the middle", async () => {
  f.served.fail({ ...fault.denied, when: isDirSync, after: 2 });
  const { pages, error } = await f.read();
  expect(error).toMatchObject({
    code: "source-rights",
    message: expect.stringContaining("Replicating Directory Changes"),
  });
  expect(pages.some(({ isLast }) => isLast)).toBe(false);
});

it("gives up on a server that doesn't answer in time, and signs in anew for the next read", async () => {
  f.served.fail({ delay: 2_000, when: isDirSync });
  const source = f.sourceOf("DC1", { timeoutSeconds: 0.2 });
  await source.describe();
  await expect(source.read(order)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "source-unreachable" });
  const binds = f.served.server.binds.length;
  const first = await source.read(order)[Symbol.asyncIterator]().next();
  expect(first.value?.changes.length).toBeGreaterThan(0);
  expect(f.served.server.binds.length).toBe(binds + 1);
});

it("never goes on as nobody when the connection went away between two pages", async () => {
  const { server } = f.served;
  const pages = f.sourceOf("DC1").read(order)[Symbol.asyncIterator]();
  expect((await pages.next()).value?.changes).toHaveLength(PAGE);
  const searches = server.searches.length;
  server.dropConnections();
  await expect.poll(() => server.connections()).toBe(0);
  await expect(pages.next()).rejects.toMatchObject({ code: "source-unreachable" });
  expect([server.searches.length, server.binds.length]).toEqual([searches, 1]);
});
