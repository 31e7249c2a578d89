//! SIGINT and SIGTERM as something a loop can wait for.

use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

/// The wish of an operator that the process ends.
#[derive(Debug)]
pub(crate) struct StopSignal {
    asked: Receiver<()>,
}

impl StopSignal {
    /// From now on SIGINT and SIGTERM are a wish, and end nothing by themselves.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let (tell, asked) = sync_channel(1);
        let (ready, is_ready) = sync_channel(1);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let built = tokio::runtime::Builder::new_current_thread().enable_io().build();
            let runtime = match built {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready.send(Err(error))),
            };
            runtime.block_on(async {
                let both = signal(SignalKind::interrupt())
                    .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
                match both {
                    Ok((mut interrupt, mut terminate)) => {
                        // Whoever listens waits for both of these.
                        let _ = ready.send(Ok(()));
                        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
                        let _ = tell.send(());
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            });
        })?;
        is_ready.recv().map_err(std::io::Error::other)??;
        Ok(Self { asked })
    }

    /// Waits so long at most; true once the signal came.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        // Where the thread ended without a word: rather stop than never.
        !matches!(self.asked.recv_timeout(patience), Err(RecvTimeoutError::Timeout))
    }
}
