/** A reconcile in a test: asked for, given its time, and read. */
import type { ReconcilePolicy } from "../../shared/application/state/reconcile-rows.ts";
import type { ReconcileFindingReply, ReconcileReply } from "../../shared/contracts/admin-api.ts";
import type { Cloud } from "../support/cloud.ts";

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
