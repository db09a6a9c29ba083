/**
 * What the scenarios share: one real directory with the sample population, set up once since that costs a quarter of a
 * minute; a runtime whose job reads it; and what to compare the target with.
 */
import type { SourceOptions } from "../support/runtime/agent.ts";
import { missingForSamba } from "../support/samba/domain-controller.ts";
import { type Scene, type SceneOptions, setUpScene } from "../support/samba/scene.ts";
import { type JobOptions, type Line, type LineOptions, startLine } from "./line.ts";

export type { Line } from "./line.ts";

/** The main line's operations stand here too: nearly every scenario is about it. */
export type Stage = Scene &
  Pick<Line, "sync" | "project" | "targetOf" | "expectConverged" | "leftBehind" | "waiting"> & {
    readonly main: Line;
    /** An enrolment token for the main line that nobody uses in time. */
    readonly expiringToken: { readonly token: string; readonly until: number };
    /** The objectGUID of the sample person with that number. */
    person(number: number): Promise<string>;
    /** The objectGUID of a group, by its common name. */
    group(name: string): Promise<string>;
    /** A runtime of its own with an empty target, by default with an agent for this directory; the caller ends it. */
    newLine(source?: SourceOptions, settings?: JobOptions): Promise<Line>;
    destroy(): Promise<void>;
  };

export type StageOptions = SceneOptions & Pick<LineOptions, "runtime">;

export async function setUpStage(options: StageOptions): Promise<Stage> {
  const missing = missingForSamba();
  if (missing !== undefined) throw new Error(missing);
  const scene = await setUpScene(options);
  const { admin } = scene;
  const { runtime } = options;
  const newLine = (source?: SourceOptions, settings?: JobOptions): Promise<Line> =>
    startLine([scene], {
      ...(runtime && { runtime }),
      ...(source && { source }),
      ...(settings && { settings }),
    });
  try {
    const main = await newLine();
    const expiringToken = { token: await main.runtime.enrolmentToken(main.job, 1), until: Date.now() + 60_000 };
    const { sync, project, targetOf, expectConverged, leftBehind, waiting } = main;
    return {
      ...scene,
      ...{ sync, project, targetOf, expectConverged, leftBehind, waiting },
      ...{ main, expiringToken, newLine },
      person: (number) => admin.find(`(sAMAccountName=*.${number})`),
      group: (name) => admin.find(`(&(objectClass=group)(cn=${name}))`),
      async destroy() {
        await main.destroy();
        await scene.destroy();
      },
    };
  } catch (error) {
    await scene.destroy();
    throw error;
  }
}
