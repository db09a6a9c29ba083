/** The programs of a recorded release, and what the present service still has to offer them: its agents are out there. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFunctionsHost } from "../../local/functions-host/host.ts";
import { LOADING_SETTINGS, registeredBy } from "../../local/releases/app-functions.ts";
import { type Program, type Release, readProgram } from "../../local/releases/release-files.ts";
import { EnrolRequest, HeartbeatReply, HeartbeatRequest } from "../../shared/contracts/agent-api.ts";
import { ChangeBatch } from "../../shared/contracts/change.ts";
import { recordedReleases } from "../support/releases/recorded.ts";
import { orderFor, requestsOf } from "../support/releases/recorded-agent.ts";
import { openRelease, type ReleaseJob } from "../support/releases/release-cloud.ts";
import { serveRelease } from "../support/releases/release-service.ts";
import { startProgram } from "../support/runtime/program.ts";

const releases = await recordedReleases();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-released-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function unpacked(release: Release, program: Program): Promise<string> {
  const own = join(folder, release.manifest.version);
  await mkdir(own, { recursive: true });
  await writeFile(join(own, "package.json"), '{ "type": "commonjs" }\n');
  await writeFile(join(own, program), await readProgram(release.folder, program));
  return join(own, program);
}

describe.each(releases.map((release) => ({ version: release.manifest.version, release })))(
  "release $version",
  ({ release }) => {
    const { functions, jobs } = release.manifest;
    const [, job] = jobs as [ReleaseJob, ReleaseJob];

    it("has its programs, and all of it is small", () => {
      const bytes = Object.values(release.manifest.sizes).reduce((sum, size) => sum + size, 0);
      expect(bytes).toBeLessThan(2 * 1024 * 1024);
    });

    it("registers in the local host what it registered when it was recorded, and answers", async () => {
      const appPath = await unpacked(release, "main.cjs");
      expect(await registeredBy(appPath)).toEqual(functions);
      const before = { ...process.env };
      Object.assign(process.env, LOADING_SETTINGS);
      const isOff = functions.filter(({ type }) => /^(timer|serviceBus)Trigger$/.test(type));
      const host = await startFunctionsHost({
        ...{ appPath, port: 0, stateDir: join(folder, "state"), log: () => undefined },
        hostJson: { version: "2.0", extensions: { durableTask: { hubName: "Released" } } },
        env: Object.fromEntries(isOff.map(({ name }) => [`AzureWebJobs.${name}.Disabled`, "true"])),
      });
      try {
        expect(host.functions).toHaveLength(functions.length - isOff.length);
        expect((await fetch(`${host.url}/api/health`)).status).toBe(200);
        const { path } = requestsOf(release, job, "heartbeat")[0]!;
        expect((await fetch(host.url + path, { method: "POST", body: "{}" })).status).toBe(401);
      } finally {
        await host.stop(0);
        process.env = before;
      }
    });

    it("is understood in every request of its agents", () => {
      const requests = jobs.flatMap((own) => ({
        enrol: requestsOf(release, own, "enrol"),
        heartbeat: requestsOf(release, own, "heartbeat"),
        batches: requestsOf(release, own, "batches"),
      }));
      for (const { enrol, heartbeat, batches } of requests) {
        for (const { body } of enrol) EnrolRequest.parse(body);
        for (const { body } of heartbeat) HeartbeatRequest.parse(body);
        for (const { body } of batches) ChangeBatch.parse(body);
        expect([enrol, heartbeat, batches].map((own) => own.length > 0)).toEqual([true, true, true]);
      }
    });

    it("is given orders of the names that it knows: its agents refuse others", async () => {
      const cloud = await openRelease(release);
      const order = await orderFor(cloud, release, job);
      const known = requestsOf(release, job, "heartbeat").flatMap(
        ({ reply }) => HeartbeatReply.safeParse(reply).data?.order ?? [],
      )[0];
      expect(Object.keys(order).sort()).toEqual(Object.keys(known!).sort());
    });

    it("has an agent that enrols with the present service, reads, and is understood", async () => {
      const service = await serveRelease(release);
      try {
        const uplink = await unpacked(release, "uplink.cjs");
        const state = join(folder, release.manifest.version, "agent");
        const file = join(folder, `${job.fqdn}.ldif`);
        const source = release.sources[job.agent]!.replace("Waiting for a newer version", "Read by the old agent");
        await writeFile(file, source);
        const { configurations } = service.cloud.cloud.routes;
        const token = await configurations.createToken(job.configurationId, { minutes: 60, policy: "active" }, "test");
        if (!token.ok) throw new Error(token.failure.message);
        const run = async (...args: string[]) => {
          const program = startProgram([uplink, "agent", ...args, "--state", state, "--json"], {});
          expect(await program.ended, `${program.stderr()}${program.stdout()}`).toBe(0);
          return program.stdout();
        };
        await run(
          "enrol",
          "--url",
          service.url,
          "--token",
          token.value.token,
          "--name",
          "old",
          "--source",
          "ldif",
          "--file",
          file,
        );
        expect(await run("once", "--wait", "20")).toMatch(/"read":true,"objects":\d+,"batches":1/);
        await service.cloud.wakeJob(job.jobId, "bulk");
        await service.cloud.driver.settled();
        await service.cloud.run();
        expect(service.cloud.target.received.at(-1)).toMatchObject({ values: { jobTitle: "Read by the old agent" } });
      } finally {
        await service.close();
      }
    });
  },
);
