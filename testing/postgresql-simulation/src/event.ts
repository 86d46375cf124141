import type { Node, World } from "./world.ts";

/** Something that happens in the world, if it can. Returns false where it can't. */
export type Event = (world: World) => boolean;

export const running = ({ server }: Node): boolean => server.alive && !server.frozen;
export const isMaster = (node: Node): boolean => running(node) && !node.server.standby;
