//! The first message of a TLS handshake by hand, for versions that libraries no longer offer.

/// A ClientHello (RFC 5246 §7.4.1.2; the versions before it have the same shape).
pub(crate) struct ClientHello<'a> {
    server_name: &'a str,
    minor: u8,
}

impl<'a> ClientHello<'a> {
    /// That asks for this name and offers at most TLS 1.(`minor` - 1).
    pub(crate) fn new(server_name: &'a str, minor: u8) -> ClientHello<'a> {
        ClientHello { server_name, minor }
    }

    /// As one record.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut hello = vec![3, self.minor];
        // The random: any will do for a handshake that nobody ends.
        hello.extend_from_slice(&[0x5a; 32]);
        // No session.
        hello.push(0);
        hello.extend(with_length_16(&CIPHER_SUITES.map(u16::to_be_bytes).concat()));
        // Without compression.
        hello.extend_from_slice(&[1, 0]);
        hello.extend(with_length_16(&self.extensions()));

        let length = u32::try_from(hello.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut message = vec![1, length[1], length[2], length[3]];
        message.extend(hello);
        // RFC 5246 §E.1: the version of the record is the oldest one.
        let mut record = vec![22, 3, 1];
        record.extend(with_length_16(&message));
        record
    }

    fn extensions(&self) -> Vec<u8> {
        let mut name = vec![0];
        name.extend(with_length_16(self.server_name.as_bytes()));
        let groups = with_length_16(&[0, 0x1d, 0, 0x17, 0, 0x18]);
        // ECDSA and RSA, each with SHA-256, and the SHA-1 of the old days.
        let schemes = with_length_16(&[4, 3, 8, 4, 4, 1, 2, 3, 2, 1]);
        let all = [
            (0x0000_u16, with_length_16(&name)),
            (0x000a, groups),
            (0x000b, vec![1, 0]),
            (0x000d, schemes),
            // RFC 7627 and RFC 5746: without them, some refuse for another reason than the version.
            (0x0017, Vec::new()),
            (0xff01, vec![0]),
        ];
        let extension =
            |(kind, content): (u16, Vec<u8>)| [kind.to_be_bytes().to_vec(), with_length_16(&content)].concat();
        all.into_iter().flat_map(extension).collect()
    }
}

/// With AES, for ECDSA and RSA, of TLS 1.0 and of TLS 1.2.
const CIPHER_SUITES: [u16; 8] = [0xc02b, 0xc02f, 0xc009, 0xc00a, 0xc013, 0xc014, 0x002f, 0x0035];

fn with_length_16(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
    [length.as_slice(), content].concat()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portal_core::clock::SettableClock;
    use rustls::ServerConfig;
    use rustls::sign::{CertifiedKey, SingleCertAndKey};

    use super::*;
    use crate::testbed::pki::{CertificateKind, Pki};

    /// What a server of today makes of a hello.
    fn taken(hello: &[u8]) -> Result<Option<String>, rustls::Error> {
        let clock = SettableClock::running();
        let certificate = Pki::new(&clock).unwrap().certificate_for("abcdef.example", CertificateKind::Good).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::clone(&certificate))));
        let mut acceptor = rustls::server::Acceptor::default();
        acceptor.read_tls(&mut &*hello).unwrap();
        let accepted = acceptor.accept().map_err(|(error, _)| error)?.expect("the hello is whole");
        let name = accepted.client_hello().server_name().map(str::to_owned);
        accepted.into_connection(Arc::new(tls)).map_err(|(error, _)| error)?;
        Ok(name)
    }

    #[test]
    fn with_a_version_of_today_it_is_taken_with_an_older_one_it_is_not() {
        let hello = |minor| ClientHello::new("abcdef.example", minor).to_bytes();
        assert_eq!(taken(&hello(3)), Ok(Some("abcdef.example".to_owned())));
        for old in [1, 2] {
            let error = taken(&hello(old)).unwrap_err();
            assert!(matches!(error, rustls::Error::PeerIncompatible(_)), "{error:?}");
        }
    }
}
