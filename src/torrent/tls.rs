//! TLS without C: which of two pure-Rust providers rustls uses in this process.

use rustls::crypto::CryptoProvider;

/// Installs the process' TLS provider; later calls change nothing. To be called before any HTTPS client is made:
/// reqwest is built without a provider of its own and takes the process' default.
///
/// Graviola is fast, and panics on a CPU that lacks what it needs; RustCrypto runs everywhere.
pub fn install() {
    let provider =
        if graviola_runs() { rustls_graviola::default_provider() } else { rustls_rustcrypto::provider() };
    // It fails when a provider is installed already, and that one is as good.
    if provider.install_default().is_ok() {
        tracing::debug!(graviola = graviola_runs(), "TLS provider installed");
    }
    debug_assert!(CryptoProvider::get_default().is_some());
}

/// True where the CPU has all that graviola 0.4 asserts at its first use.
fn graviola_runs() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::is_x86_feature_detected as has;
        has!("aes")
            && has!("pclmulqdq")
            && has!("bmi1")
            && has!("bmi2")
            && has!("adx")
            && has!("avx")
            && has!("avx2")
    }
    #[cfg(target_arch = "aarch64")]
    {
        use std::arch::is_aarch64_feature_detected as has;
        has!("neon") && has!("aes") && has!("pmull") && has!("sha2")
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_can_be_made() {
        install();
        install();
        reqwest::Client::builder().build().unwrap();
    }

    /// Both providers speak TLS 1.2 and 1.3; the one that is not the default on this machine is tried as well.
    #[test]
    fn both_providers_make_a_configuration() {
        let roots = rustls::RootCertStore { roots: Vec::new() };
        let mut providers = vec![rustls_rustcrypto::provider()];
        if graviola_runs() {
            providers.push(rustls_graviola::default_provider());
        }
        for provider in providers {
            rustls::ClientConfig::builder_with_provider(provider.into())
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
                .unwrap()
                .with_root_certificates(roots.clone())
                .with_no_client_auth();
        }
    }
}
