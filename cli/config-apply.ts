/**
 * Carries out a plan, step by step, each by the admin API with what it was planned against. The first that fails ends it: what was done
 * stays, and a new plan has just the rest. What has an ETag or a version is held against it by the service, and what is new against there
 * being none yet; what has neither (a mode, secrets) is looked at right before.
 */
import { AgentError } from "../agent/agent-error.ts";
import { createConfiguration } from "../shared/contracts/admin/configurations.ts";
import { addExclusion, removeExclusion } from "../shared/contracts/admin/exclusions.ts";
import { changeJobSettings } from "../shared/contracts/admin/job-settings.ts";
import { listSecrets, putSecrets, type SecretsRequest } from "../shared/contracts/admin/secrets.ts";
import type { AdminClient } from "./admin-client.ts";
import type { ConfigPlan, PlanStep } from "./config-plan.ts";
import type { Present } from "./config-present.ts";

export interface Applied {
  readonly done: readonly PlanStep[];
  /** Undefined: all of it was done. */
  readonly failed: { readonly step: PlanStep; readonly error: AgentError } | undefined;
  readonly left: readonly PlanStep[];
}

/** `secrets`: by domain, of the steps that set them. `said` is called after each step. What isn't expected of a step is thrown. */
export async function applyPlan(
  client: AdminClient,
  { steps }: ConfigPlan,
  present: Present,
  secrets: ReadonlyMap<string, SecretsRequest>,
  stop: AbortSignal,
  said: (step: PlanStep) => void,
): Promise<Applied> {
  const ids = new Map(present.configurations.map((own) => [own.settings.domainFqdn, { id: own.id, jobId: own.jobId }]));
  const done: PlanStep[] = [];
  for (const step of steps) {
    const left = steps.slice(done.length + 1);
    try {
      if (stop.aborted) throw new AgentError("interrupted", "It was interrupted.", "Plan again, and apply the rest.");
      await applyStep(client, step, ids, secrets);
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return { done, failed: { step, error }, left };
    }
    done.push(step);
    said(step);
  }
  return { done, failed: undefined, left: [] };
}

async function applyStep(
  client: AdminClient,
  step: PlanStep,
  ids: Map<string, { readonly id: string; readonly jobId: string }>,
  secrets: ReadonlyMap<string, SecretsRequest>,
): Promise<void> {
  if (step.kind === "exclude") {
    const { guid, reason, etag } = step;
    const held = etag === null ? { onlyNew: true } : matching(etag);
    return void (await client.call(addExclusion, { params: { guid }, body: { reason }, ...held }));
  }
  if (step.kind === "include") {
    const { guid, etag } = step;
    return void (await client.call(removeExclusion, { params: { guid }, ...matching(etag) }));
  }
  if (step.kind === "create") {
    // Otherwise the service gives the one that is there, whatever it is like.
    const { id, jobId } = await client.call(createConfiguration, { body: step.request, onlyNew: true });
    ids.set(step.domainFqdn, { id, jobId });
    return;
  }
  const job = ids.get(step.domainFqdn);
  if (!job) throw new Error(`A step is about ${step.domainFqdn}, which no step before it made.`);
  if (step.kind === "mode") {
    const { mode } = await client.status(job.jobId);
    if (mode !== step.before) throw changed(`The mode of ${step.domainFqdn} is '${mode}' since, not '${step.before}'.`);
    return void (await client.setMode(job.jobId, step.mode));
  }
  if (step.kind === "schema") return void (await client.putSchema(job, step.schema, step.expectedVersion));
  if (step.kind === "secrets") {
    const params = { configurationId: job.id };
    const body = secrets.get(step.domainFqdn);
    if (!body) throw new Error(`Nobody read the secrets of ${step.domainFqdn}.`);
    // Secrets have no ETag: a key that came since the plan would be lost without a word.
    const keys = (await client.call(listSecrets, { params })).value.map(({ key }) => key);
    if (keys.join() !== step.before.join()) throw changed(`Secrets of ${step.domainFqdn} were set or let go of since.`);
    return void (await client.call(putSecrets, { params, body }));
  }
  await client.call(changeJobSettings, { params: { jobId: job.jobId }, body: step.change, ...matching(step.etag) });
}

function changed(message: string): AgentError {
  return new AgentError("conflict", message, "Plan again.");
}

function matching(etag: string | null): { readonly ifMatch?: string } {
  return etag === null ? {} : { ifMatch: etag.replace(/^W\/"|"$/g, "") };
}
