/**
 * The audit log: one entry for each change that an admin made, written around the very call that makes it: noted as begun in front of its
 * first write, and completed before it is answered. So a process that dies in between leaves an entry that says what was begun.
 *
 * What changed is told by the subject's rows before and after (`audit-subjects.ts`), beside what was asked and answered. An
 * operation that declares itself untold (secrets, and contents that are kept elsewhere) leaves the names of its fields, what `audit-untold.ts` tells
 * of it, and of a failure its code. What
 * was refused before it wrote anything leaves no entry; what was refused later, ended in an error or goes on unwatched leaves one that says
 * so. Where nothing can be noted nothing is changed; an entry that can't be completed turns the answer into an error, and stays as it was
 * begun: the event `audit-lost` names both.
 */
import { randomUUID } from "node:crypto";
import type { DirectoryAuditReply } from "../../contracts/admin/audit.ts";
import { createEnrolmentToken } from "../../contracts/admin/enrolment-tokens.ts";
import type { Operation } from "../../contracts/operation.ts";
import { isPasswordName, REDACTED } from "../../domain/redaction.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { fail, ok, type Result } from "../failure.ts";
import { type AuditEntry, type AuditRows, parsePlace } from "../state/audit-rows.ts";
import type { AuditSubject, AuditSubjects } from "./audit-subjects.ts";
import { toldOfUntold } from "./audit-untold.ts";
import type { FirstWrites } from "./first-write.ts";
import type { Admin } from "./verify-admin-token.ts";

export interface Audited {
  readonly operation: Operation;
  /** As parsed, like the query: what the operation doesn't declare is in neither. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
  readonly requestId: string | null;
}

export interface AuditLog {
  /** Carries out a change and writes its entry. Failures: those of `run`. */
  around<T extends { readonly body: unknown }>(
    asked: Audited,
    admin: Admin,
    run: () => Promise<Result<T>>,
  ): Promise<Result<T>>;
  /** Newest first. Failures: 400 for a `from` that is no page's `next`. */
  page(
    top: number,
    from?: string,
  ): Promise<Result<{ readonly value: readonly DirectoryAuditReply[]; readonly next?: string | undefined }>>;
}

/** Of an entry that nobody completed. */
const BEGUN = "It was begun, and how it ended is not written: it is under way, or the process that did it ended.";
/** Longer values are cut. */
const SHOWN = 1_000;

export function createAuditLog(deps: {
  readonly auditRows: AuditRows;
  readonly subjects: AuditSubjects;
  readonly clock: Clock;
  readonly log: Log;
  readonly firstWrites: Pick<FirstWrites, "during">;
}): AuditLog {
  async function write(entry: AuditEntry): Promise<void> {
    try {
      await deps.auditRows.write(entry);
    } catch (error) {
      const { id: by } = entry.by;
      const { operation, requestId, subject } = entry;
      deps.log.error("audit-lost", { operation, by, requestId, subject: subject.id, message: String(error) });
      throw error;
    }
  }

  return {
    async around(asked, admin, run) {
      const { operation, body: wanted } = asked;
      const subjectOf = (params: Audited["params"]) => deps.subjects(params, { operation: operation.id, body: wanted });
      const before = await subjectOf(asked.params);
      const [id, at] = [randomUUID(), deps.clock.now()];
      const entryOf = (after: AuditSubject, answer: unknown, failure: string | null): AuditEntry => ({
        ...{ id, at },
        operation: asked.operation.id,
        summary: asked.operation.summary,
        by: { id: admin.id, name: admin.name ?? null, isApplication: admin.isApplication === true },
        requestId: asked.requestId,
        subject: { ...after.subject, name: after.subject.name ?? before.subject.name },
        changes: changesOf(before, after),
        details: detailsOf(asked, answer),
        failure,
      });
      const state: { now: "nothing" | "beginning" | "begun" } = { now: "nothing" };
      const begin = async () => {
        state.now = "beginning";
        await write(entryOf(before, undefined, BEGUN));
        state.now = "begun";
      };
      const end = async (failure: string) => {
        const after = await subjectOf(asked.params).catch(() => before);
        await write(entryOf(after, undefined, failure));
      };
      let result: Awaited<ReturnType<typeof run>>;
      try {
        result = await deps.firstWrites.during(begin, run);
      } catch (error) {
        // The error itself is what the caller has to hear of; how far it came nobody knows, but where it couldn't even begin.
        if (state.now !== "beginning")
          await end("It ended in an error; how far it came is not known.").catch(() => undefined);
        throw error;
      }
      if (!result.ok) {
        const { isUnderWay, code, message } = result.failure;
        if (isUnderWay || state.now === "begun") await end(asked.operation.isUntold ? code : `${code}: ${message}`);
        return result;
      }
      const { body } = result.value;
      await write(entryOf(await subjectOf({ ...asked.params, ...madeBy(asked, body) }), body, null));
      return result;
    },

    async page(top, from) {
      if (from !== undefined && !parsePlace(from))
        return fail({
          status: 400,
          code: "invalid-skiptoken",
          message: "The query's $skiptoken is none that the service gave.",
          remedy: "Follow the @odata.nextLink of a page, or leave it out.",
        });
      const { entries, next } = await deps.auditRows.page(top, from);
      return ok({ value: entries.map(replyOf), next });
    },
  };
}

/** What is made by the request itself has its name from the answer. */
function madeBy({ operation, params }: Audited, answer: unknown): Record<string, string> {
  const id = typeof answer === "object" && answer !== null && "id" in answer ? answer.id : undefined;
  if (typeof id !== "string") return {};
  if (operation.id === createEnrolmentToken.id) return { tokenId: id };
  return Object.keys(params).length === 0 ? { configurationId: id } : {};
}

function changesOf(before: AuditSubject, after: AuditSubject): AuditEntry["changes"] {
  const names = [...new Set([...Object.keys(before.values), ...Object.keys(after.values)])].sort();
  return names.flatMap((name) => {
    const [old, own] = [before.values[name], after.values[name]];
    if (old === own) return [];
    return [
      { name, before: old === undefined ? null : shown(name, old), after: own === undefined ? null : shown(name, own) },
    ];
  });
}

function detailsOf({ operation, params, query, body }: Audited, answer: unknown): AuditEntry["details"] {
  const path = Object.entries(params).map(([key, value]) => ({ key: `path.${key}`, value }));
  const [wanted, request, replied] = [fieldsOf(query), fieldsOf(body), fieldsOf(answer)];
  const names = [...wanted, ...request].map(([name]) => name);
  if (operation.isUntold)
    return [...path, { key: "request", value: names.join(", ") }, ...toldOfUntold(operation.id, body)];
  const told = (from: string, fields: readonly (readonly [string, unknown])[]) =>
    fields.map(([name, value]) => ({ key: `${from}.${name}`, value: shown(name, jsonOf(value)) }));
  const plain = replied.filter(([name, value]) => isPlain(name, value));
  return [...path, ...told("query", wanted), ...told("request", request), ...told("answer", plain)];
}

/** What says what came of it, and holds no name of anybody: numbers, yes and no, identifiers and words of ours. */
function isPlain(name: string, value: unknown): boolean {
  if (typeof value === "number" || typeof value === "boolean") return true;
  return typeof value === "string" && /(^id|Id|^digest|^decision|^mode|^policy|^class|^status)$/.test(name);
}

function fieldsOf(value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).filter(([, own]) => own !== undefined);
}

function jsonOf(value: unknown): string {
  return JSON.stringify(value, (name, own: unknown) => (isHidden(name) ? REDACTED : own)) ?? "null";
}

function shown(name: string, json: string): string {
  if (isHidden(name)) return REDACTED;
  return json.length <= SHOWN ? json : `${json.slice(0, SHOWN)}… (${json.length} characters)`;
}

function isHidden(name: string): boolean {
  return isPasswordName(name) || /token/i.test(name);
}

function replyOf(entry: AuditEntry): DirectoryAuditReply {
  const { by, subject } = entry;
  return {
    id: entry.id,
    activityDateTime: new Date(entry.at).toISOString(),
    activityDisplayName: entry.summary,
    category: "ProvisioningManagement",
    correlationId: entry.requestId,
    initiatedBy: {
      app: by.isApplication
        ? { appId: null, displayName: by.name, servicePrincipalId: by.id, servicePrincipalName: null }
        : null,
      user: by.isApplication ? null : { id: by.id, displayName: by.name, ipAddress: null, userPrincipalName: by.name },
    },
    loggedByService: "Directory Uplink",
    operationType: entry.operation,
    result: entry.failure === null ? "success" : "failure",
    resultReason: entry.failure,
    targetResources: [
      {
        id: subject.id,
        displayName: subject.name,
        type: subject.type,
        ...{ groupType: null, userPrincipalName: null },
        modifiedProperties: entry.changes.map(({ name, before, after }) => ({
          ...{ displayName: name, oldValue: before, newValue: after },
        })),
      },
    ],
    additionalDetails: entry.details.map((own) => ({ ...own })),
  };
}
