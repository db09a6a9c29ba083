/**
 * The whole product on this machine, for tests against a real directory: Azurite, the directory stand-in and the host with
 * the built functions as processes, the admin API as an admin calls it, and the target's content as nobody but a test
 * sees it. The built agent comes from `runtime/agent.ts`.
 *
 * Its own, and not `npm start`'s: a test takes each part away and brings it back, with intervals of seconds.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureCertificates } from "../../local/certificates.ts";
import type { FaultOrder } from "../../local/directory/faults.ts";
import type { Stats } from "../../local/directory/stats.ts";
import { ConfigurationReply } from "../../shared/contracts/admin/configurations.ts";
import { CycleReply } from "../../shared/contracts/admin/cycles.ts";
import { TokenReply } from "../../shared/contracts/admin/enrolment-tokens.ts";
import { EscrowReply, EscrowRetryReply } from "../../shared/contracts/admin/escrows.ts";
import { JobStatusReply, WakeReply } from "../../shared/contracts/admin/jobs.ts";
import {
  OnDemandKey,
  OnDemandValue,
  ProvisionOnDemandReply,
  type ProvisionOnDemandRequest,
} from "../../shared/contracts/admin/provision-on-demand.ts";
import { StagedSetReply } from "../../shared/contracts/admin/staged.ts";
import { ProvisioningLogReply } from "../../shared/contracts/provisioning-log.ts";
import type { SynchronizationSchema } from "../../shared/domain/synchronization-schema.ts";
import { createJsonClient } from "./runtime/https.ts";
import { projectRoot } from "./runtime/program.ts";
import {
  applications,
  createAzurite,
  createHost,
  createTargetDirectory,
  type Service,
  tenant,
} from "./runtime/services.ts";
import { until } from "./until.ts";

export type TargetObject = {
  readonly kind: "user" | "group";
  readonly id: string;
  readonly properties: Readonly<Record<string, unknown>>;
  /** Ids. Of an object that was deleted the target still knows them. */
  readonly manager?: string;
  readonly members?: readonly string[];
  readonly deleted: boolean;
};

export type AdRuntime = Awaited<ReturnType<typeof startAdRuntime>>;
export type Job = { readonly configurationId: string; readonly jobId: string };

export type AdRuntimeOptions = {
  readonly verifiedDomains: readonly string[];
  /** Settings of the host, over those of all these tests. What is changed in them holds from the host's next start. */
  readonly hostSettings?: Readonly<Record<string, string>>;
  /** The connection string that the host gets in place of Azurite's own. */
  readonly storageThrough?: (connectionString: string) => Promise<string>;
};

export async function startAdRuntime(options: AdRuntimeOptions) {
  for (const name of ["main.cjs", "uplink.cjs"]) {
    if (!existsSync(join(projectRoot, "dist", name))) throw new Error(`dist/${name} is missing. Run: npm run build`);
  }
  const home = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "uplink-runtime-"));
  const tls = await ensureCertificates(join(home, "tls"));
  const azurite = await createAzurite(join(home, "azurite"));
  const { verifiedDomains, hostSettings = {}, storageThrough = async (same) => same } = options;
  const directory = await createTargetDirectory({ folder: join(home, "tenant"), tls, verifiedDomains });
  const hostFolder = join(home, "host");
  const host = await createHost({
    folder: hostFolder,
    tls,
    storage: await storageThrough(azurite.connectionString()),
    directoryUrl: directory.url,
    settings: hostSettings,
  });
  const services: readonly Service[] = [azurite, directory, host];
  const call = createJsonClient(tls.caFile);
  await Promise.all([azurite.start(), directory.start()]);
  await host.start();

  async function adminToken(): Promise<string> {
    const { clientId, clientSecret } = applications.admin;
    const { body } = await call(`${directory.url}/${tenant.id}/oauth2/v2.0/token`, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "client_credentials",
        client_id: clientId,
        client_secret: clientSecret,
        scope: `${tenant.audience}/.default`,
      }).toString(),
    });
    return String((body as { access_token?: unknown }).access_token);
  }

  let bearer: string | undefined;
  async function admin(method: "GET" | "POST" | "PUT", path: string, body?: unknown): Promise<unknown> {
    bearer ??= await adminToken();
    const answer = await call(`${host.url}/api/${path}`, {
      method,
      headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
  const control = (method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<unknown> =>
    call(`${directory.url}/control/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }).then((answer) => answer.body);

  const status = async (job: Job): Promise<JobStatusReply> =>
    JobStatusReply.parse(await admin("GET", `v1.0/uplink/jobs/${job.jobId}/status`));
  const listOf = (body: unknown): unknown[] => (body as { value: unknown[] }).value;

  return {
    home,
    hostFolder,
    url: host.url,
    caFile: tls.caFile,
    azurite,
    host,
    /** Of an application that may do everything to this service. */
    adminToken,
    status,

    async createConfiguration(
      fqdn: string,
      netbios: string,
      settings: Readonly<Record<string, unknown>> = {},
    ): Promise<Job> {
      const made = ConfigurationReply.parse(
        await admin("POST", "v1.0/uplink/configurations", {
          displayName: fqdn,
          domainFqdn: fqdn,
          domainNetBios: netbios,
          settings: { signIn: "ownProcess", firstExport: "automatic", ...settings },
        }),
      );
      return { configurationId: made.id, jobId: made.jobId };
    },

    async enrolmentToken(job: Job, minutes = 60): Promise<string> {
      const path = `v1.0/uplink/configurations/${job.configurationId}/enrolmentTokens`;
      // Nothing else of it: an older release that a test starts tells less.
      const { token } = (await admin("POST", path, { minutes })) as { readonly token?: unknown };
      return TokenReply.shape.token.parse(token);
    },

    /** Asks for a full read, as an admin does with *restart*. */
    async restart(job: Job): Promise<void> {
      await admin("POST", `v1.0/servicePrincipals/${job.configurationId}/synchronization/jobs/${job.jobId}/restart`);
    },

    /** Has a job go on, in the words of Graph: what any release understands. */
    async start(job: Job): Promise<void> {
      await admin("POST", `v1.0/servicePrincipals/${job.configurationId}/synchronization/jobs/${job.jobId}/start`);
    },

    /** Has fresh runs take over, also from those that moved a moment ago; answers whose lanes had one. */
    async wake(job: Job): Promise<WakeReply> {
      return WakeReply.parse(await admin("POST", `v1.0/uplink/jobs/${job.jobId}/wake`, { force: true }));
    },

    /** Another version of the job's schema; everything is read anew for it. */
    async changeSchema(job: Job, change: (schema: SynchronizationSchema) => SynchronizationSchema): Promise<void> {
      const path = `v1.0/servicePrincipals/${job.configurationId}/synchronization/jobs/${job.jobId}/schema`;
      await admin("PUT", path, change((await admin("GET", path)) as SynchronizationSchema));
    },

    /** Waits until everything accepted is closed; returns the account of the last read. */
    async settled(job: Job, withinMs = 150_000): Promise<CycleReply> {
      let last: JobStatusReply | undefined;
      try {
        return await until(
          "the job to come to rest",
          async () => {
            last = await status(job);
            const { batches, readsEnding, work } = last.waiting;
            return last.openRead === null && batches + readsEnding + work === 0 && last.lastCycle !== null
              ? last.lastCycle
              : undefined;
          },
          withinMs,
          100,
        );
      } catch (error) {
        throw new Error(`${String(error)} ${JSON.stringify(last)}\n${host.log().slice(-4000)}`);
      }
    },

    /** One object on demand. Throws what it is refused with. */
    async provision(
      job: Job,
      objectId: string,
      { dryRun = false, members }: { readonly dryRun?: boolean; readonly members?: readonly string[] } = {},
    ): Promise<{ readonly key: OnDemandKey; readonly value: OnDemandValue }> {
      const path = `v1.0/servicePrincipals/${job.configurationId}/synchronization/jobs/${job.jobId}/provisionOnDemand`;
      const links = members && { members: members.map((own) => ({ objectId: own })) };
      const body: ProvisionOnDemandRequest = {
        parameters: [{ subjects: [{ objectId, ...(links && { links }) }] }],
        dryRun,
      };
      const reply = ProvisionOnDemandReply.parse(await admin("POST", path, body));
      return { key: OnDemandKey.parse(JSON.parse(reply.key)), value: OnDemandValue.parse(JSON.parse(reply.value)) };
    },

    async cycles(job: Job): Promise<CycleReply[]> {
      return listOf(await admin("GET", `v1.0/uplink/jobs/${job.jobId}/cycles`)).map((one) => CycleReply.parse(one));
    },
    async escrows(job: Job): Promise<EscrowReply[]> {
      return listOf(await admin("GET", `v1.0/uplink/jobs/${job.jobId}/escrows`)).map((one) => EscrowReply.parse(one));
    },
    /** Has everything in escrow tried again; returns how many objects that are. */
    async retryEscrows(job: Job): Promise<number> {
      return EscrowRetryReply.parse(await admin("POST", `v1.0/uplink/jobs/${job.jobId}/escrows/retry`, {})).objects;
    },
    /** What the guard holds back, with all members. */
    async staged(job: Job): Promise<StagedSetReply[]> {
      const found = listOf(await admin("GET", `v1.0/uplink/jobs/${job.jobId}/staged?members=true`));
      return found.map((one) => StagedSetReply.parse(one));
    },
    async approve(job: Job, set: Pick<StagedSetReply, "class" | "digest">): Promise<void> {
      await admin("POST", `v1.0/uplink/jobs/${job.jobId}/staged/${set.class}/approve`, { digest: set.digest });
    },
    async log(job: Job, objectGuid: string): Promise<ProvisioningLogReply[]> {
      const path = `v1.0/auditLogs/provisioning?jobId=${job.jobId}&objectGuid=${objectGuid}`;
      return listOf(await admin("GET", path)).map((one) => ProvisioningLogReply.parse(one));
    },

    /** Every user of the target, deleted ones too. */
    async users(): Promise<TargetObject[]> {
      return listOf(await control("GET", "objects?kind=user")) as TargetObject[];
    },
    /** Every object of the target, of all kinds, deleted ones too. */
    async objects(): Promise<TargetObject[]> {
      return listOf(await control("GET", "objects")) as TargetObject[];
    },
    async stats(): Promise<Stats> {
      return (await control("GET", "stats")) as Stats;
    },
    async resetStats(): Promise<void> {
      await control("POST", "stats/reset", {});
    },
    /** The target answers 503 to everything, or no longer. */
    async setTargetDown(down: boolean): Promise<void> {
      await control("POST", "faults", { down });
    },

    async orderFaults(order: FaultOrder): Promise<void> {
      await control("POST", "faults", order);
    },
    async clearFaults(): Promise<void> {
      await control("DELETE", "faults");
    },

    async destroy(): Promise<void> {
      call.close();
      for (const service of services.toReversed()) await service.end("SIGTERM");
      await rm(home, { recursive: true, force: true });
    },
  };
}
