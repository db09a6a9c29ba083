/** The walk of a what-if, over activities that only say where they stand. The driver replays every step from its history. */
import type { Task } from "durable-functions";
import { describe, expect, it } from "vitest";
import { ACTIVITY, ORCHESTRATOR } from "../../orchestrations/names.ts";
import { whatIf } from "../../orchestrations/what-if.orchestrator.ts";
import { createDriver } from "../support/orchestration-driver.ts";

interface Slice {
  readonly start: { readonly shard: string; readonly number: number };
}

const done = (value: unknown) => ({ kind: "done", value });

/** `slices`: of each shard; `fresh`: new values of each slice. Ends as the orchestration does, and tells what was called. */
async function walk(slices: Readonly<Record<string, number>>, { fresh = 0, fencedAt = "" } = {}) {
  let now = 1_000;
  const tried = new Map<string, number>();
  const stateOf = (shard: string) => {
    const number = tried.get(shard) ?? 0;
    const next =
      number < (slices[shard] ?? 0) ? { shard, number, after: `${shard}${number}`, fresh: number * fresh } : null;
    return { shard, next, fresh: number * fresh };
  };
  const answer = (name: string, input: unknown) => {
    switch (name) {
      case ACTIVITY.beginWhatIf:
        return { shards: Object.keys(slices).map(stateOf) };
      case ACTIVITY.mapWhatIf: {
        const { shard, number } = (input as Slice).start;
        tried.set(shard, number + 1);
        return stateOf(shard);
      }
      default:
        return {};
    }
  };
  const names = [
    ACTIVITY.beginWhatIf,
    ACTIVITY.mapWhatIf,
    ACTIVITY.settleWhatIf,
    ACTIVITY.tallyWhatIf,
    ACTIVITY.finishWhatIf,
  ];
  let result: unknown;
  const driver = createDriver({
    clock: {
      now: () => now,
      set: (to) => {
        now = to;
      },
    },
    orchestrators: {
      [ORCHESTRATOR.whatIf]: function* (context): Generator<Task, unknown, unknown> {
        result = yield* whatIf(context) as Generator<Task, unknown, unknown>;
        return result;
      },
    },
    activities: Object.fromEntries(
      names.map((name) => [
        name,
        async (input: unknown) => (name === fencedAt ? { kind: "fenced" } : done(answer(name, input))),
      ]),
    ),
  });
  const turn = async (id: string) => {
    const from = driver.calls.length;
    await driver.start(ORCHESTRATOR.whatIf, id, { jobId: "j", lane: "bulk", epoch: 1, workId: "w" });
    await driver.settled();
    return { result, calls: driver.calls.slice(from) };
  };
  return {
    turn,
    countOf: (calls: readonly { name: string }[], name: string) => calls.filter((own) => own.name === name).length,
  };
}

describe("the orchestration of a what-if", () => {
  it("tries a slice of each shard at a time, then settles, tallies each shard and finishes", async () => {
    const { turn } = await walk({ "0": 2, "1": 1, "2": 3 });
    const { result, calls } = await turn("one");
    expect(result).toEqual({ kind: "done" });
    const shown = calls.map(({ name, input }) => {
      const { start, shard, part } = input as {
        start?: { shard: string; number: number };
        shard?: string;
        part?: number;
      };
      return [name, start ? `${start.shard}/${start.number}` : (shard ?? part)]
        .filter((own) => own !== undefined)
        .join(" ");
    });
    expect(shown).toEqual([
      "BeginWhatIf",
      ...["0/0", "1/0", "2/0", "0/1", "2/1", "2/2"].map((own) => `MapWhatIf ${own}`),
      "SettleWhatIf 0",
      ...["0", "1", "2"].map((own) => `TallyWhatIf ${own}`),
      "FinishWhatIf",
    ]);
  });

  it("gives the lane back after ten waves, and goes on where it was", async () => {
    const { turn, countOf } = await walk({ "0": 25, "1": 3 });
    const first = await turn("one");
    expect(first.result).toEqual({ kind: "later" });
    expect(countOf(first.calls, ACTIVITY.mapWhatIf)).toBe(13);
    expect(countOf(first.calls, ACTIVITY.finishWhatIf)).toBe(0);
    expect((await turn("two")).result).toEqual({ kind: "later" });
    const last = await turn("three");
    expect(last.result).toEqual({ kind: "done" });
    expect(countOf(last.calls, ACTIVITY.mapWhatIf)).toBe(5);
    expect(countOf(last.calls, ACTIVITY.finishWhatIf)).toBe(1);
  });

  it("compares new values in as many parts as they need, those of turns before among them", async () => {
    const { turn, countOf } = await walk({ "0": 12 }, { fresh: 10_000 });
    await turn("one");
    const { calls } = await turn("two");
    expect(countOf(calls, ACTIVITY.settleWhatIf)).toBe(3);
    expect(calls.find(({ name }) => name === ACTIVITY.tallyWhatIf)?.input).toMatchObject({ parts: 3 });
  });

  it.each(["BeginWhatIf", "MapWhatIf", "SettleWhatIf", "TallyWhatIf", "FinishWhatIf"])(
    "ends at once when %s finds that another run took over",
    async (fencedAt) => {
      const { turn } = await walk({ "0": 1 }, { fencedAt });
      const { result, calls } = await turn("one");
      expect(result).toEqual({ kind: "fenced" });
      expect(calls.at(-1)?.name).toBe(fencedAt);
    },
  );

  it("does nothing more of one that is over", async () => {
    const { turn } = await walk({});
    const { result, calls } = await turn("one");
    expect(result).toEqual({ kind: "done" });
    expect(calls).toHaveLength(1);
  });
});
