//! Keys for tests that are dear to make: RSA, and pairs with the same short ID.

/// RSA keys of 2048 bit, PKCS#8 PEM.
pub const RSA_2048: [&str; 5] = [
    include_str!("../../../fixtures/keys/test-only-rsa-2048-1.pem"),
    include_str!("../../../fixtures/keys/test-only-rsa-2048-2.pem"),
    include_str!("../../../fixtures/keys/test-only-rsa-2048-3.pem"),
    include_str!("../../../fixtures/keys/test-only-rsa-2048-4.pem"),
    include_str!("../../../fixtures/keys/test-only-rsa-2048-5.pem"),
];

/// RSA keys of 4096 bit, PKCS#8 PEM.
pub const RSA_4096: [&str; 3] = [
    include_str!("../../../fixtures/keys/test-only-rsa-4096-1.pem"),
    include_str!("../../../fixtures/keys/test-only-rsa-4096-2.pem"),
    include_str!("../../../fixtures/keys/test-only-rsa-4096-3.pem"),
];

/// Two Ed25519 keys whose IDs begin with the same six characters, PKCS#8 PEM.
pub const SAME_SHORT_ID: [&str; 2] = [
    include_str!("../../../fixtures/keys/test-only-ed25519-same-short-id-1.pem"),
    include_str!("../../../fixtures/keys/test-only-ed25519-same-short-id-2.pem"),
];
