/**
 * The built agent and the built functions against a real Active Directory, end to end. The scenarios build upon each other
 * in this order: they share one directory and one target.
 */
import { afterAll, beforeAll } from "vitest";
import { describeEdits, describeInitialSync } from "./scenarios/changes.ts";
import { describeCloudFaults } from "./scenarios/cloud-faults.ts";
import { describeHiddenObjects } from "./scenarios/hidden.ts";
import { describeLargeGroup } from "./scenarios/large-group.ts";
import { describeLdif } from "./scenarios/ldif.ts";
import { describeSourceFaults } from "./scenarios/source-faults.ts";
import { type Stage, setUpStage } from "./stage.ts";

let stage: Stage;
const on = (): Stage => stage;

beforeAll(async () => {
  stage = await setUpStage({ address: "127.0.0.27", users: 2000, groups: 200, largestGroup: 5000 });
});
afterAll(async () => {
  await stage?.destroy();
});

describeInitialSync(on);
describeEdits(on);
describeLargeGroup(on);
describeLdif(on);
describeHiddenObjects(on);
describeCloudFaults(on);
describeSourceFaults(on);
