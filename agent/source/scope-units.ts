/** Which objects are below the organizational units of a scope: by DN, name by name, without regard to case or to how a name is escaped. */
import { normalDn, splitDn } from "../../shared/domain/values.ts";

export interface ScopeUnits {
  /** At or below one of the units; any DN is when none is named. */
  includes(dn: string): boolean;
  /** Below one of the units, and none itself: false when none is named. */
  isInside(dn: string): boolean;
  /** Includes it, or is above one of the units: what a container's place needs. */
  isNear(dn: string): boolean;
}

/** `dns` are the units' present DNs. */
export function scopeUnits(dns: readonly string[]): ScopeUnits {
  const units = new Set(dns.map(normalDn));
  const above = new Set([...units].flatMap((unit) => [...selfAndAbove(unit)]));
  const includes = (dn: string) => {
    if (units.size === 0) return true;
    for (const own of selfAndAbove(normalDn(dn))) if (units.has(own)) return true;
    return false;
  };
  return {
    includes,
    isInside: (dn) => units.size > 0 && includes(splitDn(dn).slice(1).join(",")),
    isNear: (dn) => includes(dn) || above.has(normalDn(dn)),
  };
}

/** Of a DN in its normal form, where no name holds a bare comma. */
function* selfAndAbove(normal: string): Generator<string> {
  for (let rest = normal; ; ) {
    yield rest;
    const at = rest.indexOf(",");
    if (at < 0) return;
    rest = rest.slice(at + 1);
  }
}
