/** What an admin is told is wrong, over the real routes. */
import { expect, it } from "vitest";
import { serviceHealth } from "../../shared/contracts/admin/health.ts";
import { createService } from "../support/service.ts";

it("tells an admin what is wrong, for whom and what to do, and nobody else", async () => {
  const service = await createService();
  const first = await service.ask(serviceHealth, { as: "admin" });
  expect(first.status).toBe(200);
  expect((await service.ask(serviceHealth, { as: "nobody" })).status).toBe(401);
  const silent = (body: { findings: { code: string }[] }) =>
    body.findings.filter(({ code }) => code === "agent-silent");
  expect(silent(first.body)).toEqual([]);
  service.cloud.clock.set(service.cloud.clock.now() + 3_600_000);
  const { body } = await service.ask(serviceHealth, { as: "admin" });
  expect(body.status).toBe("needs-attention");
  // The domain's own agent, and the one that was enrolled.
  expect(silent(body).length).toBe(2);
  for (const finding of silent(body))
    expect(finding).toMatchObject({
      jobId: service.corp.jobId,
      message: expect.stringContaining("last heard"),
      remedy: expect.stringContaining("uplink agent check"),
    });
});
