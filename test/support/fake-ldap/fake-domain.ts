/** A domain controller made of a fake server: answers what every connection asks first, and hands the rest to the test. */
import { guidToBytes } from "../../../shared/domain/values.ts";
import { schemaEntries } from "./directory/schema.ts";
import { ROOT, ROOT_GUID } from "./directory/well-known.ts";
import type { FakeAnswer, FakeEntry, FakeLdap, FakeSearch } from "./fake-ldap.ts";
import { type Ace, descriptorOf, sidBytes } from "./security-descriptor.ts";

const SERVICE = `CN=NTDS Settings,CN=DC1,CN=Sites,CN=Configuration,${ROOT}`;

export { ROOT, ROOT_GUID as DOMAIN_GUID };
export const INVOCATION_ID = "22222222-2222-4222-8222-222222222222";

/** Of the account that signs in, and of the group that it is in. */
export const READER_SID = "S-1-5-21-1-2-3-1104";
const GROUP_SID = "S-1-5-21-1-2-3-513";
/** List contents, Read property, Read permissions. */
const SIGHT: Ace = { type: "allow", mask: 0x20014, sid: READER_SID };

export interface FakeDomain {
  vendorName: string | undefined;
  capabilities: string[];
  invocationId: string;
  dnsName: string;
  highestUsn: string;
  readOnly: boolean;
  deletedObjectsVisible: boolean;
  /** Of CN=Deleted Objects; undefined: the account may not read it. */
  accessList: Ace[] | undefined;
  tokenGroups: string[];
  tombstones: FakeEntry[];
  /** DirSync searches that are none of the first proof. */
  dirSync: (search: FakeSearch) => FakeAnswer;
  /** Other searches: second reads, ranges, below containers. */
  search: (search: FakeSearch) => FakeAnswer;
}

export const bytesOfGuid = (guid: string): Buffer => Buffer.from(guidToBytes(guid));

export function serveDomain(server: FakeLdap): FakeDomain {
  const domain: FakeDomain = {
    vendorName: undefined,
    capabilities: ["1.2.840.113556.1.4.800"],
    invocationId: INVOCATION_ID,
    dnsName: "dc1.corp.example.com",
    highestUsn: "5000",
    readOnly: false,
    deletedObjectsVisible: true,
    accessList: [SIGHT],
    tokenGroups: [READER_SID, GROUP_SID],
    tombstones: [],
    dirSync: () => ({ dirSync: { more: false, cookie: "end" } }),
    search: () => ({}),
  };
  const one = (dn: string, attributes: FakeEntry["attributes"]): FakeAnswer => ({ entries: [{ dn, attributes }] });
  server.onSearch = (search) => {
    if (search.dirSync) {
      const isProof = search.dirSync.cookie === "" && JSON.stringify(search.filter).includes("domaindns");
      return isProof ? { dirSync: { more: true, cookie: "proof" } } : domain.dirSync(search);
    }
    if (search.base === "") {
      return one("", {
        defaultNamingContext: [ROOT],
        schemaNamingContext: [`CN=Schema,CN=Configuration,${ROOT}`],
        configurationNamingContext: [`CN=Configuration,${ROOT}`],
        dsServiceName: [SERVICE],
        dnsHostName: [domain.dnsName],
        highestCommittedUSN: [domain.highestUsn],
        supportedCapabilities: domain.capabilities,
        tokenGroups: domain.tokenGroups.map(sidBytes),
        ...(domain.vendorName === undefined ? {} : { vendorName: [domain.vendorName] }),
      });
    }
    if (search.base === ROOT && search.scope === "base") {
      const sid = Buffer.from("010400000000000515000000010000000200000003000000", "hex");
      return one(ROOT, { objectGUID: [bytesOfGuid(ROOT_GUID)], objectSid: [sid] });
    }
    if (search.base === SERVICE) {
      return one(SERVICE, {
        invocationId: [bytesOfGuid(domain.invocationId)],
        objectClass: ["top", domain.readOnly ? "nTDSDSARO" : "nTDSDSA"],
      });
    }
    if (search.base.startsWith("<WKGUID=")) {
      if (!domain.deletedObjectsVisible) return { result: 32, message: "no such object" };
      if (search.scope === "one") return { entries: domain.tombstones };
      return one(`CN=Deleted Objects,${ROOT}`, {
        objectClass: ["top", "container"],
        isDeleted: ["TRUE"],
        ...(domain.accessList === undefined ? {} : { nTSecurityDescriptor: [descriptorOf(domain.accessList)] }),
      });
    }
    if (search.base.startsWith("CN=Directory Service,")) return one(search.base, { tombstoneLifetime: ["180"] });
    if (search.base.startsWith("CN=Schema,")) return { entries: schemaEntries(ROOT) };
    return domain.search(search);
  };
  return domain;
}
