/**
 * A disposable Active Directory: one Samba domain controller on one loopback address, serving LDAPS.
 *
 * Everything it has lies in one folder in memory, so that a stopped controller can be copied, put back (that is how a
 * restored DC, with its update numbers rolled back, is made) and thrown away. It needs root and Debian's Samba: the
 * ports of a DC are fixed, which is why each one takes an address of its own (127.0.0.2, 127.0.0.3 …).
 */

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { smbConfiguration } from "./smb-configuration.ts";

const run = promisify(execFile);
const samba = "/usr/sbin/samba";
const ldapsPort = 636;
const startTimeoutMs = 15_000;
const stopTimeoutMs = 5_000;

export type DomainControllerOptions = {
  /** Names the folder. */
  readonly name: string;
  /** Such as CORP.EXAMPLE.COM; in lower case it is the DNS name of the domain. */
  readonly realm: string;
  readonly netbios: string;
  /** A loopback address whose port 636 is free. */
  readonly address: string;
};

export type DomainController = {
  readonly address: string;
  /** ldaps://ADDRESS; the certificate names the address. */
  readonly url: string;
  readonly caFile: string;
  readonly dnsDomain: string;
  readonly netbios: string;
  readonly baseDn: string;
  readonly domainSid: string;
  readonly adminDn: string;
  readonly adminPassword: string;
  readonly smbConf: string;
  /** The directory's own database, for what LDAP can't do. */
  readonly samDatabase: string;
  readonly logFile: string;
  /** Resolves when LDAPS answers. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** A copy of the stopped controller; returns the file. */
  snapshot(): Promise<string>;
  /** Puts a copy back in place of what the stopped controller has now. */
  restore(snapshot: string): Promise<void>;
  /** Stops it and removes all it had, copies included. */
  destroy(): Promise<void>;
};

/** Why a domain controller can't be had on this machine, or undefined when it can. */
export function missingForSamba(): string | undefined {
  if (process.getuid?.() !== 0) return "A domain controller takes ports below 1024: run as root.";
  if (existsSync(samba) && existsSync("/usr/bin/samba-tool")) return undefined;
  return (
    "Samba isn't installed. On Debian: apt-get install -y --no-install-recommends " +
    "samba samba-dsdb-modules samba-vfs-modules samba-ad-provision openssl"
  );
}

/** Makes a domain (about 6 seconds) and leaves its controller stopped. */
export async function provisionDomainController(options: DomainControllerOptions): Promise<DomainController> {
  const missing = missingForSamba();
  if (missing !== undefined) throw new Error(missing);
  const { address, netbios } = options;
  const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
  const home = mkdtempSync(join(memory, `uplink-ad-${options.name}-`));
  const root = join(home, "dc");
  const dnsDomain = options.realm.toLowerCase();
  const adminPassword = "Adm1n.Passw0rd!";
  const smbConf = join(root, "smb.conf");
  const caFile = join(root, "tls", "cert.pem");
  const logFile = join(root, "log", "samba.log");
  for (const part of ["run/ncalrpc", "run/winbindd", "run/ntp", "log", "tls"]) {
    mkdirSync(join(root, part), { recursive: true });
  }

  const domainSid = await provision();
  await makeCertificate();
  writeFileSync(smbConf, smbConfiguration({ root, realm: options.realm, netbios, address }));

  let child: ChildProcess | undefined;
  const killAtExit = (): void => void child?.kill("SIGKILL");

  async function provision(): Promise<string> {
    // An empty configuration keeps the machine's own /etc/samba/smb.conf out of it.
    const empty = join(root, "empty.conf");
    writeFileSync(empty, "[global]\n");
    const { stdout, stderr } = await run("/usr/bin/samba-tool", [
      ...["domain", "provision", "-s", empty, `--targetdir=${root}`, `--realm=${options.realm}`],
      ...[`--domain=${netbios}`, "--server-role=dc", "--dns-backend=NONE", "--host-name=dc1", `--host-ip=${address}`],
      ...["--backend-store=mdb", "--backend-store-size=2Gb", `--adminpass=${adminPassword}`],
    ]);
    const sid = /DOMAIN SID:\s+(S-[\d-]+)/.exec(stdout + stderr)?.[1];
    if (sid === undefined) throw new Error(`samba-tool named no domain SID:\n${stdout}${stderr}`);
    return sid;
  }

  async function makeCertificate(): Promise<void> {
    const key = join(root, "tls", "key.pem");
    await run("openssl", [
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", `/CN=dc1.${dnsDomain}`],
      ...["-addext", `subjectAltName=DNS:dc1.${dnsDomain},DNS:${dnsDomain},IP:${address}`],
      ...["-keyout", key, "-out", caFile],
    ]);
    // Samba refuses a key that others can read.
    await run("chmod", ["600", key]);
  }

  async function start(): Promise<void> {
    if (child !== undefined) return;
    if (await answers(address))
      throw new Error(`Something serves ${address}:${ldapsPort} already. Take another address.`);
    const log = openSync(logFile, "a");
    // Interactive, with a pipe for input: Samba ends when that closes, so it can't outlive a test that was killed.
    const started = spawn(samba, ["-i", "-M", "single", "-s", smbConf], {
      detached: true,
      stdio: ["pipe", log, log],
    });
    child = started;
    process.once("exit", killAtExit);
    const deadline = Date.now() + startTimeoutMs;
    while (!(await answers(address))) {
      if (started.exitCode === null && Date.now() < deadline) continue;
      await stop();
      throw new Error(
        `The domain controller at ${address} didn't start:\n${readFileSync(logFile, "utf8").slice(-2000)}`,
      );
    }
  }

  async function stop(): Promise<void> {
    const running = child;
    child = undefined;
    process.off("exit", killAtExit);
    if (running?.pid === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => void running.once("exit", () => resolve()));
    running.kill("SIGTERM");
    const giveUp = setTimeout(() => running.kill("SIGKILL"), stopTimeoutMs);
    await ended;
    clearTimeout(giveUp);
  }

  function mustBeStopped(what: string): void {
    if (child !== undefined) throw new Error(`Stop the domain controller before you ${what}.`);
  }

  const baseDn = dnsDomain
    .split(".")
    .map((label) => `DC=${label}`)
    .join(",");
  let copies = 0;
  return {
    address,
    url: `ldaps://${address}`,
    caFile,
    dnsDomain,
    netbios,
    baseDn,
    domainSid,
    adminDn: `CN=Administrator,CN=Users,${baseDn}`,
    adminPassword,
    smbConf,
    samDatabase: join(root, "private", "sam.ldb"),
    logFile,
    start,
    stop,
    async snapshot() {
      mustBeStopped("copy it");
      copies += 1;
      const file = join(home, `snapshot-${copies}.tar`);
      // The database is a sparse file of 2 GB.
      await run("tar", ["-C", root, "-cSf", file, "."]);
      return file;
    },
    async restore(snapshot) {
      mustBeStopped("put a copy back");
      rmSync(root, { recursive: true, force: true });
      mkdirSync(root);
      await run("tar", ["-C", root, "-xSf", snapshot]);
    },
    async destroy() {
      await stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: ldapsPort });
    const finish = (reachable: boolean): void => {
      socket.destroy();
      // A short breath between two tries of a caller that waits.
      if (reachable) resolve(true);
      else setTimeout(() => resolve(false), 20);
    };
    socket.once("connect", () => finish(true));
    socket.once("error", () => finish(false));
  });
}
