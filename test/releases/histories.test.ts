/**
 * Orchestrations of recorded releases, replayed with the present orchestrators: one that is under way must go on. And
 * what a release's callers and instances name must still be there.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { orchestrators } from "../../functions/orchestrators.ts";
import type { LoadedApp } from "../../local/functions-host/functions-core.ts";
import { createInvoke, type Invoke } from "../../local/functions-host/invoke.ts";
import { type AppFunction, functionsOf, loadLooselyWired } from "../../local/releases/app-functions.ts";
import type { RecordedExecution } from "../../local/releases/release-files.ts";
import { buildPresentApp } from "../support/releases/present-app.ts";
import { recordedReleases, recordedSince } from "../support/releases/recorded.ts";
import { replayDifference } from "../support/releases/replay.ts";

const releases = await recordedReleases();
const since = await recordedSince();
/** Where nothing came after the newest release, that one has them all. */
const newest = since.at(-1)?.executions ?? releases.at(-1)?.executions ?? [];
let present: Awaited<ReturnType<typeof buildPresentApp>>;
let app: LoadedApp;
let invoke: Invoke;

beforeAll(async () => {
  present = await buildPresentApp();
  app = await loadLooselyWired(present.appPath);
  invoke = createInvoke({ app, timeoutMs: 10_000, extraInput: () => undefined, log: () => undefined });
});
afterAll(async () => {
  app?.unload();
  await present?.remove();
});

const actionsOf = ({ state }: RecordedExecution): readonly unknown[] =>
  (state as { readonly actions: readonly (readonly unknown[])[] }).actions[0] ?? [];

/** Names of parameters may change, what they match may not. */
const addressesOf = (functions: readonly AppFunction[]): string[] =>
  functions
    .filter(({ type }) => type === "httpTrigger")
    .flatMap(({ route = "", methods = [] }) =>
      methods.flatMap((method) => spelledOut(`${method} ${route}`).map((address) => address.replace(/\{\w+/g, "{"))),
    );

/** One address for each word that a parameter may be: an app may serve them by one function or by several. */
function spelledOut(address: string): string[] {
  const found = /\{\w+:regex\(\^\(([a-z|]+)\)\$\)\}/i.exec(address);
  if (!found) return [address];
  const [whole, words = ""] = found;
  return words.split("|").flatMap((word) => spelledOut(address.replace(whole, word)));
}

describe.each(releases.map((release) => ({ version: release.manifest.version, release })))(
  "release $version",
  ({ version, release: { executions, manifest } }) => {
    it("left histories of every orchestrator: ended, waiting, with a failed activity", () => {
      const names = new Set(executions.map(({ orchestrator }) => orchestrator));
      expect([...names].sort()).toEqual(["ProcessBatch", "ProcessWork", "ReadEnd", "SyncRun"]);
      const text = JSON.stringify(executions);
      expect(text).toContain("failed once, for the recording");
      expect(executions.filter(({ state }) => !(state as { isDone: boolean }).isDone).length).toBeGreaterThan(0);
    });

    it("goes on with the present orchestrators", async () => {
      // The first one alone: what changed is mostly the same in all.
      for (const execution of executions) {
        const difference = await replayDifference(invoke, version, execution);
        // Whole, where an assertion would cut it short: it says what to do.
        if (difference !== undefined) expect.fail(difference);
      }
    });

    it("finds every HTTP address, orchestrator and activity in the present app", () => {
      const { functions } = manifest;
      const addresses = addressesOf(functions);
      expect(addresses.length).toBeGreaterThan(10);
      const now = functionsOf(app);
      expect(addresses.filter((address) => !addressesOf(now).includes(address))).toEqual([]);
      const names = new Set(now.map(({ name, type }) => `${type} ${name}`));
      const durable = functions.filter(({ type }) => /^(activity|orchestration)Trigger$/.test(type));
      expect(durable.length).toBeGreaterThan(10);
      expect(durable.filter(({ name, type }) => !names.has(`${type} ${name}`))).toEqual([]);
    });
  },
);

describe.each(since)("what came $name", ({ name, executions }) => {
  it("goes on with the present orchestrators", async () => {
    expect(executions.length).toBeGreaterThan(0);
    for (const execution of executions) {
      const difference = await replayDifference(invoke, name, execution);
      if (difference !== undefined) expect.fail(difference);
    }
  });
});

describe("the newest histories", () => {
  const names = Object.keys(orchestrators);
  const of = (name: string) => newest.filter(({ orchestrator }) => orchestrator === name);

  it("are of every orchestrator that is registered: record them when one comes (AGENTS.md)", () => {
    expect(names.length).toBeGreaterThan(4);
    expect(names.filter((name) => of(name).length === 0)).toEqual([]);
  });

  it.each(names)("tell of %s that an action is gone, is new, or comes before another", async (name) => {
    const all = of(name);
    const isPair = (actions: readonly unknown[], at: number) =>
      at + 1 < actions.length && JSON.stringify(actions[at]) !== JSON.stringify(actions[at + 1]);
    const pairOf = (own: RecordedExecution) => actionsOf(own).findIndex((_, at, actions) => isPair(actions, at));
    // Where all are alike, there is no other order.
    const execution = all.find((own) => pairOf(own) >= 0) ?? all[0];
    if (!execution) throw new Error(`${name} has no history.`);
    const actions = actionsOf(execution);
    const at = pairOf(execution);
    const exchanged = actions.with(at, actions[at + 1]).with(at + 1, actions[at]);
    const changed = [actions.slice(0, -1), [...actions, actions[0]], ...(at < 0 ? [] : [exchanged])];
    for (const own of changed) {
      const state = { ...(execution.state as object), actions: [own] };
      expect(await replayDifference(invoke, "0.0.0", { ...execution, state })).toMatch(
        /: action \d+ was .* and is now /,
      );
    }
  });

  it("hold an activity of each orchestrator that failed once, where it has one of its own", () => {
    const failed = (name: string) => JSON.stringify(of(name)).includes("failed once, for the recording");
    const whole = ["ProcessBatch", "WhatIf", "Reconcile", "BackUp", "Migrate"];
    expect(whole.filter((name) => !failed(name))).toEqual([]);
  });
});

describe("the replay of a recorded history", () => {
  const [release] = releases;
  const processed = () => {
    const found = release?.executions.find(
      ({ orchestrator, state }) => orchestrator === "ProcessBatch" && (state as { isDone: boolean }).isDone,
    );
    if (!found) throw new Error("No batch was processed.");
    return found;
  };
  const differenceAfter = (change: (actions: Record<string, unknown>[]) => unknown[]) => {
    const execution = processed();
    const state = structuredClone(execution.state) as { actions: Record<string, unknown>[][] };
    const changed: RecordedExecution = {
      ...execution,
      state: { ...state, actions: [change(state.actions[0] ?? [])] },
    };
    return replayDifference(invoke, "0.0.0", changed);
  };

  it("tells an action that is gone, that is new, that has another input, and what to do", async () => {
    expect(await differenceAfter((actions) => actions)).toBeUndefined();
    expect(await differenceAfter((actions) => actions.slice(0, -1))).toMatch(
      /^Release 0\.0\.0, instance batch-\S+ \(ProcessBatch\): action \d+ was none and is now all of \[activity CommitBatch .*defaultVersion.*one release/,
    );
    expect(await differenceAfter(([first, ...rest]) => [first, first, ...rest])).toMatch(/action 2 was .*PlanChunks/);
    expect(
      await differenceAfter((actions) => JSON.parse(JSON.stringify(actions).replace('"bulk"', '"live"')) as unknown[]),
    ).toMatch(/action 1 was .*"lane":"live".* and is now .*"lane":"bulk"/);
  });

  it("tells a history that holds another task than the actions", async () => {
    const execution = processed();
    const history = execution.history.map((event) =>
      event.Name === "CommitBatch" ? { ...event, Name: "Another" } : event,
    );
    const difference = await replayDifference(invoke, "0.0.0", { ...execution, history });
    expect(difference).toMatch(/Another/);
  });
});
