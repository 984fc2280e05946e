//! The begin of a connection: TLS, where it is spoken, within the time of a request.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::stream::{Stream, Watched};

/// What rustls may keep of an answer that its client does not take.
const BUFFER: usize = 32 * 1024;
/// For who speaks plain HTTP, so that he does not look for the fault elsewhere.
pub(super) const SPEAKS_TLS: &str = "this listener speaks TLS, ask it by https://";

/// That there is no agreement on TLS.
#[derive(Debug)]
pub(super) struct Refused {
    /// Unless the client went away before it said anything.
    pub(super) worth_counting: bool,
}

/// What requests come over. It tells what goes on beneath TLS: what a client takes, and not what is kept for him.
pub(super) enum Wire<S: Stream> {
    Plain(Watched<S>),
    Tls(Box<TlsStream<Watched<S>>>),
}

/// Speaks TLS with a client, where that is asked for.
pub(super) async fn open<S: Stream>(
    mut stream: Watched<S>,
    tls: Option<Arc<ServerConfig>>,
) -> Result<Wire<S>, Refused> {
    let Some(tls) = tls else { return Ok(Wire::Plain(stream)) };
    let Ok(Some(first)) = stream.first_byte().await else { return Err(Refused { worth_counting: false }) };
    // A method; TLS begins with another byte.
    if first.is_ascii_uppercase() {
        drop(say(&mut stream).await);
        return Err(Refused { worth_counting: true });
    }
    let accepted =
        TlsAcceptor::from(tls).accept_with(stream, |session| session.set_buffer_limit(Some(BUFFER)));
    match accepted.await {
        Ok(stream) => Ok(Wire::Tls(Box::new(stream))),
        Err(_) => Err(Refused { worth_counting: true }),
    }
}

/// What has come is read first: a connection that is closed with something unread takes the answer with it.
async fn say<S: Stream>(stream: &mut Watched<S>) -> io::Result<()> {
    let mut request = [0; 4096];
    // The byte that was looked at, and what came with it.
    let _ = stream.read(&mut request[..1]).await?;
    let _ = stream.read(&mut request).await?;
    let head =
        "HTTP/1.0 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n";
    stream.write_all(format!("{head}400 Bad Request: {SPEAKS_TLS}\n").as_bytes()).await?;
    stream.shutdown().await
}

impl<S: Stream> AsyncRead for Wire<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl<S: Stream> AsyncWrite for Wire<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
