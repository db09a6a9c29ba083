/**
 * A service in memory with one domain, what it told and measured, and which alert rules fire on that.
 *
 * The queries themselves run in Azure Monitor alone; `firesOn` says in TypeScript what they say in KQL.
 */
import { expect } from "vitest";
import type { Alert } from "../../shared/needs/alerts.ts";
import { NEEDS } from "../../shared/needs.ts";
import { NO_TELEMETRY, type Telemetry } from "../../shared/ports/telemetry.ts";
import { aUser, type CloudOptions, createCloud } from "../support/cloud.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 86_400_000;

export async function startWatched(options: CloudOptions = {}) {
  const events: { event: string; fields: Readonly<Record<string, unknown>> }[] = [];
  const measured: { metric: string; value: number; dimensions: Readonly<Record<string, unknown>> }[] = [];
  const measure = (metric: string, value: number, dimensions: object) =>
    void measured.push({ metric, value, dimensions: { ...dimensions } });
  const telemetry: Telemetry = {
    ...NO_TELEMETRY,
    event: (_level, event, fields) => void events.push({ event, fields: { ...fields } }),
    count: measure,
    record: measure,
  };
  const cloud = await createCloud({ telemetry, ...options });
  const agent = await cloud.addDomain("corp.example");
  const pass = async (ms: number) => {
    cloud.clock.set(cloud.clock.now() + ms);
    await cloud.tick();
    await cloud.cloud.reportState();
    await cloud.driver.settled();
    await cloud.run();
  };
  function firesOn({ source, above }: Alert): boolean {
    switch (source.kind) {
      case "event": {
        const lines = events.filter(({ event }) => source.events.some((name) => name === event));
        const each = lines.map(({ fields }) => Number(source.sumOf?.map((name) => fields[name]).find(Boolean) ?? 1));
        return each.reduce((sum, one) => sum + one, 0) > above;
      }
      case "silence":
        return !events.some(({ event }) => source.events.some((name) => name === event));
      case "metric": {
        const { metric, of, only } = source;
        const values = measured
          .filter((own) => own.metric === metric && (!only || only.in.includes(String(own.dimensions[only.dimension]))))
          .map(({ value }) => value);
        return (of === "total" ? values.reduce((sum, one) => sum + one, 0) : Math.max(0, ...values)) > above;
      }
      case "dead-letters":
        return false;
    }
  }
  const fired = () => NEEDS.alerts.filter(firesOn).map(({ name }) => name);
  const findings = async () => {
    const health = await cloud.cloud.routes.tellHealth();
    if (!health.ok) throw new Error(health.failure.message);
    for (const finding of health.value.findings) {
      expect(finding.message).not.toBe("");
      expect(finding.remedy).not.toBe("");
      expect([null, agent.jobId], finding.code).toContain(finding.jobId);
    }
    return health.value.findings.map(({ code }) => code);
  };
  /** What was told before is out of the rules' windows. */
  const forget = () => {
    events.length = 0;
    measured.length = 0;
  };
  return { cloud, agent, pass, fired, findings, forget, told: () => new Set(events.map(({ event }) => event)) };
}
export type World = Awaited<ReturnType<typeof startWatched>>;

export const people = (count: number) => Array.from({ length: count }, (_, at) => aUser(`user${at}`));
export const gone = (count: number) => people(count).map(({ objectGuid }) => ({ op: "delete" as const, objectGuid }));
