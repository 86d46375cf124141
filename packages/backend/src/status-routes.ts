import { parseBytes } from "@msdha/settings";
import { json, plain, type Reply, type Routes } from "@msdha/status-port";
import { describeNode } from "./describe-node.ts";
import type { BackendMetrics } from "./metrics.ts";
import type { Node } from "./node.ts";
import { judgePrimary, judgeReady, judgeReplica, judgeReplicaWithin, type Verdict } from "./standing.ts";

/**
 * What the status port of a node answers. Reads what the node has in memory, and asks neither etcd nor the program: an
 * answer takes the event loop less than a millisecond.
 */
export function statusRoutes(currentNode: () => Node | undefined, metrics: BackendMetrics): Routes {
  return {
    answers: {
      "/primary": () => judged(judgePrimary(currentNode())),
      "/replica": (query) =>
        query.has("lag") ? answerLag(query, currentNode()) : judged(judgeReplica(currentNode())),
      "/ready": () => judged(judgeReady(currentNode())),
      "/live": () => judged(judgeLive(currentNode())),
      "/status": () => {
        const node = currentNode();
        return node ? json(200, describeNode(node)) : plain(503, "it has not joined its group yet");
      },
      "/metrics": async () => {
        const { type, text } = await metrics.render(currentNode());
        return { code: 200, type, body: text };
      },
    },
  };
}

/** A node that starts or stops is alive, and should be left alone; one whose program is not will end by itself. */
function judgeLive(node: Node | undefined): Verdict {
  const failure = node?.liveness.latest?.failure;
  if (node && !node.end.begun.aborted && failure !== undefined)
    return { yes: false, why: `its program does not seem to be alive: ${failure}` };
  return { yes: true };
}

function answerLag(query: URLSearchParams, node: Node | undefined): Reply {
  const text = query.get("lag") ?? "";
  const mostBytes = parseBytes(text);
  if (mostBytes === undefined)
    return plain(400, `lag: expected a number of bytes such as 1048576, 512kB or 16MB, got ${quote(text)}`);
  return judged(judgeReplicaWithin(node, mostBytes));
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}

function judged(verdict: Verdict): Reply {
  return verdict.yes ? plain(200, "yes") : plain(503, verdict.why);
}
