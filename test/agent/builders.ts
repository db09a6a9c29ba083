/** Things of the agent's world, parsed through the production schemas so that they can't drift from the contracts. */

import { watermarkIdOf } from "../../agent/watermark-id.ts";
import { ReadOrder } from "../../shared/contracts/agent-api.ts";
import { Change, DomainIdentity, Watermark } from "../../shared/contracts/change.ts";
import type { Log } from "../../shared/ports/log.ts";
import type { SourceDescription } from "../../shared/ports/source-directory.ts";

export const aDomain = DomainIdentity.parse({
  objectGuid: "11111111-1111-4111-8111-111111111111",
  sid: "S-1-5-21-1-2-3",
  fqdn: "corp.example.com",
});

export const aDescription: SourceDescription = {
  domain: aDomain,
  server: {
    invocationId: "22222222-2222-4222-8222-222222222222",
    dnsName: "dc1.corp.example.com",
    highestCommittedUsn: "100",
  },
  visibility: "partial",
};

export function guidNumber(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, "0")}`;
}

export function buildUpsert(number: number, attributes: Record<string, string[]> = {}): Change {
  return Change.parse({
    op: "upsert",
    objectGuid: guidNumber(number),
    objectClass: "user",
    dn: `CN=User ${number},OU=Staff,DC=corp,DC=example,DC=com`,
    attributes: { sAMAccountName: [`user${number}`], ...attributes },
  });
}

export function buildWatermark(name: string, at = "2026-11-22T12:00:00.000Z"): Watermark {
  const token = Buffer.from(name).toString("base64");
  return Watermark.parse({
    mode: "dirsync",
    id: watermarkIdOf(token),
    token,
    invocationId: aDescription.server.invocationId,
    dnsName: aDescription.server.dnsName,
    usn: "100",
    at,
  });
}

export function buildOrder(overrides: Partial<ReadOrder> = {}): ReadOrder {
  return ReadOrder.parse({
    jobId: "job-1",
    readNo: 1,
    kind: "full",
    reason: "first",
    leaseEpoch: 1,
    nextSequence: 1,
    watermark: null,
    schemaVersion: 1,
    scopeVersion: 1,
    attributes: ["sAMAccountName", "department"],
    attributeSetHash: "hash",
    objectClasses: ["user", "inetOrgPerson"],
    scope: { organizationalUnits: [], groups: [] },
    reportsLeaves: false,
    ...overrides,
  });
}

export interface RecordedLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export function createRecordingLog(): Log & { readonly lines: RecordedLine[] } {
  const lines: RecordedLine[] = [];
  const write =
    (level: RecordedLine["level"]) =>
    (event: string, fields: Readonly<Record<string, unknown>> = {}): void => {
      lines.push({ level, event, fields });
    };
  return { lines, debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };
}

export async function until(isTrue: () => boolean, what: string, milliseconds = 8_000): Promise<void> {
  const end = Date.now() + milliseconds;
  while (!isTrue()) {
    if (Date.now() > end) throw new Error(`Waited in vain for: ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
