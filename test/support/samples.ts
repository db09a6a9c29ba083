/**
 * A well-formed request for each operation with a body, or with a query that has to be given, over the world of `service.ts`: what walks
 * all routes spoils these. An operation that is added and has one of them needs one here.
 */
import { heartbeat } from "../../shared/contracts/agent-api.ts";
import type { Operation } from "../../shared/contracts/operation.ts";
import { defaultSchema } from "../../shared/domain/default-schema.ts";
import { aUser } from "./cloud.ts";
import type { Service } from "./service.ts";

export type Sample = { readonly body?: unknown; readonly query?: Readonly<Record<string, string>> };

const GUID = "11111111-2222-4333-8444-555555555555";
const DIGEST = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

/** By operation; bodies of agents name the enrolled one's job and domain. */
export async function samplesOf(service: Service): Promise<Readonly<Record<string, Sample>>> {
  const { corp } = service;
  const { domain } = corp;
  // Somebody is found: who has him is asked of the rows.
  const [seen = ""] = service.cloud.target.seed([{ values: { userPrincipalName: "seen@corp.example" } }]);
  const beat = await service.ask(heartbeat, { body: { version: "1", domain, want: "full" } });
  const batch = corp.batch(beat.body.order, 1, [aUser("sample")]);
  return {
    Enrol: { body: service.enrolment(await service.enrolmentToken()) },
    Heartbeat: { body: { version: "1", domain, want: "full", reason: "asked" } },
    AcceptBatch: { body: batch },
    AwaitCommands: { body: { leaseEpoch: 999 } },
    AnswerCommand: {
      body: { leaseEpoch: 1, outcome: { kind: "failed", code: "busy", message: "It is busy.", remedy: "Wait." } },
    },
    CreateConfiguration: {
      body: { displayName: "New", domainFqdn: "new.example", domainNetBios: "NEW", settings: { signIn: "ownProcess" } },
    },
    CreateEnrolmentToken: { body: { minutes: 5, policy: "pending" } },
    CreateSynchronizationJob: { body: { templateId: "AD2AADProvisioning" } },
    SetJobMode: { body: { mode: "normal" } },
    SetScope: { body: { organizationalUnits: [GUID], groups: [] } },
    SetLifecycle: { body: { outOfScope: "keep", groupDeleteDelayDays: 1 } },
    ChangeJobSettings: { body: { displayName: "Corp", guard: { floor: 20, count: 500, percent: 10 } } },
    JobAction: { body: { criteria: { resetScope: "Escrows" } } },
    WakeJobAnew: { body: { force: true } },
    PutSchema: { body: defaultSchema() },
    RetryEscrows: { body: { objectGuid: GUID } },
    AddExclusion: { body: { reason: "service account" } },
    JoinLink: { body: { targetId: GUID } },
    MoveLink: { body: { toObjectGuid: GUID, toJobId: corp.jobId } },
    ListTargetObjects: { query: { name: seen } },
    RebuildLinks: { body: { shard: "a" } },
    SeekTargets: { body: { type: "user", page: 0 } },
    RestoreRows: { body: { backupId: "20260101000000-abcdef01", part: 0 } },
    DecideStaged: { body: { digest: DIGEST } },
    RunWhatIf: { body: { kind: "present" } },
    ApproveWhatIf: { body: { digest: DIGEST } },
    AskReconcile: { body: { policy: "report" } },
    PutSecrets: { body: { value: [{ key: "AppKey", value: "secret" }] } },
    ValidateCredentials: { body: { useSavedCredentials: true } },
    ProvisionOnDemand: {
      body: { parameters: [{ subjects: [{ objectId: GUID, objectTypeName: "user" }] }], dryRun: true },
    },
  };
}

/** Operations with a body, or a query that has to be given, and without a sample of it. */
export function withoutSample(operations: readonly Operation[], samples: Readonly<Record<string, Sample>>): string[] {
  const needsOne = ({ body, query }: Operation) => body !== undefined || query?.safeParse({}).success === false;
  return operations.filter((own) => needsOne(own) && samples[own.id] === undefined).map(({ id }) => id);
}
