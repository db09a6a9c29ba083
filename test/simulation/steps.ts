/** What a history is made of: plain data, so that one can be written down, cut smaller and played again. */
import type { ArmedFault } from "./faults.ts";

export type UnitName = "People" | "Staff" | "Outside";

/** What an admin of the directory does. `name` is a person's or a group's. */
export type Edit =
  | { readonly kind: "person"; readonly name: string; readonly unit: UnitName }
  | { readonly kind: "group" | "delete" | "undelete" | "recreate"; readonly name: string }
  | { readonly kind: "department" | "describe"; readonly name: string; readonly to: string | null }
  | { readonly kind: "enable"; readonly name: string; readonly to: boolean }
  /** Its own, or none. */
  | { readonly kind: "mail"; readonly name: string; readonly has: boolean }
  | { readonly kind: "upn"; readonly name: string; readonly to: string; readonly evenIfTaken?: boolean }
  | { readonly kind: "manager"; readonly name: string; readonly to: string | null }
  | { readonly kind: "move"; readonly name: string; readonly unit: UnitName }
  | { readonly kind: "join" | "quit"; readonly name: string; readonly member: string }
  | { readonly kind: "rename-unit"; readonly unit: UnitName; readonly to: string };

/** What befalls a read on its way to the service; numbers count its batches from 1. */
export interface Way {
  /** Sent twice. */
  readonly repeat?: number;
  /** Sent after the next one first was. */
  readonly reorder?: number;
  /** Nothing is sent from here on: the agent died. */
  readonly truncate?: number;
  /** Its answer never came: sent again. */
  readonly lost?: number;
  /** Half of its body arrives. */
  readonly torn?: number;
}

export type SourceFault =
  | "short-pages"
  | "time-limit"
  | "busy"
  | "cut"
  | "cookie-refused"
  | "hide-unit"
  | "show-units"
  | "other-dc"
  | "replicate"
  | "backup"
  | "restored"
  | "rolled-back"
  | "skew";

/**
 * Who is in the tenant already. Of a person: by its name, its mail or its anchor, with another anchor, as a holder of a role,
 * mastered by another sync; or nobody of the directory.
 */
export type StrangerKind = "upn" | "mail" | "anchor" | "other-anchor" | "role" | "mastered" | "nobody";

export type AdminAct =
  | "pause"
  | "resume"
  | "approve"
  | "drop"
  | "retry"
  | "restart"
  /** Everything but exports, and that over. */
  | "hold"
  | "release"
  | "reconcile";

export type Step =
  | { readonly do: "edit"; readonly forest: number; readonly edit: Edit }
  | {
      readonly do: "read";
      readonly forest: number;
      readonly want: "full" | "delta";
      /** Changes in a batch. */
      readonly size: number;
      readonly way: Way;
      /** Before the second search of the read. */
      readonly meanwhile: readonly Edit[];
    }
  | { readonly do: "run"; readonly calls: number }
  | { readonly do: "hours"; readonly count: number }
  | ({ readonly do: "fault" } & ArmedFault)
  | { readonly do: "source"; readonly forest: number; readonly kind: SourceFault; readonly after: number }
  | { readonly do: "graph"; readonly kind: "lag" | "quota" | "calm" }
  /** An account is in the tenant, by hand, that looks like this person. */
  | { readonly do: "stranger"; readonly forest: number; readonly name: string; readonly kind: StrangerKind }
  /** A person is put on the exclusion list, or taken off it. */
  | { readonly do: "exclude" | "include"; readonly forest: number; readonly name: string }
  /** Other units are the job's scope. */
  | { readonly do: "scope"; readonly forest: number; readonly units: readonly UnitName[] }
  /** Another schema; 0 is the default one. */
  | { readonly do: "schema"; readonly forest: number; readonly variant: number }
  /** The job is tried as it is, and what the newest trial showed is approved. */
  | { readonly do: "what-if"; readonly forest: number }
  | { readonly do: "blob-gone"; readonly forest: number }
  | { readonly do: "crash" }
  | {
      readonly do: "admin";
      readonly forest: number;
      readonly what: AdminAct;
    };

export interface History {
  readonly seed: number;
  readonly forests: number;
  readonly guard: { readonly floor: number; readonly count: number; readonly percent: number };
  readonly chunkObjects: number;
  readonly quota: number | null;
  /** A first export waits for the approval of its what-if. */
  readonly asksFirst?: boolean;
  readonly steps: readonly Step[];
}
