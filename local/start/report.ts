/**
 * What was done, in words for a terminal: pure functions from the admin API's replies to lines.
 *
 * The service names objects by configuration and GUID; on this screen the sample's own names are put beside them.
 */

import type { CycleReply } from "../../shared/contracts/admin/cycles.ts";
import type { EscrowReply } from "../../shared/contracts/admin/escrows.ts";
import type { ProvisioningLogReply } from "../../shared/contracts/provisioning-log.ts";
import { shownAction } from "../../shared/contracts/provisioning-log.ts";

export interface ForestReport {
  readonly name: string;
  readonly fqdn: string;
  /** The read of this start; undefined when there was nothing to read. */
  readonly cycle: CycleReply | undefined;
  readonly escrows: readonly EscrowReply[];
  /** Log entries of that read. */
  readonly entries: readonly ProvisioningLogReply[];
  readonly seconds: number;
  /** Why there is no read, where it failed. */
  readonly failure?: string;
}

/** Known names: `id` as it stands in messages, and what to call it. */
export type Names = ReadonlyMap<string, string>;

const MOST_WARNINGS = 5;
const MOST_CHANGES = 8;
const LABEL = 10;

/** Several lines about one forest. */
export function forestLines(report: ForestReport, names: Names): string[] {
  const { name, fqdn, cycle } = report;
  if (report.failure !== undefined) return [`${name} (${fqdn}): failed`, ...report.failure.split("\n")];
  if (!cycle) {
    return [
      `${name} (${fqdn}): nothing to read, the file is as it was; 0 writes, ${seconds(report.seconds)}`,
      ...escrowLines(report.escrows, names),
    ];
  }
  const filtered = Object.entries(cycle.filteredBy).sort(([, left], [, right]) => right - left);
  const told = report.entries.filter((entry) => entry.provisioningStatusInfo.status === "warning");
  const leftOut = told.filter((entry) => errorOf(entry)?.errorCode === "MappingLeftOut");
  const warnings = told.filter((entry) => !leftOut.includes(entry));
  return [
    `${name} (${fqdn}): read ${cycle.readNo}, ${cycle.kind}, ${objects(cycle.received)}, ${seconds(report.seconds)}`,
    labelled("done", `${doneOf(cycle)}; ${count(cycle.writes, "write")}`),
    ...memberLines(cycle),
    ...filtered.map(([reason, times], index) => labelled(index === 0 ? "filtered" : "", `${times} × ${reason}`)),
    ...warnings
      .slice(0, MOST_WARNINGS)
      .map((entry) => labelled("warning", `${nameOf(entry)}: ${errorOf(entry)?.reason}`)),
    ...(warnings.length > MOST_WARNINGS ? [labelled("", `and ${warnings.length - MOST_WARNINGS} more warnings`)] : []),
    // What, without the names: there are a hundred of them, and `uplink logs` has them.
    ...leftOut.map((entry) => labelled("left out", (errorOf(entry)?.reason ?? "").replace(/:.*$/s, "."))),
    ...stagedLines(cycle),
    ...escrowLines(report.escrows, names),
  ];
}

function errorOf(entry: ForestReport["entries"][number]) {
  return entry.provisioningStatusInfo.errorInformation;
}

/** One line about all forests. */
export function togetherLine(reports: readonly ForestReport[], totalSeconds: number): string {
  const cycles = reports.flatMap((report) => (report.cycle ? [report.cycle] : []));
  const sum = (of: (cycle: CycleReply) => number) => cycles.reduce((total, cycle) => total + of(cycle), 0);
  const escrowed = reports.reduce((total, report) => total + report.escrows.length, 0);
  const parts = [
    `${sum((cycle) => cycle.created)} created`,
    `${sum((cycle) => cycle.updated)} updated`,
    `${sum((cycle) => cycle.outcomes["no-op"])} no-op`,
    `${sum((cycle) => cycle.outcomes.filtered)} filtered`,
    `${escrowed} escrowed`,
    `${sum((cycle) => cycle.deleted)} deleted`,
    `${sum((cycle) => cycle.restored)} restored`,
  ];
  return `Together: ${parts.join(", ")}; ${count(
    sum((cycle) => cycle.writes),
    "write",
  )}, ${seconds(totalSeconds)}`;
}

/** What one later read brought: a line, and a line each for its first changes. */
export function cycleLines(name: string, cycle: CycleReply, entries: readonly ProvisioningLogReply[]): string[] {
  const took = (Date.parse(cycle.closedAt) - Date.parse(cycle.startedAt)) / 1000;
  if (cycle.state === "aborted") return [`${name}: read ${cycle.readNo}: given up (${cycle.incompleteBecause})`];
  const changes = entries.filter((entry) => entry.provisioningStatusInfo.status !== "skipped");
  return [
    `${name}: read ${cycle.readNo}: ${doneOf(cycle)}; ${count(cycle.writes, "write")}, ${seconds(took)}`,
    ...changes.slice(0, MOST_CHANGES).map((entry) => `    ${changeOf(entry)}`),
    ...(changes.length > MOST_CHANGES ? [`    and ${changes.length - MOST_CHANGES} more`] : []),
    ...memberLines(cycle),
    ...stagedLines(cycle),
  ];
}

function memberLines({ links }: CycleReply): string[] {
  const shown = Object.entries(links).filter(([, times]) => times > 0);
  return shown.length === 0 ? [] : [labelled("members", shown.map(([what, times]) => `${times} ${what}`).join(", "))];
}

/** DNs by GUID from the text of an LDIF file, as far as it can be read that way. */
export function namesFromLdif(text: string): Map<string, string> {
  const names = new Map<string, string>();
  let dn = "";
  for (const line of text.split(/\r?\n/)) {
    dn = /^dn: (.*)$/i.exec(line)?.[1] ?? dn;
    const guid = /^objectGUID: ([0-9a-f-]{36})$/i.exec(line)?.[1];
    if (guid !== undefined) names.set(guid.toLowerCase(), dn);
  }
  return names;
}

function doneOf(cycle: CycleReply): string {
  const counts: readonly (readonly [number, string])[] = [
    [cycle.created, "created"],
    [cycle.updated, "updated"],
    [cycle.deleted, "deleted"],
    [cycle.restored, "restored"],
    [cycle.outcomes["no-op"], "no-op"],
    [cycle.outcomes.filtered, "filtered"],
    [cycle.outcomes.staged + cycle.absent.staged, "staged"],
    [cycle.outcomes.escrowed + cycle.absent.escrowed, "escrowed"],
  ];
  const shown = counts.filter(([times]) => times > 0).map(([times, what]) => `${times} ${what}`);
  return shown.length === 0 ? "nothing" : shown.join(", ");
}

function changeOf(entry: ProvisioningLogReply): string {
  const { status, errorInformation } = entry.provisioningStatusInfo;
  if (status === "failure") return `${nameOf(entry)}: ${errorInformation?.errorCode}: ${errorInformation?.reason}`;
  const isNew = entry.provisioningAction === "create";
  const properties = entry.modifiedProperties.map(
    ({ displayName, oldValue, newValue }) => `${displayName} ${shown(oldValue)} → ${shown(newValue)}`,
  );
  const warning = status === "warning" ? ` (${errorInformation?.reason})` : "";
  return `${shownAction(entry)} ${nameOf(entry)}${isNew || properties.length === 0 ? "" : `: ${properties.join(", ")}`}${warning}`;
}

function escrowLines(escrows: readonly EscrowReply[], names: Names): string[] {
  return escrows.flatMap((escrow) => [
    labelled("escrowed", `${escrow.code}: ${withNames(escrow.message, names)}`),
    labelled("", escrow.remedy),
  ]);
}

function stagedLines(cycle: CycleReply): string[] {
  return cycle.staged.map((one) => labelled("staged", `${one.count} ${one.class}: ${one.reason}`));
}

function withNames(message: string, names: Names): string {
  return message.replace(/\b([0-9a-f]{32}):([0-9a-f-]{36})\b/g, (all, configuration: string, guid: string) => {
    const dn = names.get(guid);
    const forest = names.get(configuration);
    return dn === undefined || forest === undefined ? all : `${guid} (${forest}: ${dn})`;
  });
}

/** A source object by its name: the first part of its DN. */
function nameOf(entry: ProvisioningLogReply): string {
  const { displayName, id } = entry.sourceIdentity;
  return /^CN=((?:\\.|[^,\\])+)/i.exec(displayName)?.[1]?.replace(/\\(.)/g, "$1") ?? id;
}

function labelled(label: string, text: string): string {
  return `  ${label.padEnd(LABEL)}${text}`;
}

function shown(value: string | null): string {
  return value === null || value === "" ? "(none)" : `'${value}'`;
}

const count = (times: number, what: string): string => `${times} ${what}${times === 1 ? "" : "s"}`;
const objects = (times: number): string => count(times, "object");
const seconds = (value: number): string => `${value.toFixed(1)} s`;
