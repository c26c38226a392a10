//! The order of flushes.

use tokio::sync::oneshot;

/// A flush's place in the order of flushes: what it rests on is committed before it is written.
#[derive(Debug)]
pub struct Turn {
    before: Option<oneshot::Receiver<()>>,
    committed: oneshot::Sender<()>,
}

impl Turn {
    /// The turn after the one that says so through `before`, and how the next one hears of it.
    pub fn after(before: Option<oneshot::Receiver<()>>) -> (Self, oneshot::Receiver<()>) {
        let (committed, next) = oneshot::channel();
        (Self { before, committed }, next)
    }

    /// Never returns when the flush before failed: whoever flushes ends with that one's reason, and
    /// takes this one with it.
    pub(super) fn comes(&mut self) -> impl Future<Output = ()> + use<> {
        let before = self.before.take();
        async {
            if let Some(before) = before
                && before.await.is_err()
            {
                std::future::pending::<()>().await;
            }
        }
    }

    pub(super) fn ends(self) {
        // Nothing may come after it.
        let _ = self.committed.send(());
    }
}
