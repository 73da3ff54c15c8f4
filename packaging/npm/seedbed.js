#!/usr/bin/env node
// Runs the program of the package that npm installed for this system, and ends as it ends.
"use strict";

const { spawn } = require("node:child_process");
const os = require("node:os");

const system = `${process.platform}-${process.arch}`;
const program = process.platform === "win32" ? "seedbed.exe" : "seedbed";

let path;
try {
  path = require.resolve(`@seedbed-rs/cli-${system}/${program}`);
} catch {
  console.error(
    `seedbed: the package @seedbed-rs/cli-${system} is not installed.\n` +
      "Either there is no program for this system, or npm was run with --omit=optional, or node_modules was copied " +
      "from another system.\n" +
      "Run `npm install` here without --omit=optional, or install the program with `cargo install seedbed-cli`.",
  );
  process.exit(1);
}

const child = spawn(path, process.argv.slice(2), { stdio: "inherit" });
// The program decides how to end, so that a transaction is finished or rolled back. On Ctrl-C a terminal signals both
// processes; any other sender knows this one only, so the signal is passed on.
for (const signal of ["SIGINT", "SIGTERM"]) {
  process.on(signal, () => {
    if (signal === "SIGTERM" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("error", (error) => {
  console.error(`seedbed: ${path} cannot be run: ${error.message}`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? 128 + (os.constants.signals[signal] ?? 0));
});
