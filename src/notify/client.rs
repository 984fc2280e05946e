//! One exchange over HTTP at a time, on a connection of its own: bounded in time and size, without a proxy, and nothing
//! is looked for where an answer points to.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT,
};
use hyper::http::uri::Authority;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::aside::Aside;
use super::failed::{Failed, of_status};
use super::lookup::Lookup;
use super::secrets::{Files, Secrets};
use crate::observed::notified::Failure;

/// How long each part of an exchange may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Reading files, and asking for an address.
    pub(super) aside: Duration,
    /// The connection, with its TLS.
    pub(super) connect: Duration,
    /// All of it.
    pub(super) whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            aside: Duration::from_secs(3),
            connect: Duration::from_secs(5),
            whole: Duration::from_secs(10),
        }
    }
}

/// What hyper may buffer of heads and answers.
const BUFFER: usize = 64 * 1024;

/// Who is asked and told, and with which secrets.
#[derive(Debug)]
pub(super) struct Client {
    files: Files,
    patience: Patience,
    reading: Aside<Result<Secrets, String>>,
    lookup: Lookup,
}

/// What is asked.
pub(super) struct Question {
    pub(super) method: Method,
    /// Behind the path of the receiver.
    pub(super) path: String,
    pub(super) json: Vec<u8>,
    /// The most that an answer may be.
    pub(super) longest_answer: usize,
}

/// What came back, with a status of success.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Client {
    pub(super) fn new(files: Files, patience: Patience) -> Self {
        Self { files, patience, reading: Aside::new("secrets"), lookup: Lookup::new(patience.aside) }
    }

    /// Asks a receiver, or one whose URL is in a file.
    pub(super) async fn exchange(
        &mut self,
        receiver: Option<&Uri>,
        question: Question,
    ) -> Result<Answer, Failed> {
        let whole = self.patience.whole;
        match timeout(whole, self.exchange_in_time(receiver, question)).await {
            Ok(result) => result,
            Err(_) => Err(Failed::new(
                Failure::Timeout,
                format!("no whole answer within {} s", whole.as_secs_f64()),
            )),
        }
    }

    /// Whether it can be reached: what is in the files, its address, a connection, and TLS. Nothing is asked.
    pub(super) async fn reach(&mut self, receiver: Option<&Uri>) -> Result<(), Failed> {
        self.open(receiver).await.map(drop)
    }

    async fn exchange_in_time(
        &mut self,
        receiver: Option<&Uri>,
        question: Question,
    ) -> Result<Answer, Failed> {
        let (uri, secrets, stream) = self.open(receiver).await?;
        talk(stream, request(&uri, &secrets, &question)?, question.longest_answer).await
    }

    /// A connection, and what goes with it.
    async fn open(&mut self, receiver: Option<&Uri>) -> Result<(Uri, Secrets, Box<dyn Stream>), Failed> {
        let secrets = self.secrets(receiver.is_some_and(is_tls)).await?;
        let uri = match (receiver, &secrets.url) {
            (Some(uri), _) => uri.clone(),
            (None, Some(text)) => of_file(text)?,
            (None, None) => return Err(Failed::new(Failure::Secret, "there is no URL")),
        };
        let connect = self.patience.connect;
        let stream = timeout(connect, self.connect(&uri, &secrets)).await;
        let stream = stream.unwrap_or_else(|_| {
            Err(Failed::new(Failure::Timeout, format!("no connection within {} s", connect.as_secs_f64())))
        })?;
        Ok((uri, secrets, stream))
    }

    async fn secrets(&mut self, with_tls: bool) -> Result<Secrets, Failed> {
        let files = self.files.clone();
        let read = self.reading.run(self.patience.aside, move || files.read(with_tls)).await;
        let failed = |what: String| Failed::new(Failure::Secret, what);
        read.map_err(|error| failed(format!("files with secrets: {error}")))?.map_err(failed)
    }

    async fn connect(&mut self, uri: &Uri, secrets: &Secrets) -> Result<Box<dyn Stream>, Failed> {
        let (host, port) = place(uri);
        let addresses = self.lookup.addresses(host.to_owned(), port).await?;
        let tcp = TcpStream::connect(&addresses[..])
            .await
            .map_err(|error| Failed::new(Failure::Connect, format!("no connection: {error}")))?;
        tcp.set_nodelay(true).ok();
        if !is_tls(uri) {
            return Ok(Box::new(tcp));
        }
        let tls = |what: String| Failed::new(Failure::Tls, what);
        let config = secrets.tls.clone().ok_or_else(|| tls("no TLS was prepared".to_owned()))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| tls(error.to_string()))?;
        let stream = TlsConnector::from(config).connect(name, tcp).await;
        Ok(Box::new(stream.map_err(|error| tls(format!("no TLS: {error}")))?))
    }
}

/// Scheme and host are there: the configuration asks for them.
pub(super) fn is_tls(uri: &Uri) -> bool {
    uri.scheme_str() == Some("https")
}

/// Host without the brackets of an address, and port.
fn place(uri: &Uri) -> (&str, u16) {
    let host = uri.host().unwrap_or_default();
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    (host, uri.port_u16().unwrap_or(if is_tls(uri) { 443 } else { 80 }))
}

/// What is in the file is a secret, so nothing of it is said.
fn of_file(text: &str) -> Result<Uri, Failed> {
    let unfit = || Failed::new(Failure::Secret, "what is in the file of the URL is none of http or https");
    let uri: Uri = text.parse().map_err(|_| unfit())?;
    let known = matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some();
    if known { Ok(uri) } else { Err(unfit()) }
}

fn request(uri: &Uri, secrets: &Secrets, question: &Question) -> Result<Request<Full<Bytes>>, Failed> {
    let unfit = |_| Failed::new(Failure::Refused, "no request can be made of this");
    let begin = uri.path_and_query().map_or("/", |path| path.as_str());
    let path = if question.path.is_empty() {
        begin.to_owned()
    } else {
        begin.trim_end_matches('/').to_owned() + &question.path
    };
    let authority = uri.authority().map(Authority::as_str).unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let mut request = Request::builder()
        .method(&question.method)
        .uri(path)
        .header(HOST, host)
        .header(USER_AGENT, concat!("imsimta-exporter/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT, "application/json, */*")
        .header(CONNECTION, "close");
    if question.method == Method::POST {
        request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(authorization) = &secrets.authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    request.body(Full::from(question.json.clone())).map_err(unfit)
}

async fn talk(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
    longest: usize,
) -> Result<Answer, Failed> {
    let broken = |error: hyper::Error| match of_tls(&error) {
        Some(why) => Failed::new(Failure::Tls, format!("no TLS: {why}")),
        None if error.is_parse() => Failed::new(Failure::Answer, format!("no whole answer: {error}")),
        None => Failed::new(Failure::Connect, format!("no whole answer: {error}")),
    };
    let (mut sender, connection) =
        http1::Builder::new().max_buf_size(BUFFER).handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let exchange = async {
        let answer = sender.send_request(request).await.map_err(broken)?;
        if let Some(failed) = of_status(answer.status().as_u16()) {
            return Err(failed);
        }
        let (head, body) = answer.into_parts();
        let body = Limited::new(body, longest).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                Failed::new(Failure::Answer, format!("its answer is longer than {longest} bytes"))
            } else {
                Failed::new(Failure::Connect, "its answer ends in the middle")
            }
        })?;
        Ok(Answer { headers: head.headers, body: body.to_bytes() })
    };
    beside(exchange, connection).await
}

/// What TLS says: whose certificate nobody wants hears so behind the handshake.
fn of_tls(error: &hyper::Error) -> Option<&rustls::Error> {
    let mut causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    causes.find_map(|cause| cause.downcast_ref::<std::io::Error>()?.get_ref()?.downcast_ref())
}

/// Polls a connection as long as it is needed.
async fn beside<T>(exchange: impl Future<Output = T>, connection: impl Future) -> T {
    let (mut exchange, mut connection) = (pin!(exchange), pin!(connection));
    tokio::select! {
        biased;
        answer = &mut exchange => return answer,
        _ = &mut connection => {}
    }
    exchange.await
}
