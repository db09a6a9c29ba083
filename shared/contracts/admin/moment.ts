/**
 * A moment as an ISO text, or null where there was none yet.
 */
import { z } from "zod";

export const Moment = z.string().nullable();
