/** The agent's key and its proofs, verified with jose. */
import { createHash } from "node:crypto";
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calculateJwkThumbprint, decodeProtectedHeader, importJWK, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAgentKey, loadAgentKey } from "../../agent/keys.ts";
import { createProver } from "../../agent/proof.ts";
import { PublicKeyJwk } from "../../shared/contracts/agent-api.ts";
import { PROOF_TYPE, ProofClaims } from "../../shared/contracts/proof.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "uplink-keys-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the agent's key", () => {
  it("is written for its owner only, and read back the same", async () => {
    const path = join(folder, "agent.key.json");
    const made = await createAgentKey(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["agent.key.json"]);
    const read = await loadAgentKey(path);
    expect(read.kid).toBe(made.kid);
    expect(read.kid).toBe(await calculateJwkThumbprint(made.publicJwk));
    expect(() => PublicKeyJwk.parse(made.publicJwk)).not.toThrow();
  });

  it.each([0o640, 0o604, 0o660])("is refused when others can read it (mode %o)", async (mode) => {
    const path = join(folder, "agent.key.json");
    await createAgentKey(path);
    await chmod(path, mode);
    await expect(loadAgentKey(path)).rejects.toMatchObject({
      code: "key-exposed",
      message: expect.stringContaining(path),
    });
  });

  it("names what is wrong with a file that is no key, or isn't there", async () => {
    const path = join(folder, "agent.key.json");
    await expect(loadAgentKey(path)).rejects.toMatchObject({ code: "key-missing" });
    await writeFile(path, "{}", { mode: 0o600 });
    await expect(loadAgentKey(path)).rejects.toMatchObject({ code: "key-invalid" });
  });

  it("never shows its private half", async () => {
    const path = join(folder, "agent.key.json");
    const key = await createAgentKey(path);
    const { d } = JSON.parse(await readFile(path, "utf8"));
    expect(JSON.stringify(key)).not.toContain(d);
  });
});

describe("a proof", () => {
  it("binds method, URL without query, body, moment and number to the key", async () => {
    const key = await createAgentKey(join(folder, "agent.key.json"));
    const now = Date.now();
    const prover = createProver({ key, clock: { now: () => now } });
    const body = Buffer.from("body");
    const first = await prover.prove("POST", "https://uplink.example.com/api/agent/v1/heartbeat?x=1", body);
    const second = await prover.prove("POST", "https://uplink.example.com/api/agent/v1/heartbeat", body);
    const publicKey = await importJWK(key.publicJwk, "ES256");
    const verified = await Promise.all(
      [first, second].map((proof) =>
        jwtVerify(proof, publicKey, { typ: PROOF_TYPE, audience: "https://uplink.example.com" }),
      ),
    );
    const [one, two] = verified.map(({ payload }) => ProofClaims.parse(payload));
    expect(decodeProtectedHeader(first)).toEqual({ alg: "ES256", typ: PROOF_TYPE, kid: key.kid });
    expect(one).toMatchObject({
      htm: "POST",
      htu: "https://uplink.example.com/api/agent/v1/heartbeat",
      iat: Math.floor(now / 1000),
      exp: Math.floor(now / 1000) + 60,
      bsha: createHash("sha256").update(body).digest("base64url"),
      seq: 1,
    });
    expect(two).toMatchObject({ seq: 2, boot: one!.boot });
    expect(two!.jti).not.toBe(one!.jti);
    const another = createProver({ key, clock: { now: () => now } });
    const restarted = await jwtVerify(await another.prove("POST", "https://uplink.example.com/x", body), publicKey);
    expect(restarted.payload["boot"]).not.toBe(one!.boot);
  });
});
