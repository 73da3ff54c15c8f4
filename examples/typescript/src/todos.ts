// The queries of the application. They take the client as an argument, so a test gives them one of its own.

import type { Client } from "@libsql/client";

export interface Todo {
  id: number;
  title: string;
  done: boolean;
  due: string | null;
}

/** The tasks of a user that are not done, those with the earliest date first. */
export async function open(db: Client, email: string): Promise<Todo[]> {
  const { rows } = await db.execute({
    sql: `SELECT todos.id, title, done, due FROM todos JOIN users ON users.id = todos.user_id
          WHERE email = ? AND done = 0 ORDER BY due IS NULL, due, title`,
    args: [email],
  });
  return rows.map((row) => ({
    id: Number(row["id"]),
    title: String(row["title"]),
    done: row["done"] === 1,
    due: row["due"] === null ? null : String(row["due"]),
  }));
}

/** Marks a task as done. False where there is no such task. */
export async function finish(db: Client, id: number): Promise<boolean> {
  const { rowsAffected } = await db.execute({ sql: "UPDATE todos SET done = 1 WHERE id = ?", args: [id] });
  return rowsAffected === 1;
}
