Feature: A hostile peer takes another key, another time, or the same request again
  Who signs with the wrong key or algorithm, too early, too late, or for the second time is nobody. Each attack is one
  such defect; the same request without it is let in, before and after.

  Background:
    Given the Portal bob
    And the fake Portals alice and carol
    And bob has added alice as a peer
    And bob has added carol as a peer
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

    @AUTH-5 @ed25519-keys
    Examples: Algorithms of Ed25519 keys, AUTH-5
      | attack                     |
      | alg-of-another-kind-of-key |

    @AUTH-5
    Examples: Algorithms, AUTH-5
      | attack                     |
      | alg-ecdsa-p256             |
      | alg-ecdsa-p384             |
      | alg-hmac                   |
      | alg-rsa-v15                |
      | hmac-with-the-public-key   |
      | hmac-as-ed25519            |
      | hmac-without-alg           |
      | alg-none                   |
      | alg-unknown                |
      | alg-empty                  |
      | alg-in-capitals            |
      | alg-with-a-blank           |
      | alg-of-cavage              |
      | alg-of-jose                |

    @AUTH-5
    Examples: Keys, AUTH-5
      | attack                     |
      | key-of-another-peer        |
      | key-of-a-stranger          |
      | keyid-of-another-peer      |
      | keyid-of-the-portal-itself |
      | keyid-unknown              |
      | keyid-missing              |
      | keyid-empty                |
      | keyid-of-one-character     |
      | keyid-of-five-characters   |
      | keyid-of-an-address        |
      | key-in-a-parameter         |
      | key-in-a-field             |

    @PEER-8
    Examples: Keys, PEER-8
      | attack   |
      | stranger |

    @PEER-10
    Examples: Keys, PEER-10
      | attack                  |
      | keyid-in-capitals       |
      | keyid-of-underscores    |
      | keyid-of-a-percent-sign |
      | keyid-of-an-expression  |
      | keyid-of-a-glob         |
      | keyid-of-an-injection   |
      | keyid-with-a-blank      |
      | keyid-with-another-end  |
      | keyid-of-a-domain       |

    @PEER-9
    Examples: Keys, PEER-9
      | attack                |
      | key-of-a-removed-peer |

    @PEER-11
    Examples: Keys, PEER-11
      | attack           |
      | key-that-changed |

    @AUTH-8
    Examples: Time, AUTH-8
      | attack                  |
      | created-too-old         |
      | created-days-ago        |
      | created-in-1970         |
      | created-negative        |
      | created-in-the-future   |
      | created-hours-ahead     |
      | created-huge            |
      | created-in-milliseconds |
      | old-but-not-expired     |

    @AUTH-7
    Examples: Time, AUTH-7
      | attack                 |
      | expired                |
      | expired-days-ago       |
      | expired-in-1970        |
      | expires-negative       |
      | expires-before-created |

    @AUTH-9
    Examples: Replay, AUTH-9
      | attack                              |
      | replay                              |
      | replay-of-a-body                    |
      | replay-with-fields-reordered        |
      | replay-with-a-field-more            |
      | replay-under-another-label          |
      | replay-with-the-signature-respelled |
      | replay-in-one-line-with-another     |
      | replay-with-host-in-capitals        |
      | nonce-used-for-another-request      |
      | nonce-used-with-another-tag         |
      | nonce-used-by-another-app           |

    @AUTH-3
    Examples: Replay, AUTH-3
      | attack                           |
      | replay-to-another-app            |
      | replay-without-the-nonce         |
      | replay-without-the-covered-field |

  Scenario Outline: Nobody gets in by <attack>, with an RSA key
    Given the fake Portal dave (rsa-pss-sha512)
    And bob has added dave as a peer
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, and its twin is let in

    @AUTH-5
    Examples: Algorithms, AUTH-5
      | attack                       |
      | rsa-v15-under-a-pss-key      |
      | rsa-v15-as-pss               |
      | rsa-v15-without-alg          |
      | pss-with-sha256              |
      | alg-ed25519-under-an-rsa-key |
      | alg-v15-over-a-pss-signature |
      | hmac-with-the-public-rsa-key |

  @ed25519-keys
  Scenario Outline: Nobody gets in by <attack>, with a short ID that two have
    Given the fake Portals dora and dana with the same short ID
    And bob has added dora as a peer
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, and its twin is let in

    @PEER-12
    Examples: Keys, PEER-12
      | attack                     |
      | key-with-the-same-short-id |

    @PEER-11
    Examples: Keys, PEER-11
      | attack                                    |
      | key-with-the-same-short-id-at-the-address |

  @needs-restart
  Scenario Outline: Nobody gets in by <attack> after a restart
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, and its twin is let in

    @AUTH-9
    Examples: Replay, AUTH-9
      | attack                 |
      | replay-after-a-restart |

  Scenario Outline: Nobody gets in by <attack>, between two Portals
    Given the Portal erin
    And erin has added alice as a peer
    And erin runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |
    When the hostile peer tries "<attack>" on bob
    Then nobody is authenticated by it, and its twin is let in

    @AUTH-3
    Examples: Replay, AUTH-3
      | attack                                    |
      | replay-to-another-portal                  |
      | replay-to-another-portal-under-target-uri |

  Scenario Outline: There is no way in by <attack>, between two Portals
    Given the Portal erin
    And erin has added alice as a peer
    And erin runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |
    When the hostile peer tries "<attack>" on bob
    Then it is turned away, and its twin is let in

    @PROXY-1
    Examples: Replay, PROXY-1
      | attack                                          |
      | replay-to-another-portal-under-the-first-s-name |
