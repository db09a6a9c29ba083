/** The workflows as they are written: what they may, whom they trust and what they call. That they run is for GitHub to show. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly uses?: string;
  readonly run?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly with?: Readonly<Record<string, unknown>>;
}
interface Job {
  readonly needs?: string | readonly string[];
  readonly "runs-on"?: string;
  readonly permissions?: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly "timeout-minutes"?: number;
  readonly strategy?: { readonly matrix: { readonly node: readonly number[] } };
  readonly steps: readonly Step[];
}
interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: object;
  readonly concurrency?: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

const root = join(import.meta.dirname, "..");
const folder = join(root, ".github", "workflows");
const texts = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
const workflows = texts.map((text) => parse(text) as Workflow);
const jobs = workflows.flatMap((workflow) => Object.entries(workflow.jobs));
const steps = jobs.flatMap(([, job]) => job.steps);
const script = steps.flatMap(({ run }) => run ?? []).join("\n");
const uses = [...new Set(steps.flatMap((step) => step.uses ?? []))];

const checked = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, "scripts", "check-workflows.mjs"), ...args], { encoding: "utf8" });

function checkedSample(action: string) {
  const at = mkdtempSync(join(tmpdir(), "uplink-workflows-"));
  writeFileSync(join(at, "one.yml"), `jobs:\n  one:\n    steps:\n      - uses: ${action} # v1\n`);
  const { status, stderr } = checked(at);
  rmSync(at, { recursive: true });
  return { status, stderr };
}

it("check, test on Node 20 and 22, sync a real directory, package and deploy", () => {
  expect(jobs.map(([name]) => name)).toEqual(["check", "test", "active-directory", "package", "deploy"]);
  expect(jobs.find(([name]) => name === "test")?.[1].strategy?.matrix.node).toEqual([20, 22]);
  for (const [name, job] of jobs) expect(job["timeout-minutes"], name).toBeGreaterThan(0);
  for (const workflow of workflows) expect(workflow.concurrency).toBeDefined();
});

it("are whole: each step does one thing, each job has a machine, waits for jobs that there are, and takes what another made", () => {
  for (const [at, workflow] of workflows.entries()) {
    expect(texts[at]).not.toContain("\t");
    for (const [name, job] of Object.entries(workflow.jobs)) {
      expect(job["runs-on"], name).toBe("ubuntu-24.04");
      for (const needed of [job.needs ?? []].flat()) expect(Object.keys(workflow.jobs), name).toContain(needed);
      for (const step of job.steps)
        expect([step.uses, step.run].filter((own) => own !== undefined).length, name).toBe(1);
    }
  }
  const named = (action: string) =>
    steps.flatMap((step) => (step.uses?.startsWith(`actions/${action}@`) ? step.with?.["name"] : []));
  expect(named("download-artifact")).toEqual(named("upload-artifact"));
});

it("give no job more than it needs, and a pull request nothing", () => {
  for (const workflow of workflows) {
    expect(workflow.permissions).toEqual({});
    expect(Object.keys(workflow.on)).not.toContain("pull_request_target");
  }
  for (const [name, job] of jobs)
    expect(job.permissions, name).toEqual({ contents: "read", ...(name === "deploy" ? { "id-token": "write" } : {}) });
  expect(texts.join("\n")).not.toMatch(/\bsecrets\s*[.[]/);
  for (const step of steps.filter((own) => own.uses?.startsWith("actions/checkout@")))
    expect(step.with?.["persist-credentials"]).toBe(false);
});

it("sign in to Azure by OIDC alone, in the one job that deploys", () => {
  const signedIn = jobs.filter(([, job]) => job.steps.some((step) => step.uses?.startsWith("azure/login@")));
  expect(signedIn.map(([name, job]) => [name, job.environment])).toEqual([["deploy", "production"]]);
  const login = steps.find((step) => step.uses?.startsWith("azure/login@"));
  expect(Object.keys(login?.with ?? {}).sort()).toEqual(["client-id", "subscription-id", "tenant-id"]);
  const [release] = workflows.filter((workflow) => "deploy" in workflow.jobs);
  expect(release?.on).toEqual({ push: { tags: ["v*"] } });
});

describe("a release whose infrastructure isn't there yet", () => {
  const at = mkdtempSync(join(tmpdir(), "uplink-provisioned-"));
  afterAll(() => rmSync(at, { recursive: true }));
  const git = (...args: string[]) => {
    const as = [
      "-c",
      "user.name=a",
      "-c",
      "user.email=a@b.c",
      "-c",
      "commit.gpgsign=false",
      "-c",
      "init.defaultBranch=main",
    ];
    const { status, stderr } = spawnSync("git", [...as, ...args], { cwd: at, encoding: "utf8" });
    expect(status, stderr).toBe(0);
  };
  const release = (tag: string, files: Readonly<Record<string, string>>) => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(at, path)), { recursive: true });
      writeFileSync(join(at, path), text);
    }
    git("add", "--all");
    git("commit", "-q", "-m", tag);
    git("tag", tag);
  };
  const check = (provisioned: string, tag: string) => {
    git("checkout", "-q", tag);
    const program = join(root, "scripts", "check-provisioned.mjs");
    const env = { ...process.env, UPLINK_PROVISIONED: provisioned };
    const { status, stderr, stdout } = spawnSync(process.execPath, [program], { cwd: at, encoding: "utf8", env });
    return { status, said: stderr + stdout };
  };
  beforeAll(() => {
    git("init", "-q");
    release("v1", { "infra/needs.json": "{}", "azure.yaml": "a", "functions/main.ts": "1" });
    release("v2", { "functions/main.ts": "2" });
    release("v3", { "infra/needs.json": '{ "alerts": [] }' });
    release("v4", { "functions/main.ts": "4" });
    release("v5", { "azure.yaml": "b" });
    release("v6", { "infra/README.md": "How." });
    git("checkout", "-q", "-b", "other", "v3");
    release("v4.1", { "infra/needs.json": '{ "alerts": ["own"] }' });
  });

  it("is refused, also where the release in between was never deployed, with what changed and what to do", () => {
    expect(check("v1", "v2").status).toBe(0);
    for (const [provisioned, tag, file] of [
      ["v1", "v3", "infra/needs.json"],
      ["v1", "v4", "infra/needs.json"],
      ["v3", "v5", "azure.yaml"],
    ] as const) {
      const { status, said } = check(provisioned, tag);
      expect([status, said], `${provisioned}..${tag}`).toEqual([1, expect.stringContaining(file)]);
      expect(said).toContain("UPLINK_PROVISIONED");
    }
    expect(check("v3", "v4").status).toBe(0);
    expect(check("v5", "v5").status).toBe(0);
  });

  it("isn't wanted of a release before the provisioned one: rolling back needs no provisioning", () => {
    for (const tag of ["v4", "v3", "v1"]) {
      const { status, said } = check("v5", tag);
      expect([status, said], tag).toEqual([0, expect.stringContaining("v5")]);
    }
    // It isn't before that: it has an infrastructure of its own.
    expect(check("v5", "v4.1")).toEqual({ status: 1, said: expect.stringContaining("infra/needs.json") });
  });

  it("isn't changed by how to make it is described", () => {
    expect(check("v5", "v6").status).toBe(0);
    expect(check("v4", "v6").said).not.toContain("README.md\n");
  });

  it("is refused where nobody said what was provisioned, or names what isn't there", () => {
    for (const provisioned of ["", "v9", "--output=x", "v1 v2"]) {
      const { status, said } = check(provisioned, "v2");
      expect([status, said], provisioned).toEqual([1, expect.stringContaining("UPLINK_PROVISIONED is ")]);
    }
  });

  it("isn't deployed: it is looked for before anything is sent, in all of the history", () => {
    const { steps: own = [] } = jobs.find(([name]) => name === "deploy")?.[1] ?? {};
    const lookedAt = own.findIndex((step) => step.run?.includes("node scripts/check-provisioned.mjs"));
    const sentAt = own.findIndex((step) => step.run?.includes("az functionapp deployment"));
    const checkout = own.findIndex((step) => step.uses?.startsWith("actions/checkout@"));
    expect([checkout, lookedAt, sentAt].toSorted((one, other) => one - other)).toEqual([checkout, lookedAt, sentAt]);
    expect(checkout).toBe(0);
    expect(own[checkout]?.with?.["fetch-depth"]).toBe(0);
    expect(own[lookedAt]?.env?.["UPLINK_PROVISIONED"]).toMatch(/^\$\{\{ vars\.UPLINK_PROVISIONED \}\}$/);
  });
});

it("put nothing that strangers write into a script", () => {
  expect(script.length).toBeGreaterThan(200);
  expect(script).not.toMatch(/\$\{\{/);
});

it("install by the lock, and keep the list of parts beside the package", () => {
  expect(script).not.toMatch(/npm (install|i)\b/);
  const upload = steps.find((step) => step.uses?.startsWith("actions/upload-artifact@"));
  expect(upload?.with?.["path"]).toBe(
    "dist/directory-uplink.zip\ndist/directory-uplink.zip.sha256\ndist/sbom.cdx.json\ndist/sbom.cdx.json.sha256\n",
  );
  expect(script).toContain("sha256sum --check directory-uplink.zip.sha256");
});

it("refuses tags, branches, and placeholders where a release is made", () => {
  const digest = "0123456789abcdef0123456789abcdef01234567";
  expect(checkedSample(`some/action@${digest}`).status).toBe(0);
  for (const action of ["some/action@v5", "some/action@main", `some/action@${digest.slice(1)}`]) {
    const { status, stderr } = checkedSample(action);
    expect([status, stderr], action).toEqual([1, expect.stringContaining("is pinned by no digest")]);
  }
  for (const action of ["some/action@PIN-ME", "some/action@PIN-ME-v5"]) {
    const { status, stderr } = checkedSample(action);
    expect([status, stderr], action).toEqual([1, expect.stringContaining(`${action} is a placeholder`)]);
    expect(stderr).toContain(".github/README.md");
  }
});

it("are looked at before anything else is run, in a pull request and where a release is made", () => {
  const first = workflows.map((workflow) => Object.values(workflow.jobs)[0]);
  for (const job of first) {
    expect(job?.needs).toBeUndefined();
    expect(job?.steps.find(({ run }) => run)?.run).toBe("node scripts/check-workflows.mjs");
  }
});

it("are pinned, each by one digest with its tag beside it, and the README tells how", () => {
  expect(checked()).toMatchObject({ status: 0, stderr: "" });
  expect(new Set(uses.map((action) => action.split("@")[0])).size).toBe(uses.length);
  const lines = texts.join("\n").match(/uses: .*/g) ?? [];
  expect(lines.length).toBe(steps.flatMap((step) => step.uses ?? []).length);
  for (const line of lines) expect(line).toMatch(/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  const readme = readFileSync(join(root, ".github", "README.md"), "utf8");
  expect(readme).toContain("gh api repos/actions/checkout/git/ref/tags/v5.0.0");
  expect(readme).toContain("PIN-ME");
});

it("call scripts that there are", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { scripts: object };
  const called = [...script.matchAll(/npm\)?"? run ([\w:-]+)/g)].map(([, name = ""]) => name);
  expect(called).toEqual(expect.arrayContaining(["check", "test:ad", "package"]));
  expect(called.filter((name) => !Object.keys(scripts).includes(name))).toEqual([]);
  const files = [...script.matchAll(/node (scripts\/[\w-]+\.mjs)/g)].map(([, file = ""]) => file);
  for (const file of files) expect(() => readFileSync(join(root, file)), file).not.toThrow();
});
