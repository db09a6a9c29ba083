/** The tick's timer over the cloud in memory, where storage fails under one duty of it. */
import { InvocationContext } from "@azure/functions";
import { expect, it } from "vitest";
import { tickHandler } from "../../functions/tick.timer.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import { NO_TELEMETRY, type Telemetry } from "../../shared/ports/telemetry.ts";
import { type CloudOptions, createCloud } from "../support/cloud.ts";

async function start(wrapRows: NonNullable<CloudOptions["wrapRows"]>) {
  const gauges = new Set<string>();
  const telemetry: Telemetry = { ...NO_TELEMETRY, record: (metric) => void gauges.add(metric) };
  const cloud = await createCloud({ telemetry, wrapRows });
  await cloud.addDomain("corp.example");
  const tick = tickHandler(() => cloud.tick, cloud.cloud.reportState);
  return { cloud, gauges, fire: () => tick({}, new InvocationContext()) };
}

const GAUGES = ["uplink.agent.lag", "uplink.batch.oldest", "uplink.staged", "uplink.job.quarantined"];

it("tells how things stand where old logs can't be dropped, and says that this failed", async () => {
  const noList = (rows: RowStore): RowStore => ({
    ...rows,
    listTables: () => Promise.reject(new Error("The storage lists no tables.")),
  });
  const { cloud, gauges, fire } = await start(noList);
  await fire();
  expect([...gauges]).toEqual(expect.arrayContaining(GAUGES));
  const told = cloud.logged.filter(({ event }) => event === "tick-duty-failed").map(({ fields }) => fields);
  expect(told).toContainEqual({ duty: "dropOldLogs", jobId: "", message: "Error: The storage lists no tables." });
});

it("tells how things stand where the tick fails as a whole, which then shows as failed", async () => {
  const { cloud, gauges } = await start((rows) => rows);
  const broken = tickHandler(() => () => Promise.reject(new Error("The tick is broken.")), cloud.cloud.reportState);
  await expect(broken({}, new InvocationContext())).rejects.toThrow("The tick is broken.");
  expect([...gauges]).toEqual(expect.arrayContaining(GAUGES));
});
