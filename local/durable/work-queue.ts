/**
 * First come, first served, at most `limit` at once. Work that throws is the caller's defect and is reported, never
 * swallowed. After `stop` nothing new begins; the promise resolves when what runs has ended.
 */

export type WorkQueue<T> = {
  push(item: T): void;
  readonly running: number;
  readonly waiting: number;
  stop(): Promise<void>;
};

export type WorkQueueDeps<T> = {
  readonly limit: number;
  readonly work: (item: T) => Promise<void>;
  readonly onDefect: (error: unknown) => void;
};

export function createWorkQueue<T>({ limit, work, onDefect }: WorkQueueDeps<T>): WorkQueue<T> {
  let waiting: T[] = [];
  let head = 0;
  let running = 0;
  let stopped: (() => void) | undefined;
  let stopping = false;

  const next = (): T | undefined => {
    const item = waiting[head];
    head += 1;
    if (head > 1000 && head * 2 > waiting.length) {
      waiting = waiting.slice(head);
      head = 0;
    }
    return item;
  };

  const fill = (): void => {
    while (!stopping && running < limit && head < waiting.length) {
      const item = next();
      if (item === undefined) continue;
      running += 1;
      void work(item)
        .catch(onDefect)
        .finally(() => {
          running -= 1;
          if (stopping && running === 0) stopped?.();
          fill();
        });
    }
  };

  return {
    push: (item) => {
      waiting.push(item);
      fill();
    },
    get running() {
      return running;
    },
    get waiting() {
      return waiting.length - head;
    },
    stop: () => {
      stopping = true;
      return running === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            stopped = resolve;
          });
    },
  };
}
