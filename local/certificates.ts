/**
 * The certificate authority of the local runtime and the one certificate that its servers show.
 *
 * Both are made at first start and kept in a folder of the state directory, so that a client can be told once
 * (NODE_EXTRA_CA_CERTS, read by Node at process start only) and trust every later start. The leaf is for
 * `localhost` and `127.0.0.1`, nothing else. When either is close to its end both are made anew: a leaf that
 * outlives its authority would fail in ways that are hard to read.
 *
 * Each file is written beside its place and renamed into it, the leaf last: a start that is killed half way leaves
 * a set that doesn't verify, and the next start makes a new one. Nothing here is for use beyond one machine.
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generate } from "selfsigned";

/** Paths of PEM files. `keyFile` is the leaf's private key, readable by its owner only. */
export type CertificateFiles = { caFile: string; certFile: string; keyFile: string };

const DAY_MS = 86_400_000;
const CA_DAYS = 3650;
// Clients on macOS refuse server certificates that are valid for more than 825 days.
const LEAF_DAYS = 825;
const RENEW_BEFORE_DAYS = 30;

/**
 * Makes the local authority and its leaf in `dir` unless a usable pair lies there.
 * @throws when the folder can't be written; the message names it.
 */
export async function ensureCertificates(dir: string, now: Date = new Date()): Promise<CertificateFiles> {
  const files = { caFile: join(dir, "ca.pem"), certFile: join(dir, "cert.pem"), keyFile: join(dir, "key.pem") };
  if (await isUsable(files, now)) return files;
  try {
    await makePair(dir, files, now);
  } catch (cause) {
    throw new Error(
      `Cannot make the local certificates in '${dir}': ${reasonOf(cause)}. Make the folder writable or choose another state directory.`,
      { cause },
    );
  }
  return files;
}

async function makePair(dir: string, files: CertificateFiles, now: Date): Promise<void> {
  await mkdir(dir, { recursive: true });
  const notBeforeDate = new Date(now.getTime() - DAY_MS);
  const common = { keyType: "ec", curve: "P-256", algorithm: "sha256", notBeforeDate } as const;
  const ca = await generate([{ name: "commonName", value: "Directory Uplink local CA" }], {
    ...common,
    notAfterDate: new Date(now.getTime() + CA_DAYS * DAY_MS),
    extensions: [
      { name: "basicConstraints", cA: true, critical: true },
      { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: "commonName", value: "localhost" }], {
    ...common,
    notAfterDate: new Date(now.getTime() + LEAF_DAYS * DAY_MS),
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: "basicConstraints", cA: false, critical: true },
      { name: "keyUsage", digitalSignature: true, critical: true },
      { name: "extKeyUsage", serverAuth: true },
      {
        name: "subjectAltName",
        altNames: [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  await writeAtomically(files.caFile, ca.cert, 0o644);
  await writeAtomically(files.keyFile, leaf.private, 0o600);
  await writeAtomically(files.certFile, leaf.cert, 0o644);
  // The authority's key is dropped on purpose: nobody can make a second certificate that this machine would trust.
}

async function isUsable(files: CertificateFiles, now: Date): Promise<boolean> {
  try {
    const [ca, cert, key] = await Promise.all([
      readFile(files.caFile, "utf8"),
      readFile(files.certFile, "utf8"),
      readFile(files.keyFile, "utf8"),
    ]);
    const authority = new X509Certificate(ca);
    const leaf = new X509Certificate(cert);
    const limit = now.getTime() + RENEW_BEFORE_DAYS * DAY_MS;
    return (
      leaf.verify(authority.publicKey) &&
      leaf.checkPrivateKey(createPrivateKey(key)) &&
      Date.parse(leaf.validTo) > limit &&
      Date.parse(authority.validTo) > limit
    );
  } catch {
    // Missing, torn or foreign files all have the same remedy: make the set anew.
    return false;
  }
}

async function writeAtomically(file: string, text: string, mode: number): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  await writeFile(temporary, text, { mode });
  await rename(temporary, file);
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
