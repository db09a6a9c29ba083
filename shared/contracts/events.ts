/**
 * The one catalogue of what the log can say: event → level, meaning, fields. `Log` is typed by it, so an event that isn't
 * here, a wrong level and a missing field don't compile. Alerts, the workbook and queries name events from here; the page
 * `docs/events.md` is generated from it.
 *
 * A name never changes its meaning; one that isn't used goes.
 */
import { ADMIN_EVENTS } from "./events/admin-events.ts";
import { AGENT_EVENTS } from "./events/agent-events.ts";
import { CLOUD_EVENTS } from "./events/cloud-events.ts";
import type { Level } from "./events/event.ts";

export const EVENTS = { ...CLOUD_EVENTS, ...ADMIN_EVENTS, ...AGENT_EVENTS } as const;

type Events = typeof EVENTS;
export type EventName = keyof Events;
/** The events of a level. */
export type EventOf<L extends Level> = { [E in EventName]: Events[E]["level"] extends L ? E : never }[EventName];

export type FieldValue = string | number | boolean | null | undefined;
type Declared<E extends EventName> = Events[E]["fields"][number];
type Optional<F extends string> = F extends `${infer Name}?` ? Name : never;
type Required<F extends string> = F extends `${string}?` ? never : F;
export type EventFields<E extends EventName> = { readonly [F in Required<Declared<E>>]: FieldValue } & {
  readonly [F in Optional<Declared<E>>]?: FieldValue;
};

export type { Level } from "./events/event.ts";
