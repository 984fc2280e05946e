//! Files of certificates, keys and other secrets: bounded, read whole, shown nowhere.

use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// No such file is longer.
const LONGEST: u64 = 1 << 20;

/// All that is in a file. It blocks.
///
/// # Errors
///
/// The file and why, where it is none, cannot be read, or is longer than 1 MiB.
pub fn contents(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::CLOEXEC).bits()).unwrap_or_default();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(format!("{}: it is no file", path.display()));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LONGEST {
        return Err(format!("{}: it is too long", path.display()));
    }
    Ok(bytes)
}

/// The certificates, in PEM, that a file has.
///
/// # Errors
///
/// The file, where there is none in it.
pub fn certificates(path: &Path, contents: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(contents).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("{}: no certificate is in it", path.display())),
    }
}

/// The private key, in PEM, that a file has.
///
/// # Errors
///
/// The file, where there is none in it.
pub fn private_key(path: &Path, contents: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(contents)
        .map_err(|_| format!("{}: no private key is in it", path.display()))
}
