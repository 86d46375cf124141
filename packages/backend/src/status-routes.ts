import { json, plain, type Reply, type Routes } from "@msdha/status-port";
import { describeNode } from "./describe-node.ts";
import type { BackendMetrics } from "./metrics.ts";
import type { Node } from "./node.ts";
import { judgePrimary, judgeReplica, type Verdict } from "./standing.ts";

/**
 * What the status port of a node answers. Reads what the node has in memory, and asks neither etcd nor the program: an
 * answer takes the event loop less than a millisecond.
 */
export function statusRoutes(currentNode: () => Node | undefined, metrics: BackendMetrics): Routes {
  return {
    answers: {
      "/primary": () => judged(judgePrimary(currentNode())),
      "/replica": (query) => (query.has("lag") ? lagUnknown() : judged(judgeReplica(currentNode()))),
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

function lagUnknown(): Reply {
  return plain(503, "lag: how far this node is behind is not known to it");
}

function judged(verdict: Verdict): Reply {
  return verdict.yes ? plain(200, "yes") : plain(503, verdict.why);
}
