//! The stream of a connection, beneath TLS, and what is told of it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::crowd::Member;

/// What a listener hands over: TCP, and what is put around or beside it.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Makes closing it forget what the client has not taken, which the kernel would keep for minutes.
    fn forget_unsent(&self);
}

impl Stream for TcpStream {
    fn forget_unsent(&self) {
        self.set_zero_linger().ok();
    }
}

/// A stream that tells what goes on.
pub(super) struct Watched<S: Stream> {
    pub(super) stream: S,
    /// A byte that was looked at.
    pub(super) ahead: Option<u8>,
    pub(super) member: Arc<Member>,
    /// Whether the connection was not let be.
    pub(super) cut: Arc<AtomicBool>,
}

impl<S: Stream> Drop for Watched<S> {
    fn drop(&mut self) {
        if self.cut.load(Ordering::Relaxed) {
            self.stream.forget_unsent();
        }
    }
}

impl<S: Stream> Watched<S> {
    /// The first byte that comes, which stays to be read; `None` at the end.
    pub(super) async fn first_byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        let came = self.read(&mut byte).await? > 0;
        self.ahead = came.then_some(byte[0]);
        Ok(self.ahead)
    }

    fn wrote(&self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = result {
            self.member.life().wrote(Instant::now());
        }
        result
    }
}

impl<S: Stream> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buffer.remaining() > 0
            && let Some(byte) = self.ahead.take()
        {
            buffer.put_slice(&[byte]);
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.member.life().read(Instant::now());
        }
        result
    }
}

impl<S: Stream> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wrote(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.wrote(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when nothing is left to write.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        if let Poll::Ready(Ok(())) = result {
            self.member.life().flushed(Instant::now());
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
