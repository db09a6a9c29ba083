/** Why one object isn't provisioned on demand, before the directory is asked or after the time is over. Pure. */
import { ON_DEMAND_REQUESTS, ON_DEMAND_WINDOW_MS } from "../../contracts/admin/provision-on-demand.ts";
import type { Failure } from "../failure.ts";
import { COMMAND_MS, type CommandEntry } from "../state/command-rows.ts";

export function jobNotFound(jobId: string): Failure {
  return {
    status: 404,
    code: "job-not-found",
    message: `There is no job ${jobId} of that configuration.`,
    remedy: "List the jobs, and take one of them.",
  };
}

export function malformed(text: string, why: string): Failure {
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text;
  return {
    status: 400,
    code: "subject-malformed",
    message: `The objectId '${shown}' ${why}.`,
    remedy: "Give a distinguished name, an objectGUID (8-4-4-4-12) or a user principal name.",
    details: [{ target: "parameters[0].subjects[0]", message: "must be a DN, an objectGUID or a UPN" }],
  };
}

export function tooMany(seconds: number): Failure {
  return {
    status: 429,
    code: "too-many-requests",
    message: `More than ${ON_DEMAND_REQUESTS} objects were asked for in ${ON_DEMAND_WINDOW_MS / 1000} seconds.`,
    remedy: `Ask again in ${seconds} s; for many objects restart the job instead.`,
    retryAfterSeconds: seconds,
  };
}

export function changedMeanwhile(jobId: string): Failure {
  return {
    status: 409,
    code: "changed-meanwhile",
    message: `The schema or scope of job ${jobId} was changed after the object was read.`,
    remedy: "Ask again.",
  };
}

/** By how far it has come. */
export function timeOut({ state, isDryRun, workId = "", objectGuid = "" }: CommandEntry): Failure {
  const failure = { status: 408, code: "provisioning-timeout" } as const;
  const seconds = COMMAND_MS / 1000;
  if (state === "working" || state === "done")
    return {
      ...failure,
      isUnderWay: true,
      message: `The object${objectGuid && ` ${objectGuid}`} was read, and its work (${workId}) isn't done after ${seconds} s: it waits behind other work of the job, or the target is slow. It goes on, and may still be sent.`,
      remedy: `See what became of it in the provisioning log: uplink logs${objectGuid && ` --object ${objectGuid}`}. Until something stands there, uplink status says what the job is busy with.`,
    };
  if (state === "answered" && isDryRun)
    return {
      ...failure,
      message: `The object was read, but the target hasn't said within ${seconds} s what the dry run asks it. Nothing was written, and nothing will be.`,
      remedy: "Ask again in a while; uplink target show says whether the target answers.",
    };
  return {
    ...failure,
    message: `No agent answered within ${seconds} s. Nothing was done, and nothing will be.`,
    remedy: "See uplink status: the agent may be busy, offline, or older than this service. Then ask again.",
  };
}
