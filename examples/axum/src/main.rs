//! Opens the database of the settings, applies the migrations that it lacks, and serves the application.

use std::error::Error;

use seedbed::config::Config;
use seedbed::migrations;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let database = Config::load()?.open().await?;
    // Instances that start at the same time may all do this: one of them applies, the others find nothing to do.
    migrations::up(database.db(), &seedbed::embed!("migrations")).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, seedbed_example_axum::router(database)).await?;
    Ok(())
}
