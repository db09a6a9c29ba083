/**
 * The agent's identity: an ES256 key that never leaves this machine.
 *
 * It lies in a file of mode 0600 as a JWK; a file that others can read is refused, because whoever read it is the agent
 * as well. Its name towards the service (`kid`) is the RFC 7638 thumbprint.
 */
import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { z } from "zod";
import { PublicKeyJwk } from "../shared/contracts/agent-api.ts";
import { AgentError } from "./agent-error.ts";
import { writeDurably } from "./durable-file.ts";
import { fileFault } from "./file-fault.ts";

export interface AgentKey {
  readonly kid: string;
  readonly publicJwk: PublicKeyJwk;
  /** A compact JWS over the claims. */
  sign(claims: Readonly<Record<string, unknown>>, type: string): Promise<string>;
}

const PrivateJwk = PublicKeyJwk.extend({ d: z.string().min(1) });
type PrivateJwk = z.infer<typeof PrivateJwk>;

/** Makes a key and writes it. Throws `AgentError` key-invalid when the file is there already or can't be written. */
export async function createAgentKey(path: string): Promise<AgentKey> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  const jwk = PrivateJwk.parse({ kty, crv, x, y, d });
  try {
    await writeDurably(path, `${JSON.stringify(jwk)}\n`, 0o600);
    if (process.platform === "win32") await restrictOnWindows(path);
  } catch (error) {
    throw new AgentError(
      "key-invalid",
      `Cannot write the agent's key ${path}: ${fileFault(error)}.`,
      "Let this account write the state folder.",
      { cause: error },
    );
  }
  return keyOf(jwk);
}

/** Throws `AgentError`: key-missing, key-exposed, key-invalid. */
export async function loadAgentKey(path: string): Promise<AgentKey> {
  let text: string;
  try {
    await refuseExposed(path);
    text = await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError(
      "key-missing",
      `Cannot read the agent's key ${path}: ${fileFault(error)}.`,
      "Enrol this agent (uplink agent enrol), or run it as the account that did.",
      { cause: error },
    );
  }
  const parsed = PrivateJwk.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new AgentError("key-invalid", `${path} is not an ES256 key.`, "Enrol this agent again with a new token.");
  }
  return keyOf(parsed.data);
}

async function keyOf(jwk: PrivateJwk): Promise<AgentKey> {
  const { d: _, ...publicJwk } = jwk;
  const kid = await calculateJwkThumbprint(publicJwk);
  const privateKey = (await importJWK(jwk, "ES256")) as CryptoKey;
  return {
    kid,
    publicJwk,
    sign: (claims, type) =>
      new SignJWT({ ...claims }).setProtectedHeader({ alg: "ES256", typ: type, kid }).sign(privateKey),
  };
}

async function refuseExposed(path: string): Promise<void> {
  // Windows has no mode bits worth the name; the ACL was set when the file was made.
  if (process.platform === "win32") return;
  const { mode } = await stat(path);
  if ((mode & 0o077) === 0) return;
  throw new AgentError(
    "key-exposed",
    `Others can read the agent's key ${path} (mode ${(mode & 0o777).toString(8)}).`,
    `If nobody else had it: chmod 600 ${path}. Otherwise revoke this agent and enrol it again.`,
  );
}

/** Not run by any test: there is no Windows among the machines that test this. */
async function restrictOnWindows(path: string): Promise<void> {
  await promisify(execFile)("icacls", [path, "/inheritance:r", "/grant:r", `${userInfo().username}:F`]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
