//! A receiver over HTTP.

use hyper::{Method, Uri};

use super::client::{Client, Patience, Question};
use super::failed::Failed;
use super::secrets::Files;
use crate::config;

/// Its answer is of no interest beyond the status.
const LONGEST: usize = 64 * 1024;

/// One receiver, whose URL may be a secret.
#[derive(Debug)]
pub(super) struct Webhook {
    client: Client,
    /// Nothing where it is in a file.
    uri: Option<Uri>,
}

impl Webhook {
    /// The configured one; nothing where none is.
    pub(super) fn new(webhook: &config::Webhook) -> Option<Self> {
        let files = Files {
            ca: webhook.ca_file.clone(),
            client: webhook.client_cert_file.clone().zip(webhook.client_key_file.clone()),
            user: webhook.user.clone().zip(webhook.password_file.clone()),
            token: webhook.token_file.clone(),
            url: webhook.url_file.clone(),
        };
        let uri = webhook.url.clone().filter(|_| webhook.url_file.is_none());
        webhook.is_set().then(|| Self { client: Client::new(files, Patience::default()), uri })
    }

    /// Whether it can be reached.
    pub(super) async fn look(&mut self) -> Result<String, Failed> {
        self.client.reach(self.uri.as_ref()).await?;
        Ok("it can be reached; nothing was sent".to_owned())
    }

    /// Sends it a notification.
    pub(super) async fn tell(&mut self, json: Vec<u8>) -> Result<(), Failed> {
        let question = Question { method: Method::POST, path: String::new(), json, longest_answer: LONGEST };
        self.client.exchange(self.uri.as_ref(), question).await.map(drop)
    }
}
