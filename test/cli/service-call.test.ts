/** What the service refuses, as the command line says it: jobs by what they are called. */
import { expect, it } from "vitest";
import { createServiceCalls } from "../../cli/service-call.ts";
import { jobStatus } from "../../shared/contracts/admin/jobs.ts";

const JOB = "AD2AADProvisioning.00112233445566778899aabbccddeeff";

async function saidOf(displayName: string, message: string, remedy = "Look."): Promise<[string, string | undefined]> {
  const error = { code: "job-busy", message, remedy, details: [{ target: "jobId", message }] };
  const calls = createServiceCalls({
    url: "https://uplink.example",
    fetch: async () => new Response(JSON.stringify({ error }), { status: 409 }),
    token: async () => "t",
  });
  // A name is no id, whatever it looks like.
  calls.nameJob({ jobId: "j-1", displayName: JOB });
  calls.nameJob({ jobId: JOB, displayName });
  return calls.call(jobStatus, { params: { jobId: JOB } }).then(
    () => ["", undefined],
    (refused) => [refused.message, refused.remedy],
  );
}

it.each(["R&D $& $1 $' $$ $`", 'He said "no" \\n', "Straße 1"])(
  "a job is called %s, whatever that holds",
  async (name) => {
    expect(await saidOf(name, `Job ${JOB} is busy ('${JOB}').`, `uplink job show ${JOB}`)).toEqual([
      `Job ${name} is busy ('${name}').\n  jobId: Job ${name} is busy ('${name}').`,
      `uplink job show ${name}`,
    ]);
  },
);

it("what has a job's id within its own is called as the service calls it", async () => {
  for (const id of [`${JOB}-3-1`, `${JOB}0`, `x-${JOB}`, `a.${JOB}`])
    expect((await saidOf("Corp", `Batch ${id} waits.`))[0], id).toContain(`Batch ${id} waits.`);
});

it("a name that is another job's id isn't named again", async () => {
  expect((await saidOf("Corp", "Job j-1 is busy."))[0]).toContain(`Job ${JOB} is busy.`);
});
