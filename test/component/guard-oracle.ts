/**
 * What the target sees of removals and renames, counted at the target itself and by none of the engine's code: whether in
 * any 24 hours it saw more of a class than the bounds allow.
 */
import type { GuardSettings } from "../../shared/domain/guard.ts";
import type { Cloud } from "../support/cloud.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

interface Seen {
  readonly isUser: boolean;
  readonly isDeleted: boolean;
  readonly isEnabled: boolean;
  readonly department: unknown;
  readonly upn: string;
  readonly members: ReadonlySet<string>;
}

interface Loss {
  /** A class of objects, or a group. */
  readonly of: string;
  readonly id: string;
  readonly at: number;
}

export function createOracle(settings: GuardSettings) {
  let before = new Map<string, Seen>();
  const losses: Loss[] = [];
  /** Whoever left a group, whyever; and how many were in it then. */
  const leftAt: Loss[] = [];
  const sizes = new Map<string, number>();
  const madeAt = new Map<string, number>();
  const goneAt = new Map<string, number>();
  let firstLoadAt: number | undefined;
  let isWatching = true;

  function look(cloud: Cloud): void {
    const at = cloud.clock.now();
    const now = new Map(cloud.target.objects().map((object) => [object.id, seen(cloud, object)]));
    for (const [id, own] of now) {
      const old = before.get(id);
      if (!old || (old.isDeleted && !own.isDeleted)) madeAt.set(id, at);
      if (!old) continue;
      if (!old.isDeleted && own.isDeleted) goneAt.set(id, at);
      if (isWatching) losses.push(...lost(old, own).map((of): Loss => ({ of, id, at })));
    }
    for (const [id, own] of now) {
      if (own.isDeleted) continue;
      const of = `group ${id}`;
      const gone = [...(before.get(id)?.members ?? [])].filter((member) => !own.members.has(member));
      leftAt.push(...gone.map((member): Loss => ({ of, id: member, at })));
      if (gone.length > 0) sizes.set(`${of} ${at}`, own.members.size);
      // Who is deleted is out of every group, by nobody's removal.
      const removed = gone.filter((member) => now.get(member)?.isDeleted === false);
      if (isWatching) losses.push(...removed.map((member): Loss => ({ of, id: member, at })));
    }
    before = now;
  }

  /** Why it was too much, if it was. */
  function verdict(): string[] {
    const faults: string[] = [];
    for (const { of, at } of losses) {
      const window = losses.filter((own) => own.of === of && own.at > at - DAY_MS && own.at <= at);
      // People who are renamed twice are one.
      const sum = new Set(window.map((own) => own.id)).size;
      const population = of.startsWith("group ") ? membersAt(of, at) : linkedAt(of, at);
      const isFine = sum <= settings.floor || (sum < settings.count && sum * 100 <= population * settings.percent);
      if (!isFine) faults.push(`${sum} ${of} of ${population} in the 24 hours before ${new Date(at).toISOString()}`);
    }
    return faults;
  }

  function linkedAt(of: string, at: number): number {
    const start = Math.max(at - DAY_MS, firstLoadAt ?? at);
    const isOfType = (id: string) => before.get(id)?.isUser === !of.includes("groups");
    return [...madeAt].filter(([id, made]) => isOfType(id) && made <= start && (goneAt.get(id) ?? start) >= start)
      .length;
  }

  /** Those who are in it then, and those who went in the day before, deleted or not. */
  function membersAt(of: string, at: number): number {
    const present = sizes.get(`${of} ${at}`) ?? 0;
    return present + leftAt.filter((own) => own.of === of && own.at > at - DAY_MS && own.at <= at).length;
  }

  return {
    look,
    verdict,
    loaded: (at: number) => {
      firstLoadAt = at;
    },
    /** What an admin approves doesn't count. */
    stopWatching: () => {
      isWatching = false;
    },
    losses: () => losses.length,
  };
}

function seen(cloud: Cloud, object: ReturnType<Cloud["target"]["objects"]>[number]): Seen {
  const { values } = object;
  return {
    isUser: values["uniqueName"] === undefined,
    isDeleted: object.deleted,
    isEnabled: values["accountEnabled"] !== false,
    department: values["department"] ?? null,
    upn: String(values["userPrincipalName"] ?? ""),
    members: new Set(cloud.target.membersOf(object.id)),
  };
}

function lost(old: Seen, own: Seen): string[] {
  if (old.isDeleted) return [];
  const kind = own.isUser ? "users" : "groups";
  if (own.isDeleted) return [`deleted ${kind}`];
  return [
    ...(old.isEnabled && !own.isEnabled ? [`disabled ${kind}`] : []),
    ...(old.department !== null && own.department === null ? [`blanked ${kind}`] : []),
    ...(old.upn !== own.upn ? [`renamed ${kind}`] : []),
  ];
}
