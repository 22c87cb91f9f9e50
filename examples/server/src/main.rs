//! `server FOLDER ADDRESS` serves the archives of a folder until its standard input is closed.

use std::path::PathBuf;

use anyhow::{Context, Result};
use server::{Service, Settings, routes, serve};
use tokio::io::{AsyncReadExt, stdin};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<()> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().context("usage: server FOLDER ADDRESS");
    let (folder, address) = (PathBuf::from(next()?), next()?);
    let service = Service::open(Settings::new(&folder))?;
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "surli") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('-', "_");
            service.load(&name, std::fs::read(&path)?.into()).await.context(name)?;
        }
    }
    // A service manager's signal would do, with tokio's feature `signal`.
    let stop = async {
        let _ = stdin().read_to_end(&mut Vec::new()).await;
    };
    serve(TcpListener::bind(address).await?, routes(service.clone()), stop).await;
    match service.drain().await {
        0 => Ok(()),
        calls => anyhow::bail!("{calls} calls were cancelled"),
    }
}
