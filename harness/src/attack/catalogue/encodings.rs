//! The bytes of a signature, and how they are written.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::super::model::{Attack, Family, changed};
use super::super::recipe::Valid;
use super::{signature, signature_bytes};

pub(super) const FAMILY: Family = Family {
    name: "encodings",
    about: "The bytes of a signature are changed, or written in another way.",
    attacks: ATTACKS,
};

const BYTES: &str = "any change of the decoded signature makes it another one";
const LENGTH: &str = "a signature by ed25519 has 64 bytes (RFC 8032 §5.1.6)";
const ALPHABET: &str = "a Byte Sequence is written in the alphabet of RFC 4648 §4 and no other (RFC 8941 §4.2.7)";

/// The order of the group, little-endian (RFC 8032 §5.1): 2^252 + 27742317777372353535851937790883648493.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

const ATTACKS: &[Attack] = &[
    changed("signature-with-one-bit-flipped", "AUTH-3", "one bit of the signature is turned", BYTES, |it, _| {
        signature_bytes(it, |bytes| bytes[20] ^= 1);
    }),
    changed(
        "signature-with-the-last-bit-flipped",
        "AUTH-3",
        "the last bit of the signature is turned",
        BYTES,
        |it, _| {
            signature_bytes(it, |bytes| {
                if let Some(last) = bytes.last_mut() {
                    *last ^= 0x80;
                }
            });
        },
    ),
    changed(
        "signature-beyond-the-order",
        "AUTH-3",
        "the group's order is added to the second half of the signature",
        "such a second half is to be refused (RFC 8032 §5.1.7): else each signature has a twin that \
         replay memories don't know",
        |it, _| {
            signature_bytes(it, |bytes| add(&mut bytes[32..], &ORDER));
        },
    ),
    changed("signature-with-halves-swapped", "AUTH-3", "the halves of the signature change places", BYTES, |it, _| {
        signature_bytes(it, |bytes| bytes.rotate_left(32));
    }),
    changed("signature-reversed", "AUTH-3", "the bytes of the signature stand in reverse", BYTES, |it, _| {
        signature_bytes(it, |bytes| bytes.reverse())
    }),
    changed("signature-of-zeros", "AUTH-3", "the signature is 64 zeros", BYTES, |it, _| {
        signature_bytes(it, |bytes| bytes.fill(0))
    }),
    changed("signature-of-ones", "AUTH-3", "the signature is 64 times 255", BYTES, |it, _| {
        signature_bytes(it, |bytes| bytes.fill(0xff))
    }),
    changed(
        "signature-of-the-neutral-element",
        "AUTH-3",
        "the signature is the group's neutral element and zero",
        "that is a signature of nothing under keys of small order, and must be none under others",
        |it, _| {
            signature_bytes(it, |bytes| {
                bytes.fill(0);
                bytes[0] = 1;
            });
        },
    ),
    changed("signature-too-short", "AUTH-3", "the last byte of the signature is missing", LENGTH, |it, _| {
        signature_bytes(it, |bytes| bytes.truncate(63));
    }),
    changed("signature-too-long", "AUTH-3", "the signature has a byte more", LENGTH, |it, _| {
        signature_bytes(it, |bytes| bytes.push(0))
    }),
    changed("signature-doubled", "AUTH-3", "the signature stands there twice in a row", LENGTH, |it, _| {
        signature_bytes(it, |bytes| bytes.extend_from_within(..));
    }),
    changed("signature-of-one-byte", "AUTH-3", "the signature has one byte", LENGTH, |it, _| {
        signature_bytes(it, |bytes| bytes.truncate(1))
    }),
    changed("signature-empty", "AUTH-3", "the signature is empty", LENGTH, |it, _| {
        signature(it, |it| it.signature.clear())
    }),
    changed(
        "signature-in-hexadecimal",
        "AUTH-3",
        "the signature is written in hexadecimal",
        "read as Base64, that is another signature",
        |it, _| {
            signature(it, |it| {
                let bytes = BASE64_STANDARD.decode(&it.signature).unwrap_or_default();
                it.signature = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            });
        },
    ),
    changed(
        "signature-encoded-twice",
        "AUTH-3",
        "the signature is encoded in Base64 twice",
        "decoded once, that is another signature",
        |it, _| {
            signature(it, |it| it.signature = BASE64_STANDARD.encode(&it.signature));
        },
    ),
    changed("signature-in-another-case", "AUTH-3", "the signature is written in lower case", BYTES, |it, _| {
        signature(it, |it| it.signature = it.signature.to_ascii_lowercase());
    }),
    changed(
        "signature-begins-url-safe",
        "AUTH-4",
        "the signature begins with a character of the URL-safe alphabet",
        ALPHABET,
        |it, _| {
            signature(it, |it| it.signature.replace_range(..1, "_"));
        },
    ),
    changed("signature-with-a-blank", "AUTH-4", "a blank stands in the signature", ALPHABET, |it, _| {
        signature(it, |it| it.signature.insert(10, ' '))
    }),
    changed("signature-with-a-percent-sign", "AUTH-4", "the signature is percent-encoded", ALPHABET, |it, _| {
        signature(it, |it| it.signature = it.signature.replace('=', "%3D"));
    }),
    changed(
        "signature-padded-in-the-middle",
        "AUTH-4",
        "an equals sign stands in the middle of the signature",
        "padding stands at the end only (RFC 4648 §4)",
        |it, _| {
            signature(it, |it| it.signature.insert(40, '='));
        },
    ),
    changed(
        "signature-with-a-bang",
        "AUTH-4",
        "a character that is in no alphabet stands in the signature",
        ALPHABET,
        |it, _| {
            signature(it, |it| it.signature.insert(10, '!'));
        },
    ),
    changed("signature-with-a-line-end", "AUTH-4", "an encoded line end stands in the signature", ALPHABET, |it, _| {
        signature(it, |it| it.signature.insert_str(10, "\\r\\n"));
    }),
    changed(
        "rsa-signature-too-short",
        "AUTH-3",
        "the last byte of an RSA signature is missing",
        "an RSA signature is as long as the modulus (RFC 8017 §8.1.2)",
        |it, _| {
            signature_bytes(it, |bytes| bytes.truncate(bytes.len() - 1));
        },
    )
    .from(Valid::Rsa),
    changed(
        "rsa-signature-with-a-zero-before",
        "AUTH-3",
        "a zero stands before an RSA signature",
        "an RSA signature is as long as the modulus (RFC 8017 §8.1.2)",
        |it, _| {
            signature_bytes(it, |bytes| bytes.insert(0, 0));
        },
    )
    .from(Valid::Rsa),
    changed("rsa-signature-of-zeros", "AUTH-3", "an RSA signature is all zeros", BYTES, |it, _| {
        signature_bytes(it, |bytes| bytes.fill(0))
    })
    .from(Valid::Rsa),
    changed(
        "rsa-signature-of-one",
        "AUTH-3",
        "an RSA signature is the number one",
        "one to any power is one: unpadded, it would verify",
        |it, _| {
            signature_bytes(it, |bytes| {
                bytes.fill(0);
                if let Some(last) = bytes.last_mut() {
                    *last = 1;
                }
            });
        },
    )
    .from(Valid::Rsa),
];

/// Adds little-endian numbers; what does not fit is dropped.
fn add(to: &mut [u8], number: &[u8; 32]) {
    let mut carry = 0_u16;
    for (digit, more) in to.iter_mut().zip(number) {
        let sum = u16::from(*digit) + u16::from(*more) + carry;
        *digit = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_with_their_carry() {
        let mut number = [0xff; 32];
        number[31] = 0;
        let mut one = [0; 32];
        one[0] = 1;
        add(&mut number, &one);
        assert_eq!((number[0], number[30], number[31]), (0, 0, 1));
        // The order as RFC 8032 §5.1 writes it, from its last digits.
        assert_eq!(
            u128::from_le_bytes(ORDER[..16].try_into().unwrap()),
            27_742_317_777_372_353_535_851_937_790_883_648_493
        );
        assert_eq!(u128::from_le_bytes(ORDER[16..].try_into().unwrap()), 1 << (252 - 128));
    }
}
