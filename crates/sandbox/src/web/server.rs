//! A simulator that is listening: where it is reached, how it is stopped.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::connection::{CuttableListener, Line, Switchboard};

/// A listening simulator. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    switchboard: Switchboard,
    task: JoinHandle<()>,
    /// Work beside the server that ends with it.
    beside: Vec<JoinHandle<()>>,
}

impl Running {
    /// Binds the loopback interface and serves in the background.
    pub(crate) async fn launch(port: u16, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let switchboard = Switchboard::default();
        let listener = CuttableListener::new(listener, switchboard.clone());
        let service = router.into_make_service_with_connect_info::<Line>();
        let task = tokio::spawn(async move {
            // `axum::serve` ends only with the task: accept errors are retried inside.
            let _ = axum::serve(listener, service).await;
        });
        Ok(Self {
            address,
            switchboard,
            task,
            beside: Vec::new(),
        })
    }

    /// Lets a task end with this simulator.
    pub(crate) fn with(mut self, task: JoinHandle<()>) -> Self {
        self.beside.push(task);
        self
    }

    /// The base address, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Stops listening and cuts every open connection; the port is free when this returns.
    pub async fn stop(mut self) {
        self.beside.iter().for_each(JoinHandle::abort);
        self.task.abort();
        // The only possible error says that the task was aborted, which is what was asked.
        let _ = (&mut self.task).await;
        self.switchboard.cut_all();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.beside.iter().for_each(JoinHandle::abort);
        self.task.abort();
        self.switchboard.cut_all();
    }
}
