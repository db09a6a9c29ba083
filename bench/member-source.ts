/**
 * A directory in memory, read through the agent's own port: many people, one group of all of them, and deltas that say who
 * came into that group and who left it, as DirSync gives them. An LDIF file can't say that: it knows full reads only.
 *
 * The people have what they need to become users, and nothing else: it is the group that is looked at.
 */
import type { AgentSource } from "../agent/agent-source.ts";
import { watermarkIdOf } from "../agent/watermark-id.ts";
import { type Change, LINK_MAX_VALUES, type Watermark } from "../shared/contracts/change.ts";
import type { SourcePage } from "../shared/ports/source-directory.ts";
import { BENCH_DOMAIN, guidOf } from "./forest.ts";

const DOMAIN = {
  objectGuid: guidOf("domain"),
  sid: "S-1-5-21-1004336348-1177238915-682003330",
  fqdn: BENCH_DOMAIN.fqdn,
};
const GROUP = { objectGuid: guidOf("group/all"), objectClass: "group", dn: "CN=All,DC=bench,DC=example" };
const INVOCATION = guidOf("server");
const PAGE_OBJECTS = 1_000;

export interface MemberSource extends AgentSource {
  /** What the next read brings. */
  next(changes: readonly Change[]): void;
}

/** Nobody who is in the group from the start. */
export const NEWCOMER = guidOf("user/newcomer");

/** `members` people, one more who is no member, and the group. */
export function membersForest(members: number): Change[] {
  return [
    ...Array.from({ length: members }, (_, index) => person(memberOf(index), `m${String(index).padStart(6, "0")}`)),
    person(NEWCOMER, "newcomer"),
    ...listInParts(Array.from({ length: members }, (_, index) => memberOf(index))),
  ];
}

export function memberOf(index: number): string {
  return guidOf(`user/member ${index}`);
}

/** A delta of the group: nothing but who came and who left. */
export function memberDelta(add: readonly string[], remove: readonly string[]): Change {
  const values = (guids: readonly string[]) => guids.map((guid) => ({ guid }));
  const link = { attribute: "member", mode: "delta" as const, part: 0, last: true };
  return {
    op: "upsert",
    ...GROUP,
    attributes: {},
    changed: [],
    links: [{ ...link, add: values(add), remove: values(remove) }],
  };
}

export function createMemberSource(first: readonly Change[]): MemberSource {
  let waiting = first;
  let usn = 1_000;
  return {
    reads: "delta",
    next: (changes) => {
      waiting = changes;
    },
    describe: async () => ({
      domain: DOMAIN,
      server: { invocationId: INVOCATION, dnsName: "bench", highestCommittedUsn: String(usn) },
      visibility: "complete",
    }),
    async *read() {
      const pages = Math.max(1, Math.ceil(waiting.length / PAGE_OBJECTS));
      for (let page = 0; page < pages; page++) {
        const isLast = page === pages - 1;
        const changes = waiting.slice(page * PAGE_OBJECTS, (page + 1) * PAGE_OBJECTS);
        yield { changes, isLast, ...(isLast ? { watermarkAfter: watermarkOf(++usn) } : {}) } satisfies SourcePage;
      }
    },
    checkScope: async () => undefined,
    waitForChange: async () => undefined,
    close: async () => undefined,
  };
}

function watermarkOf(usn: number): Watermark {
  const token = Buffer.from(`bench ${usn}`).toString("base64");
  return {
    mode: "dirsync",
    id: watermarkIdOf(token),
    token,
    invocationId: INVOCATION,
    dnsName: "bench",
    usn: String(usn),
    at: new Date().toISOString(),
  };
}

function person(objectGuid: string, account: string): Change {
  return {
    op: "upsert",
    objectGuid,
    objectClass: "user",
    dn: `CN=${account},DC=bench,DC=example`,
    attributes: {
      cn: [account],
      displayName: [account],
      sAMAccountName: [account],
      userPrincipalName: [`${account}@${BENCH_DOMAIN.fqdn}`],
      userAccountControl: ["512"],
    },
  };
}

/** As an agent sends a long list: the object with the first part, then changes that only go on with it. */
function listInParts(guids: readonly string[]): Change[] {
  const parts = Math.max(1, Math.ceil(guids.length / LINK_MAX_VALUES));
  return Array.from({ length: parts }, (_, part): Change => {
    const add = guids.slice(part * LINK_MAX_VALUES, (part + 1) * LINK_MAX_VALUES).map((guid) => ({ guid }));
    const attributes = { cn: ["All"], displayName: ["All"], sAMAccountName: ["all"], groupType: ["-2147483646"] };
    return {
      op: "upsert",
      ...GROUP,
      ...(part === 0 ? { attributes } : { attributes: {}, changed: [] }),
      links: [{ attribute: "member", mode: "replace", add, remove: [], part, last: part === parts - 1 }],
    };
  });
}
