// Starts the emulator of GitHub with the port and seed that standard input holds, and says when it is ready.
import { readFileSync } from "node:fs";
import { createEmulator } from "emulate";

const { port, seed } = JSON.parse(readFileSync(0, "utf8"));
await createEmulator({ service: "github", port, seed });
console.log("ready");
