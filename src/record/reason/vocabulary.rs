//! THE table of words: which words of a text tell a reason, by what they say.
//!
//! A class is a noun (whom or what a text is about) or a verdict (what is wrong with it). The classes that
//! stand near each other in a text make a family: `families.rs`. A word may be of several classes. Inflections
//! stand behind slashes: `reject/s/ed/ing` is reject, rejects, rejected, rejecting. Words are compared without case
//! and by their first 16 bytes.
//!
//! There is room for 128 classes, and the compiler says so at the last one. Who has no room makes one of two classes that
//! the families name together, and lets `tests/replies/` judge.

/// A set of word classes.
pub(super) type Classes = u128;

/// The numbers of the classes of a set.
pub(super) fn numbers(mut set: Classes) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let number = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        number
    })
}

macro_rules! vocabulary {
    ($($(#[$attribute:meta])* $name:ident: $words:literal;)*) => {
        #[allow(clippy::upper_case_acronyms, reason = "the names of the constants")]
        #[repr(u8)]
        enum Number { $($name,)* }
        $($(#[$attribute])* pub(super) const $name: Classes = 1 << Number::$name as u8;)*

        /// Class, its name, its words.
        pub(super) static VOCABULARY: &[(Classes, &str, &str)] = &[$(($name, stringify!($name), $words),)*];
    };
}

vocabulary! {
    // Whom it is about.
    RECIPIENT: "recipient/s recip/s rcpt/s addressee/s destinataire/s destinatario/s destinatário empfänger empfaenger receiver/s";
    USER: "user/s username/s userid customer/s subscriber/s person member/s utilisateur usuario usuário utente benutzer individual employee";
    MAILBOX: "mailbox/es mbox mbx inbox/es maildir maildrop mailfile postfach casella casilla buzon buzón boite boîte caixa folder mailstore";
    ACCOUNT: "account/s acct accounts conta cuenta compte konto profile";
    ALIAS: "alias/es";
    ADDRESS: "address/es addr addrs adr emailaddress adresse/s adressen direccion dirección endereço indirizzo";
    /// An address or another name in brackets; no word has this class.
    MAILADDRESS: "";
    /// A host of a block list; no word has this class.
    LISTHOST: "";
    SENDER: "sender/s originator/s mailfrom returnpath badmailfrom expéditeur remitente mittente absender";
    FROM: "from";
    DOMAIN: "domain/s domainname domaine dominio";
    HOST: "host/s hostname/s server/s mailserver/s mta/s smarthost gateway/s mailhost ehostunreach enetunreach";
    NAME: "name/s fqdn qualified";
    CLIENT: "client/s peer ips ip ipv4 ipv6 network/s subnet netblock";
    YOUR: "your you yours ihre";
    MESSAGE: "message/s mail/s email/s letter/s mailing/s msg/s messaggio mensaje nachricht emailmessage";
    CONTENT: "content/s attachment/s attached body filename extension/s url/s link/s header/s executable/s file/s zip";
    CONNECTION: "econnrefused econnreset epipe connection/s session/s connect/s/ed connexion verbindung";
    /// What is counted when there are too many.
    COUNTED: "connections sessions messages mails emails recipients errors commands requests attempts threads transactions rcpts logins failures deliveries submissions destinations addresses envelopes processes users connexions conversations recips bounces channels lookups logons children tries senders activity activities traffic";
    STORE: "store stores backend mailstore database";
    /// What a host asks.
    INNER: "ldap directory database sql mysql postgresql radius dict redis";
    // Negations and what turns with them.
    NEG: "not no non never cannot cant unable isn isnt doesn doesnt don dont didn hasn wasn couldn won aren without neither nor t fails impossible não nao kein keine nicht pas doesn’t isn’t can’t don’t couldn’t lacks lack lacking missing no kein keine without weren wouldn shouldn";
    KNOWN: "known recognize/d recognise/d registered defined associated identified match/es listed exist/s/ed/ing existent existiert existe existing found find locate/d finding locatable findable gefunden valid correct legitimate such implemented supported recognized recognised understood present entry validrcptto goodrcptto provisioned assigned equal";
    LOCAL: "local ours hosted served handle handled locally here there";
    LONGER: "longer anymore";
    HAVE: "have has having";
    ACTIVE: "active enabled activated";
    ALLOWED: "configured allow/s/ed permit/s/ted accept/s/ed/ing authorized authorised entitled authorize authorise permission/s permissions take willing welcome acceptable eligible trusted whitelist/ed allowlist/ed";
    AVAILABLE: "available accessible";
    DELIVERED: "deliver/s/ed/ing/able deliverable";
    DELIVERY: "delivery";
    ROUTE: "reachable route/d routable routeable";
    RESOLVE: "resolve/s/d/ing resolvable resolution";
    VERIFIED: "verify verified verification verifiable verifies verifying validated validate validation callout callback vrfy";
    // Verdicts.
    UNKNOWN: "unknown unknow inexistent nonexistent nonexistant nonexisting nonexist unexisting nosuch inconnu/e/s desconocido desconhecido/a sconosciuto unbekannt/e inexistente inexistant/e inesistente notfound unassigned unlisted";
    INVALID: "fake faked forged invalid illegal bad incorrect wrong unacceptable malformed bogus invalide/s inválido ungültig ungueltig undeliverable unroutable unrouteable erroneous misspelled obsolete deleted removed nonlocal mistyped";
    UNROUTABLE: "unroutable unrouteable unreachable unresolvable unresolved nxdomain";
    UNVERIFIED: "unverified unverifiable";
    MOVED: "moved departed left retired resigned";
    REJECTED: "reject/s/ed/ing/ion rejecting refuse/s/d refusing refusal denied deny denies denial denying disallow/s/ed forbidden prohibited prohibit prohibits decline/s/d blocked block blocks blocking banned unwanted unacceptable abgelehnt refusé rechazado rifiutato recusado rejeté unauthorized unauthorised turned unwelcome";
    BLOCKED: "blocked block blocks blocking banned ban bans bloqueado bloqué gesperrt denylisted barred blacklisted blocklisted firewalled";
    BATV: "batv prvs srs badmailfrom";
    RETURN: "return rst";
    PATH: "path/s paths";
    FILE: "file nsf";
    DISABLED: "disabled disable suspended suspension deactivated inactive inactivated frozen closed terminated dormant canceled cancelled abandoned lapsed discontinued decommissioned disactivated desativada deaktiviert desactivado deactive unsubscribed inaktiv hold switched";
    LOCKED: "locked lock locking";
    EXPIRED: "expired expire/s expiry expiration abgelaufen";
    FULL: "full fill filled overfull exhausted voll lleno llena pleine piena cheia overflow/ed";
    OVER: "exeed/s/ed/ing over exceed/s/ed/ing reached above surpass/ed beyond exceeding overrun excess excessive used übersteigt hit passed maxed overlimit";
    QUOTA: "quota/s overquota quotaexceeded diskquota";
    SPACE: "space storage diskspace disk disks block blocks inode/s capacity usage room";
    SHORT: "insufficient insufficent insuff low shortage enough little scarce";
    SIZE: "size/s length bytes oversize/d kilobytes megabytes kbytes databytes toolarge toobig mb kb weight gross";
    LARGE: "large larger big bigger oversize/d huge long toobig";
    LIMIT: "limit/s/ed limitation/s limiting maximum max maximal than threshold/s allowance cap ceiling restricted allocation allotment allocated allotted overlimit credits";
    RATE: "throughput rate rates frequency velocity volume burst flow bandwidth ratelimit/s ratecontrol policer pace credits";
    THROTTLE: "throttle/d throttling ratelimit/s ratelimited ratelimiting concurrent concurrency concurrently simultaneous simultaneously flood flooding parallel throttled backoff anvil";
    SEND: "messaging send sends sending submission submissions sent outgoing outbound submit submitted";
    PERIOD: "daily hourly day hour hours minute per quotidien weekly monthly minutely today 24h";
    TIMEUNIT: "second/s minute/s sec secs min mins hour/s s m days day hours weeks";
    EXCESS: "";
    TOO: "too";
    UNUSUAL: "prevents prevent receiving additional unusual unusually unexpected unexpectedly high higher excessive heavy abnormal exceptional";
    MANY: "many much often fast quickly frequent frequently";
    // What alone tells it.
    GREY: "greylist/s/ed/ing graylist/s/ed/ing grey gray postgrey gld sqlgrey greylister intentional intentionally deliberate deliberately";
    SIGNATURE: "dmarc spf dkim senderid dkimpf domainkeys adsp spf1 arc pra framework";
    TLS: "tls ssl starttls dane tlsa dnssec sts cert certificate/s cipher/s handshake tlsv1 sslv3 mtasts tlsrpt x509 ciphersuite tls1";
    ENCRYPTION: "encryption encrypt/ed plaintext cleartext unencrypted secure ciphering secured";
    LOGIN: "login logon logged log";
    AUTH: "auth authentication authenticate/d/s authenticating smtpauth authentifizierung autenticación autenticação authentification authenticator sasl";
    PASSWORD: "unauthenticated password/s credential/s passwd passphrase token/s apikey oauth oauth2";
    RELAY: "relay/s relayed";
    RELAYING: "relaying relayed openrelay rcpthosts tenantattribution norelay antirelay";
    OPEN: "open insecure weak weaker";
    GATEWAY: "gateway relayhost";
    HOPS: "hop hops hopcount";
    LOOP: "loop loops looping looped mailloop recursive circular schleife";
    RECEIVED: "received";
    NAMESERVER: "dns nameserver/s resolver gethostbyname getaddrinfo servfail nxdomain gethostby namserver aaaa";
    MX: "mx mxs";
    NULL: "null nullmx empty blank";
    PTR: "ptr rdns reverse fcrdns revdns reversedns dynamic generic residential dialup dynip dsl pbl";
    REVERSE: "ptr rdns reverse fcrdns revdns reversedns";
    HELO: "helo ehlo";
    SPAM: "spam spm spammer/s spamming spammy junk junkmail unsolicited ube uce bulk phish/ing virus/es malware infected infection trojan worm malicious spamtrap/s spamassassin eicar scam antispam backscatter ransomware suspicious karma spambot botnet bot antivirus dangerous spamhaus abusive phishtank bayes honeypot exploit hazardous harmful fraud fraudulent spamcop sanesecurity trap/s unsafe";
    /// Another's name as the sender.
    SPOOF: "spoof/s/ed/ing spoofer antispoof antispoofing impersonate/d impersonating impersonation";
    LISTED: "bl blacklist/s/ed/ing blocklist/s/ed/ing denylist/ed dnsbl/s rbl/s drbl surbl uribl dnsrbl dul dbl reputation reputations badip spamhaus barracudacentral senderscore senderbase blacklistings sorbs xbl sbl zen";
    /// A site's own list.
    OWNLIST: "blacklist/s/ed/ing blocklist/s/ed/ing denylist/s/ed junklist badmailfrom";
    BLACK: "black block deny junk";
    LIST: "list/s/ed/ing";
    POOR: "poor bad low banned negative untrusted questionable untrustworthy";
    POLICY: "policy policies prohibition administrative administratively security restriction/s rule/s compliance complaint/s abuse regulation ruleset firewall acl screening dlp";
    FILTER: "filter/s/ed/ing quarantine/d scanner inspection gefiltert antispamfilter";
    /// What looks a message through, and may be out of order itself.
    ENGINE: "scan/s/ned/ner/ners/ning engine/s milter/s checker clamd clamav antivirus filter/s amavis amavisd spamassassin spamd assassin";
    ACCESS: "access";
    // The way there.
    REFUSED: "refused econnrefused";
    TIMEOUT: "timeout timeouts etimedout timedout timed";
    OUT: "out off";
    LOST: "lost econnreset epipe reset closed broken dropped aborted disconnected disconnect interrupted terminated eof pipe hung";
    UNREACHABLE: "unreachable ehostunreach enetunreach down";
    SMTPIO: "smtp lmtp socket";
    REMOTE: "remote external foreign nonlocal outside";
    PACKET: "packet read write reading writing";
    DEAD: "unresponsive";
    SKIP: "skipping skipped skip";
    // What a host says of itself.
    SYSTEM: "system service server internal software configuration config resources resource memory process queue spool ldap directory backend lookup database disk filesystem processing mailer unexpected routing script scanner table map";
    TROUBLE: "error errors failure/s fail/ed/s problem/s trouble exception fault crash/ed misconfigured misconfiguration wrong mistake unsuccessful unsuccessfully died";
    BUSY: "busy overloaded overload load loaded unavailable unusable inaccessible stopping shutting shutdown";
    UNAVAILABLE: "unavailable inaccessible indisponible unavail";
    OFFLINE: "offline maintenance corrupt/ed corruption migration migrated migrating broken damaged inconsistent";
    /// How a mailbox is kept, and that it is in use.
    FORMAT: "format use";
    IO: "o io";
    SYNTAX: "syntax command/s argument/s parameter/s unrecognized unrecognised unimplemented implemented sequence verb bare lf nul line/s";
    LINE: "line/s header/s count";
    TEMPORARY: "temporary temporarily deferred defer deferring deferral deferrals postponed delayed transient tempfail tempfailed temp progress pending";
    LATER: "later again retry retries retried back shortly soon moment while retrying early premature prematurely";
    BEFORE: "before previously first";
    SEEN: "seen contact triplet attempt tuple";
    TIME: "time";
    QUEUE: "queue queued";
    AFTER: "after";
    REQUIRED: "required require requires must need needs needed please mandatory only first enforced requested enforce should";
    TRANSFER: "transmission post posting write send sending submit contribute";
    SAID: "said says saying replied response responded answered returned reply answer";
    /// Words that count for no distance.
    FILLER: "is was are be been being a an the this that it its has have had does do did will would to for of at and or by on with";
    LISTNOUN: "list group mailinglist distribution newsgroup";
}

/// Hosts of block lists: the only names that count, wherever they stand.
pub(super) static LIST_HOSTS: &[&str] = &[
    "spamhaus.org",
    "spamhaus.net",
    "spamhaus.com",
    "spamcop.net",
    "sorbs.net",
    "abuseat.org",
    "barracudacentral.org",
    "uceprotect.net",
    "spamrats.com",
    "surbl.org",
    "uribl.com",
    "senderscore.org",
    "senderbase.org",
    "mailspike.net",
    "mailspike.org",
    "psbl.org",
    "surriel.com",
    "njabl.org",
    "manitu.net",
    "blocklist.de",
    "cloudmark.com",
    "backscatterer.org",
    "junkemailfilter.com",
    "trendmicro.com",
    "abusix.zone",
    "abusix.ai",
    "spfbl.net",
    "s5h.net",
    "gbudb.net",
    "invaluement.com",
    "talosintelligence.com",
    "trustedsource.org",
    "ahbl.org",
    "ordb.org",
    "dsbl.org",
    "mail-abuse.org",
    "mail-abuse.com",
    "emailreg.org",
    "lashback.com",
    "0spam.org",
    "swinog.ch",
    "hostkarma.com",
    "woody.ch",
    "fabel.dk",
    "mxtoolbox.com",
];
