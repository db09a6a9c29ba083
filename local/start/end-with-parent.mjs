/**
 * Loaded into each process of the local runtime before its own program: a supervisor that is killed can't stop what it
 * started, so they notice that it is gone (the channel to it closes) and end as if asked to.
 */
process.on("disconnect", () => process.kill(process.pid, "SIGTERM"));
// Listening must not keep a program alive that has done its work.
process.channel?.unref();
