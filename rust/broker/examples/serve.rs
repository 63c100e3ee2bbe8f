//! A broker by hand: `cargo run --example serve -- listeners=PLAINTEXT://127.0.0.1:9092 log.dirs=./data`.
//!
//! Runs until the end of standard input, then stops in good order.

use std::io::Read;
use std::process::ExitCode;

use kafkalite_broker::{Broker, BrokerConfig, BrokerError};

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), BrokerError> {
    let mut config = BrokerConfig::new();
    std::env::args()
        .skip(1)
        .try_for_each(|pair| config.set_pair(&pair))?;
    let broker = Broker::start(config).await?;
    eprintln!("ready: {}", broker.bootstrap_servers());
    let _ = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await;
    broker.stop().await
}
