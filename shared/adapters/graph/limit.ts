/** So many at a time, in the order in which they asked. */

export function createLimit(most: number): <T>(task: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (task) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running++;
    try {
      return await task();
    } finally {
      // A place is handed on, not given back and fought for.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  };
}
