Feature: Who is asking
  A request that comes in is a terminal's by its cookie, a peer's by its signature, or nobody's. A signature counts
  only for what it covers, from a key that is a peer's. A signature that does not count is no error: its sender is
  a stranger, who may see what is public.

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
    And bob runs files with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @AUTH-1 @AUTH-2 @PEER-8
  Scenario Outline: A peer's signed <method> is the peer's
    Given a request <method> <target> to bob's chat
    And it is signed by alice
    When it is sent
    Then it is let in as the peer alice

    Examples:
      | method | target                  |
      | GET    | /public/page            |
      | GET    | /peers/inbox            |
      | GET    | /peers/a%20b//c?x=%2F&  |
      | GET    | /peers/x?               |
      | DELETE | /peers/inbox?id=1       |

  @AUTH-2
  Scenario: A peer's signed body is the peer's
    Given a request POST /peers/inbox?x=1 to bob's chat with the body "hello"
      | field        | value      |
      | Content-Type | text/plain |
    And it is signed by alice
    When it is sent
    Then it is let in as the peer alice
    And bob's chat received the body "hello"

  @AUTH-2
  Scenario Outline: A signature over the proxy's question instead of the request counts for nothing on <path>
    Given a request POST <path> to bob's chat
    And it is signed by alice
      | part                  | value                            |
      | covering              | "@method" "@target-uri"          |
      | value of "@method"    | GET                              |
      | value of "@target-uri" | http://portal_core/internal/auth |
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | outcome             |
      | /public/page | let in as anonymous |
      | /peers/inbox | refused             |

  @PEER-8
  Scenario Outline: Somebody who is not a peer is a stranger on <path>, however well it signs
    Given a request GET <path> to bob's chat
    And it is signed by mallory
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | outcome             |
      | /public/page | let in as anonymous |
      | /peers/inbox | refused             |

  @PEER-9
  Scenario Outline: A removed peer is a stranger on <path> at once
    Given a request GET <path> to bob's chat
    And it is signed by alice
    When it is sent
    Then it is let in as the peer alice
    When bob removes the peer alice
    And a request GET <path> to bob's chat
    And it is signed by alice
    And it is sent
    Then it is <outcome>

    Examples:
      | path         | outcome             |
      | /public/page | let in as anonymous |
      | /peers/inbox | refused             |

  @AUTH-3 @AUTH-10
  Scenario: As it was signed, the same request is the peer's
    Given a request GET /peers/inbox?amount=1 to bob's chat
      | field  | value  |
      | X-Note | please |
    And it is signed by alice
      | part     | value                            |
      | covering | "@method" "@target-uri" "x-note" |
      | mood     | good                             |
    When it is sent
    Then it is let in as the peer alice

  @AUTH-3 @AUTH-10
  Scenario Outline: What leaves the values as they were does no harm: <what>
    Given a request GET /peers/inbox?amount=1 to bob's chat
      | field  | value  |
      | X-Note | please |
    And it is signed by alice
      | part     | value                                            |
      | covering | "@method" "@authority" "@path" "@query" "x-note" |
    And after signing, <change>
    When it is sent
    Then it is let in as the peer alice

    Examples:
      | what                          | change                                                  |
      | a field that isn't covered    | the field "X-Other" with "new" is added                 |
      | spaces around a covered value | its field "X-Note" becomes "   please  "                |

  @AUTH-3 @AUTH-10 @level-should
  Scenario: A host in capitals is the same host
    Given a request GET /peers/inbox?amount=1 to bob's chat
    And it is signed by alice
      | part     | value                                   |
      | covering | "@method" "@authority" "@path" "@query" |
    And after signing, its host becomes "CHAT.{bob.domain}"
    When it is sent
    Then it is let in as the peer alice

  @AUTH-5
  Scenario Outline: An algorithm that is not the key's makes it nobody's on <path>: <alg>
    Given a request GET <path> to bob's chat
    And it is signed by alice
      | part | value |
      | alg  | <alg> |
      | key  | <key> |
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | alg               | key                          | outcome             |
      | /public/page | hmac-sha256       | HMAC with its own public key | let in as anonymous |
      | /public/page | none              | alice                        | let in as anonymous |
      | /public/page | ED25519           | alice                        | let in as anonymous |
      | /peers/inbox | ecdsa-p256-sha256 | alice                        | refused             |
      | /peers/inbox | hmac-sha256       | HMAC with its own public key | refused             |
      | /peers/inbox | none              | alice                        | refused             |
      | /peers/inbox | ED25519           | alice                        | refused             |
      | /peers/inbox | ed25519           | HMAC with its own public key | refused             |
      | /peers/inbox |                   | alice                        | let in as the peer alice |

    @ed25519-keys
    Examples: alice's key is an Ed25519 key
      | path         | alg               | key                          | outcome             |
      | /public/page | rsa-pss-sha512    | alice                        | let in as anonymous |
      | /peers/inbox | rsa-pss-sha512    | alice                        | refused             |
      | /peers/inbox | ed25519           | alice                        | let in as the peer alice |

  @AUTH-5
  Scenario Outline: A keyid that does not lead to the signer's key makes it nobody's on <path>: <keyid>
    Given a request GET <path> to bob's chat
    And it is signed by <signer>
      | part  | value   |
      | keyid | <keyid> |
    When it is sent
    Then it is <outcome>

    Examples:
      | path         | signer  | keyid              | outcome                  |
      | /public/page | mallory | {alice.short_id}   | let in as anonymous      |
      | /public/page | carol   | {alice.short_id}   | let in as anonymous      |
      | /public/page | alice   | aaaaaa             | let in as anonymous      |
      | /public/page | alice   |                    | let in as anonymous      |
      | /peers/inbox | mallory | {alice.short_id}   | refused                  |
      | /peers/inbox | carol   | {alice.short_id}   | refused                  |
      | /peers/inbox | alice   | aaaaaa             | refused                  |
      | /peers/inbox | alice   |                    | refused                  |
      | /peers/inbox | alice   | ______             | refused                  |
      | /peers/inbox | alice   | %                  | refused                  |
      | /peers/inbox | alice   | a                  | refused                  |
      | /peers/inbox | alice   | {alice.short_id}   | let in as the peer alice |
      | /peers/inbox | carol   | {carol.short_id}   | let in as the peer carol |

  @AUTH-12
  Scenario Outline: Who is asking <with>
    Given bob has paired the terminal phone
    And a request GET <path> to bob's chat
    And it <first>
    And it <second>
    When it is sent
    Then it is <outcome>

    Examples:
      | with                              | path         | first                                    | second                                   | outcome                      |
      | with a cookie and a signature     | /notes       | carries the cookie of the terminal phone | is signed by alice                       | let in as the terminal phone |
      | with a signature and a cookie     | /public/page | is signed by alice                       | carries the cookie of the terminal phone | let in as the terminal phone |
      | as both, where peers alone may go | /peers/inbox | is signed by alice                       | carries the cookie of the terminal phone | refused                      |

  @AUTH-12
  Scenario: Who is asking with neither cookie nor signature
    When a stranger sends GET /public/page to bob's chat
    Then it is let in as anonymous
    When a stranger sends GET /peers/inbox to bob's chat
    Then it is refused
