import { json, plain, serveRoutes } from "@msdha/status-port";

await using _port = await serveRoutes(
  {
    answers: { "/ready": () => plain(200, "yes"), "/status": () => json(200, { state: "master" }) },
    feeds: { "/events": (stream) => stream.send("state", "{}") },
  },
  { port: 18080, host: "127.0.0.1" },
  { name: "STATUS_PORT 18080" },
);
const ready = await fetch("http://127.0.0.1:18080/ready", { method: "HEAD" });
console.log(ready.status, await (await fetch("http://127.0.0.1:18080/status")).json());
