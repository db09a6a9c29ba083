/**
 * What a full read did not bring of an object: which removals blanking it would be, so that the guard can count them
 * before the read's end carries them out. Whether it does is decided there (`verdict.ts`).
 */
import { withoutMissing } from "../../domain/image.ts";
import type { ObjectRecord } from "../../domain/object-record.ts";
import { type Desired, planObject, type RemovalClass } from "../../domain/plan.ts";
import { applyDifference } from "../../domain/target-value.ts";
import type { ChunkHeader } from "../lanes/chunk-files.ts";
import type { Evaluation, JobMapping } from "./job-mapping.ts";

/** Classes of removal that it would take to blank what this full read did not bring; undefined when it brought all. */
export function lacksOf(
  mapping: JobMapping,
  header: ChunkHeader,
  record: ObjectRecord,
  evaluation: Evaluation,
  now: number,
): readonly RemovalClass[] | undefined {
  if (header.isEnd || record.missing?.readNo !== header.readNo) return undefined;
  const bare = mapping.evaluate(withoutMissing(record), { creating: record.link === undefined });
  // A reference counts as exported, whatever it is bound to: to count too much is the safer mistake.
  const values = evaluation.kind === "present" ? { ...evaluation.values, ...evaluation.references } : {};
  if (bare.kind === "failed" || bare.kind === "ignored" || (!record.link && evaluation.kind !== "present")) return [];
  // By the end of the read the target holds what is exported now.
  const { deletedAt: _, ...link } = record.link ?? {
    targetId: "",
    owner: header.configurationId,
    origin: "created" as const,
    exported: {},
  };
  const then = { ...record, link: { ...link, exported: applyDifference(link.exported, values) } };
  return planObject(then, desiredOf(bare), { allow: [], now, flows: bare.flows }).waiting;
}

/** What the mapping wants of the target. */
export function desiredOf(evaluation: Extract<Evaluation, { kind: "present" | "absent" }>): Desired {
  return evaluation.kind === "absent"
    ? { kind: "absent", reason: evaluation.scope, fate: evaluation.fate }
    : { kind: "present", values: evaluation.values, rules: evaluation.rules };
}
