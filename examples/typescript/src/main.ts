// Prints the open tasks of a user: npm start -- ada@example.com

import { createClient } from "@libsql/client";
import { open } from "./todos.js";

const db = createClient({
  url: process.env["TURSO_DATABASE_URL"] ?? "file:local.db",
  authToken: process.env["TURSO_AUTH_TOKEN"],
});
for (const todo of await open(db, process.argv[2] ?? "ada@example.com")) {
  console.log(`${todo.due ?? "some day"}: ${todo.title}`);
}
db.close();
