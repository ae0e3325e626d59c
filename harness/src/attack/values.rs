//! Values that a signer computes beside the signature.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

/// The value of Content-Digest for this body (RFC 9530 §2).
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(digest::digest(&digest::SHA256, body)))
}

/// A nonce that holds these bits.
pub fn nonce(bits: [u8; 16]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_as_in_the_rfc() {
        // RFC 9530 §B.1.
        assert_eq!(
            content_digest(b"{\"hello\": \"world\"}\n"),
            "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
        );
    }

    #[test]
    fn a_nonce_holds_all_bits() {
        assert_eq!(nonce([255; 16]).len(), 22);
        assert_ne!(nonce([255; 16]), nonce([254; 16]));
    }
}
