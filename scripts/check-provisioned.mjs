/**
 * Refuses to deploy a release whose infrastructure isn't there yet: `UPLINK_PROVISIONED=v1.2.0 node scripts/check-provisioned.mjs`. The tag
 * is the one whose `infra/` was provisioned last; what changed there since, up to this commit, may be a setting, a role or an alert that the
 * package needs. The tag before this one says nothing about that: it may never have been deployed. An older release than the provisioned
 * one is let through, whatever changed: rolling back mustn't wait for somebody who provisions, and what was added since is in nobody's way.
 */
import { spawnSync } from "node:child_process";

/** How it is made is described there, and nothing is made of it. */
const PARTS = ["infra", "azure.yaml", ":(exclude)infra/README.md"];
const provisioned = process.env.UPLINK_PROVISIONED ?? "";

function git(...args) {
  const { status, stdout, stderr, error } = spawnSync("git", args, { encoding: "utf8" });
  return { isOk: status === 0, text: stdout ?? "", fault: error?.message ?? stderr ?? "" };
}

function refuse(why) {
  process.stderr.write(
    `${why}\nProvision from this tag (azd provision, or the deployment with az: infra/README.md), then write its name into the variable UPLINK_PROVISIONED of the environment, and run this job again.\n`,
  );
  process.exitCode = 1;
}

const isTag =
  /^[\w][\w.-]*$/.test(provisioned) && git("rev-parse", "--verify", "--quiet", `refs/tags/${provisioned}`).isOk;
if (provisioned === "")
  refuse("UPLINK_PROVISIONED is empty: nobody said which tag's infrastructure was provisioned last.");
else if (!isTag) refuse(`UPLINK_PROVISIONED is '${provisioned}', which is no tag of this repository.`);
else if (git("merge-base", "--is-ancestor", "HEAD", `refs/tags/${provisioned}`).isOk)
  process.stdout.write(`This commit is in ${provisioned}, which was provisioned.\n`);
else {
  const { isOk, text, fault } = git("diff", "--name-only", `refs/tags/${provisioned}`, "HEAD", "--", ...PARTS);
  if (!isOk) refuse(`The infrastructure of ${provisioned} can't be compared with this commit's: ${fault}`);
  else if (text !== "") refuse(`The infrastructure changed since ${provisioned}, which was provisioned last:\n${text}`);
  else process.stdout.write(`The infrastructure is that of ${provisioned}, which was provisioned.\n`);
}
