export { type FollowMasterOptions, followMaster } from "./follow-master.ts";
export { createGuide, type Guide, type GuideOptions } from "./guide.ts";
