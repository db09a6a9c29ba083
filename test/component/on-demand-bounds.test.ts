/** What bounds an object on demand: its time, how many there may be, what may be shown of it, and what stays behind. */
import { describe, expect, it } from "vitest";
import { createMemoryTargetDirectory } from "../../shared/adapters/memory/target-directory.ts";
import { REDACTED } from "../../shared/domain/redaction.ts";
import { TargetUnavailable } from "../../shared/ports/target-directory.ts";
import { aUser, guidOf } from "../support/cloud.ts";
import { createOnDemand, type OnDemand, type OnDemandOptions } from "../support/on-demand.ts";
import { runSchema, schemaWith } from "../support/schema.ts";

const ADA = "CN=ada,OU=People,DC=corp,DC=example";
const SECRET = "Zebra-77";

/** All of storage, but what heartbeats touch, and the rate's own row. */
async function rowsOf(world: OnDemand): Promise<string[]> {
  const found: string[] = [];
  for (const name of [...(await world.rows.listTables())].sort())
    for await (const rows of world.rows.table(name).scan())
      for (const row of rows)
        if (!/^(commands|lease|reads|agent:.*)$/.test(row.row))
          found.push(`${name} ${row.partition} ${row.row} ${row.etag}`);
  return found.sort();
}

async function filesOf(world: OnDemand): Promise<string[]> {
  const found: string[] = [];
  for await (const path of world.blobs.list("")) found.push(path);
  return found;
}

/** A target that answers no question until it is told to. */
function aSlowTarget() {
  const target = createMemoryTargetDirectory({ verifiedDomains: ["corp.example"] });
  let answer = (): void => undefined;
  const told = new Promise<void>((resolve) => {
    answer = resolve;
  });
  let asked = 0;
  let answered = 0;
  const slow: typeof target = {
    ...target,
    async find(queries) {
      asked++;
      await told;
      answered++;
      return target.find(queries);
    },
  };
  return { target, slow, answer, counts: () => ({ asked, answered }) };
}

describe("the time of one object on demand", () => {
  it("cuts a dry run off while the target is slow, and nothing is written then or when it answers", async () => {
    const { target, slow, answer, counts } = aSlowTarget();
    const world = await createOnDemand({ targetDirectory: slow });
    world.put(aUser("ada"));
    const [rows, files] = [await rowsOf(world), await filesOf(world)];
    // What is left of the half minute once the agent has answered.
    world.hooks.meanwhile = async () => {
      world.clock.set(world.clock.now() + 29_980);
    };
    const started = performance.now();
    const refused = await world.refusal(ADA, { dryRun: true });
    expect(performance.now() - started).toBeLessThan(10_000);
    expect(refused).toMatchObject({
      ...{ status: 408, code: "provisioning-timeout", message: expect.stringContaining("Nothing was written") },
      remedy: expect.stringContaining("Ask again"),
    });
    expect(refused.isUnderWay).toBeUndefined();
    expect(counts()).toEqual({ asked: 1, answered: 0 });
    answer();
    await expect.poll(() => counts().answered).toBeGreaterThan(0);
    await world.driver.settled();
    expect([target.received, target.objects()]).toEqual([[], []]);
    expect(await rowsOf(world)).toEqual(rows);
    expect(await filesOf(world)).toEqual(files);
  });

  it("says of a real run that is late that it goes on, and where to look", async () => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    world.hooks.runs = false;
    expect(await world.refusal(ADA)).toMatchObject({
      ...{ status: 408, code: "provisioning-timeout", isUnderWay: true },
      message: expect.stringMatching(/It goes on, and may still be sent\.$/),
      remedy: expect.stringContaining(`uplink logs --object ${guidOf("ada")}`),
    });
  });

  it.each([
    ["target-unreachable", 503],
    ["target-credentials", 409],
    ["target-refused", 409],
  ] as const)("isn't waited for in a dry run when the target can't be asked: %s", async (code, status) => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    world.target.setUnavailable(new TargetUnavailable(code, "It says why.", "Mend that.", 5_000));
    const refused = await world.refusal(ADA, { dryRun: true });
    expect(refused).toMatchObject({ status, code, message: "It says why.", remedy: "Mend that." });
    world.target.setUnavailable(undefined);
    expect((await world.told(ADA, { dryRun: true })).subject.action).toBe("create");
  });
});

describe("the number of objects on demand", () => {
  it("is five in ten seconds, also of those who ask at the same moment", async () => {
    const world = await createOnDemand();
    world.put(aUser("ada"));
    const asked = await Promise.all(Array.from({ length: 8 }, () => world.ask(ADA, { dryRun: true })));
    const refused = asked.flatMap((own) => (own.ok ? [] : [own.failure]));
    expect(refused).toHaveLength(3);
    for (const failure of refused)
      expect(failure).toMatchObject({ status: 429, code: "too-many-requests", retryAfterSeconds: 10 });
    world.clock.set(world.clock.now() + 9_999);
    expect(await world.refusal(ADA)).toMatchObject({ code: "too-many-requests", retryAfterSeconds: 1 });
    world.clock.set(world.clock.now() + 1);
    expect((await world.told(ADA)).subject.action).toBe("create");
  });
});

describe("what may not be shown of an object on demand", () => {
  const clause = { sourceOperandName: "employeeID", operatorName: "NOT EQUALS", targetOperand: { values: ["x"] } };
  const schema = schemaWith({
    user: {
      scope: { groups: [{ name: "some", clauses: [clause] }] },
      attributes: { EmployeeId: { source: { expression: "Redact([employeeID])" } } },
    },
  });

  async function start(options: OnDemandOptions = {}): Promise<OnDemand> {
    const world = await createOnDemand(options);
    await runSchema(world, world.agent.jobId, schema);
    await world.agent.read("full", [aUser("bob", { employeeID: "Okapi-88" })]);
    return world;
  }

  it("is in no step of it, dry or real: values read, clauses, mapped values, what is sent", async () => {
    const world = await start();
    world.put(aUser("ada", { employeeID: SECRET, unicodePwd: `${SECRET}-pwd` }));
    const dry = await world.told(ADA, { dryRun: true });
    const real = await world.told(ADA);
    world.put(aUser("ada", { employeeID: `${SECRET}-2`, department: "R&D" }));
    const again = await world.told(ADA);
    const text = JSON.stringify([dry, real, again]);
    expect(text).not.toMatch(/zebra/i);
    for (const { subject } of [dry, real]) {
      const kinds = ["import", "scoping", "processing"];
      const shown = subject.provisioningSteps.filter((own) => kinds.includes(own.provisioningStepType));
      expect(shown.map(({ details }) => JSON.stringify(details).includes(REDACTED))).toEqual([true, true, true]);
    }
    expect(again.subject.modifiedProperties).toContainEqual({
      ...{ displayName: "employeeId", oldValue: REDACTED, newValue: REDACTED },
    });
    expect(world.target.objects().map((own) => own.values["employeeId"])).toContain(`${SECRET}-2`);
  });

  it("is in no refusal either: of the target, or of the mapping", async () => {
    const world = await start();
    world.put(aUser("ada", { employeeID: SECRET }));
    world.target.order({
      kind: "fail",
      failure: { code: "IdentityDataValidationFailed", message: "Bad: zebra-77!", remedy: "", retriable: false },
    });
    const refused = await world.told(ADA);
    expect(refused.key).toMatchObject({ result: "Failure", details: { errorCode: "IdentityDataValidationFailed" } });
    world.put(aUser("ada", { employeeID: `${SECRET} and far too long for an employee's id` }));
    const unmapped = await world.told(ADA, { dryRun: true });
    expect(unmapped.key.result).toBe("Failure");
    expect(JSON.stringify([refused, unmapped])).not.toMatch(/zebra/i);
    expect(JSON.stringify(world.logged)).not.toMatch(/zebra/i);
  });

  it("is in nothing that stays of it", async () => {
    const world = await start();
    world.put(aUser("ada", { employeeID: SECRET }));
    await world.told(ADA);
    expect((await filesOf(world)).filter((path) => path.startsWith("commands/"))).toEqual([]);
  });
});

describe("what stays of an object on demand", () => {
  it("goes with the tick when nobody waited for its end, its files too, and the row is left alone after that", async () => {
    const world = await createOnDemand();
    const { jobId } = world.agent;
    world.put(aUser("ada"));
    world.hooks.runs = false;
    expect(await world.refusal(ADA)).toMatchObject({ code: "provisioning-timeout" });
    await world.run();
    world.hooks.runs = true;
    const ofCommands = async () => (await filesOf(world)).filter((path) => path.startsWith(`commands/${jobId}/`));
    expect(await ofCommands()).not.toEqual([]);
    // An answer of somebody who was too late for the row, as a crash leaves one.
    const [own = ""] = await ofCommands();
    await world.blobs.put(own.replace(/-[0-9a-f]{12}\//, "-0123456789ab/"), new Uint8Array());
    await world.tick();
    expect(await ofCommands()).toHaveLength(2);
    world.clock.set(world.clock.now() + 60_001);
    await world.tick();
    expect(await ofCommands()).toEqual([]);
    const row = async () => (await world.rows.table("jobs").get(jobId, "commands"))?.etag;
    const left = await row();
    expect(left).toBeDefined();
    await world.tick();
    expect(await row()).toBe(left);
    // It is known all the same.
    expect((await world.told(ADA)).subject).toMatchObject({ action: "none", outcome: "no-op" });
  });

  it.each([
    ["before its work ended", false],
    ["at the moment at which its end is told", true],
  ])("is no file where its command was dropped %s", async (_when, isLast) => {
    let drop = async (): Promise<void> => undefined;
    const world = await createOnDemand({
      wrapBlobs: (blobs) => ({
        ...blobs,
        async put(path, ...more) {
          if (isLast && path.endsWith("/result.json.gz")) await drop();
          return blobs.put(path, ...more);
        },
      }),
    });
    drop = async () => {
      world.clock.set(world.clock.now() + 60_001);
      await world.tick();
    };
    world.put(aUser("ada"));
    world.hooks.runs = false;
    await world.refusal(ADA);
    if (!isLast) await drop();
    await world.run();
    expect(world.target.objects()).toHaveLength(1);
    expect((await filesOf(world)).filter((path) => path.startsWith("commands/"))).toEqual([]);
  });
});
