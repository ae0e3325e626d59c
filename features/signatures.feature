Feature: The signature of a call
  The Core signs what its apps send to peers: which request, to whom, from whom, when, and with which body. What the
  peer receives can be traced to one Portal and to nothing else.

  Background:
    Given the Portal alice
    And the fake Portal bob
    And alice has added bob as a peer
    And alice runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |

  @SIG-1
  Scenario Outline: A <method> is signed
    When alice's chat calls bob with <method> <target>
    Then the request that bob received carries exactly one signature of alice, and it is valid

    Examples:
      | method  | target                     |
      | GET     | /peers/inbox               |
      | GET     | /                          |
      | GET     | /x?                        |
      | GET     | /x?b=2&a=1&a=%20+          |
      | DELETE  | /peers/%c3%a9//b/../c;d=,~ |
      | OPTIONS | /peers/inbox               |

  @SIG-3
  Scenario Outline: A request with <body> is signed with its digest
    When alice's chat calls bob with POST /peers/inbox and <body>
    Then the request that bob received carries exactly one signature of alice, and it is valid
    And alice's signature covers "content-digest"
    And the request that bob received has the Content-Digest of its body
    And bob received the body that was sent

    Examples:
      | body              |
      | the body "hello"  |
      | a body of 1 bytes |
      | a body of 65 KiB  |
      | a body of 3 MiB   |

  @SIG-3
  Scenario Outline: The body of a <method> is covered too
    When alice's chat calls bob with <method> /peers/inbox and the body "hello"
    Then alice's signature covers "content-digest"
    And the request that bob received has the Content-Digest of its body

    Examples:
      | method |
      | PUT    |
      | PATCH  |
      | DELETE |

  @SIG-3
  Scenario Outline: A Content-Digest of the app's own never goes on wrong: <digest>
    When alice's chat calls bob with POST /peers/inbox and the body "hello"
      | field          | value    |
      | Content-Digest | <digest> |
    Then the answer is <status>
    And whatever bob received has the Content-Digest of its body

    Examples:
      | digest                                                      | status     |
      | sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:       | 200        |
      | sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:       | 200 or 400 |
      | nonsense                                                    | 200 or 400 |

  @SIG-2
  Scenario: Method and target are covered
    When alice's chat calls bob with GET /peers/inbox?x=1
    Then alice's signature covers the method and the whole target

  @SIG-2
  Scenario: Method and target are covered beside a body too
    When alice's chat calls bob with PUT /peers/inbox?x=1 and the body "hello"
    Then alice's signature covers the method and the whole target

  @SIG-4
  Scenario: Sender and time are named
    When alice's chat calls bob with GET /peers/inbox
    Then alice's signature has the parameters
      | parameter | value            |
      | keyid     | {alice.short_id} |
      | created   | now              |

  @SIG-4 @needs-clock
  Scenario: The time is that of the Core's clock
    Given alice's clock is 2 hours ahead
    When alice's chat calls bob with GET /peers/inbox
    Then alice's signature has the parameters
      | parameter | value      |
      | created   | in 2 hours |
    When 10 minutes pass
    And alice's chat calls bob with GET /peers/inbox
    Then alice's signature has the parameters
      | parameter | value      |
      | created   | in 2 hours |

  @SIG-5 @SIG-4
  Scenario Outline: A Portal with a key for <kind> signs with it
    Given the Portal carol (<kind>)
    And carol has added bob as a peer
    And carol runs chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
    When carol's chat calls bob with POST /peers/inbox and the body "hello"
    Then the request that bob received carries exactly one signature of carol, and it is valid
    And carol's signature has the parameters
      | parameter | value            |
      | keyid     | {carol.short_id} |
      | alg       | <kind> or absent |

    @ed25519-keys
    Examples: Ed25519
      | kind    |
      | ed25519 |

    Examples: RSA
      | kind           |
      | rsa-pss-sha512 |

  @SIG-6
  Scenario: A nonce and a tag are there
    When alice's chat calls bob with GET /peers/inbox
    Then alice's signature has the parameters
      | parameter | value             |
      | nonce     | at least 128 bits |
      | tag       | any               |

  @SIG-6
  Scenario: No two calls share a nonce, not even equal ones at the same moment
    When alice's chat calls bob 30 times at the same moment with GET /peers/inbox
    Then bob received 30 requests
    And no two requests that bob ever received share a nonce or a signature

  @SIG-6
  Scenario: What is sent once more is signed anew
    Given bob breaks off the first call that comes
    When alice's chat calls bob with GET /peers/inbox
    And alice's chat calls bob with GET /peers/inbox
    Then the answer is 200
    And no two requests that bob ever received share a nonce or a signature

  @SIG-7
  Scenario: Nothing is covered that is changed on the way
    When alice's chat calls bob with POST /peers/inbox and the body "hello"
      | field            | value         |
      | Connection       | X-Only-Here   |
      | X-Only-Here      | yes           |
      | TE               | trailers      |
      | X-Forwarded-Host | evil.example  |
      | Forwarded        | for=127.0.0.9 |
      | Via              | 1.1 app       |
    Then the request that bob received carries exactly one signature of alice, and it is valid
    And alice's signature covers none of the fields
      | field               |
      | host                |
      | content-length      |
      | connection          |
      | x-only-here         |
      | keep-alive          |
      | te                  |
      | trailer             |
      | transfer-encoding   |
      | upgrade             |
      | expect              |
      | via                 |
      | forwarded           |
      | x-forwarded-for     |
      | x-forwarded-host    |
      | x-forwarded-proto   |
      | x-forwarded-uri     |
      | x-forwarded-method  |

  @SIG-1
  Scenario: A signature of the app's own arrives unchanged beside the Portal's
    When alice's chat calls bob with GET /peers/inbox
      | field           | value                                                   |
      | Signature-Input | mine=("@method" "x-note");created=1700000000;keyid="app" |
      | Signature       | mine=:bm90IGNoZWNrZWQgYnkgYW55Ym9keSBoZXJl:             |
      | X-Note          | from the app                                            |
    Then the request that bob received carries exactly one signature of alice, and it is valid
    And the signature of the app with the keyid "app" arrived unchanged at bob

  @SIG-1
  Scenario: An app's signature under the Portal's usual label does not clash
    When alice's chat calls bob with GET /peers/inbox
    Then the request that bob received carries exactly one signature of alice, and it is valid
    When alice's chat calls bob with GET /peers/inbox
      | field           | value                                                            |
      | Signature-Input | {alice.label}=("@method");created=1700000000;keyid="app"         |
      | Signature       | {alice.label}=:bm90IGNoZWNrZWQgYnkgYW55Ym9keSBoZXJl:             |
    Then the request that bob received carries exactly one signature of alice, and it is valid
    And the signature of the app with the keyid "app" arrived unchanged at bob

  @SIG-1
  Scenario Outline: Broken signature fields of the app don't spoil the Portal's: <input>
    When alice's chat calls bob with GET /peers/inbox
      | field           | value       |
      | Signature-Input | <input>     |
      | Signature       | <signature> |
    Then the answer is <status>
    And whatever bob received carries exactly one signature of alice, and it is valid

    Examples:
      | input                          | signature  | status     |
      | mine=("@method");created=1     | mine=:AA=: | 200        |
      | mine=("@method";created=1      | mine=:AA=: | 200 or 400 |
      | mine=("@method");created=1     | ???        | 200 or 400 |
      |                                |            | 200 or 400 |

  @SIG-1 @SIG-3
  Scenario: A signed call is verified by a peer's real Core
    Given the Portal dora
    And alice and dora are peers
    And dora runs chat with the paths
      | path     | access  | headers  |
      |          | peer    | identity |
    When alice's chat calls dora with POST /a%20b?q=%2F&r and the body "hello"
    Then it is let in as the peer alice
    And dora's chat received the body "hello"
