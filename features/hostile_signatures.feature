Feature: A hostile peer spoils a signature
  A request on its way passes many hands. Whoever has it in theirs may change what was signed, how the signature is
  written, or what it says of itself; and a peer may sign too little. Each attack is one such change, tried on a path
  that is open to all and on one that is open to peers. The same request without it is let in, before and after.

  Background:
    Given the Portal bob
    And the fake Portal alice
    And bob has added alice as a peer
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |
    And bob runs files with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  Scenario Outline: Nobody gets in by <attack>
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, and its twin is let in

    @AUTH-3
    Examples: Components, AUTH-3
      | attack                           |
      | method-altered                   |
      | method-altered-to-head           |
      | authority-altered                |
      | path-altered                     |
      | query-value-altered              |
      | query-parameter-appended         |
      | query-parameter-prepended        |
      | query-parameter-dropped          |
      | query-parameters-swapped         |
      | query-dropped                    |
      | query-emptied                    |
      | query-recoded                    |
      | query-ampersand-appended         |
      | query-separator-altered          |
      | query-moved-to-path              |
      | field-altered                    |
      | field-altered-in-case            |
      | field-emptied                    |
      | field-dropped                    |
      | field-doubled                    |
      | field-line-appended              |
      | field-line-prepended             |
      | field-line-dropped               |
      | field-lines-swapped              |
      | field-spaces-inserted            |
      | field-renamed                    |
      | method-altered-beside-target-uri |
      | authority-altered-in-target-uri  |
      | path-altered-in-target-uri       |
      | query-altered-in-target-uri      |
      | query-dropped-from-target-uri    |
      | list-without-method              |
      | list-without-authority           |
      | list-without-path                |
      | list-without-query               |
      | list-without-field               |
      | list-emptied                     |
      | list-reordered                   |
      | list-extended                    |
      | list-with-doubled-component      |
      | list-in-another-form             |
      | list-with-a-parameter-more       |

    @AUTH-6
    Examples: Coverage, AUTH-6
      | attack                              |
      | covers-nothing                      |
      | covers-no-method                    |
      | covers-no-authority                 |
      | covers-no-path                      |
      | covers-no-query                     |
      | covers-no-query-where-there-is-none |
      | covers-method-only                  |
      | covers-target-uri-only              |
      | covers-fields-only                  |
      | covers-one-query-parameter          |
      | covers-host-for-authority           |
      | covers-scheme-for-authority         |

    @AUTH-4
    Examples: Coverage, AUTH-4
      | attack                                |
      | covers-a-component-twice              |
      | covers-a-field-twice                  |
      | covers-a-missing-field                |
      | covers-status                         |
      | covers-signature-params               |
      | covers-an-unknown-component           |
      | covers-a-name-in-capitals             |
      | covers-with-an-unknown-parameter      |
      | covers-of-the-request                 |
      | covers-a-missing-query-parameter      |
      | covers-a-query-parameter-without-name |
      | covers-bytes-as-a-dictionary          |
      | covers-a-number                       |

    @AUTH-2
    Examples: Coverage, AUTH-2
      | attack                     |
      | covers-what-the-proxy-asks |

    @AUTH-3 @ed25519-keys
    Examples: Algorithms of Ed25519 keys, AUTH-3
      | attack      |
      | alg-altered |
      | alg-doubled |

    @AUTH-3
    Examples: Parameters, AUTH-3
      | attack                  |
      | created-altered         |
      | created-dropped         |
      | created-doubled         |
      | expires-altered         |
      | expires-dropped         |
      | expires-added           |
      | keyid-altered           |
      | keyid-dropped           |
      | keyid-doubled           |
      | alg-dropped             |
      | nonce-altered           |
      | nonce-dropped           |
      | nonce-doubled           |
      | tag-altered             |
      | tag-dropped             |
      | tag-doubled             |
      | unknown-parameter-added |
      | tag-altered-in-case     |
      | parameters-reordered    |
      | parameters-dropped      |

    @AUTH-4
    Examples: Parameters, AUTH-4
      | attack                      |
      | created-as-text             |
      | created-as-decimal          |
      | created-as-date             |
      | created-without-value       |
      | created-too-long            |
      | created-in-hexadecimal      |
      | expires-as-text             |
      | keyid-without-quotes        |
      | keyid-as-bytes              |
      | alg-as-token                |
      | nonce-as-integer            |
      | tag-as-token                |
      | parameter-name-in-capitals  |
      | parameter-not-closed        |
      | parameter-in-another-script |

    @AUTH-4
    Examples: Labels, AUTH-4
      | attack                            |
      | signature-field-missing           |
      | signature-input-field-missing     |
      | both-fields-empty                 |
      | label-orphaned-in-signature       |
      | label-differs-in-case             |
      | label-in-capitals                 |
      | label-begins-with-a-digit         |
      | label-empty                       |
      | label-with-a-blank                |
      | label-in-another-script           |
      | label-doubled-in-input            |
      | label-doubled-in-signature        |
      | label-doubled-before-in-input     |
      | label-doubled-before-in-signature |
      | input-is-no-list                  |
      | input-not-closed                  |
      | input-nested                      |
      | input-with-trailing-comma         |
      | input-with-garbage-after          |
      | input-in-single-quotes            |
      | signature-is-a-string             |
      | signature-is-a-list               |
      | signature-without-colons          |
      | signature-after-cavage            |
      | signature-in-authorization        |

    @AUTH-3
    Examples: Labels, AUTH-3
      | attack                       |
      | signatures-swapped           |
      | inputs-swapped               |
      | signature-borrowed           |
      | signature-of-another-request |

    @AUTH-3
    Examples: Encodings, AUTH-3
      | attack                              |
      | signature-with-one-bit-flipped      |
      | signature-with-the-last-bit-flipped |
      | signature-beyond-the-order          |
      | signature-with-halves-swapped       |
      | signature-reversed                  |
      | signature-of-zeros                  |
      | signature-of-ones                   |
      | signature-of-the-neutral-element    |
      | signature-too-short                 |
      | signature-too-long                  |
      | signature-doubled                   |
      | signature-of-one-byte               |
      | signature-empty                     |
      | signature-in-hexadecimal            |
      | signature-encoded-twice             |
      | signature-in-another-case           |

    @AUTH-4
    Examples: Encodings, AUTH-4
      | attack                         |
      | signature-begins-url-safe      |
      | signature-with-a-blank         |
      | signature-with-a-percent-sign  |
      | signature-padded-in-the-middle |
      | signature-with-a-bang          |
      | signature-with-a-line-end      |

  Scenario Outline: Nobody gets in by <attack>, which may be refused as well
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, or it is refused, and its twin is let in

    @AUTH-3
    Examples: Components, AUTH-3
      | attack               |
      | method-in-lower-case |

  Scenario Outline: Nobody gets in by <attack>, with an RSA key
    Given the fake Portal dave (rsa-pss-sha512)
    And bob has added dave as a peer
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, and its twin is let in

    @AUTH-3
    Examples: Encodings, AUTH-3
      | attack                           |
      | rsa-signature-too-short          |
      | rsa-signature-with-a-zero-before |
      | rsa-signature-of-zeros           |
      | rsa-signature-of-one             |
