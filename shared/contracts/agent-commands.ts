/**
 * Commands to an agent, by a long poll of the agent API: it asks, the service answers as soon as it has one, and what came of it
 * is another request. So far there is one: read one object of the directory, now.
 *
 * An agent passes over commands of kinds that it doesn't know. A command that nobody answers in time is gone.
 */
import { z } from "zod";
import { ContainerChange, DirectoryServer, DomainIdentity, Guid, LeaveChange, UpsertChange } from "./change.ts";
import { AgentScope } from "./configuration.ts";
import { operation } from "./operation.ts";

/** Members of a group that one command may name. */
export const COMMAND_MEMBERS = 5;

/** How an admin names an object of the directory: as it was written, a GUID in lower case. */
export const ObjectName = z.strictObject({
  by: z.enum(["dn", "guid", "upn"]),
  value: z.string().min(1).max(2_000),
});
export type ObjectName = z.infer<typeof ObjectName>;

/** Attributes, classes and scope are those of a read order; `replCursorOf` as there. */
export const ReadObjectCommand = z.object({
  id: z.string(),
  kind: z.literal("read-object"),
  subject: ObjectName,
  /** Of a group: whom to read beside it, and whether it lists them. */
  members: z.array(ObjectName).max(COMMAND_MEMBERS),
  attributes: z.array(z.string()),
  objectClasses: z.array(z.string()),
  scope: AgentScope,
  replCursorOf: Guid.optional(),
});
export type ReadObjectCommand = z.infer<typeof ReadObjectCommand>;

export const CommandsRequest = z.strictObject({
  /** The epoch of the lease under which the agent answers. */
  leaseEpoch: z.number().int().positive(),
});
export const CommandsReply = z.object({
  commands: z.array(z.looseObject({ id: z.string(), kind: z.string() })),
  /** The agent asks again after so long. */
  pollSeconds: z.number().min(0),
});
export type CommandsReply = z.infer<typeof CommandsReply>;

/** What the directory has under a name. `isMember`: of a member, whether the group lists it itself. */
export const FoundObject = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("found"),
    change: z.discriminatedUnion("op", [UpsertChange, LeaveChange, ContainerChange]),
    isMember: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal("missing"),
    /** Nobody of that name; several; a tombstone; of a class that isn't asked for. */
    why: z.enum(["nobody", "several", "deleted", "class"]),
  }),
]);
export type FoundObject = z.infer<typeof FoundObject>;

export const CommandAnswer = z.strictObject({
  leaseEpoch: z.number().int().positive(),
  outcome: z.discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("read"),
      domain: DomainIdentity,
      dsa: DirectoryServer,
      visibility: z.enum(["complete", "partial"]),
      object: FoundObject,
      /** In the order of the command. */
      members: z.array(FoundObject).max(COMMAND_MEMBERS),
    }),
    z.strictObject({
      kind: z.literal("failed"),
      code: z.string().min(1).max(64),
      message: z.string().min(1).max(2_000),
      remedy: z.string().max(2_000),
    }),
  ]),
});
export type CommandAnswer = z.infer<typeof CommandAnswer>;
export type ReadAnswer = Extract<CommandAnswer["outcome"], { kind: "read" }>;

export const awaitCommands = operation({
  id: "AwaitCommands",
  method: "POST",
  path: "agent/v1/commands",
  guard: "agent",
  summary: "Waits a while for commands to the agent that holds the domain's lease.",
  body: CommandsRequest,
  reply: CommandsReply,
});

export const answerCommand = operation({
  id: "AnswerCommand",
  method: "POST",
  path: "agent/v1/commands/{commandId}",
  guard: "agent",
  summary: "What came of a command.",
  body: CommandAnswer,
  reply: null,
  refusals: { "job-not-found": 404, "command-gone": 404, "lease-not-held": 409 },
});
