/** What can't be done together is halved until the one whose fault it is stands alone. */
import { StorageError } from "../ports/row-store.ts";
import { TargetUnavailable } from "../ports/target-directory.ts";
import { FencedOff } from "./lanes/wake-job.ts";

/**
 * `run` has to stand being done again for a part. `alone` says what becomes of an item that fails by itself. Where storage or target
 * can't be reached, or another run took over, it is nobody's fault: that is thrown.
 */
export async function halving<T, R>(
  run: (items: readonly T[]) => Promise<readonly R[]>,
  items: readonly T[],
  alone: (item: T, error: unknown) => Promise<readonly R[]>,
): Promise<R[]> {
  try {
    return [...(await run(items))];
  } catch (error) {
    const isNobodys = [StorageError, TargetUnavailable, FencedOff].some((kind) => error instanceof kind);
    const [first] = items;
    if (isNobodys || first === undefined) throw error;
    if (items.length === 1) return [...(await alone(first, error))];
    const middle = Math.ceil(items.length / 2);
    const left = await halving(run, items.slice(0, middle), alone);
    return [...left, ...(await halving(run, items.slice(middle), alone))];
  }
}
