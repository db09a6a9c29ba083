/** Histories of a directory, its reads and what goes wrong meanwhile, played to their end. */
import type { DirectoryStep } from "./directory.ts";
import { createWorld, type World } from "./world.ts";

export type Event =
  | DirectoryStep
  | { readonly do: "read"; readonly kind: "full" | "delta"; readonly size: number; readonly doubled: boolean }
  | { readonly do: "run" }
  /** An admin asks for somebody on demand; `meanwhile`: what happens between the agent's look and its answer. */
  | { readonly do: "ask"; readonly name: string; readonly meanwhile: "nothing" | "delta" | "full" | "run" }
  /** Exports are held from now on, or not any more. */
  | { readonly do: "hold"; readonly held: boolean }
  | { readonly do: "hours"; readonly count: number }
  | { readonly do: "crash"; readonly at: number }
  | { readonly do: "touch"; readonly count: number }
  | { readonly do: "away"; readonly count: number }
  | { readonly do: "fault"; readonly kind: "throttle" | "lose-answer" | "fail"; readonly count: number };

async function play(events: readonly Event[]): Promise<World> {
  const world = await createWorld({ chunkObjects: 2 });
  const { cloud } = world;
  for (const event of events) {
    switch (event.do) {
      case "read":
        await world.send(event.kind, event.size, (changes) =>
          // The same change twice in a row is what a directory server may well report.
          event.doubled ? changes.flatMap((change) => [change, change]) : changes,
        );
        break;
      case "run":
        await world.run();
        world.noteIds();
        break;
      case "ask":
        await world.ask(event.name, async () => {
          if (event.meanwhile === "run") await world.run();
          else if (event.meanwhile !== "nothing") await world.send(event.meanwhile, 2);
        });
        break;
      case "hold":
        await world.hold(event.held);
        break;
      case "hours":
        cloud.clock.set(cloud.clock.now() + event.count * 3_600_000);
        await cloud.tick();
        break;
      case "crash":
        world.crashAt(event.at);
        break;
      case "touch":
        world.touchRows(event.count);
        break;
      case "away":
        world.targetAway(event.count);
        break;
      case "fault":
        cloud.target.order({ kind: event.kind, count: event.count });
        cloud.target.orderMembers({ kind: event.kind, count: event.count });
        break;
      default:
        world.take(event);
    }
  }
  return world;
}

/** Whatever happened, the target is the projection in the end. */
export async function holds(events: readonly Event[]): Promise<void> {
  const world = await play(events);
  await world.hold(false);
  await world.send("delta");
  await world.check();
}
