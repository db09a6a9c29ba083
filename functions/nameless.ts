/** What a function throws goes to the host, which keeps its message in telemetry of its own and in Durable's history: no name goes there. */
import { errorWithoutNames } from "../shared/domain/names-in-text.ts";

/** The same function; names of people are taken out of what it throws. */
export function nameless<A extends readonly unknown[], R>(run: (...given: A) => Promise<R>) {
  return async (...given: A): Promise<R> => {
    try {
      return await run(...given);
    } catch (error) {
      throw errorWithoutNames(error);
    }
  };
}
