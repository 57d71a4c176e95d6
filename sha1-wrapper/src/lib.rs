//! The interface of `librqbit-sha1-wrapper` 9.1 over RustCrypto's `sha1` and `sha2`.
//!
//! The published crate hashes through OpenSSL or aws-lc, which are C. RustCrypto uses the CPU's SHA
//! instructions where it has them and is as fast there.

use sha2::Digest as _;

/// SHA-1, fed piece by piece.
pub trait ISha1 {
    /// An empty hash.
    fn new() -> Self;
    /// Adds `buf` to what is hashed.
    fn update(&mut self, buf: &[u8]);
    /// The digest of all that was added.
    fn finish(self) -> [u8; 20];
}

/// SHA-256, fed piece by piece (BEP 52).
pub trait ISha256 {
    /// An empty hash.
    fn new() -> Self;
    /// Adds `buf` to what is hashed.
    fn update(&mut self, buf: &[u8]);
    /// The digest of all that was added.
    fn finish(self) -> [u8; 32];
    /// The digest of all that was added, as an identifier.
    fn finish_id32(self) -> [u8; 32]
    where
        Self: Sized,
    {
        self.finish()
    }
}

/// SHA-1 by RustCrypto.
pub struct Sha1(sha1::Sha1);

impl ISha1 for Sha1 {
    fn new() -> Self {
        Self(<sha1::Sha1 as sha1::Digest>::new())
    }
    fn update(&mut self, buf: &[u8]) {
        sha1::Digest::update(&mut self.0, buf);
    }
    fn finish(self) -> [u8; 20] {
        sha1::Digest::finalize(self.0).into()
    }
}

/// SHA-256 by RustCrypto.
pub struct Sha256(sha2::Sha256);

impl ISha256 for Sha256 {
    fn new() -> Self {
        Self(sha2::Sha256::new())
    }
    fn update(&mut self, buf: &[u8]) {
        self.0.update(buf);
    }
    fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
