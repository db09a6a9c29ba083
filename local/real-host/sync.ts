/**
 * One sync of a small directory through a running service, and what came of it: the same on every host that runs the same app. Nothing in
 * it is random, so two hosts can be compared by it.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { forestEntries } from "../samples/forest.ts";
import { ldifOf } from "../samples/ldif-text.ts";
import type { Runtime } from "../start/runtime.ts";

/** What the runtime's tenant has to have verified. */
export const SMALL_DOMAIN = "small.example";

export interface SyncSeen {
  /** Of `uplink agent once`, and whether it read. */
  readonly exitCode: number;
  readonly read: boolean;
  readonly created: number;
  readonly outcomes: object;
  /** Who is in the target afterwards, by user principal name. */
  readonly users: readonly string[];
}

/** `folder` takes the file that the agent reads. Throws when the read has no cycle within `limitMs`. */
export async function syncSmallDirectory(runtime: Runtime, folder: string, limitMs = 60_000): Promise<SyncSeen> {
  const file = join(folder, "small.ldif");
  const entries = forestEntries({
    ...{ fqdn: SMALL_DOMAIN, netBios: "SMALL", company: "Small", people: 20, offset: 3 },
    alsoElsewhere: { given: "Ada", family: "Example", consistencyGuid: "0b5f6a52-6c1d-4a7e-8f4b-5d2e8c9a1f37" },
  });
  await writeFile(file, `version: 1\n\n${entries.map(ldifOf).join("")}`);
  const { id, jobId } = await runtime.admin.createConfiguration({
    ...{ displayName: "small", domainFqdn: SMALL_DOMAIN, domainNetBios: "SMALL" },
    settings: { signIn: "ownProcess", firstExport: "automatic" },
  });
  const agent = { name: "small", configurationId: id, source: ["--source", "ldif", "--file", file] };
  await runtime.agents.enrol(agent);
  const { exitCode, result } = await runtime.agents.once(agent);
  const { created, outcomes } = await firstCycle(runtime, jobId, Date.now() + limitMs);
  const { value } = (await (await runtime.control("objects?kind=user")).json()) as {
    value: readonly { readonly userPrincipalName: string }[];
  };
  return {
    exitCode,
    read: result?.read === true,
    created,
    outcomes,
    users: value.map((own) => own.userPrincipalName).sort(),
  };
}

async function firstCycle({ admin }: Runtime, jobId: string, latest: number) {
  for (;;) {
    const [cycle] = await admin.cycles(jobId, 1);
    if (cycle) return cycle;
    if (Date.now() > latest) throw new Error(`The read of job ${jobId} has no cycle in time.`);
    await sleep(250);
  }
}
