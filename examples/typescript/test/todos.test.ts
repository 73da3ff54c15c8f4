// Each test has a migrated and seeded database of its own: `seedbed test-db` prints the path of a new one.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { test, type TestContext } from "node:test";
import { createClient, type Client } from "@libsql/client";
import { finish, open } from "../src/todos.js";

function database(context: TestContext): Client {
  const path = execFileSync("seedbed", ["--quiet", "test-db"], { encoding: "utf8" }).trimEnd();
  const db = createClient({ url: `file:${path}` });
  context.after(() => {
    db.close();
    rmSync(path);
  });
  return db;
}

test("the open tasks are those of the seeds", async (context) => {
  const todos = await open(database(context), "ada@example.com");
  assert.deepEqual(
    todos.map(({ title, done, due }) => ({ title, done, due })),
    [{ title: "Write the notes on the engine", done: false, due: "1843-09-01" }],
  );
});

test("a finished task is not open", async (context) => {
  const db = database(context);
  const [todo] = await open(db, "ada@example.com");
  assert.ok(todo);
  assert.equal(await finish(db, todo.id), true);
  assert.deepEqual(await open(db, "ada@example.com"), []);
});

test("a task that is not there cannot be finished", async (context) => {
  assert.equal(await finish(database(context), -1), false);
});
