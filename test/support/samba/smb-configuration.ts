/** The configuration of a domain controller that is only LDAP, lives in one folder and may lose its last writes. */

import { join } from "node:path";

export function smbConfiguration(domain: {
  readonly root: string;
  readonly realm: string;
  readonly netbios: string;
  readonly address: string;
}): string {
  const at = (...path: string[]): string => join(domain.root, ...path);
  const settings = {
    workgroup: domain.netbios,
    realm: domain.realm,
    "netbios name": "DC1",
    "server role": "active directory domain controller",
    "server services": "ldap",
    // /8, not /32: Samba drops an interface whose address equals its own broadcast address.
    interfaces: `${domain.address}/8`,
    "bind interfaces only": "yes",
    "private dir": at("private"),
    "lock directory": at(),
    "state directory": at("state"),
    "cache directory": at("cache"),
    "pid directory": at("run"),
    "ncalrpc dir": at("run", "ncalrpc"),
    "winbindd socket directory": at("run", "winbindd"),
    "ntp signd socket directory": at("run", "ntp"),
    "log file": at("log", "samba.log"),
    "max log size": "0",
    "tls keyfile": at("tls", "key.pem"),
    "tls certfile": at("tls", "cert.pem"),
    "tls cafile": at("tls", "cert.pem"),
    // Tests extend the schema with the attributes that Exchange brings.
    "dsdb:schema update allowed": "yes",
    // Without this, 2,000 users take minutes instead of seconds.
    "ldb:nosync": "true",
  };
  const lines = Object.entries(settings).map(([name, value]) => `  ${name} = ${value}`);
  return `[global]\n${lines.join("\n")}\n`;
}
