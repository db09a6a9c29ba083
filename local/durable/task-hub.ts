/**
 * A task hub's hosts: who has joined, which work each holds, and whose turn is next. Any host may get any piece of work,
 * the next episode of an orchestration as well as an activity, as the Durable Task Scheduler hands them out.
 *
 * What a host holds is hidden from the others for as long as it is heard. One that has been silent for the visibility time-out,
 * killed or only stopped, loses all of it to the others; should it answer after all, the first answer counts. So work
 * runs at least once, and at times twice at once.
 */

import type { Clock } from "./clock.ts";
import type { FunctionRunner, Work, WorkKind } from "./function-runner.ts";

/** How a piece of work ended: JSON text, or what the function threw. */
export type Outcome = { readonly result: string | null } | { readonly error: Thrown };
export type Thrown = { readonly name: string; readonly message: string; readonly stack?: string };

export type Joining = {
  readonly host: string;
  /** How many pieces it takes at once. */
  readonly slots: Readonly<Record<WorkKind, number>>;
  /** Names of its functions. */
  readonly functions: Readonly<Record<WorkKind, readonly string[]>>;
};

/** A host's place at the hub. */
export type Seat = {
  /** It is alive. */
  heard(): void;
  answer(id: number, outcome: Outcome): void;
  /** It takes nothing new. What it holds it may still answer, until it is silent for too long. */
  leave(): void;
};

export type HostView = {
  readonly host: string;
  readonly isTaking: boolean;
  /** Names of functions, one for each piece of work: what it holds now, and what went to others because it was silent. */
  readonly holds: readonly string[];
  readonly lost: readonly string[];
  /** By function: how many runs it was the first to answer. */
  readonly answered: Readonly<Record<string, number>>;
  /** Answers that came when the work was done already. */
  readonly late: number;
};

export type TaskHub = FunctionRunner & {
  join(joining: Joining, send: (id: number, work: Work) => void): Seat;
  hosts(): readonly HostView[];
  stop(): void;
};

type Item = {
  readonly id: number;
  readonly work: Work;
  readonly settle: (outcome: Outcome) => void;
};

type Holder = {
  readonly joining: Joining;
  readonly send: (id: number, work: Work) => void;
  readonly holds: Map<number, Item>;
  readonly lost: string[];
  readonly answered: Record<string, number>;
  late: number;
  isTaking: boolean;
  heardAt: number;
  gaveAt: number;
};

const looksInATimeout = 4;

function asError({ name, message, stack }: Thrown): Error {
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

export function createTaskHub(deps: { readonly clock: Clock; readonly visibilityTimeoutMs: number }): TaskHub {
  const { clock, visibilityTimeoutMs } = deps;
  const holders: Holder[] = [];
  const open = new Map<number, Item>();
  let waiting: Item[] = [];
  let lastId = 0;
  let turns = 0;

  const isSilent = (holder: Holder): boolean => clock.nowMs() - holder.heardAt > visibilityTimeoutMs;
  const held = (holder: Holder, kind: WorkKind): number =>
    [...holder.holds.values()].filter(({ work }) => work.kind === kind).length;
  const knows = ({ joining }: Holder, { kind, name }: Pick<Work, "kind" | "name">): boolean =>
    joining.functions[kind].includes(name);

  /** Who has the least to do of those who can, and of these the one who has waited longest. */
  const nextFor = ({ work }: Item): Holder | undefined =>
    holders
      .filter((one) => one.isTaking && !isSilent(one) && knows(one, work))
      .filter((one) => held(one, work.kind) < one.joining.slots[work.kind])
      .sort((one, other) => held(one, work.kind) - held(other, work.kind) || one.gaveAt - other.gaveAt)[0];

  const give = (): void => {
    const left: Item[] = [];
    for (const item of waiting) {
      const holder = nextFor(item);
      if (holder === undefined) left.push(item);
      else {
        holder.holds.set(item.id, item);
        holder.gaveAt = ++turns;
        holder.send(item.id, item.work);
      }
    }
    waiting = left;
  };

  const takeBack = (): void => {
    for (const holder of holders) {
      if (holder.holds.size === 0 || !isSilent(holder)) continue;
      // Ahead of what has not been tried.
      waiting = [...[...holder.holds.values()].filter(({ id }) => open.has(id)), ...waiting];
      holder.lost.push(...[...holder.holds.values()].map(({ work }) => work.name));
      holder.holds.clear();
    }
    give();
  };
  let cancelLook = (): void => undefined;
  const look = (): void => {
    cancelLook = clock.wakeAt(clock.nowMs() + visibilityTimeoutMs / looksInATimeout, () => {
      takeBack();
      look();
    });
  };
  look();

  return {
    has: (kind, name) => holders.some((holder) => knows(holder, { kind, name })),
    run: (work) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        const settle = (outcome: Outcome): void =>
          "error" in outcome ? reject(asError(outcome.error)) : resolve(outcome.result);
        const item = { id, work, settle };
        open.set(id, item);
        waiting.push(item);
        give();
      }),
    join: (joining, send) => {
      const now = clock.nowMs();
      const holder: Holder = {
        ...{ joining, send, holds: new Map(), lost: [], answered: {} },
        ...{ late: 0, isTaking: true, heardAt: now, gaveAt: 0 },
      };
      holders.push(holder);
      give();
      return {
        heard: () => {
          holder.heardAt = clock.nowMs();
        },
        answer: (id, outcome) => {
          holder.heardAt = clock.nowMs();
          holder.holds.delete(id);
          const item = open.get(id);
          if (item === undefined) holder.late += 1;
          else {
            open.delete(id);
            waiting = waiting.filter((one) => one !== item);
            holder.answered[item.work.name] = (holder.answered[item.work.name] ?? 0) + 1;
            item.settle(outcome);
          }
          give();
        },
        leave: () => {
          holder.isTaking = false;
        },
      };
    },
    hosts: () =>
      holders.map(({ joining, isTaking, holds, lost, answered, late }) => ({
        ...{ host: joining.host, isTaking, lost: [...lost], answered: { ...answered }, late },
        holds: [...holds.values()].map(({ work }) => work.name),
      })),
    stop: () => cancelLook(),
  };
}
