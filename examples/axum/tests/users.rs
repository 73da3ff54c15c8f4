//! Each test has a migrated and seeded database of its own, so all of them run at the same time.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use seedbed::config::{self, Flags};
use seedbed::testing::{self, TestDatabase};
use seedbed_example_axum::{User, router};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The application on a database of this test, which is removed when the test passes and kept when it panics.
async fn application() -> (Router, TestDatabase) {
    let test = testing::database("test").await.unwrap();
    let flags = Flags::default().database(Some(test.path().display().to_string()));
    let settings = config::load(&flags, env!("CARGO_MANIFEST_DIR").as_ref(), []);
    let database = settings.config().unwrap().open().await.unwrap();
    (router(database), test)
}

async fn answer(application: Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = application.oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 65_536).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn read(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

fn add(user: &User) -> Request<Body> {
    let body = Body::from(serde_json::to_string(user).unwrap());
    let request = Request::post("/users").header("content-type", "application/json");
    request.body(body).unwrap()
}

#[tokio::test]
async fn the_list_has_the_users_of_the_seeds() {
    let (application, _test) = application().await;
    let expect = json!([
        {"email": "ada@example.com", "name": "Ada"},
        {"email": "grace@example.com", "name": "Grace"},
    ]);
    assert_eq!(
        answer(application, read("/users")).await,
        (StatusCode::OK, expect)
    );
}

#[tokio::test]
async fn a_user_is_found_by_the_label_of_its_seed() {
    let (application, test) = application().await;
    let ada: User = test.row("users", "ada").await.unwrap();
    let (status, found) = answer(application, read(&format!("/users/{}", ada.email))).await;
    assert_eq!(
        (status, found["name"].as_str()),
        (StatusCode::OK, Some("Ada"))
    );
}

#[tokio::test]
async fn a_user_is_added_once() {
    let (application, _test) = application().await;
    let alan = User {
        email: "alan@example.com".to_owned(),
        name: "Alan".to_owned(),
    };
    let (status, _) = answer(application.clone(), add(&alan)).await;
    assert_eq!(status, StatusCode::CREATED);
    let (status, _) = answer(application.clone(), add(&alan)).await;
    assert_eq!(status, StatusCode::CONFLICT);
    // The other tests never see this user.
    let (_, users) = answer(application, read("/users")).await;
    assert_eq!(users.as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn an_unknown_user_is_not_found() {
    let (application, _test) = application().await;
    let (status, _) = answer(application, read("/users/alan@example.com")).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
