/**
 * Others in the tenant: accounts that the sync did not make. Some are somebody of the directory, by the rules of matching; some look
 * like it and must be left alone: holders of a role, accounts with another anchor or of Microsoft's own sync, one of several who could
 * be meant; the rest have nothing to do with anybody.
 *
 * What may become of them is told by the directory and by what they are, and by none of the engine's code: nothing is ever written to
 * one who isn't matched, and who is matched, is matched once.
 */
import { guidToBytes } from "../../shared/domain/values.ts";
import { guidOf } from "../support/cloud.ts";
import type { Forest } from "./forest.ts";
import type { Effect, FakeGraph } from "./graph.ts";
import { guidOfAnchor } from "./projection.ts";
import type { StrangerKind } from "./steps.ts";

/** What one of them has who is not matched yet, and keeps where the directory says nothing. */
export const OWN_DEPARTMENT = "Tenant";
const ROLE = "fe930be7-5e62-47db-91af-98c3a49a38b1";
const DAY_MS = 86_400_000;

interface Stranger {
  readonly id: string;
  readonly number: number;
  readonly kind: StrangerKind;
  readonly anchor: string | undefined;
  /** At first: who was matched by it before it was renamed by hand was matched rightly. */
  readonly firstUpn: string;
  upn: string;
  mail: string | undefined;
  /** A role holder, or another sync's. */
  isProtected: boolean;
  /** The object that it was matched with. */
  takenBy: string | undefined;
}

export interface Strangers {
  /** False where somebody has its name or anchor already. */
  add(forest: Forest, name: string, kind: StrangerKind): boolean;
  /** What an effect on one of them is: what nothing allows, in words, or that it was matched just now. Undefined: it is of nobody here. */
  judge(effect: Effect): { readonly fault: string } | "matched" | undefined;
  /** By hand, at the end: who is in the way of somebody steps aside. `hasAccount`: whether that object has a target object. */
  mend(hasAccount: (guid: string) => boolean): readonly StrangerKind[];
  /** Of nobody of the directory, still. */
  isStranger(id: string): boolean;
  /** The objects that were matched with one. */
  takenOver(): ReadonlySet<string>;
}

export function createStrangers(deps: {
  readonly graph: FakeGraph;
  readonly forests: readonly Forest[];
  readonly note: (what: string) => void;
}): Strangers {
  const { graph, forests, note } = deps;
  const { store } = graph;
  const all = new Map<string, Stranger>();
  const forestOf = (guid: string) => forests.find((own) => own.evidence.knows(guid));
  const left = () => [...all.values()].filter((own) => own.takenBy === undefined);
  const change = (id: string, properties: Readonly<Record<string, unknown>>) => {
    const entry = store.get(id);
    if (entry) store.change(entry, (own) => void Object.assign(own.properties, properties));
  };

  function add(forest: Forest, name: string, kind: StrangerKind): boolean {
    const number = all.size;
    const own = `stranger${number}@corp.example`;
    const isMeant = kind !== "nobody" && kind !== "mail" && kind !== "anchor";
    const upn = isMeant ? forest.upnOf(name) : own;
    const anchorOf = { anchor: forest.guidOf(name), "other-anchor": guidOf(`another anchor ${number}`) } as const;
    const guid = kind === "anchor" || kind === "other-anchor" ? anchorOf[kind] : undefined;
    const anchor = guid === undefined ? undefined : Buffer.from(guidToBytes(guid)).toString("base64");
    const mail = kind === "mail" ? forest.mailOf(name) : undefined;
    const isHeld =
      store.holder("userPrincipalName", upn) !== undefined ||
      (anchor !== undefined && store.holder("onPremisesImmutableId", anchor) !== undefined) ||
      (mail !== undefined && store.holder("address", mail) !== undefined);
    if (isHeld) return false;
    const id = guidOf(`stranger ${number}`);
    store.insert({
      ...{ id, kind: "user", visibleAt: 0 },
      properties: {
        createdDateTime: new Date(graph.now() - DAY_MS).toISOString(),
        ...{ accountEnabled: true, userType: "Member", displayName: `Stranger ${number}`, userPrincipalName: upn },
        ...(number % 2 === 0 ? { department: OWN_DEPARTMENT } : {}),
        ...(anchor === undefined ? {} : { onPremisesImmutableId: anchor }),
        ...(mail === undefined ? {} : { mail }),
        ...(kind === "mastered" ? { onPremisesSyncEnabled: true } : {}),
      },
    });
    if (kind === "role") store.setRole(id, ROLE, true);
    const isProtected = kind === "role" || kind === "mastered";
    all.set(id, { ...{ id, number, kind, anchor: guid, firstUpn: upn, upn, mail }, isProtected, takenBy: undefined });
    return true;
  }

  function judge(effect: Effect): ReturnType<Strangers["judge"]> {
    const own = all.get(effect.id);
    if (!own || own.takenBy !== undefined) return undefined;
    const guid = guidOfAnchor(effect.after?.anchor ?? "");
    const forest = guid === undefined ? undefined : forestOf(guid);
    const refuse = (why: string) => ({
      fault: `${effect.kind} by ${effect.by} on ${own.id} (${own.kind}), an account of the tenant's own: ${why}`,
    });
    if (effect.kind !== "updateUser" || guid === undefined || !forest) return refuse("nobody was matched with it");
    if (own.isProtected) return refuse("who holds a role or is another sync's is never matched");
    if (own.anchor !== undefined && own.anchor !== guid) return refuse("it has another anchor");
    const { evidence } = forest;
    const isMail = own.mail !== undefined && evidence.hadMail(guid, own.mail);
    const isMeant = own.anchor === guid || isMail || evidence.hadUpn(guid, own.firstUpn);
    if (!isMeant) return refuse(`nothing says that it is ${guid}`);
    const other = left().find((one) => one !== own && one.mail !== undefined && evidence.hadMail(guid, one.mail));
    if (own.anchor === undefined && other) return refuse(`${other.id} could be ${guid} as well`);
    const cleared = Object.keys(effect.before?.properties ?? {}).filter(
      (name) => hasValue(effect.before, name) && !hasValue(effect.after, name),
    );
    if (cleared.length > 0) return refuse(`taking it over blanked ${cleared.join(", ")}`);
    own.takenBy = guid;
    note(`stranger taken over (${own.kind})`);
    return "matched";
  }

  /** By its name or its anchor. */
  function isWantedBy({ upn, anchor }: Stranger, guids: readonly string[]): boolean {
    if (anchor !== undefined) return guids.includes(anchor);
    return forests.some((forest) => forest.wanting(upn, undefined).some((guid) => guids.includes(guid)));
  }

  function mend(hasAccount: (guid: string) => boolean): readonly StrangerKind[] {
    const mended: StrangerKind[] = [];
    for (const own of left()) {
      const wanting = forests.flatMap((forest) => forest.wanting(own.upn, own.mail));
      if (wanting.length === 0) continue;
      if (own.kind === "role" && own.isProtected) {
        store.setRole(own.id, ROLE, false);
        own.isProtected = false;
        mended.push(own.kind);
      }
      // Who has no account yet is to be matched with it, now that nothing forbids it.
      const isTaken = wanting.some(hasAccount);
      if (own.mail !== undefined) {
        const isOneOfSeveral = left().some((one) => one !== own && isWantedBy(one, wanting));
        if (!isTaken && !isOneOfSeveral) continue;
        change(own.id, { mail: null });
        own.mail = undefined;
        mended.push(own.kind);
      } else if (isTaken || own.kind === "mastered" || own.kind === "other-anchor") {
        own.upn = `stepped.aside.${own.number}@corp.example`;
        change(own.id, { userPrincipalName: own.upn });
        mended.push(own.kind);
      }
    }
    return mended;
  }

  return {
    add,
    judge,
    mend,
    isStranger: (id) => all.get(id)?.takenBy === undefined && all.has(id),
    takenOver: () => new Set([...all.values()].flatMap((own) => own.takenBy ?? [])),
  };
}

function hasValue(shown: Effect["before"], name: string): boolean {
  return shown?.properties[name] !== undefined && shown.properties[name] !== null;
}
