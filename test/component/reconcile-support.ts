/** A small directory for tests of reconciles; and a reconcile that is asked for, given its time, and read. */
import type { ReconcilePolicy } from "../../shared/application/state/reconcile-rows.ts";
import type { ReconcileFindingReply, ReconcileReply } from "../../shared/contracts/admin/reconciles.ts";
import type { Change } from "../../shared/contracts/change.ts";
import { aGroup, aManagedUser, withMembers } from "../support/changes.ts";
import { aUser, type Cloud, createCloud } from "../support/cloud.ts";

export interface Reconciled extends ReconcileReply {
  readonly findings: readonly ReconcileFindingReply[];
}

/** `meanwhile` happens before the second look. */
export async function reconcile(
  cloud: Cloud,
  jobId: string,
  policy: ReconcilePolicy = "report",
  meanwhile?: () => unknown,
): Promise<Reconciled> {
  const asked = await cloud.cloud.routes.reconciles.ask(jobId, policy, "ann@corp.example");
  if (!asked.ok) throw new Error(asked.failure.message);
  const { id } = asked.value;
  await cloud.run();
  await meanwhile?.();
  for (let round = 0; round < 5; round++) {
    cloud.clock.set(cloud.clock.now() + 10 * 60_000);
    await cloud.tick();
    await cloud.driver.settled();
    await cloud.run();
  }
  return reconciled(cloud, jobId, id);
}

export async function reconciled(cloud: Cloud, jobId: string, id: string): Promise<Reconciled> {
  const shown = await cloud.cloud.routes.reconciles.show(jobId, id);
  if (!shown.ok) throw new Error(shown.failure.message);
  const findings: ReconcileFindingReply[] = [];
  for (let from: string | null = null, isOver = false; !isOver; ) {
    const page = await cloud.cloud.routes.reconciles.findings(jobId, id, from, 7);
    if (!page.ok) throw new Error(page.failure.message);
    findings.push(...page.value.value);
    from = page.value.next ?? null;
    isOver = from === null;
  }
  return { ...shown.value, findings };
}

/** What was found, in few words: kind, property, expected, actual, what became of it. */
export function inShort({ findings }: Reconciled): unknown[] {
  return findings.map(({ kind, property, expected, actual, done }) => [kind, property, expected, actual, done]);
}

const PEOPLE = [
  aUser("boss"),
  aManagedUser("ann", "boss", { department: "Sales", l: "Bern" }),
  aManagedUser("bob", "boss", { department: "Sales", extensionAttribute3: "three" }),
  aUser("cid", { department: "Buying" }),
];
export const ALL: readonly Change[] = [
  ...PEOPLE,
  withMembers(["ann", "bob"], aGroup("team", { description: "all of them" })),
];

/** A directory of four people and a group, and the target as it should be. */
export async function start(options: Parameters<typeof createCloud>[0] = {}) {
  const cloud = await createCloud({ target: { pageSize: 2 }, ...options });
  const agent = await cloud.addDomain("corp.example");
  await agent.read("full", ALL);
  return { cloud, agent, jobId: agent.jobId };
}

export function objectOf(cloud: Cloud, name: string) {
  const found = cloud.target.objects().find(({ values, deleted }) => !deleted && values["displayName"] === name);
  if (!found) throw new Error(`Nobody is called ${name}.`);
  return found;
}
export const idOf = (cloud: Cloud, name: string) => objectOf(cloud, name).id;
export const valuesOf = (cloud: Cloud, name: string) => objectOf(cloud, name).values;
