/**
 * What becomes of people, groups and units over time, each case as a scenario of its own that ends with the target as the
 * directory says. A small forest, so that a comparison costs little; the scenarios build upon each other.
 */
import { afterAll, beforeAll } from "vitest";
import { describeFilters } from "./scenarios/filters.ts";
import { describeGroups } from "./scenarios/groups.ts";
import { describeOnDemand } from "./scenarios/on-demand.ts";
import { describePeople } from "./scenarios/people.ts";
import { describeScope } from "./scenarios/scope.ts";
import { type Stage, setUpStage } from "./stage.ts";

let stage: Stage;
const on = (): Stage => stage;

beforeAll(async () => {
  stage = await setUpStage({ address: "127.0.0.24", users: 200, groups: 40 });
  await stage.sync();
  await stage.expectConverged();
});
afterAll(async () => {
  await stage?.destroy();
});

describePeople(on);
describeGroups(on);
describeScope(on);
describeFilters(on);
describeOnDemand(on);
