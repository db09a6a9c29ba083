/**
 * Plays a history and says what came of it. The same history over the same kind of engine gives the same trace, line for line,
 * whatever the store.
 */
import { createHash } from "node:crypto";
import { START } from "../support/cloud.ts";
import { fault as ldapFault } from "../support/fake-ldap/directory/serve-dc.ts";
import type { SimulatedAgent } from "./agent.ts";
import { finish } from "./finish.ts";
import type { Forest } from "./forest.ts";
import { createKernel, Stuck } from "./kernel.ts";
import { type Guarantee, Violation } from "./oracles.ts";
import { createDice } from "./random.ts";
import { NARROW, schemaVariant } from "./schemas.ts";
import { seedCrypto } from "./seeded-crypto.ts";
import type { History, Step } from "./steps.ts";
import { createWorld, type Mutation, type Stores, type World } from "./world.ts";

export interface Played {
  readonly violation: { readonly guarantee: Guarantee; readonly message: string; readonly step: number } | undefined;
  /** How often each fault hit. */
  readonly hits: ReadonlyMap<string, number>;
  readonly calls: number;
  readonly effects: number;
  readonly trace: readonly string[];
  readonly digest: string;
}

export interface PlayOptions {
  readonly mutation?: Mutation;
  /** Look at the stores after every activity, not after every step alone. */
  readonly checksOften?: boolean;
}

const HOUR_MS = 3_600_000;
const TICKS_AN_HOUR = 2;
/** Minutes, and for a few so much that every watermark looks too old, or that it will once the clock is right again. */
const SKEW_MS = 20 * 60_000;
const WIDE_SKEW_MS = 200 * 86_400_000;
const WIDE_FROM = 8;

export async function play(history: History, stores: Stores, options: PlayOptions = {}): Promise<Played> {
  const trace: string[] = [];
  const restore = seedCrypto(history.seed);
  const dice = createDice(history.seed);
  const kernel = createKernel({ dice, start: START });
  let world: World | undefined;
  let at = -1;
  let violation: Played["violation"];
  try {
    world = await createWorld(history, stores, {
      kernel,
      dice,
      trace: (line) => void trace.push(line),
      checksOften: options.checksOften ?? true,
      ...(options.mutation ? { mutation: options.mutation } : {}),
    });
    for (const step of history.steps) {
      at++;
      trace.push(`step ${at} ${JSON.stringify(step)}`);
      await takeStep(world, step);
      await world.check();
    }
    at = history.steps.length;
    await finish(world, (line) => void trace.push(line));
  } catch (error) {
    violation = { ...violationOf(error), step: at };
    trace.push(`violation ${violation.guarantee} ${violation.message}`);
  } finally {
    kernel.close();
    restore();
  }
  const digest = createHash("sha256").update(trace.join("\n")).digest("hex").slice(0, 16);
  return {
    violation,
    hits: world?.faults.hits ?? new Map(),
    calls: kernel.calls(),
    effects: world?.graph.effects.length ?? 0,
    trace,
    digest,
  };
}

function violationOf(error: unknown): { readonly guarantee: Guarantee; readonly message: string } {
  if (error instanceof Violation) return { guarantee: error.guarantee, message: error.message };
  if (error instanceof Stuck) return { guarantee: "N5", message: error.message };
  return {
    guarantee: "orchestration",
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
  };
}

async function takeStep(world: World, step: Step): Promise<void> {
  const { kernel, faults, graph } = world;
  switch (step.do) {
    case "edit":
      forestOf(world, step.forest).forest.take(step.edit);
      break;
    case "read": {
      const { forest, agent } = forestOf(world, step.forest);
      let searches = 0;
      forest.beforeSearch = () => {
        if (++searches !== 12) return;
        for (const edit of step.meanwhile) if (forest.take(edit)) faults.note("source written-meanwhile");
      };
      await world.attempt(() => agent.read(step));
      forest.beforeSearch = () => undefined;
      break;
    }
    case "run":
      await kernel.run({ calls: step.calls });
      break;
    case "hours":
      for (let tick = 0; tick < step.count * TICKS_AN_HOUR; tick++) {
        kernel.advance(HOUR_MS / TICKS_AN_HOUR);
        if (tick % 4 === 0) await world.tick();
      }
      await world.tick();
      break;
    case "fault":
      faults.arm(step);
      break;
    case "source":
      takeSourceFault(world, step);
      break;
    case "graph":
      if (step.kind === "calm") graph.heal();
      else if (step.kind === "lag") graph.setLag(15_000);
      else graph.setQuota({ writesPerWindow: 6, windowSeconds: 150 });
      faults.note(`graph ${step.kind}`);
      break;
    case "stranger":
      if (world.strangers.add(forestOf(world, step.forest).forest, step.name, step.kind))
        faults.note(`stranger ${step.kind}`);
      break;
    case "exclude":
    case "include":
      await setExcluded(world, step);
      break;
    case "schema": {
      const { forest, agent } = forestOf(world, step.forest);
      const schema = schemaVariant(step.variant);
      const put = await world.perform("Admin", ({ routes }) => routes.schemas.put(agent.jobId, schema, "admin"));
      if (!put.ok) throw new Error(put.failure.message);
      world.variants.set(forest.number, step.variant);
      if (step.variant === NARROW) forest.narrow();
      faults.note(step.variant === NARROW ? "schema filters" : "schema changed");
      break;
    }
    case "scope":
      await setScope(world, step);
      break;
    case "what-if":
      await tryAndApprove(world, forestOf(world, step.forest).agent.jobId);
      break;
    case "blob-gone":
      if (await world.loseBlob(forestOf(world, step.forest).agent.jobId)) faults.note("blobs gone");
      break;
    case "crash":
      faults.note("host crashed");
      world.crash();
      break;
    case "admin":
      await decide(world, step);
      break;
  }
}

async function setExcluded(world: World, step: Extract<Step, { do: "exclude" | "include" }>): Promise<void> {
  const guid = forestOf(world, step.forest).forest.guidOf(step.name);
  if (step.do === "exclude") {
    await world.perform("Admin", ({ routes }) => routes.exclusions.add(guid, "Never touch it.", "admin"));
    world.oracles.exclude(guid);
    world.faults.note("object excluded");
    return;
  }
  world.oracles.include(guid);
  await world.perform("Admin", ({ routes }) => routes.exclusions.remove(guid, "admin"));
}

async function setScope(world: World, step: Extract<Step, { do: "scope" }>): Promise<void> {
  const { forest, agent } = forestOf(world, step.forest);
  const before = forest.scope().length;
  forest.useScope(step.units);
  const scope = { organizationalUnits: [...forest.scope()], groups: [] };
  const set = await world.perform("Admin", ({ routes }) => routes.configurations.setScope(agent.jobId, scope));
  if (!set.ok) throw new Error(set.failure.message);
  if (set.value.changed) world.faults.note(step.units.length < before ? "scope narrower" : "scope other");
}

/** Approves what the newest trial showed, if it still may be, and asks for another one. */
async function tryAndApprove(world: World, jobId: string): Promise<void> {
  const tried = await world.perform("Admin", ({ routes }) => routes.whatIfs.list(jobId));
  const newest = tried.ok ? tried.value.find((own) => own.state === "done") : undefined;
  if (newest?.digest) {
    const { digest } = newest;
    const done = await world.perform("Admin", ({ routes }) => routes.whatIfs.approve(jobId, digest, "admin"));
    if (done.ok) world.faults.note(`what-if approved (${done.value.effect})`);
  }
  const asked = await world.perform("Admin", ({ routes }) => routes.whatIfs.run(jobId, { kind: "present" }, "admin"));
  if (asked.ok) world.faults.note("what-if tried");
}

function forestOf(world: World, number: number): { readonly forest: Forest; readonly agent: SimulatedAgent } {
  const forest = world.forests[number % world.forests.length];
  const agent = world.agents[number % world.forests.length];
  if (!forest || !agent) throw new Error(`There is no forest ${number}.`);
  return { forest, agent };
}

function takeSourceFault(world: World, step: Extract<Step, { do: "source" }>): void {
  const { forest, agent } = forestOf(world, step.forest);
  const current = forest.current();
  const isRead = { when: (search: { readonly dirSync?: unknown }) => search.dirSync !== undefined, after: step.after };
  const note = () => world.faults.note(`source ${step.kind}`);
  switch (step.kind) {
    case "short-pages":
      for (const own of forest.every())
        Object.assign(own.limits, { pageEntries: 2, linkValues: 1, looked: 3, valueRange: 2 });
      break;
    case "time-limit":
      current.fail({ ...ldapFault.timeLimit, after: step.after });
      break;
    case "busy":
      current.fail({ ...ldapFault.busy, ...isRead });
      break;
    case "cut":
      current.fail({ cut: true, after: step.after });
      break;
    case "cookie-refused":
      current.fail({
        result: 12,
        message: "00000057: LdapErr: DSID-0C090A69, comment: Error processing control",
        when: (search) => search.dirSync !== undefined && search.dirSync.cookieBytes.length > 0,
      });
      break;
    case "hide-unit":
      forest.hide("Staff");
      break;
    case "show-units":
      for (const own of forest.every()) own.access.hiddenObjects.clear();
      break;
    case "other-dc":
      forest.useOtherDc();
      break;
    case "replicate":
      forest.replicate();
      return;
    case "backup":
      forest.backup();
      return;
    case "restored":
      if (forest.restore("new-invocation")) note();
      return;
    case "rolled-back":
      if (forest.restore("usn-rollback")) note();
      return;
    case "skew":
      agent.setSkew((step.after % 2 === 0 ? 1 : -1) * (step.after < WIDE_FROM ? SKEW_MS : WIDE_SKEW_MS));
      break;
  }
  note();
}

async function decide(world: World, step: Extract<Step, { do: "admin" }>): Promise<void> {
  const { faults, oracles } = world;
  const { jobId } = forestOf(world, step.forest).agent;
  switch (step.what) {
    case "pause":
    case "resume":
      await world.perform("Admin", ({ routes }) => routes.configurations.setPaused(jobId, step.what === "pause"));
      if (step.what === "resume") await world.perform("Admin", ({ routes }) => routes.wakeJob(jobId));
      break;
    case "restart":
      await world.perform("Admin", ({ routes }) => routes.configurations.requestFullRead(jobId, "restart"));
      break;
    case "retry":
      await world.perform("Admin", ({ routes }) => routes.retryEscrows(jobId, undefined, "admin"));
      break;
    case "hold":
    case "release": {
      const mode = step.what === "hold" ? "staging" : "normal";
      await world.perform("Admin", ({ routes }) => routes.heldExports.setMode(jobId, mode, "admin"));
      faults.note(`exports ${step.what}`);
      break;
    }
    case "reconcile": {
      const asked = await world.perform("Admin", ({ routes }) => routes.reconciles.ask(jobId, "repair", "admin"));
      if (asked.ok) faults.note("target reconciled");
      break;
    }
    case "approve":
    case "drop": {
      const sets = await world.perform("Admin", ({ routes }) => routes.staged.list(jobId, { members: true }));
      for (const set of sets.ok ? sets.value : []) {
        if (step.what === "approve") oracles.approve(set.class, set.members ?? [], set.memberships);
        const done = await world.perform("Admin", ({ routes: { staged } }) =>
          (step.what === "approve" ? staged.approve : staged.drop)(jobId, set.class, set.digest, "admin"),
        );
        if (done.ok) faults.note(`staged ${step.what} ${set.class}`);
      }
      break;
    }
  }
}
