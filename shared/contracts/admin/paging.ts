/** Lists as Graph answers them, and the query options of those that come page by page. */
import { z } from "zod";
import { Identifier } from "../path-params.ts";

/** `value`, and where the next page is: absolute, absent on the last. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.strictObject({ value: z.array(item), "@odata.nextLink": z.string().optional() });
}

/** Entries of a page: 50 unless said otherwise. */
export const Top = z.coerce.number().int().min(1).max(1000).default(50);
/** From a page's `@odata.nextLink`; nobody makes one. */
export const SkipToken = z.string().min(1).max(512).optional();
/** The same of a list in the order of identifiers: the last one of the page before. */
export const SkipPlace = Identifier.optional();

/** Of lists that are short by nature: they come whole, unless somebody asks for pages. */
export const ShortPage = { $top: z.coerce.number().int().min(1).max(1000).optional(), $skiptoken: SkipPlace };
