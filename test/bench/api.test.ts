/** The bench of the API at a tiny size: every number is there. How large they are is for the bench to say. */
import { describe, expect, it } from "vitest";
import { measureApi } from "../../bench/api.ts";
import { apiReport, apiSummary, missedByApi } from "../../bench/api-measured.ts";

describe("the bench of the API", () => {
  it("runs, and has a number for accepting and for each question to the log", async () => {
    const measured = await measureApi({ batches: 4, jobs: 2, entries: 300 });
    const { accept, pages } = measured;
    expect(accept).toMatchObject({ batches: 4, changes: 200, jobs: 2 });
    for (const number of Object.values(accept)) expect(number).toBeGreaterThan(0);
    expect(pages.map(({ question }) => question)).toHaveLength(8);
    for (const { p50Ms, p95Ms, cpuMs } of pages) {
      expect(p95Ms).toBeGreaterThanOrEqual(p50Ms);
      expect(cpuMs).toBeGreaterThan(0);
    }
    const facts = { command: "bench", date: "today", node: "v20", cpus: "2", storage: "Azurite", load: "0.1" };
    for (const text of [apiReport, apiSummary])
      expect(text({ conditions: facts, ...measured, missed: [] })).not.toMatch(/NaN|undefined|Infinity/);
  }, 120_000);

  it("names what was missed, and nothing that was not", () => {
    const accept = { batches: 1, changes: 200, kilobytes: 16, jobs: 4, perSecond: 120, p50Ms: 20, p95Ms: 60, cpuMs: 5 };
    expect(missedByApi(accept)).toEqual([]);
    expect(missedByApi({ ...accept, perSecond: 99, p95Ms: 101, cpuMs: 7 })).toHaveLength(3);
  });
});
