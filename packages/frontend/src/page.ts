import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Answer } from "@msdha/status-port";

/** Beside the bundle, and beside the modules that it is made from. */
const FILE = new URL("../dist/page.html", import.meta.url);

/** Answers with the page. Throws at every request if it was not built. */
export function pageAnswer(): Answer {
  let html: string | undefined;
  let policy = "";
  return () => {
    if (html === undefined) {
      html = readFileSync(FILE, "utf8");
      policy = contentSecurityPolicy(html);
    }
    const headers = { "content-security-policy": policy };
    return { code: 200, type: "text/html; charset=utf-8", body: html, headers };
  };
}

/** Allows the page's own script and style by their hashes, and events of the same port; nothing may become markup. */
function contentSecurityPolicy(html: string): string {
  const hash = (tag: string): string => {
    const [, text = ""] = new RegExp(`<${tag}>(.*)</${tag}>`, "s").exec(html) ?? [];
    return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  };
  return [
    "default-src 'none'",
    `script-src ${hash("script")}`,
    `style-src ${hash("style")}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}
