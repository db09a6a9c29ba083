/** `uplink job wake`: one job, or all of them. */
import { expect, test } from "vitest";
import { registerAdminCommands } from "../../cli/admin-commands.ts";
import { registerWakeCommands } from "../../cli/wake-commands.ts";
import { serveInTests } from "../support/admin-service.ts";

const { uplink, asked } = serveInTests([registerAdminCommands, registerWakeCommands], ({ url }) =>
  url.endsWith("/wake") ? { jobId: "j1", replaced: ["bulk"], left: ["live"] } : undefined,
);
const woken = () => asked().flatMap(({ method, url }) => (method === "POST" ? [url] : []));

test("one job is woken by fresh runs, and said which took over", async () => {
  expect(await uplink("job", "wake", "corp")).toEqual({
    code: 0,
    out: "Corp is awake: a fresh run for bulk; the run for live moves and was left (--force takes it over too).\n",
    err: "",
  });
  expect(woken()).toEqual(["/api/v1.0/uplink/jobs/j1/wake"]);
});

test("all jobs are, and nobody is where it isn't said which", async () => {
  const { code, out } = await uplink("job", "wake", "--all", "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toEqual(woken().map(() => ({ jobId: "j1", replaced: ["bulk"], left: ["live"] })));
  expect(woken().length).toBeGreaterThan(0);
  for (const words of [[], ["corp", "--all"]]) {
    const before = woken().length;
    const refused = await uplink("job", "wake", ...words);
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(/Name one job, or give --all/);
    expect(woken()).toHaveLength(before);
  }
});
