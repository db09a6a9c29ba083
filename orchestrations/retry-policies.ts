/** How often Durable repeats a failed activity: storage that is gone for some minutes must not fail a batch. */
import { RetryOptions } from "durable-functions";

export function activityRetry(): RetryOptions {
  const options = new RetryOptions(2_000, 6);
  options.backoffCoefficient = 2;
  options.maxRetryIntervalInMilliseconds = 30_000;
  return options;
}
