/**
 * The end of every history (N5): faults stop, controllers agree, admins mend what only they can (names held twice, staged sets,
 * a paused job), time passes until nothing waits. Then the target is the projection, another full run writes nothing, and the log
 * tells of every effect.
 */
import { WATERMARK_RESET } from "../../shared/application/reading/reads.ts";
import { checkReconciled, checkWhatIf } from "./afterwards.ts";
import type { Effect } from "./graph.ts";
import { Violation } from "./oracles.ts";
import { differencesOf, guidOfAnchor, projectionOf, shownAsProjection } from "./projection.ts";
import { OWN_DEPARTMENT } from "./strangers.ts";
import type { World } from "./world.ts";

const HOUR_MS = 3_600_000;
const MOST_ROUNDS = 20;
const MOST_READS = 6;
/** Admins who look at what is staged stop after so many rounds, and raise the bounds. */
const ROUNDS_OF_APPROVALS = 5;
const NO_BOUND = { floor: 1_000, count: 100_000, percent: 100 };
const NO_WAY = { way: {}, size: 50 };

export async function finish(world: World, trace: (line: string) => void): Promise<void> {
  trace("the end: faults stop");
  await heal(world);
  await world.kernel.run();
  await world.oracles.checkEscrows();
  for (const agent of world.agents) await readAs(world, agent.jobId, "full");
  for (const agent of world.agents) await releaseFirst(world, agent.jobId);
  await settle(world, trace);
  compare(world);
  await world.oracles.checkEscrows();
  await checkNothingLeft(world, trace);
  // Each takes a fifth of a history's time: a part of the seeds shows them.
  if (world.history.seed % 3 === 0) await checkReconciled(world);
  if (world.history.seed % 3 === 1) {
    await checkWhatIf(world);
    compare(world);
  }
  await world.oracles.checkLog();
}

async function heal(world: World): Promise<void> {
  const { faults, graph, forests, agents } = world;
  faults.heal();
  graph.heal();
  let names = new Set<string>();
  for (const forest of forests) {
    forest.heal();
    forest.replicate();
    names = forest.mendNames(names);
    forest.replicate();
  }
  for (const agent of agents) agent.setSkew(0);
  for (const [number, { jobId }] of agents.entries()) {
    // What a server that was put back shows is nothing to go by, until an admin says that it is the directory now.
    if (forests[number]?.wasPutBack())
      await world.perform("Admin", (cloud) => cloud.routes.configurations.requestFullRead(jobId, WATERMARK_RESET));
    await world.perform("Admin", (cloud) => cloud.routes.configurations.setPaused(jobId, false));
    await world.perform("Admin", (cloud) => cloud.routes.quarantines.clear(jobId));
    await world.perform("Admin", (cloud) => cloud.routes.heldExports.setMode(jobId, "normal", "admin"));
    await includeAll(world);
    await world.perform("Admin", (cloud) => cloud.routes.wakeJob(jobId));
  }
  mendTenant(world);
}

/** Who is in somebody's way in the tenant steps aside, by hand; whoever may be matched stays for it. */
function mendTenant({ faults, oracles, strangers }: World): void {
  oracles.checkEffects();
  for (const kind of strangers.mend(oracles.hasAccount)) faults.note(`stranger in the way (${kind})`);
}

function isOf(world: World, effect: Effect, jobId: string): boolean {
  const guid = guidOfAnchor(effect.after?.anchor ?? effect.before?.anchor ?? "");
  return world.agents.some(
    (own, number) => own.jobId === jobId && guid !== undefined && world.forests[number]?.evidence.knows(guid),
  );
}

async function includeAll(world: World): Promise<void> {
  for (const { guid } of await world.perform("Admin", ({ routes }) => routes.exclusions.list())) {
    world.oracles.include(guid);
    await world.perform("Admin", ({ routes }) => routes.exclusions.remove(guid, "admin"));
  }
}

/** A first export that waits goes out by what its what-if shows. */
async function releaseFirst(world: World, jobId: string): Promise<void> {
  for (let attempt = 0; attempt < MOST_READS; attempt++) {
    const status = await world.perform("Admin", (cloud) => cloud.routes.queries.status(jobId));
    if (!status.ok || status.value.exportsHeld?.because !== "first-export") return;
    if (world.graph.effects.some((own) => isOf(world, own, jobId)))
      throw new Violation("N4", `${jobId} wrote to the target before its first export was approved.`);
    const asked = await world.perform("Admin", ({ routes }) => routes.whatIfs.run(jobId, { kind: "present" }, "admin"));
    await world.kernel.run();
    const tried = asked.ok
      ? await world.perform("Admin", ({ routes }) => routes.whatIfs.get(jobId, asked.value.id))
      : asked;
    const digest = tried.ok ? tried.value.digest : null;
    if (digest === null) continue;
    const done = await world.perform("Admin", ({ routes }) => routes.whatIfs.approve(jobId, digest, "admin"));
    if (done.ok) world.faults.note("first export approved");
    else await readAs(world, jobId, "full");
    await world.kernel.run();
  }
  throw new Violation("N5", `The first export of ${jobId} can't be approved.`);
}

async function readAs(world: World, jobId: string, want: "full" | "delta"): Promise<void> {
  const agent = world.agents.find((own) => own.jobId === jobId);
  if (!agent) throw new Error(`No agent reads for ${jobId}.`);
  for (let attempt = 0; attempt < MOST_READS; attempt++) {
    const done = await world.attempt(() => agent.read({ want, ...NO_WAY }));
    await world.kernel.run();
    if (done === "full" || done === want) return;
    world.kernel.advance(60_000);
  }
  throw new Violation("N5", `Nothing is wrong any more, and no ${want} read of ${jobId} comes to its end.`);
}

/** Hours pass until nothing waits; the last look must be after a full read that was taken to its end. */
async function settle(world: World, trace: (line: string) => void): Promise<void> {
  const { agents, kernel, oracles } = world;
  let waiting: unknown[] = [];
  for (let round = 0; round < MOST_ROUNDS; round++) {
    waiting = [];
    for (const [number, { jobId }] of agents.entries()) {
      const status = await world.perform("Admin", (cloud) => cloud.routes.queries.status(jobId));
      if (!status.ok) throw new Error(status.failure.message);
      const { escrowed, staged, waiting: open, fullReadWanted } = status.value;
      const left = escrowed + staged + open.batches + open.readsEnding + open.work;
      if (left === 0 && fullReadWanted === null) continue;
      waiting.push({ jobId, escrowed, staged, ...open, fullReadWanted });
      if (staged > 0 && round >= ROUNDS_OF_APPROVALS) {
        await world.setGuard(jobId, NO_BOUND);
        oracles.liftGuard(number);
        await readAs(world, jobId, "full");
      } else if (staged > 0) {
        const sets = await world.perform("Admin", (cloud) => cloud.routes.staged.list(jobId, { members: true }));
        for (const set of sets.ok ? sets.value : []) {
          oracles.approve(set.class, set.members ?? [], set.memberships);
          await world.perform("Admin", (cloud) => cloud.routes.staged.approve(jobId, set.class, set.digest, "admin"));
        }
        await kernel.run();
      }
      if (fullReadWanted !== null) await readAs(world, jobId, "full");
    }
    if (waiting.length === 0) return;
    mendTenant(world);
    kernel.advance(2 * HOUR_MS);
    await world.tick();
    await kernel.run();
    await world.check();
    trace(`settling ${round}: ${JSON.stringify(waiting)}`);
  }
  const told = [];
  for (const { jobId } of agents)
    told.push(await world.perform("Admin", (cloud) => cloud.routes.queries.escrows(jobId)));
  throw new Violation(
    "N5",
    `It doesn't come to rest: ${JSON.stringify(waiting)} ${JSON.stringify(told.map((own) => (own.ok ? own.value : [])))}.`,
  );
}

function compare(world: World): void {
  // Who was taken over by the last effects is nobody's stranger any more.
  world.oracles.checkEffects();
  const expected = new Map(
    world.forests.flatMap((forest) => [
      ...projectionOf(forest.current().dc.replica, forest.scope(), world.variants.get(forest.number)),
    ]),
  );
  const { graph, strangers } = world;
  const shown = shownAsProjection(graph.objects().filter((own) => !strangers.isStranger(own.id)));
  const differences = differencesOf(expected, withOwnDepartments(shown, strangers.takenOver()));
  if (differences.length > 0)
    throw new Violation("N5", `The target isn't the projection: ${differences.slice(0, 4).join("; ")}.`);
}

/** Where the directory says nothing, an account that was taken over keeps what it had. */
function withOwnDepartments(shown: ReturnType<typeof shownAsProjection>, takenOver: ReadonlySet<string>) {
  return new Map(
    [...shown].map(([guid, own]) => [
      guid,
      takenOver.has(guid) && own.kind === "user" && own.department === OWN_DEPARTMENT
        ? { ...own, department: null }
        : own,
    ]),
  );
}

async function checkNothingLeft(world: World, trace: (line: string) => void): Promise<void> {
  const before = world.graph.effects.length;
  trace("another run");
  for (const agent of world.agents) await readAs(world, agent.jobId, "full");
  world.kernel.advance(3 * HOUR_MS);
  await world.tick();
  await world.kernel.run();
  await world.check();
  const written = world.graph.effects
    .slice(before)
    .map((own) => `${own.kind} ${own.after?.anchor ?? own.id} by ${own.by}`);
  if (written.length > 0) throw new Violation("N5", `A run without changes wrote: ${written.slice(0, 4).join("; ")}.`);
  compare(world);
  for (const agent of world.agents) {
    const status = await world.perform("Admin", (cloud) => cloud.routes.queries.status(agent.jobId));
    if (status.ok && status.value.committedWatermarkAt !== status.value.acceptedWatermarkAt)
      throw new Violation("N1", `What ${agent.jobId} accepted is not all in effect: ${JSON.stringify(status.value)}.`);
  }
}
