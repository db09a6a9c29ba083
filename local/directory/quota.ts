/**
 * Graph's limits: writes of an application in a tenant, writes of a tenant, resource units.
 *
 * Each is a sliding window, kept as a hundred and fifty slots. A call that is refused isn't counted. A batch books call by call.
 * Not modelled: the limit of one application over all tenants (there is one tenant here), and the smaller limits of
 * single resources.
 */
import { type Refusal, refuse } from "./rules.ts";

export type QuotaSetting = { writesPerWindow: number; windowSeconds: number } | "off";

type Booking = { write: boolean; units: number; applicationId: string };

export type Quota = {
  /** Counts a call; the headers of its answer, or its refusal. */
  book(booking: Booking): { headers: Record<string, string> } | Refusal;
  set(setting: QuotaSetting): void;
};

export const defaultQuota: QuotaSetting = { writesPerWindow: 3000, windowSeconds: 150 };

const TENANT = { limit: 18_000, seconds: 300 };
const UNIT_SECONDS = 10;
const SLOTS = 150;
const WARN_ABOVE = 0.8;

export function createQuota(deps: {
  now: () => number;
  tenantId: string;
  /** Users of the tenant: its size decides the resource units. */
  users: () => number;
  setting: QuotaSetting;
}): Quota {
  let setting = deps.setting;
  let writes = new Map<string, Window>();
  let tenant = createWindow(TENANT.seconds);
  let units = new Map<string, Window>();
  const windowOf = (map: Map<string, Window>, key: string, seconds: number) => {
    const present = map.get(key) ?? createWindow(seconds);
    map.set(key, present);
    return present;
  };

  return {
    set(next) {
      setting = next;
      writes = new Map();
      tenant = createWindow(TENANT.seconds);
      units = new Map();
    },
    book(booking) {
      if (setting === "off") return { headers: {} };
      const now = deps.now();
      const scope = `${booking.applicationId}/${deps.tenantId}`;
      const own = windowOf(writes, booking.applicationId, setting.windowSeconds);
      const spent = windowOf(units, booking.applicationId, UNIT_SECONDS);
      const unitLimit = resourceUnits(deps.users());
      const refusal =
        refuseOver(
          "quota-resource-units",
          spent,
          booking.units,
          unitLimit,
          now,
          `Tenant_Application/ReadWrite/${scope}`,
        ) ??
        (booking.write
          ? (refuseOver(
              "quota-app-writes",
              own,
              1,
              setting.writesPerWindow,
              now,
              `Tenant_Application/Write/${scope}`,
            ) ?? refuseOver("quota-tenant-writes", tenant, 1, TENANT.limit, now, `Tenant/Write/${deps.tenantId}`))
          : undefined);
      if (refusal) return refusal;
      spent.add(booking.units, now);
      if (booking.write) {
        own.add(1, now);
        tenant.add(1, now);
      }
      const used = booking.write
        ? Math.max(own.sum(now) / setting.writesPerWindow, tenant.sum(now) / TENANT.limit)
        : spent.sum(now) / unitLimit;
      const warning: Record<string, string> =
        used > WARN_ABOVE
          ? {
              "x-ms-throttle-limit-percentage": used.toFixed(2),
              "x-ms-throttle-scope": `Tenant_Application/${booking.write ? "Write" : "ReadWrite"}/${scope}`,
            }
          : {};
      return { headers: { "x-ms-resource-unit": String(booking.units), ...warning } };
    },
  };
}

function refuseOver(
  rule: "quota-app-writes" | "quota-tenant-writes" | "quota-resource-units",
  window: Window,
  amount: number,
  limit: number,
  now: number,
  scope: string,
): Refusal | undefined {
  const used = window.sum(now);
  if (used + amount <= limit) return undefined;
  return refuse(rule, "Too many requests.", {
    headers: {
      "retry-after": String(Math.max(1, Math.ceil(window.freeIn(now) / 1000))),
      "x-ms-throttle-limit-percentage": ((used + amount) / limit).toFixed(2),
      "x-ms-throttle-scope": scope,
      "x-ms-throttle-information": rule === "quota-resource-units" ? "ResourceUnitLimitExceeded" : "WriteLimitExceeded",
    },
  });
}

type Window = {
  add(amount: number, now: number): void;
  sum(now: number): number;
  /** Milliseconds until the oldest counted slot leaves the window. */
  freeIn(now: number): number;
};

function createWindow(seconds: number): Window {
  const windowMs = seconds * 1000;
  const slotMs = windowMs / SLOTS;
  const slots: { start: number; count: number }[] = [];
  let total = 0;
  const expire = (now: number) => {
    for (let oldest = slots[0]; oldest && oldest.start + windowMs <= now; oldest = slots[0]) {
      total -= oldest.count;
      slots.shift();
    }
  };
  return {
    add(amount, now) {
      expire(now);
      const start = Math.floor(now / slotMs) * slotMs;
      const last = slots.at(-1);
      if (last && last.start >= start) last.count += amount;
      // A slot leaves the window a full window after its end, not its start: never too early.
      else slots.push({ start: start + slotMs, count: amount });
      total += amount;
    },
    sum(now) {
      expire(now);
      return total;
    },
    freeIn(now) {
      expire(now);
      return slots[0] ? slots[0].start + windowMs - now : 0;
    },
  };
}

function resourceUnits(users: number): number {
  if (users < 50) return 3500;
  return users <= 500 ? 5000 : 8000;
}
