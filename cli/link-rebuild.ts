/**
 * `uplink link rebuild`: the index from the rows, lost rows from a backup, or what can be found again in the target. Of backup and target
 * it shows what would be done; `--apply` does it, for a job that is paused, and from the backup that was looked at.
 *
 * The service does it part by part, each harmless to repeat: broken off, it is begun again.
 */
import { AgentError, EXIT } from "../agent/agent-error.ts";
import {
  type BackupReply,
  listBackups,
  type RestoreReply,
  restoreRows,
  type SeekReply,
  seekTargets,
} from "../shared/contracts/admin/backups.ts";
import { type RebuildReply, rebuildLinks } from "../shared/contracts/admin/links.ts";
import { SHARDS } from "../shared/domain/shard.ts";
import { connect } from "./connection.ts";
import { findConfiguration } from "./find-configuration.ts";
import { createProgressLine, type ProgressLine } from "./progress-line.ts";
import { listOf, moment, tableOf } from "./table.ts";
import type { CommandContext } from "./terminal.ts";

export const REBUILD_SOURCES = ["rows", "backup", "target"] as const;

export interface RebuildOptions {
  readonly from: (typeof REBUILD_SOURCES)[number];
  readonly backup?: string;
  readonly apply?: boolean;
  readonly json?: boolean;
}

type Client = Awaited<ReturnType<typeof connect>>["admin"];

interface Asked {
  readonly client: Client;
  readonly jobId: string;
  readonly line: ProgressLine;
  readonly apply: boolean;
}

export async function rebuild(name: string, options: RebuildOptions, context: CommandContext): Promise<void> {
  const { terminal, setExit } = context;
  const { from, json, apply = false } = options;
  if (from === "backup" && apply && options.backup === undefined)
    throw new AgentError(
      "config-invalid",
      "--apply needs --backup: what is done is what was looked at.",
      "Look without --apply first; it names the backup.",
    );
  const { admin: client } = await connect(terminal);
  const { jobId, displayName } = await findConfiguration(client, name);
  const line = createProgressLine(terminal);
  const asked: Asked = { client, jobId, line, apply };
  try {
    const backup = from === "backup" ? await backupOf(client, options.backup) : undefined;
    const restored = backup && (await restore(asked, backup));
    const sought = from === "target" ? await seek(asked) : undefined;
    // What was put back is as old as the backup: a full read maps it, and nobody is looked for by an old image.
    const rebuilt = from === "rows" || apply ? await enterAll(asked, from !== "backup") : undefined;
    line.clear();
    const conflicts = [...new Map([...(restored?.conflicts ?? []), ...(rebuilt?.conflicts ?? [])].map(keyed)).values()];
    const left = (restored?.unusable ?? 0) + (restored?.contested ?? 0);
    if (apply && conflicts.length + left > 0) setExit(EXIT.partly);
    if (json) {
      const { linked, sought: without } = rebuilt ?? {};
      const told =
        from === "rows"
          ? { linked, sought: without, conflicts }
          : { from, applied: apply, backup, restored, target: sought, linked, sought: without, conflicts };
      return void terminal.out.write(`${JSON.stringify(told, null, 2)}\n`);
    }
    if (restored && backup) terminal.out.write(restoredView(displayName, backup, restored, apply));
    if (sought) terminal.out.write(soughtView(displayName, sought, apply));
    if (rebuilt && from === "backup") terminal.out.write(`${rebuilt.linked} links are in the index.\n`);
    else if (rebuilt)
      terminal.out.write(
        `${displayName}: ${rebuilt.linked} links are in the index; ${rebuilt.sought} objects without one are looked for.\n`,
      );
    if (from !== "rows")
      terminal.out.write(apply ? afterwards(displayName) : howToApply(displayName, from, backup?.id));
    if (conflicts.length === 0) return;
    const rows = conflicts.map((one) => [one.objectGuid, one.kind, one.value, one.heldBy]);
    terminal.out.write(`\n${tableOf([["object", "value of", "value", "held by"], ...rows])}`);
  } finally {
    line.clear();
  }
}

type Conflict = RebuildReply["conflicts"][number];
const keyed = (one: Conflict): [string, Conflict] => [`${one.objectGuid} ${one.kind} ${one.value}`, one];

async function backupOf(client: Client, id: string | undefined): Promise<BackupReply> {
  const { value } = await client.call(listBackups, {});
  const found = id === undefined ? value[0] : value.find((own) => own.id === id);
  if (found) return found;
  throw new AgentError(
    "not-found",
    id === undefined ? "There is no whole backup yet." : `There is no whole backup ${id}.`,
    id === undefined
      ? "One is made every night; without one: 'uplink link rebuild JOB --from target'."
      : "'uplink backup list' names those that there are.",
  );
}

type Restored = Pick<
  RestoreReply,
  "rows" | "present" | "missing" | "damaged" | "unusable" | "contested" | "unlinked" | "values" | "conflicts"
>;

async function restore({ client, jobId, line, apply }: Asked, { id, parts }: BackupReply): Promise<Restored> {
  const sum = { rows: 0, present: 0, missing: 0, damaged: 0, unusable: 0, contested: 0, unlinked: 0, values: 0 };
  const conflicts: RestoreReply["conflicts"] = [];
  for (let part = 0; part < parts; part++) {
    line.show(`part ${part + 1} of ${parts} of the backup`, part, parts);
    const told = await client.call(restoreRows, { params: { jobId }, body: { backupId: id, part, apply } });
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += told[name];
    conflicts.push(...told.conflicts);
  }
  return { ...sum, conflicts };
}

type Sought = Pick<SeekReply, "read" | "linked" | "free" | "values">;

async function seek({ client, jobId, line, apply }: Asked): Promise<Sought> {
  const sum = { read: 0, linked: 0, free: 0, values: 0 };
  for (const type of ["user", "group"] as const) {
    for (let page: number | null = 0; page !== null; ) {
      line.show(`${type}s of the target`, sum.read);
      const told: SeekReply = await client.call(seekTargets, { params: { jobId }, body: { type, page, apply } });
      for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += told[name];
      page = told.next;
    }
  }
  return sum;
}

async function enterAll({ client, jobId, line }: Asked, seeks: boolean): Promise<RebuildReply> {
  const sum = { linked: 0, sought: 0 };
  const conflicts: RebuildReply["conflicts"] = [];
  for (const [done, shard] of SHARDS.entries()) {
    line.show(`part ${done + 1} of ${SHARDS.length}`, done, SHARDS.length);
    const told = await client.call(rebuildLinks, { params: { jobId }, body: { shard, seeks } });
    sum.linked += told.linked;
    sum.sought += told.sought;
    conflicts.push(...told.conflicts);
  }
  return { ...sum, conflicts };
}

function restoredView(name: string, backup: BackupReply, told: Restored, applied: boolean): string {
  const count = (all: number, done: string, wouldBe: string) => `${all} ${applied ? done : wouldBe}`;
  return `${name}, from backup ${backup.id} (${moment(backup.startedAt)}):\n${listOf([
    ["rows in it", String(told.rows)],
    ["are there", `${told.present} stay as they are`],
    ["are missing", count(told.missing, "were put back", "would be put back")],
    ["can't be read", count(told.damaged, "were replaced", "would be replaced")],
    ["of no use", `${told.unusable} can't be read in the backup either`],
    ["written meanwhile", `${told.contested} by somebody else`],
    ["of them without link", `${told.unlinked}: the index doesn't name them any more; matching decides`],
    ["values for the index", count(told.values, "were entered", "would be entered")],
  ])}`;
}

function soughtView(name: string, told: Sought, applied: boolean): string {
  // Beforehand nobody knows of a page what the ones before would have noted: mail addresses, say, that several objects have.
  const most = told.values === 0 ? "none" : `up to ${told.values}`;
  const noted = applied ? `${told.values} were` : `${most} would be`;
  return `${name}, from the target:\n${listOf([
    ["objects there", String(told.read)],
    ["linked", String(told.linked)],
    ["without link", String(told.free)],
    ["values for the index", `${noted} noted for matching`],
  ])}`;
}

function howToApply(name: string, from: RebuildOptions["from"], backupId: string | undefined): string {
  const which = backupId === undefined ? "" : ` --backup ${backupId}`;
  return `Nothing was written. To do it: uplink job pause "${name}", then uplink link rebuild "${name}" --from ${from}${which} --apply\n`;
}

function afterwards(name: string): string {
  return `Start the job again: uplink job start "${name}". Its next read is a full one, and what was put back exports nothing before that has come to its end. Then compare with the target: uplink reconcile run "${name}"\n`;
}
