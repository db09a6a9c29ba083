/** What-ifs as text and as comma-separated values: the verdict first, then what it rests on. */
import type { WhatIfDetailReply, WhatIfReply, WhatIfResult } from "../shared/contracts/admin/what-ifs.ts";
import { listOf, moment, tableOf } from "./table.ts";

const NOTHING: readonly string[] = ["none", "filtered"];

export function whatIfTable(all: readonly (WhatIfReply & { readonly job: string })[]): string {
  const rows = all.map((one) => [
    one.job,
    one.id,
    subjectOf(one),
    one.approved ? "approved" : one.state,
    one.counts ? changesIn(one.counts) || "nothing" : "-",
    one.staged === null || one.staged.length === 0 ? "-" : one.staged.map(removalsOf).join(", "),
    one.digest ?? "-",
  ]);
  return tableOf([["job", "id", "of", "state", "would do", "would be staged", "digest"], ...rows]);
}

export function whatIfCsv(all: readonly (WhatIfReply & { readonly job: string })[]): string[][] {
  const head = ["job", "id", "of", "state", "by", "at", "objects", "digest", "approvedBy"];
  const rows = all.map((one) => [
    one.job,
    one.id,
    subjectOf(one),
    one.state,
    one.by,
    one.at,
    one.objects === null ? "" : String(one.objects),
    one.digest ?? "",
    one.approved?.by ?? "",
  ]);
  return [head, ...rows];
}

/** The verdict in the first lines, then the figures. */
export function whatIfText(job: string, whatIf: WhatIfDetailReply): string {
  const { result } = whatIf;
  const head = listOf([
    ["job", job],
    ["what-if", `${whatIf.id}, of ${subjectOf(whatIf)}, asked for by ${whatIf.by} at ${moment(whatIf.at)}`],
    ["approved", whatIf.approved && `by ${whatIf.approved.by} at ${moment(whatIf.approved.at)}`],
    ["digest", whatIf.digest],
  ]);
  if (!result) return `${stateLine(whatIf)}\n${head}`;
  return [verdictOf(result).join("\n"), head, figuresOf(result), attributesOf(result), failuresOf(result)]
    .filter((part) => part !== "")
    .map((part) => part.replace(/\n*$/, "\n"))
    .join("\n");
}

export function detailCsv({ result }: WhatIfDetailReply): string[][] {
  const head = ["section", "objectClass", "name", "count"];
  if (!result) return [head];
  const rows: (readonly [string, string, string, number])[] = [
    ...result.classes.flatMap(({ objectClass, counts }) =>
      Object.entries(counts).map(([action, count]) => ["action", objectClass, action, count] as const),
    ),
    ...result.attributes.flatMap(({ objectClass, attribute, changed, cleared, set }) => [
      ["changed", objectClass, attribute, changed] as const,
      ["cleared", objectClass, attribute, cleared] as const,
      ["set", objectClass, attribute, set] as const,
    ]),
    ...result.guard.map((own) => [own.isStaged ? "staged" : "allowed", "", own.class, own.count] as const),
    ...result.failures.map((own) => ["failure", "", own.code, own.count] as const),
    ...Object.entries(result.filteredBy).map(([by, count]) => ["filtered", "", by, count] as const),
  ];
  return [head, ...rows.filter(([, , , count]) => count > 0).map((row) => row.map(String))];
}

function stateLine({ state, failure }: WhatIfReply): string {
  if (state === "failed") return `It came to nothing: ${failure}`;
  return state === "running"
    ? "It is being tried."
    : "It waits for its turn: what agents sent goes first, and a paused job tries nothing.";
}

function verdictOf(result: WhatIfResult): string[] {
  const staged = result.guard.filter((own) => own.isStaged);
  const allowed = result.guard.filter((own) => !own.isStaged);
  const does = changesIn({ ...result.counts, failed: 0 });
  const failed = result.failures.reduce((sum, own) => sum + own.count, 0);
  return [
    ...staged.map((own) => `The guard would hold back ${removalsOf(own)}: ${own.reason}.`),
    ...(allowed.length > 0 ? [`Within the guard's bounds: ${allowed.map(removalsOf).join(", ")}.`] : []),
    does === "" ? "Nothing would be done." : `Would be done, for ${counted(result.objects, "object")}: ${does}.`,
    ...(failed > 0 ? [`Would fail: ${result.failures.map((own) => `${own.count} with ${own.code}`).join(", ")}.`] : []),
    ...(result.notRead.length > 0
      ? [
          `Not known: ${result.notRead.join(", ")}. No agent was asked for it yet; it counts as empty here, and is read before anything is done.`,
        ]
      : []),
  ];
}

function changesIn(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .filter(([action, count]) => count > 0 && !NOTHING.includes(action))
    .map(([action, count]) => `${count} ${action}`)
    .join(", ");
}

function figuresOf(result: WhatIfResult): string {
  const { estimate, memberships, undecided, waitingReferences } = result;
  const actions = Object.entries(result.counts).flatMap(([action, count]) => (count > 0 ? [action] : []));
  const perClass = result.classes.map(({ objectClass, counts }) => [
    objectClass,
    ...actions.map((action) => String(counts[action as keyof typeof counts])),
  ]);
  const minutes = estimate.minutes === null ? "" : `, ${counted(estimate.minutes, "minute")} at the least`;
  const members = [
    memberships.adds > 0 ? `${memberships.adds} to add` : "",
    memberships.removes > 0 ? `${memberships.removes} to take out` : "",
    memberships.pending > 0 ? `${memberships.pending} whose objects are not in the target yet` : "",
  ].filter((part) => part !== "");
  return [
    tableOf([["class", ...actions], ...perClass]),
    listOf([
      ["writes", `${estimate.writes}${minutes}`],
      ["members", members.join(", ")],
      ["references", waitingReferences > 0 ? `${waitingReferences} to objects that are not in the target yet` : ""],
      ["undecided", undecided > 0 ? `${undecided}, of whose scope too little is known` : ""],
      ["filtered by", wordsOf(result.filteredBy)],
    ]),
  ].join("\n");
}

function attributesOf({ attributes }: WhatIfResult): string {
  if (attributes.length === 0) return "";
  const rows = attributes.map(({ objectClass, attribute, changed, cleared, set, samples: [first] }) => [
    `${objectClass} ${attribute}`,
    String(changed),
    String(cleared),
    String(set),
    first ? `${shown(first.before)} → ${shown(first.after)}` : "",
  ]);
  return tableOf([["attribute", "changed", "cleared", "set", "for example"], ...rows]);
}

function failuresOf({ failures }: WhatIfResult): string {
  if (failures.length === 0) return "";
  const rows = failures.map(({ code, count, inTurn, samples: [first] }) => [
    code,
    String(count),
    String(inTurn),
    first?.message ?? "",
  ]);
  return tableOf([["failure", "objects", "in turn", "for example"], ...rows]);
}

function subjectOf({ of }: WhatIfReply): string {
  switch (of.kind) {
    case "present":
      return "the job as it is";
    case "schemaVersion":
      return `schema version ${of.version}`;
    case "schema":
      return "a new schema";
    case "scope":
      return "another scope";
  }
}

function wordsOf(tally: Readonly<Record<string, number>>): string {
  return Object.entries(tally)
    .map(([name, times]) => `${times} × ${name}`)
    .join("; ");
}

function removalsOf({ class: of, count }: { readonly class: string; readonly count: number }): string {
  return of === "names" ? counted(count, "changed name") : `${count} ${of}`;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function shown(value: unknown): string {
  return value === null ? "(nothing)" : typeof value === "string" ? value : JSON.stringify(value);
}
