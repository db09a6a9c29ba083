/** What the LDIF source needs to know. */
import { z } from "zod";

export const LdifSettings = z.strictObject({
  kind: z.literal("ldif"),
  file: z.string().min(1),
  /** The file's size and time are looked at this often, where no notice of a change comes. */
  pollSeconds: z.number().positive().max(86_400).default(5),
  /** A file is taken as written when it stayed the same for so long; until then it isn't read, not even at the start. */
  settleMilliseconds: z.number().int().min(0).max(60_000).default(300),
});
export type LdifSettings = z.infer<typeof LdifSettings>;
