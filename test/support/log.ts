/** The provisioning log of a cloud in memory, page by page as the admin API gives it, as one list. */
import type { AdminQueries } from "../../shared/application/admin/admin-queries.ts";
import type { LogAsked } from "../../shared/application/log/log-queries.ts";
import type { ProvisioningLogReply } from "../../shared/contracts/provisioning-log.ts";

export async function readLog(
  { queries }: { readonly queries: Pick<AdminQueries, "log"> },
  asked: Omit<LogAsked, "skipToken">,
): Promise<ProvisioningLogReply[]> {
  const entries: ProvisioningLogReply[] = [];
  for (let skipToken: string | undefined; ; ) {
    const page = await queries.log({ ...asked, skipToken });
    if (!page.ok) throw new Error(`${page.failure.message} ${page.failure.remedy}`);
    entries.push(...page.value.value);
    skipToken = page.value.next;
    if (skipToken === undefined || entries.length >= asked.top) return entries.slice(0, asked.top);
  }
}
