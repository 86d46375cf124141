import { systemClock } from "@msdha/clock";
import { startGuard } from "@msdha/guard";

await using guard = await startGuard({ lockFile: "/tmp/my-server.lock", lockWaitMs: 5_000 });
guard.lost.addEventListener("abort", () => console.error("stopping:", guard.lost.reason.message));

const env = { PATH: "/usr/bin:/bin" };
const server = await guard.spawn("sh", ["-c", "sleep 60 & setsid sleep 60"], { env, output: "inherit" });

// Every time that this process is known to be still in charge:
await guard.setDeadline(systemClock.now() + 200);

console.log("ended:", await server.exited);
await guard.gone(); // nothing of it is left, whatever it was
console.log("gone");
