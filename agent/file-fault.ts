/** Why a file can't be used, in words for whoever put it there; the path is said by the caller. */

const WHY: Readonly<Record<string, string>> = {
  ENOENT: "it isn't there",
  ENOTDIR: "it isn't there",
  EACCES: "this account has no right to it",
  EPERM: "this account has no right to it",
  EISDIR: "it is a folder",
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
};

export function fileFault(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return WHY[code] ?? (error instanceof Error ? error.message : String(error));
}
