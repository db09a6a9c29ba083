/**
 * A domain controller of the modelled directory on the wire. What every connection asks first (rootDSE, NTDS settings, schema, CN=Deleted
 * Objects' access list) is answered by fake-domain.ts, with this copy's USN and invocation; everything else by the model.
 */
import { BerReader } from "ldapts";
import { type FakeDomain, serveDomain } from "../fake-domain.ts";
import type { FakeAnswer, FakeLdap } from "../fake-ldap.ts";
import { type FakeSearch, OID } from "../messages.ts";
import { type Access, openAccess, seesAll, sightOf } from "./access.ts";
import { readDirSyncPage } from "./dirsync-read.ts";
import type { FakeDc } from "./fake-directory.ts";
import { type Limits, windowsLimits } from "./limits.ts";
import { isDeleted } from "./replica.ts";
import { readOrdinary } from "./search.ts";
import { guidBytes, type View } from "./view.ts";
import { DELETED_OBJECTS_GUID } from "./well-known.ts";

export interface Fault extends FakeAnswer {
  /** Which searches it hits; without it, all. */
  readonly when?: (search: FakeSearch) => boolean;
  /** How many of them, 1 by default. */
  readonly times?: number;
  /** How many of them get their answer first. */
  readonly after?: number;
}

export interface ServedDc {
  readonly dc: FakeDc;
  readonly server: FakeLdap;
  /** Change them at will. */
  readonly limits: Limits;
  readonly access: Access;
  /** Read-only, capabilities, access list and the like. */
  readonly domain: FakeDomain;
  /** Answers the next search that it is for: with `cutAfter`, the model's entries up to there; with `result`, that alone. */
  fail(fault: Fault): void;
  /** Takes back the faults that have not hit yet. */
  recover(): void;
  /** Called before each answer of the model: to write to the directory in the middle of a read. */
  beforeAnswer: (search: FakeSearch) => void;
}

const FAULTS = {
  busy: { result: 51, message: "00002024: SvcErr: DSID-03140415, problem 5001 (BUSY), data 0" },
  timeLimit: { result: 3, message: "00002022: SvcErr: time limit exceeded" },
  denied: { result: 50, message: "00002105: SecErr: DSID-032921CC, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0" },
} as const satisfies Record<string, FakeAnswer>;

export { FAULTS as fault };

export function serveDc(server: FakeLdap, dc: FakeDc): ServedDc {
  const domain = serveDomain(server);
  const infrastructure = server.onSearch;
  const faults: { fault: Fault; after: number; left: number }[] = [];
  const served: ServedDc = {
    dc,
    server,
    limits: windowsLimits(),
    access: openAccess(),
    domain,
    fail: (fault) => {
      faults.push({ fault, after: fault.after ?? 0, left: fault.times ?? 1 });
    },
    recover: () => {
      faults.length = 0;
    },
    beforeAnswer: () => undefined,
  };

  function model(search: FakeSearch): FakeAnswer {
    served.beforeAnswer(search);
    const view: View = { replica: dc.replica, form: { root: dc.root, extended: extendedForm(search) } };
    if (search.dirSync !== undefined) {
      const isBound = (search.dirSync.flags & 1) !== 0;
      if (!isBound && !served.access.canReplicate) return FAULTS.denied;
      if (search.base.toLowerCase() !== dc.root.toLowerCase()) {
        return { result: 53, message: "00002077: SvcErr: the base is no root of a naming context" };
      }
      const sight = isBound ? sightOf(served.access, dc.replica) : seesAll;
      return readDirSyncPage(view, search, served.limits, sight);
    }
    if (isInfrastructure(search, dc.root)) {
      prepare();
      return infrastructure(search);
    }
    return readOrdinary(view, search, served.limits, sightOf(served.access, dc.replica));
  }

  function prepare(): void {
    domain.highestUsn = String(dc.replica.usn);
    domain.invocationId = dc.replica.invocationId;
    domain.dnsName = dc.dnsName;
    domain.tombstones = [...dc.replica.objects.values()]
      .filter((object) => isDeleted(object) && object.guid !== DELETED_OBJECTS_GUID)
      .slice(0, 1)
      .map(({ guid }) => ({ dn: dc.dnOf(guid), attributes: { objectGUID: [guidBytes(guid)], isDeleted: ["TRUE"] } }));
  }

  server.onSearch = (search) => {
    const hit = faults.find(({ fault, left }) => left > 0 && (fault.when?.(search) ?? true));
    if (hit === undefined) return model(search);
    if (hit.after > 0) {
      hit.after--;
      return model(search);
    }
    hit.left--;
    const { when: _when, times: _times, after: _after, ...answer } = hit.fault;
    if (answer.cutAfter === undefined && answer.delay === undefined) return answer;
    return { ...model(search), ...answer };
  };
  return served;
}

function isInfrastructure(search: FakeSearch, root: string): boolean {
  const base = search.base.toLowerCase();
  return base === "" || base.startsWith("<wkguid=") || base.endsWith(`cn=configuration,${root}`.toLowerCase());
}

function extendedForm(search: FakeSearch): 0 | 1 | undefined {
  const value = search.controls.get(OID.extendedDn);
  if (value === undefined) return undefined;
  const reader = new BerReader(value);
  reader.readSequence();
  return value.length > 0 && reader.readInt() === 1 ? 1 : 0;
}
