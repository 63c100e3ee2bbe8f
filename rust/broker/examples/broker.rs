//! A broker in a process of its own, for crash tests and for trying out: `broker DIR [KEY=VALUE]...`.
//!
//! Prints its address in one line when clients can connect, and stops in good order when its standard input ends.

use std::{env, io, process::ExitCode};

use kafkalite_broker::{Broker, BrokerConfig};

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

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let mut config = BrokerConfig::new();
    config.set("log.dirs", &arguments.next().ok_or("which directory?")?)?;
    config.set("listeners", "PLAINTEXT://127.0.0.1:0")?;
    for setting in arguments {
        let (key, value) = setting.split_once('=').ok_or("settings are KEY=VALUE")?;
        config.set(key, value)?;
    }
    let broker = Broker::start(config).await?;
    #[allow(clippy::print_stdout)] // the line that a parent process waits for
    {
        println!("{}", broker.bootstrap_servers());
    }
    tokio::task::spawn_blocking(|| io::copy(&mut io::stdin(), &mut io::sink())).await??;
    Ok(broker.stop().await?)
}
