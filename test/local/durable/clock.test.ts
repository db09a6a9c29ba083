import { afterEach, expect, it, vi } from "vitest";
import { createSystemClock } from "../../../local/durable/clock.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it("never wakes before the time, although Node's timers come a millisecond early now and then", () => {
  vi.useFakeTimers({ now: 1000 });
  const woken: number[] = [];
  const now = vi.spyOn(Date, "now");
  createSystemClock().wakeAt(1050, () => woken.push(Date.now()));
  now.mockReturnValueOnce(1049);
  vi.advanceTimersByTime(50);
  expect(woken).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(woken).toEqual([1051]);
});

it("waits for months, and can be told not to", () => {
  vi.useFakeTimers({ now: 0 });
  const days = 24 * 3600 * 1000;
  const woken: string[] = [];
  const clock = createSystemClock();
  clock.wakeAt(90 * days, () => woken.push("kept"));
  const cancel = clock.wakeAt(80 * days, () => woken.push("cancelled"));
  vi.advanceTimersByTime(70 * days);
  cancel();
  vi.advanceTimersByTime(20 * days - 1);
  expect(woken).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(woken).toEqual(["kept"]);
});
