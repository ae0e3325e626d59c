Feature: Signatures of every proper form
  Portals differ in age and make. Whatever RFC 9421 allows and covers the method and the whole target is understood,
  and other people's signatures on the same request do no harm.

  Background:
    Given the Portal bob
    And the fake Portals alice, carol and mallory
    And bob has added alice as a peer
    And bob has added carol as a peer
    And bob runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @AUTH-10
  Scenario Outline: A signature of <kind> is understood, with the target <form>
    Given the fake Portal dave (<kind>)
    And bob has added dave as a peer
    And a request GET /peers/inbox?a=1&b=%20 to bob's chat
    And it is signed by dave
      | part     | value      |
      | covering | <covering> |
    When it is sent
    Then it is let in as the peer dave

    Examples:
      | kind           | form                  | covering                                |
      | ed25519        | as one                | "@method" "@target-uri"                 |
      | ed25519        | in parts              | "@method" "@authority" "@path" "@query" |
      | rsa-pss-sha512 | as one                | "@method" "@target-uri"                 |
      | rsa-pss-sha512 | in parts              | "@method" "@authority" "@path" "@query" |

  @AUTH-3 @AUTH-5
  Scenario Outline: A changed request with an rsa-pss-sha512 signature is nobody's on <path>
    Given the fake Portal dave (rsa-pss-sha512)
    And bob has added dave as a peer
    And a request GET <path>?a=1 to bob's chat
    And it is signed by dave
      | part | value |
      | alg  | <alg> |
    And after signing, its query becomes "<query>"
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | alg             | query | outcome                 |
      | /public/page | rsa-pss-sha512  | a=2   | let in as anonymous     |
      | /peers/inbox | rsa-pss-sha512  | a=2   | refused                 |
      | /public/page | rsa-v1_5-sha256 | a=1   | let in as anonymous     |
      | /peers/inbox | rsa-v1_5-sha256 | a=1   | refused                 |
      | /peers/inbox | ed25519         | a=1   | refused                 |
      | /peers/inbox | rsa-pss-sha512  | a=1   | let in as the peer dave |

  @AUTH-10
  Scenario Outline: More may be covered, in any order: <covering>
    Given a request POST /peers/inbox?x=1 to bob's chat with the body "hello"
      | field        | value                         |
      | Date         | Sun, 22 Nov 2026 16:04:11 GMT |
      | Content-Type | text/plain                    |
      | X-Note       | one                           |
      | X-Note       | two                           |
      | X-Empty      |                               |
    And it is signed by alice
      | part     | value      |
      | covering | <covering> |
    When it is sent
    Then it is let in as the peer alice

    Examples:
      | covering                                                                 |
      | "@query" "@path" "@authority" "@method"                                  |
      | "@method" "@authority" "@target-uri" "date"                              |
      | "date" "@target-uri" "content-digest" "content-type" "@method"           |
      | "@method" "@target-uri" "x-note" "x-empty"                               |
      | "@method" "@target-uri" "@scheme" "@request-target" "@path"              |
      | "@method" "@target-uri" "@query-param";name="x"                          |

  @AUTH-10
  Scenario Outline: Parameters may stand in any order, and unknown ones too: <order>
    Given a request GET /peers/inbox to bob's chat
    And it is signed by alice
      | part  | value   |
      | mood  | good    |
      | order | <order> |
    When it is sent
    Then it is let in as the peer alice

    Examples:
      | order                            |
      | created keyid alg nonce tag mood |
      | mood tag nonce alg keyid created |
      | keyid mood created tag alg nonce |

  @AUTH-10
  Scenario Outline: Any label will do: <label>
    Given a request GET /peers/inbox to bob's chat
    And it is signed by alice
      | part  | value   |
      | label | <label> |
    When it is sent
    Then it is let in as the peer alice

    Examples:
      | label     |
      | sig1      |
      | pyhms     |
      | *a-b.c_9* |

  @AUTH-10
  Scenario: A signature without nonce, tag and alg is understood
    Given a request GET /peers/inbox to bob's chat
    And it is signed by alice
      | part  | value |
      | nonce |       |
      | tag   |       |
      | alg   |       |
    When it is sent
    Then it is let in as the peer alice

  @AUTH-11
  Scenario: A stranger's signature beside the peer's hurts nothing
    Given a request GET /peers/inbox to bob's chat
    And it is signed by mallory
    And it is signed by alice
    When it is sent
    Then it is let in as the peer alice

  @AUTH-11
  Scenario Outline: A bad signature beside the peer's hurts nothing: <bad>
    Given a request GET /peers/inbox to bob's chat
    And it is signed by mallory
      | part     | value      |
      | covering | <covering> |
      | keyid    | <keyid>    |
      | alg      | <alg>      |
    And it is signed by alice
    When it is sent
    Then it is let in as the peer alice

    Examples:
      | bad                          | covering                            | keyid            | alg         |
      | one that covers nothing      |                                     | {mallory.short_id} | ed25519   |
      | one of an unknown algorithm  | "@method" "@target-uri"             | {mallory.short_id} | moon-sign |
      | one under the peer's keyid   | "@method" "@target-uri"             | {alice.short_id} | ed25519     |
      | one over a missing field     | "@method" "@target-uri" "x-missing" | {alice.short_id} | ed25519     |
      | one without keyid            | "@method" "@target-uri"             |                  | ed25519     |

  @AUTH-11
  Scenario Outline: Among <count> others the peer's signature is found
    Given a request GET /peers/inbox to bob's chat
    And it is signed <count> times by mallory
    And it is signed by alice
    When it is sent
    Then it is let in as the peer alice

    Examples:
      | count |
      | 1     |
      | 7     |

  @AUTH-11 @AUTH-5
  Scenario Outline: Many signatures, none of them a peer's, are nobody's on <path>
    Given a request GET <path> to bob's chat
    And it is signed 3 times by mallory
    And it is signed by mallory
      | part  | value            |
      | keyid | {alice.short_id} |
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | outcome             |
      | /public/page | let in as anonymous |
      | /peers/inbox | refused             |
