/** Another node of this name is alive, or its key is on no lease. */
export class NameTakenError extends Error {
  override readonly name = "NameTakenError";
  readonly code = "ERR_NAME_TAKEN";
  readonly node: string;

  constructor(node: string, why: string) {
    super(`the name ${JSON.stringify(node)} is taken: ${why}`);
    this.node = node;
  }
}

/** The node key is gone, or is another node's. */
export class NodeKeyLostError extends Error {
  override readonly name = "NodeKeyLostError";
  readonly code = "ERR_NODE_KEY_LOST";

  constructor(key: string) {
    super(`the node key ${key} is gone, or is somebody else's`);
  }
}
