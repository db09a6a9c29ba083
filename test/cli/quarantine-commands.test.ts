/** `uplink quarantine clear`, and what `uplink status` and `job show` say of a job that is in quarantine. */
import { beforeEach, expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerQuarantineCommands } from "../../cli/quarantine-commands.ts";
import { registerStatusCommands } from "../../cli/status-commands.ts";
import type { JobStatusReply } from "../../shared/contracts/admin/jobs.ts";
import { serveInTests } from "../support/admin-service.ts";

const status = (nextAttempt: string | null): JobStatusReply => ({
  jobId: "j1",
  configurationId: "c1",
  displayName: "Corp",
  state: "active",
  openRead: null,
  waiting: { batches: 2, changes: 3, processed: 0, readsEnding: 0, work: 0 },
  acceptedWatermarkAt: null,
  committedWatermarkAt: null,
  fullReadWanted: null,
  scope: { organizationalUnits: [], groups: [] },
  scopeVersion: 1,
  trouble: null,
  quarantine: {
    reason: "EncounteredQuarantineException",
    currentBegan: "2026-01-05T14:00:00.000Z",
    nextAttempt,
    seriesBegan: "2026-01-05T08:00:00.000Z",
    seriesCount: 1,
    error: { code: "target-credentials", message: "The secret expired.", remedy: "Give it another." },
  },
  mode: "normal",
  exportsHeld: null,
  steadyStateAt: null,
  escrowed: 0,
  staged: 0,
  lastCycle: null,
});

let nextAttempt: string | null;
let cleared: boolean;
beforeEach(async () => {
  nextAttempt = "2026-01-06T02:00:00.000Z";
  cleared = true;
});
const { uplink, asked } = serveInTests(
  [registerStatusCommands, registerAdminCommands, registerQuarantineCommands],
  ({ url }) => {
    if (url.endsWith("/status")) return status(nextAttempt);
    if (url.includes("/agents?")) return { value: [] };
    if (url.endsWith("/servicePrincipals")) return { value: [] };
    if (url.endsWith("/health")) return { status: "healthy", findings: [] };
    return url.endsWith("/clearQuarantine") ? { jobId: "j1", cleared } : undefined;
  },
);

test("clear says whether there was anything to clear", async () => {
  expect(await uplink("quarantine", "clear", "corp")).toEqual({
    code: 0,
    out: "Corp goes on: its quarantine is cleared.\n",
    err: "",
  });
  expect(asked().flatMap(({ method, url }) => (method === "POST" ? [url] : []))).toEqual([
    "/api/v1.0/uplink/jobs/j1/clearQuarantine",
  ]);
  cleared = false;
  expect((await uplink("quarantine", "clear", "corp.example")).out).toBe("Corp is not in quarantine.\n");
  expect(JSON.parse((await uplink("quarantine", "clear", "corp", "--json")).out)).toEqual({ jobId: "j1", cleared });
});

test.each([["status"], ["job", "show", "corp"]])(
  "%s %s says why, since when, when next, and what to do",
  async (...args) => {
    const { code, out } = await uplink(...args);
    expect(code).toBe(0);
    expect(out).toMatch(/stopped by +EncounteredQuarantineException: target-credentials: The secret expired\./);
    expect(out).toMatch(/since +2026-01-05 08:00:00.*, failed attempts since then: 1/);
    expect(out).toMatch(/next attempt +2026-01-06 02:00:00/);
    expect(out).toMatch(/remedy +Give it another\./);
    nextAttempt = null;
    expect((await uplink(...args)).out).toMatch(/next attempt +none: the job is disabled until it is cleared/);
  },
);

test("the list of jobs shows it beside the state", async () => {
  expect((await uplink("job", "list")).out).toContain("active, quarantine");
  nextAttempt = null;
  expect((await uplink("job", "list")).out).toContain("active, disabled");
});
