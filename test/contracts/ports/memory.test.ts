import { createMemoryBlobStore } from "../../../shared/adapters/memory/blob-store.ts";
import { createMemoryRowStore } from "../../../shared/adapters/memory/row-store.ts";
import { createMemoryTargetDirectory } from "../../../shared/adapters/memory/target-directory.ts";
import { describeBlobStore } from "./blob-store-contract.ts";
import { describeRowStore } from "./row-store-contract.ts";
import { describeTargetDirectory } from "./target-directory-contract.ts";

describeRowStore("memory", createMemoryRowStore);
describeBlobStore("memory", createMemoryBlobStore);
describeTargetDirectory("memory", async () => {
  const target = createMemoryTargetDirectory({
    initialDomain: "uplinkdemo.onmicrosoft.com",
    verifiedDomains: ["contoso.example"],
  });
  return {
    target,
    forgottenPage: "of yesterday",
    seed: (values, flags = {}) => target.seed([{ values, ...flags }])[0]!,
    values: (id) => target.object(id)?.values,
  };
});
