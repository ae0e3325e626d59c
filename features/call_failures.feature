Feature: Calls that can't be made
  An app learns why a call came to nothing: nobody of that name, nobody at home, no answer, too much.
  Whatever an app or a peer tries, the Core signs and sends nothing to anywhere but the peer.

  Background:
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /peers/  | peer    | identity |

  @CALL-5
  Scenario: A Portal that is not a peer can't be called
    Given the fake Portal carol
    When alice's chat calls "{carol.short_id}" with GET /peers/inbox
    Then the answer is 404 with a reason
    And alice's Core connected to nobody
    When alice adds carol as a peer
    And alice's chat calls "{carol.short_id}" with GET /peers/inbox
    Then the answer is 200
    And carol received GET /peers/inbox

  @CALL-5
  Scenario: A peer that was removed can't be called any more
    When alice removes the peer bob
    And alice's chat calls "{bob.id}" with GET /peers/inbox
    Then the answer is 404 with a reason
    And bob's chat received nothing

  @CALL-5
  Scenario: A peer that is away is a bad gateway, until it comes back
    Given bob is away
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is 502 with a reason
    When bob comes back
    And alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice

  @CALL-5
  Scenario: A peer that never answers is a gateway timeout
    Given bob's chat never answers
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is 504 with a reason
    When bob's chat answers 200
    And alice's chat calls bob with GET /peers/inbox
    Then the answer is 200

  @CALL-5
  Scenario: A peer that takes the connection and says nothing is a gateway timeout
    Given the fake Portal carol
    And alice has added carol as a peer
    And carol never answers
    When alice's chat calls carol with GET /peers/inbox
    Then the answer is 504 with a reason

  @CALL-5
  Scenario Outline: A body <size> the limit
    When alice's chat calls bob with POST /peers/upload and a body <size> the limit
    Then the answer is <status>
    And bob's chat received <requests> requests

    Examples:
      | size | status | requests |
      | at   | 200    | 1        |
      | over | 413    | 0        |

  @CALL-5
  Scenario: A body over the limit is refused with a reason, and the Core goes on working
    When alice's chat calls bob with POST /peers/upload and a body over the limit
    Then the answer is 413 with a reason
    And alice's Core connected to nobody
    When alice's chat calls bob with POST /peers/upload and a body of 100 KiB
    Then the answer is 200
    And bob's chat received the body that was sent

  @CALL-5
  Scenario: An answer that breaks off is not passed off as whole
    Given bob's chat breaks off in the middle of its answer
    When alice's chat calls bob with GET /peers/video
    Then the answer breaks off, or is 502
    When bob's chat answers 200 with the body "again"
    And alice's chat calls bob with GET /peers/video
    Then the answer's body is "again"

  @CALL-5
  Scenario: An app that breaks off in the middle of its request sends nothing
    When alice's chat calls bob with POST /peers/upload and breaks off in the middle of the body
    Then bob's chat received nothing
    When alice's chat calls bob with POST /peers/upload and the body "whole"
    Then the answer is 200
    And bob's chat received the body "whole"

  @CALL-6
  Scenario Outline: Nothing but a peer's ID is called: <peer>
    When alice's chat calls "<peer>" with GET /peers/inbox
    Then the answer is 400, 403, 404 or 422
    And alice's Core connected to nobody
    And bob's chat received nothing

    Examples:
      | peer                           |
      | evil.example                   |
      | evil.example%23                |
      | evil.example%2F                |
      | evil.example%3Fx               |
      | {bob.short_id}.evil.example    |
      | {bob.short_id}:8443            |
      | {bob.short_id}%00              |
      | x@{bob.short_id}               |
      | {bob.short_id}@evil.example    |
      | ______                         |
      | %25%25%25%25%25%25             |
      | .*                             |
      | ......                         |
      | *                              |
      | ..                             |
      | %2e%2e%2f                      |
      | localhost                      |
      | 127.0.0.1                      |

  @CALL-6
  Scenario: An ID in capitals is not guessed at
    When alice's chat calls "{bob.id.upper[:20]}" with GET /peers/inbox
    Then the answer is 400, 403, 404 or 422
    And bob's chat received nothing
    When alice's chat calls "{bob.short_id}" with GET /peers/inbox
    Then it is let in as the peer alice

  @CALL-6
  Scenario Outline: The rest of the path can't lead to another host: <rest>
    Given the fake Portal carol
    And alice has added carol as a peer
    When alice's chat calls bob with GET <rest>
    Then alice's Core connected to nobody but "chat.{bob.domain}"
    And carol received nothing

    Examples:
      | rest                           |
      | //{carol.domain}/peers/inbox   |
      | /@{carol.domain}/peers/inbox   |
      | /https://{carol.domain}/       |
      | /../../../{carol.short_id}/x   |
      | /peers/x?@{carol.domain}/      |

  @CALL-6 @needs-door
  Scenario: The door of an app leads to no other host
    When alice's chat requests "http://evil.example/" through its door
    Then the answer is 400, 403, 404 or 502
    And alice's Core connected to nobody
    When alice's chat requests "http://portal_core/internal/call_peer/{bob.short_id}/peers/inbox" through its door
    Then it is let in as the peer alice

  @CALL-7
  Scenario Outline: A <status> is handed back, not followed
    Given the fake Portal carol
    And alice has added carol as a peer
    And bob's chat answers <status> with the body "over there"
      | field    | value                             |
      | Location | https://chat.{carol.domain}/loot |
    When alice's chat calls bob with POST /peers/inbox and the body "secret"
    Then the answer is <status>
    And the answer has the fields
      | field    | value                             |
      | Location | https://chat.{carol.domain}/loot |
    And the answer's body is "over there"
    And carol received nothing
    And alice's Core connected to nobody but "chat.{bob.domain}"

    Examples:
      | status |
      | 301    |
      | 302    |
      | 303    |
      | 307    |
      | 308    |

  @CALL-7
  Scenario: Not even a redirect to the same Portal is followed
    Given bob's chat answers 307
      | field    | value                               |
      | Location | https://chat.{bob.domain}/peers/two |
    When alice's chat calls bob with GET /peers/one
    Then the answer is 307
    And bob's chat received GET /peers/one

  @CALL-8
  Scenario Outline: A peer <whose> is not called
    Given the fake Portal carol
    And alice has added carol as a peer
    And carol <presents>
    When alice's chat calls carol with POST /peers/inbox and the body "secret"
    Then the answer is 502 with a reason
    And carol received nothing

    Examples:
      | whose                              | presents                                       |
      | whose certificate has expired      | presents an expired certificate                |
      | whose certificate is not valid yet | presents a certificate that is not yet valid   |
      | whose certificate has another name | presents a certificate for another name        |
      | whose certificate is nobody's      | presents a certificate of an unknown authority |
      | whose certificate is its own       | presents a certificate signed by itself        |
      | that speaks without TLS            | speaks plain HTTP where TLS is expected        |
      | that breaks off the handshake      | breaks off the TLS handshake                   |

  @CALL-8
  Scenario: A peer with a proper certificate is called
    Given the fake Portal carol
    And alice has added carol as a peer
    When alice's chat calls carol with POST /peers/inbox and the body "secret"
    Then the answer is 200
    And carol received the body "secret"

  @CALL-8 @needs-clock
  Scenario: A certificate is judged by the Core's own clock
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice
    When 88000 hours pass on alice's clock
    And alice's chat calls bob with GET /peers/inbox
    Then the answer is 502 with a reason
    And bob's chat received nothing
