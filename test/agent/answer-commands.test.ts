/** Commands beside the read: asked for under the lease, answered, and no trouble where the service knows none or the agent stops. */
import { expect, it } from "vitest";
import { CommandAnswer, type ReadAnswer } from "../../shared/contracts/agent-commands.ts";
import { SourceError } from "../../shared/ports/source-directory.ts";
import type { Answer, Seen } from "../support/fake-uplink/fake-uplink.ts";
import { createMemorySource, useAgent, users } from "./agent-fixture.ts";
import { aDescription, buildUpsert, until } from "./builders.ts";

const f = useAgent();

const command = {
  ...{ id: "c1", kind: "read-object", subject: { by: "upn", value: "a@b" }, members: [], attributes: [] },
  ...{ objectClasses: [], scope: { organizationalUnits: [], groups: [] } },
};

/** Commands are given once; then the request is kept waiting until the agent goes. */
function serveCommands(...commands: unknown[]) {
  const answers: { id: string; answer: CommandAnswer }[] = [];
  const asked: number[] = [];
  let open: unknown[] | undefined = commands;
  f.cloud.intercept = async (seen: Seen): Promise<Answer | undefined> => {
    if (!seen.path.includes("/commands")) return undefined;
    const body: unknown = JSON.parse(seen.body.toString("utf8"));
    const id = /\/commands\/(.+)$/.exec(seen.path)?.[1];
    if (id !== undefined) {
      answers.push({ id, answer: CommandAnswer.parse(body) });
      return { status: 204 };
    }
    asked.push((body as { leaseEpoch: number }).leaseEpoch);
    const given = open;
    open = undefined;
    if (given) return { status: 200, body: { commands: given, pollSeconds: 0 } };
    await until(() => f.stop.signal.aborted || open !== undefined, "the end", 20_000).catch(() => undefined);
    return { status: 200, body: { commands: open ?? [], pollSeconds: 0 } };
  };
  return { answers, asked };
}

function readable(lookUp?: () => Promise<ReadAnswer>) {
  const source = createMemorySource(users(1));
  const answer: ReadAnswer = {
    ...{ kind: "read", domain: aDescription.domain, dsa: aDescription.server, visibility: "partial" },
    object: { kind: "found", change: buildUpsert(7) as never },
    members: [],
  };
  source.lookUp = lookUp ?? (async () => answer);
  return source;
}

it("asks under its lease while it reads, answers, and passes over what it doesn't know", async () => {
  f.cloud.leaseEpoch = 4;
  const { answers, asked } = serveCommands({ id: "c0", kind: "make-tea" }, command);
  f.start(readable());
  await until(() => answers.length === 1 && f.cloud.batches.length === 1, "the answer and the read");
  expect(asked[0]).toBe(4);
  expect(answers[0]).toMatchObject({ id: "c1", answer: { leaseEpoch: 4, outcome: { kind: "read" } } });
  expect(f.log.lines.some(({ event }) => event === "command-unknown")).toBe(true);
});

it("says why it can't read, in the source's words", async () => {
  const { answers } = serveCommands(command);
  f.start(
    readable(async () => {
      throw new SourceError("source-unreachable", "The server is away.", "Look after it.");
    }),
  );
  await until(() => answers.length === 1, "the answer");
  expect(answers[0]?.answer.outcome).toEqual({
    ...{ kind: "failed", code: "source-unreachable", message: "The server is away.", remedy: "Look after it." },
  });
});

it("doesn't ask while it stands by", async () => {
  f.cloud.leaseHeld = false;
  const { asked } = serveCommands(command);
  f.start(readable());
  await until(() => f.cloud.heartbeats.length > 3, "heartbeats");
  expect(asked).toEqual([]);
  f.cloud.leaseHeld = true;
  await until(() => asked.length > 0, "the first request");
});

it("ends at once though a request waits, and asks nothing of a source that can't look up, nor for one read", async () => {
  const { asked } = serveCommands();
  f.start(readable());
  await until(() => asked.length === 2, "a request that waits");
  const began = Date.now();
  f.stop.abort();
  await f.running;
  expect(Date.now() - began).toBeLessThan(2_000);
});

it("reads on where the service is older and knows no commands", async () => {
  const source = readable();
  f.start(source);
  await until(() => f.cloud.seen.some(({ path }) => path.endsWith("/commands")), "the request");
  await until(() => source.reads_.length > 3 && f.cloud.batches.length === 1, "reads");
  expect(f.cloud.seen.filter(({ path }) => path.endsWith("/commands"))).toHaveLength(1);
});
