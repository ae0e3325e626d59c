Feature: Calling a peer
  An app reaches the same app on a friend's Portal by handing its request to its own Core, which signs it and
  sends it on. What the app sends arrives as it was sent, and what the friend's app answers comes back as it was given.

  Background:
    Given the Portals alice and bob
    And alice and bob are peers
    And alice and bob run chat with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /public/ | public  | identity |
      | /peers/  | peer    | identity |

  @CALL-1
  Scenario: An app calls the same app on a peer
    Given bob's chat answers 200 with the body "hello alice"
    When alice's chat calls bob with GET /peers/foo/bar
    Then it is let in as the peer alice
    And bob's chat received GET /peers/foo/bar
    And the answer's body is "hello alice"

  @CALL-1
  Scenario Outline: A peer can be called by <by>
    When alice's chat calls "<peer>" with GET /peers/inbox
    Then the answer is <status>

    Examples:
      | by                        | peer            | status               |
      | its short ID              | {bob.short_id}  | 200                  |
      | the start of its ID       | {bob.id[:20]}   | 200                  |
      | its whole ID              | {bob.id}        | 200                  |
      | too little of its ID      | {bob.id[:5]}    | 400, 403, 404 or 422 |
      | its ID and one more       | {bob.id}a       | 400, 403, 404 or 422 |

  @CALL-1 @PEER-17
  Scenario: The id that is listed can be called
    When alice's chat calls "{alice.listed.bob}" with GET /peers/inbox
    Then it is let in as the peer alice

  @CALL-1
  Scenario: A short ID that two peers share is not enough
    Given the fake Portals carol and carla with the same short ID
    And alice has added carol as a peer
    And carla takes over carol's address
    And alice has added carla as a peer
    When alice's chat calls "{carol.short_id}" with GET /peers/inbox
    Then the answer is 409
    And carla received nothing
    When alice's chat calls "{carla.id}" with GET /peers/inbox
    Then the answer is 200
    And carla received GET /peers/inbox

  @CALL-1 @needs-door
  Scenario: A Portal's usual internal address works too
    When alice's chat requests "http://portal_core/internal/call_peer/{bob.short_id}/peers/inbox?x=1" through its door
    Then it is let in as the peer alice
    And bob's chat received GET /peers/inbox?x=1

  @CALL-2
  Scenario: An app cannot call as another app
    Given alice and bob run files with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /peers/  | peer    | identity |
    When alice's chat calls bob with GET /peers/inbox
      | field            | value                |
      | X-Forwarded-Host | files.{alice.domain} |
      | X-Forwarded-For  | 127.0.0.9            |
      | X-App-Name       | files                |
      | X-Ptl-App        | files                |
      | Host             | files                |
      | Origin           | http://files         |
    Then bob's files received nothing
    And bob's chat received GET /peers/inbox
    When alice's files calls bob with GET /peers/inbox
    Then bob's files received GET /peers/inbox
    And bob's chat received nothing

  @CALL-2 @needs-source-address
  Scenario: An address that is given to another app calls as that app
    Given alice and bob run files with the paths
      | path     | access  | headers  |
      |          | private | identity |
      | /peers/  | peer    | identity |
    And alice's chat has the address 127.0.0.21
    When 127.0.0.21 calls bob with GET /peers/inbox through alice's Core
    Then bob's chat received GET /peers/inbox
    When alice's files has the address 127.0.0.21
    And 127.0.0.21 calls bob with GET /peers/inbox through alice's Core
    Then bob's files received GET /peers/inbox
    And bob's chat received nothing

  @CALL-2 @needs-source-address
  Scenario: An address that belongs to no app calls nobody
    Given alice's chat has the address 127.0.0.21
    When 127.0.0.22 calls bob with GET /peers/inbox through alice's Core
    Then the answer is 401, 403 or 404
    And bob's chat received nothing
    When 127.0.0.21 calls bob with GET /peers/inbox through alice's Core
    Then bob's chat received GET /peers/inbox

  @CALL-3
  Scenario Outline: Any method arrives: <method>
    When alice's chat calls bob with <method> /peers/inbox
    Then the answer is 200
    And bob's chat received <method> /peers/inbox

    Examples:
      | method  |
      | GET     |
      | HEAD    |
      | POST    |
      | PUT     |
      | PATCH   |
      | DELETE  |
      | OPTIONS |
      | REPORT  |

  @CALL-3
  Scenario Outline: Path and query arrive as they were written: <target>
    When alice's chat calls bob with GET <target>
    Then it is let in as the peer alice
    And bob's chat received GET <target>

    Examples:
      | target                              |
      | /peers/                             |
      | /peers/a%20b%2Fc                    |
      | /peers/%c3%a9t%C3%A9                |
      | /peers/%61%2Fb%3Bc%3D%7e            |
      | /peers/a//b                         |
      | /peers/a;v=1,2/@me/~x/(y)/z!$&'*+=: |
      | /peers/x?                           |
      | /peers/x?a=1&a=2&b                  |
      | /peers/x?q=a+b%20c&u=https://e.x/?y |
      | /peers/x?%25zz&=&&                  |
      | /peers/x??/../y                     |

  # RFC 3986 §2.1: a percent sign begins two hexadecimal digits. Whoever can't sign anything else says so.
  @CALL-3
  Scenario Outline: A target that is no URI arrives as it was written, or not at all: <target>
    When alice's chat calls bob with GET <target>
    Then the answer is 200, 400 or 401
    And bob's chat received nothing, or GET <target>

    Examples:
      | target                              |
      | /peers/x?%zz&=&&                    |
      | /peers/100%                         |

  @CALL-3
  Scenario Outline: The body arrives as it was sent: <body>
    When alice's chat calls bob with POST /peers/inbox and <body>
    Then it is let in as the peer alice
    And bob's chat received the body that was sent

    Examples:
      | body                     |
      | the body "hello"         |
      | the body ""              |
      | a body of 1 bytes        |
      | a body of 65 KiB         |
      | a body of 3 MiB          |

  @CALL-3
  Scenario: What an app says end to end arrives
    When alice's chat calls bob with POST /peers/inbox and the body "{}"
      | field           | value                       |
      | Content-Type    | application/json; charset=x |
      | Accept          | text/plain;q=0.5, */*       |
      | Accept-Language | de                          |
      | Authorization   | Bearer of-the-apps-own      |
      | Cookie          | theme=dark                  |
      | Cache-Control   | no-store                    |
      | X-Trace         | one                         |
      | X-Trace         | two                         |
      | X-Empty         |                             |
    Then it is let in as the peer alice
    And bob's chat received the fields
      | field           | value                       |
      | Content-Type    | application/json; charset=x |
      | Accept          | text/plain;q=0.5, */*       |
      | Accept-Language | de                          |
      | Authorization   | Bearer of-the-apps-own      |
      | Cookie          | theme=dark                  |
      | Cache-Control   | no-store                    |
      | X-Trace         | one                         |
      | X-Trace         | two                         |
      | X-Empty         |                             |

  @CALL-3
  Scenario: What concerns only one hop, or the caller's own Portal, stays there
    Given the fake Portal carol
    And alice has added carol as a peer
    When alice's chat calls carol with GET /peers/inbox
      | field               | value                                  |
      | Connection          | X-Only-Here                            |
      | X-Only-Here         | yes                                    |
      | Keep-Alive          | timeout=5                              |
      | Proxy-Authorization | Basic Zm9v                             |
      | TE                  | gzip                                   |
      | Cookie              | authorization=the-owners; theme=dark   |
      | X-Ptl-Client-Type   | terminal                               |
      | X-Forwarded-Host    | evil.example                           |
      | X-Forwarded-For     | 203.0.113.7                            |
      | X-Stays             | yes                                    |
    Then the answer is 200
    And carol received none of the fields
      | field               |
      | X-Only-Here         |
      | Keep-Alive          |
      | Proxy-Authorization |
      | TE                  |
      | X-Ptl-Client-Type   |
      | X-Forwarded-Host    |
      | X-Forwarded-For     |
    And carol received the fields
      | field   | value      |
      | Cookie  | theme=dark |
      | X-Stays | yes        |

  # What HTTP clients do unasked: they keep cookies, take answers apart, and say what they would like.
  @CALL-3
  Scenario: A cookie that a peer sets is kept by the app, if by anybody
    Given bob's chat answers 200
      | field      | value           |
      | Set-Cookie | session=of-bobs |
    When alice's chat calls bob with GET /peers/login
    Then the answer has the fields
      | field      | value           |
      | Set-Cookie | session=of-bobs |
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice
    And bob's chat received none of the fields
      | field  |
      | Cookie |

  @CALL-4
  Scenario: An answer that is encoded comes back as it was given
    Given bob's chat answers 200 with the body "gzip, so it says"
      | field            | value |
      | Content-Encoding | gzip  |
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is 200
    And the answer's body is "gzip, so it says"
    And the answer has the fields
      | field            | value |
      | Content-Encoding | gzip  |

  @CALL-3 @level-should
  Scenario: The Core wishes for nothing in the app's name
    When alice's chat calls bob with GET /peers/inbox
    Then it is let in as the peer alice
    And bob's chat received none of the fields
      | field           |
      | Accept-Encoding |
      | Accept-Language |
      | Range           |

  @CALL-4
  Scenario Outline: A <status> of the peer's app comes back
    Given bob's chat answers <status> with the body "<body>"
      | field        | value      |
      | Content-Type | text/plain |
      | X-Answer     | first      |
      | X-Answer     | second     |
      | Set-Cookie   | a=1        |
      | Set-Cookie   | b=2        |
    When alice's chat calls bob with POST /peers/inbox
    Then the answer is <status>
    And the answer's body is "<body>"
    And the answer has the fields
      | field        | value      |
      | Content-Type | text/plain |
      | X-Answer     | first      |
      | X-Answer     | second     |
      | Set-Cookie   | a=1        |
      | Set-Cookie   | b=2        |

    Examples:
      | status | body          |
      | 200    | fine          |
      | 201    |               |
      | 206    | a part        |
      | 299    | of our own    |

  @CALL-4 @CALL-5
  Scenario Outline: The peer's own <status> passes through
    Given bob's chat answers <status> with the body "says the app"
    When alice's chat calls bob with GET /peers/inbox
    Then the answer is <status>
    And the answer's body is "says the app"
    And bob's chat received 1 request

    Examples:
      | status |
      | 400    |
      | 401    |
      | 404    |
      | 429    |
      | 500    |
      | 502    |
      | 503    |

  @CALL-4
  Scenario: A large answer comes back whole
    Given bob's chat answers 200 with a body of 9 MiB
    When alice's chat calls bob with GET /peers/video
    Then the answer is 200
    And the answer's body is complete

  @CALL-4
  Scenario: An answer is passed on while it is still being made
    Given bob's chat answers in two halves, the second when the first has arrived
    When alice's chat calls bob with GET /peers/events
    Then the answer is 200
    And the answer's body is complete

  @CALL-4
  Scenario: What concerns one hop of the answer does not come back
    Given the fake Portal carol
    And alice has added carol as a peer
    And carol answers 200 with the body "hello"
      | field        | value       |
      | Connection   | X-Only-Here |
      | X-Only-Here  | yes         |
      | X-Stays      | yes         |
    When alice's chat calls carol with GET /peers/inbox
    Then the answer is 200
    And the answer has the fields
      | field        | value |
      | X-Only-Here  |       |
      | X-Stays      | yes   |

  @CALL-4
  Scenario: An answer without body has none
    When alice's chat calls bob with HEAD /peers/inbox
    Then the answer is 200
    And the answer's body is ""
