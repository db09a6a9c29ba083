/**
 * What admins can ask of a system at rest, and what has to be true of the answer: a reconcile finds nothing, and what a what-if
 * of another schema says is what happens when it is approved, write by write.
 */
import { Violation } from "./oracles.ts";
import { NAMINGS, NARROW, schemaVariant } from "./schemas.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;

/** N5: nothing drifted, and nobody who looks finds that it did. */
export async function checkReconciled(world: World): Promise<void> {
  for (const { jobId } of world.agents) {
    const asked = await world.perform("Admin", ({ routes }) => routes.reconciles.ask(jobId, "report", "admin"));
    if (!asked.ok) throw new Error(asked.failure.message);
    const { id } = asked.value;
    await pass(world);
    const told = await world.perform("Admin", ({ routes }) => routes.reconciles.show(jobId, id));
    const page = await world.perform("Admin", ({ routes }) => routes.reconciles.findings(jobId, id, null, 100));
    if (!told.ok || !page.ok || told.value.state !== "done")
      throw new Violation("N5", `A reconcile at rest doesn't end: ${JSON.stringify(told)}.`);
    // Whoever is nobody's is told as such, and is left alone.
    const found = page.value.value.filter((own) => own.kind !== "foreign" || !world.strangers.isStranger(own.targetId));
    if (found.length > 0) throw new Violation("N5", `A reconcile at rest finds ${JSON.stringify(found.slice(0, 3))}.`);
  }
  world.faults.note("reconciled at rest");
}

/** The what-if of another schema comes true: the same objects, and as many writes. */
export async function checkWhatIf(world: World): Promise<void> {
  const [agent] = world.agents;
  const [forest] = world.forests;
  if (!agent || !forest) return;
  const { jobId } = agent;
  const present = world.variants.get(0) ?? 0;
  // Who comes back in scope is matched and made: an estimate.
  if (present === NARROW) return;
  const variant = (present + 1) % NAMINGS;
  const schema = schemaVariant(variant);
  const asked = await world.perform("Admin", ({ routes }) =>
    routes.whatIfs.run(jobId, { kind: "schema", schema }, "admin"),
  );
  if (!asked.ok) throw new Error(asked.failure.message);
  const before = world.graph.effects.length;
  await pass(world);
  if (world.graph.effects.length > before) throw new Violation("N4", "A what-if wrote to the target.");
  const tried = await world.perform("Admin", ({ routes }) => routes.whatIfs.get(jobId, asked.value.id));
  if (!tried.ok) throw new Error(tried.failure.message);
  const { state, failure, digest, result } = tried.value;
  if (state !== "done" || !result || !digest)
    throw new Violation("N5", `The what-if of another schema is ${state} (${failure}).`);
  const approved = await world.perform("Admin", ({ routes }) => routes.whatIfs.approve(jobId, digest, "admin"));
  if (!approved.ok) throw new Violation("N5", `What was tried can't be approved: ${approved.failure.message}`);
  world.variants.set(forest.number, variant);
  await pass(world);
  const written = world.graph.effects.slice(before);
  const updated = new Set(written.map((own) => own.id)).size;
  const { counts, estimate } = result;
  if (written.length !== estimate.writes || updated !== counts.update)
    throw new Violation(
      "N5",
      `A what-if said ${estimate.writes} writes, ${JSON.stringify({ ...counts, memberships: result.memberships, pending: result.waitingReferences })}; what came were ${written.length} on ${updated} objects: ${JSON.stringify(written.slice(0, 5).map((own) => own.kind))}.`,
    );
  world.faults.note("what-if came true");
}

/** Time for whatever was asked to be carried out. */
async function pass(world: World): Promise<void> {
  await world.kernel.run();
  for (let hour = 0; hour < 2; hour++) {
    world.kernel.advance(HOUR_MS);
    await world.tick();
    await world.kernel.run();
  }
  await world.check();
}
