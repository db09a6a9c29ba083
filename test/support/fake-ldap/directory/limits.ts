/** A domain controller's limits, as Windows has them by default; a test that needs many pages makes them small instead of the directory large. */
export interface Limits {
  /** DirSync: entries of a page. */
  pageEntries: number;
  /** DirSync: link values of one entry; more come in another entry of the same object. */
  linkValues: number;
  /** DirSync: changes that are looked at for one page, matching or not; a page may be empty in the middle of a read. */
  looked: number;
  /** DirSync: whether parentGUID comes only when it is asked for, beside `name`, instead of with every `name`. */
  parentGuidMustBeAsked: boolean;
  /** Searches: values of one attribute, before `;range=`. */
  valueRange: number;
  /** Searches: entries without paging, and of one page. */
  searchEntries: number;
}

export const windowsLimits = (): Limits => ({
  pageEntries: 1_000,
  linkValues: 1_500,
  looked: Number.POSITIVE_INFINITY,
  parentGuidMustBeAsked: false,
  valueRange: 1_500,
  searchEntries: 1_000,
});
