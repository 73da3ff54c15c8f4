//! Replication protocol V2: the database file of the one generation, and the frames of its log since.
//!
//! Writes come over Hrana; frames that a client pushes are refused as a conflict. What the client crate
//! expects of each answer stands in its `sync.rs`.

use crate::engine::Database;
use crate::frames;
use crate::http::{json, text, typed};
use hyper::{Body, Method, Response, StatusCode};
use std::path::PathBuf;
use std::sync::Arc;

/// The log is never restarted, so there is one generation only.
const GENERATION: u64 = 1;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Info,
    Export {
        generation: u64,
    },
    Pull {
        generation: u64,
        first: u64,
        end: u64,
    },
    Push,
}

/// What this path asks for.
pub(crate) fn asked(method: &Method, path: &str) -> Option<Asked> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let number = |part: &str| part.parse::<u64>().ok();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["info"]) => Some(Asked::Info),
        ("GET", ["export", generation]) => Some(Asked::Export {
            generation: number(generation)?,
        }),
        ("GET", ["sync", generation, first, end]) => Some(Asked::Pull {
            generation: number(generation)?,
            first: number(first)?,
            end: number(end)?,
        }),
        ("POST", ["sync", _, _, _] | ["sync", _, _, _, _]) => Some(Asked::Push),
        _ => None,
    }
}

/// The answer. Frames are counted from 1 here, and `end` is not among them.
pub(crate) async fn answer(database: &Arc<Database>, asked: Asked) -> Response<Body> {
    let frames = database.queue().last_frame().map_or(0, |last| last + 1);
    match asked {
        Asked::Info => {
            let info = serde_json::json!({ "current_generation": GENERATION });
            json(StatusCode::OK, &info)
        }
        Asked::Export { generation } if generation != GENERATION => text(StatusCode::NOT_FOUND, ""),
        Asked::Export { .. } => {
            // Nothing is ever written back from the log, so the file is as it was created.
            let path = database.path().to_owned();
            blocking(move || std::fs::read(path)).await
        }
        Asked::Pull {
            generation,
            first,
            end,
        } => {
            if generation != GENERATION || first == 0 || first > frames || end <= first {
                // How the protocol says that there is no more.
                let last = serde_json::json!({ "generation": GENERATION });
                return json(StatusCode::BAD_REQUEST, &last);
            }
            let log: PathBuf = frames::log_of(database.path());
            let count = end.min(frames + 1) - first;
            blocking(move || frames::read(&log, first - 1, count)).await
        }
        Asked::Push => {
            let conflict = serde_json::json!({
                "status": "conflict",
                "generation": GENERATION,
                "max_frame_no": frames,
            });
            json(StatusCode::OK, &conflict)
        }
    }
}

async fn blocking(
    read: impl FnOnce() -> std::io::Result<Vec<u8>> + Send + 'static,
) -> Response<Body> {
    match tokio::task::spawn_blocking(read).await {
        Ok(Ok(bytes)) => typed(
            StatusCode::OK,
            "application/octet-stream",
            Body::from(bytes),
        ),
        Ok(Err(error)) => text(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        Err(error) => text(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}
