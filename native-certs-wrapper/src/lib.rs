//! The two names that rustls-platform-verifier uses of `rustls-native-certs`, with one difference: a system without
//! a certificate store (an empty chroot, a container made from scratch) gets Mozilla's roots.
//!
//! Without them no HTTPS client can be made there, and librqbit, which always makes one, does not start at all; it
//! offers no way of handing it a client or certificates.

use std::env;
use std::path::{Path, PathBuf};

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::{self, PemObject};

/// What was found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct CertificateResult {
    /// The certificates, each once.
    pub certs: Vec<CertificateDer<'static>>,
    /// What could not be read.
    pub errors: Vec<Error>,
}

/// A file or folder that could not be read.
#[derive(Debug)]
pub struct Error {
    path: PathBuf,
    cause: String,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for Error {}

/// The certificates named by `SSL_CERT_FILE` and `SSL_CERT_DIR` where one is set: who sets them means these and no
/// others. Else those of the system's usual places, or Mozilla's where there are none.
pub fn load_native_certs() -> CertificateResult {
    let file = env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let folders = env::var_os("SSL_CERT_DIR");
    if file.is_some() || folders.is_some() {
        let folders = folders.iter().flat_map(env::split_paths).filter(|folder| !folder.as_os_str().is_empty());
        return load(file, folders);
    }
    let places = openssl_probe::probe();
    let mut found = load(places.cert_file, places.cert_dir.into_iter());
    if found.certs.is_empty() {
        found.certs = webpki_root_certs::TLS_SERVER_ROOT_CERTS.to_vec();
    }
    found
}

fn load(file: Option<PathBuf>, folders: impl Iterator<Item = PathBuf>) -> CertificateResult {
    let mut found = CertificateResult::default();
    if let Some(file) = file {
        found.read(&file);
    }
    for folder in folders {
        match std::fs::read_dir(&folder) {
            Ok(entries) => {
                let files = entries.flatten().map(|entry| entry.path());
                // `is_file` follows links, of which such folders are full; broken ones are passed over.
                files.filter(|path| path.is_file()).for_each(|path| found.read(&path));
            }
            Err(error) => found.errors.push(Error { path: folder, cause: error.to_string() }),
        }
    }
    // The folder's files are mostly what the bundle holds already.
    found.certs.sort_unstable_by(|a, b| a.as_ref().cmp(b.as_ref()));
    found.certs.dedup();
    found
}

impl CertificateResult {
    fn read(&mut self, path: &Path) {
        let fail = |error: pem::Error| Error { path: path.to_owned(), cause: error.to_string() };
        match CertificateDer::pem_file_iter(path) {
            Ok(certificates) => {
                for certificate in certificates {
                    match certificate {
                        Ok(certificate) => self.certs.push(certificate),
                        Err(error) => self.errors.push(fail(error)),
                    }
                }
            }
            Err(error) => self.errors.push(fail(error)),
        }
    }
}
