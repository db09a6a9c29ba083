/**
 * N8 as an oracle: what happened in the target and what the provisioning log says happened, held against each other fact by
 * fact. A fact is one thing about one target object: it was created, restored or deleted, a property took a value, a member
 * came or went. Each fact needs a row that names agent, domain controller, batch, change, schema version, before and after; what
 * a row says was exported must have happened, and creates and deletes are told no more often than they happened.
 */
import { unpackJson } from "../../shared/application/state/packing.ts";
import { type LogEntry, logTableName } from "../../shared/application/state/provisioning-log.ts";
import type { RowStore } from "../../shared/ports/row-store.ts";
import type { SimulatedAgent } from "./agent.ts";
import type { Forest } from "./forest.ts";
import { type Effect, INITIAL_DOMAIN, type Shown } from "./graph.ts";
import { guidOfAnchor } from "./projection.ts";

/** Properties that the simulation's schema writes. */
const TOLD = ["accountEnabled", "department", "description", "displayName", "userPrincipalName"] as const;

interface Change {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

export async function readLog(rows: RowStore, moments: readonly number[]): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  for (const name of new Set(moments.map(logTableName)))
    for await (const page of rows.table(name).scan())
      for (const row of page)
        if (row.partition.includes(":object:") && row.values["data"] instanceof Uint8Array)
          entries.push(unpackJson<LogEntry>(row.values["data"]));
  return entries;
}

/** What the log leaves out or makes up, in words. */
export function faultsOfLog(given: {
  readonly entries: readonly LogEntry[];
  readonly effects: readonly Effect[];
  readonly objects: readonly Shown[];
  readonly forests: readonly Forest[];
  readonly agents: readonly SimulatedAgent[];
  /** Of a job: its newest schema. */
  readonly schemaVersion: (jobId: string) => number;
}): string[] {
  const { entries, effects, forests, agents } = given;
  const faults: string[] = [];
  const guidById = new Map(given.objects.map((own) => [own.id, guidOfAnchor(own.anchor) ?? own.id]));
  for (const effect of effects)
    for (const shown of [effect.before, effect.after])
      if (shown) guidById.set(shown.id, guidOfAnchor(shown.anchor) ?? shown.id);
  const guidOf = (id: string) => guidById.get(id) ?? id;
  const entriesOf = groupBy(entries, (own) => own.source.objectGuid);
  const effectsOf = groupBy(effects, (own) => guidOf(own.id));

  for (const effect of effects) {
    const guid = guidOf(effect.id);
    const own = entriesOf.get(guid) ?? [];
    for (const [what, tellers] of tellersOf(effect, own, guidOf)) {
      if (tellers.length === 0) {
        const told = own.map((entry) => [entry.action, entry.outcome, entry.before, entry.after]);
        faults.push(
          `${effect.kind} of ${guid} by ${effect.by}: no row tells ${what}; there are ${JSON.stringify(told)}`,
        );
      } else if (!tellers.some((entry) => namesAll(entry, guid)))
        faults.push(`No row of ${what} of ${guid} names all that it should: ${JSON.stringify(tellers.map(namesOf))}`);
    }
  }
  for (const [guid, own] of entriesOf) {
    const happened = effectsOf.get(guid) ?? [];
    for (const entry of own) faults.push(...inventedBy(entry, happened, guidOf));
    for (const [action, kinds] of [
      // A group is made by its name: whose link was lost to a lie is found again by the same call.
      ["create", ["createUser", "createGroup", "updateGroup"]],
      ["delete", ["deleteUser", "deleteGroup"]],
    ] as const) {
      const told = own.filter((entry) => entry.action === action && entry.outcome === "exported").length;
      const real = happened.filter((effect) => (kinds as readonly string[]).includes(effect.kind)).length;
      if (told > real) faults.push(`${told} rows tell a ${action} of ${guid}, and there were ${real}`);
    }
  }
  return faults;

  function namesAll(entry: LogEntry, guid: string): boolean {
    const forest = forests.find((own) => own.evidence.knows(guid));
    const agent = agents.find((own) => own.jobId === entry.jobId);
    if (!forest || !agent || agents[forest.number] !== agent) return false;
    const servers = forest.every().map(({ dc }) => dc.dnsName);
    return (
      entry.agentId === agent.agentId &&
      servers.includes(entry.server) &&
      saysWhy(entry, agent.agentId) &&
      entry.batchId !== "" &&
      entry.cycleId.startsWith(entry.jobId) &&
      /^.+:\d+$/.test(entry.change) &&
      entry.schemaVersion >= 1 &&
      entry.schemaVersion <= given.schemaVersion(entry.jobId) &&
      entry.steps.some((step) => step.type === "import") &&
      entry.steps.some((step) => step.type === "export")
    );
  }
}

/** Read by that agent just then; or mapped again by the service, for a reason, from what that agent read before. */
function saysWhy({ steps, server }: LogEntry, agentId: string): boolean {
  const said = steps.find((own) => own.type === "import")?.description ?? "";
  return (
    said === `Read by agent ${agentId} from ${server}.` || (/\(.+\), as agent/.test(said) && said.includes(agentId))
  );
}

function namesOf({ agentId, server, batchId, change, schemaVersion, steps }: LogEntry) {
  return { agentId, server, batchId, change, schemaVersion, steps: steps.map((own) => own.type) };
}

/** Each fact of an effect, with the rows that tell it. */
function tellersOf(
  { kind, before, after }: Effect,
  entries: readonly LogEntry[],
  guidOf: (id: string) => string,
): [string, LogEntry[]][] {
  const doing = (...actions: readonly LogEntry["action"][]) => entries.filter((own) => actions.includes(own.action));
  if (kind === "deleteUser" || kind === "deleteGroup") return [["the delete", doing("delete")]];
  const facts: [string, LogEntry[]][] = [];
  // A create whose answer was lost is told by whoever finds the object.
  if (kind === "createUser" || kind === "createGroup") facts.push(["the create", doing("create", "restore", "update")]);
  if (kind === "restore") facts.push(["the restore", doing("restore", "update")]);
  for (const change of changesOf(before, after))
    facts.push([
      `${change.name} going from ${JSON.stringify(change.before)} to ${JSON.stringify(change.after)}`,
      entries.filter(
        (own) => own.action !== "delete" && same(own.after[change.name], change.after) && tellsBefore(own, change),
      ),
    ]);
  const [were, are] = [before, after].map((own) => new Set((own?.members ?? []).map(guidOf)));
  for (const member of are ?? [])
    if (!were?.has(member))
      facts.push([`${member} added`, entries.filter((own) => listed(own.after).includes(member))]);
  for (const member of were ?? [])
    if (!are?.has(member))
      facts.push([`${member} removed`, entries.filter((own) => listed(own.before).includes(member))]);
  return facts;
}

function changesOf(before: Shown | undefined, after: Shown | undefined): Change[] {
  const read = (shown: Shown | undefined, name: string): unknown =>
    (name === "manager" ? shown?.manager : shown?.properties[name]) ?? null;
  return [...TOLD, "manager"].flatMap((name) => {
    const change = { name, before: read(before, name), after: read(after, name) };
    if (same(change.before, change.after)) return [];
    // A name that steps aside for a moment is nobody's wish.
    return [change.before, change.after].some(isParked) ? [] : [change];
  });
}

/** What stood there by our doing, or what was sent before, where nobody knows whether a call since had its effect. */
function tellsBefore({ before, after }: LogEntry, { name, before: old }: Change): boolean {
  return before[name] === undefined || same(before[name], old) || old === null || same(before[name], after[name]);
}

/** What a row says was exported, or of a delete that it went, and never was in the target. */
function inventedBy(entry: LogEntry, happened: readonly Effect[], guidOf: (id: string) => string): string[] {
  if (entry.outcome !== "exported") return [];
  const { objectGuid: guid } = entry.source;
  const shown = happened.flatMap(({ before, after }) => [before, after]).filter((own) => own !== undefined);
  const faults: string[] = [];
  for (const name of [...TOLD, "manager"]) {
    if (!(name in entry.after)) continue;
    const wanted = entry.action === "delete" ? (entry.before[name] ?? null) : entry.after[name];
    if (entry.action === "delete" && wanted === null) continue;
    // A manager who is deleted goes from his people by the target's own doing.
    if (name === "manager" && wanted === null) continue;
    const has = (own: Shown) => same(wanted, name === "manager" ? own.manager : own.properties[name]);
    if (!shown.some(has))
      faults.push(`A row says that ${name} of ${guid} became ${JSON.stringify(wanted)}, or was: it never did`);
  }
  for (const member of listed(entry.after))
    if (!shown.some((own) => own.members.some((id) => guidOf(id) === member)))
      faults.push(`A row says that ${member} came into ${guid}: it never did`);
  return faults;
}

/** `members` begins with their number. */
function listed(values: LogEntry["after"]): readonly unknown[] {
  const { members } = values;
  return Array.isArray(members) ? members.slice(1) : [];
}

function same(one: unknown, other: unknown): boolean {
  const [a, b] = [one, other].map((own) => (typeof own === "string" ? own.toLowerCase() : (own ?? null)));
  return a === b;
}

function isParked(value: unknown): boolean {
  return typeof value === "string" && value.endsWith(`@${INITIAL_DOMAIN}`);
}

function groupBy<T>(all: readonly T[], keyOf: (own: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const own of all) groups.set(keyOf(own), [...(groups.get(keyOf(own)) ?? []), own]);
  return groups;
}
