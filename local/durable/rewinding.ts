/**
 * Rewind over instances: an orchestration that failed goes on where it failed, and so does every failed child below it.
 * Root first, so that a process killed in between leaves a parent that hears of its child's failure again and no child
 * that ended unheard. A child that isn't there as a failed one (purged, started anew) refuses the whole, before
 * anything has changed; Azure Storage falls over half way there.
 */

import type { Clock } from "./clock.ts";
import type { RewindResult } from "./engine-contract.ts";
import { type Instance, liveStatus } from "./instance.ts";
import { rewindHistory } from "./rewind.ts";
import type { Store } from "./store.ts";

export type RewindingDeps = {
  readonly store: Store;
  readonly clock: Clock;
  /** Takes up an instance that lives again. */
  readonly goOn: (instance: Instance) => Promise<void>;
};

type Step = { readonly instance: Instance; readonly wakes: boolean };

export function createRewinding({ store, clock, goOn }: RewindingDeps) {
  /** The instances to rewind, root first; or why that can't be done. */
  const plan = async (rootId: string): Promise<readonly Step[] | string> => {
    const steps: Step[] = [];
    const open = [rootId];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const instance = await store.peek(id);
      if (instance?.end?.status !== "Failed") {
        return `The instance '${id}', which failed below '${rootId}', is no failed instance any more.`;
      }
      const { reopened } = rewindHistory(instance.history);
      steps.push({ instance, wakes: reopened.length === 0 });
      open.push(...reopened.map((created) => created.InstanceId ?? ""));
    }
    return steps;
  };

  return async (id: string, reason: string | null): Promise<RewindResult> => {
    const running = store.live.get(id);
    if (running !== undefined) return { refused: liveStatus(running) };
    const ended = store.finished.get(id);
    if (ended === undefined) return "not-found";
    if (ended.status !== "Failed") return { refused: ended.status };
    const steps = await plan(id);
    if (typeof steps === "string") return { broken: steps };
    // Somebody may have been quicker while the files were read.
    if (steps.some(({ instance }) => !store.finished.has(instance.id))) {
      return { broken: `The instance '${id}' or one below it was changed meanwhile. Try again.` };
    }
    const at = clock.nowMs();
    await Promise.all(
      steps.map(({ instance, wakes }) => store.revive(instance, { k: "rewind", at, reason: reason ?? "", wakes })),
    );
    for (const { instance } of steps) await goOn(instance);
    return "accepted";
  };
}
