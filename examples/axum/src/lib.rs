//! The routes of the application. They take the database as an argument, so a test gives them one of its own.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use seedbed::db::AppDatabase;
use seedbed::db::libsql::{Error, Row};
use serde::{Deserialize, Serialize};

/// A row of `users`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Where the user is reached.
    pub email: String,
    /// How the user is greeted.
    pub name: String,
}

/// The application on this database.
pub fn router(database: AppDatabase) -> Router {
    Router::new()
        .route("/users", get(users).post(add))
        .route("/users/{email}", get(user))
        .with_state(database)
}

async fn users(State(database): State<AppDatabase>) -> Result<Json<Vec<User>>, StatusCode> {
    let connection = database.connect().await.map_err(failed)?;
    let sql = "SELECT email, name FROM users ORDER BY email";
    let mut rows = connection.query(sql, ()).await.map_err(failed)?;
    let mut users = Vec::new();
    while let Some(row) = rows.next().await.map_err(failed)? {
        users.push(read(&row).map_err(failed)?);
    }
    Ok(Json(users))
}

async fn user(
    State(database): State<AppDatabase>,
    Path(email): Path<String>,
) -> Result<Json<User>, StatusCode> {
    let connection = database.connect().await.map_err(failed)?;
    let sql = "SELECT email, name FROM users WHERE email = ?1";
    let mut rows = connection.query(sql, [email]).await.map_err(failed)?;
    match rows.next().await.map_err(failed)? {
        Some(row) => Ok(Json(read(&row).map_err(failed)?)),
        None => Err(StatusCode::NOT_FOUND),
    }
}

async fn add(
    State(database): State<AppDatabase>,
    Json(user): Json<User>,
) -> Result<StatusCode, StatusCode> {
    let connection = database.connect().await.map_err(failed)?;
    let sql = "INSERT INTO users (email, name) VALUES (?1, ?2) ON CONFLICT (email) DO NOTHING";
    match connection.execute(sql, [user.email, user.name]).await {
        Ok(0) => Err(StatusCode::CONFLICT),
        Ok(_) => Ok(StatusCode::CREATED),
        Err(error) => Err(failed(error)),
    }
}

fn read(row: &Row) -> Result<User, Error> {
    Ok(User {
        email: row.get(0)?,
        name: row.get(1)?,
    })
}

/// The log has the reason; the client does not.
fn failed(error: impl std::fmt::Display) -> StatusCode {
    eprintln!("{error}");
    StatusCode::INTERNAL_SERVER_ERROR
}
